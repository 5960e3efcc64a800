package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/engine/parse"
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

// A renderer renders each point of a walk behind those before, and anew.
type renderer struct {
	t      *testing.T
	points points
	n      int
}

func (r *renderer) Visit(t *parse.Tree, n parse.Node, value []byte) int {
	r.n++
	if got, want := string(r.points.of(t, n, t.Keys(n).Folded)), string(t.AppendFolded(nil, n)); got != want {
		r.t.Errorf("point %d is rendered %s, want %s", r.n, got, want)
	}
	return 0
}

func (r *renderer) Decode(*parse.Tree, parse.Node, parse.Kind) bool        { return true }
func (r *renderer) Trouble(*parse.Tree, parse.Node, parse.Trouble, []byte) {}

// TestPointsOfNestedDocuments makes sure that points that are rendered behind those above
// them are what they are by themselves, however deep.
func TestPointsOfNestedDocuments(t *testing.T) {
	r := &renderer{t: t}
	for _, body := range []string{
		strings.Repeat(`<b c="d" e='f'>text<g/>`, 90),
		strings.Repeat(`<b><c>1</c><c>2</c>`, 40) + strings.Repeat(`</b><d>3</d>`, 40),
		strings.Repeat(`{"a":[1,{"b":2},[3,[4]]],"c":`, 80) + "1" + strings.Repeat("}", 80),
		`{"a":"{\"b\":\"<c><d>1</d><d e='2'>%41</d></c>\"}","f":["g=1&h[i][j]=2","k"]}`,
	} {
		var w parse.Walk
		w.Reset(r, parse.Limits{}, nil)
		w.Target([]byte("/a/b?c[]=1&c[]=2&d[e][f]=3"))
		w.Fields(nil)
		w.Write([]byte(body))
		w.Finish()
		r.points.reset()
	}
	if r.n < 500 {
		t.Fatalf("%d points were rendered", r.n)
	}
}
