package engine

import (
	"testing"

	"github.com/gabionhq/gabion/engine/rule"
)

// TestMembersAbove holds what is known by the names above a value.
func TestMembersAbove(t *testing.T) {
	e := New(Options{})
	f := func(body string, want Decision) {
		t.Helper()
		r := request{method: "POST", target: "/x", body: body, fields: []string{"Content-Type", "application/json"}}
		if v, rep := inspect(e, nil, Env{Mode: rule.Block}, &r, whole); v.Decision != want {
			t.Errorf("%s: %v, want %v, %+v", body, v.Decision, want, rep.Findings)
		}
	}
	f(`{"prototype": {"wheels": 4}, "constructor": "ACME"}`, Pass) // remembered as harmless
	f(`{"a": {"constructor": {"prototype": {"NUMBER": "test"}}}}`, Block)
	f(`{"login": "a", "pwd": {"$not": {"$eq": "x"}}}`, Block)
	f(`{"username": {"$nin": []}}`, Block)
	f(`{"$or": [{}, {"a": "a"}], "name": "x"}`, Block)
	f(`{"price": {"$not": {"$gt": 5}}, "tags": {"$in": []}, "$and": [{"a": 1}]}`, Pass)
}
