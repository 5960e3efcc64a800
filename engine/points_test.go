package engine

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/engine/rule"
)

// TestPointsFromRequestToRequest makes sure that rendered points that are kept
// are those that would be rendered anew.
func TestPointsFromRequestToRequest(t *testing.T) {
	pointsOf := func(e *Engine, q *request) (list []string) {
		tx := e.Begin(nil, Env{Mode: rule.Block, Observe: true})
		defer tx.Close()
		tx.Headers(q.head())
		tx.Body([]byte(q.body))
		tx.End()
		for _, v := range tx.Report().Values {
			list = append(list, string(v.Point))
		}
		return list
	}
	warm := New(Options{})
	for i := range 300 {
		body := fmt.Sprintf(`{"a%d":[{"b":1},{"b":2}],"c":[[1,2],[3]],"a long name of a member, which says %[1]d at length":true}`, i*7%100)
		q := request{"POST", fmt.Sprintf("/x?p%d=1&q[]=2&q[]=3", i), []string{"Content-Type", "application/json"}, body}
		if diff := cmp.Diff(pointsOf(New(Options{}), &q), pointsOf(warm, &q)); diff != "" {
			t.Fatalf("request %d (-anew +kept):\n%s", i, diff)
		}
	}
}
