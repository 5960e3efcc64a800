package leak

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/internal/cloud/attack"
	"github.com/gabionhq/gabion/internal/cloud/store"
)

// TestAdd: what several nodes and requests show of one endpoint is one leak
// per kind, in whatever order it arrives, and marks the hits that caused it
// and no others.
func TestAdd(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, other := db.Tenant("a"), db.Tenant("b")
	hit := func(id, node, request, class string) store.Hit {
		return store.Hit{ID: id, Node: node, RequestID: request, Class: class, Path: "/item", EndpointKey: []byte{}, PointKey: []byte{}}
	}
	add := func(s store.Scope, hits []store.Hit, seen ...Sighting) {
		t.Helper()
		err := s.Tx(t.Context(), func(s store.Scope) error {
			if err := attack.Add(t.Context(), s, hits); err != nil {
				return err
			}
			return Add(t.Context(), s, seen)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	see := func(at int64, kind, path, request string, confirms ...string) Sighting {
		return Sighting{store.Leak{At: at, Group: "g", EndpointKey: []byte("key"), Path: path, Kind: kind, Weight: 0.8, RequestID: request}, "n1", confirms}
	}
	add(s, []store.Hit{hit("1", "n1", "r1", "sqli"), hit("2", "n1", "r1", "xss"), hit("3", "n2", "r1", "sqli"), hit("4", "n1", "r2", "sqli")},
		see(2000, "sql_error", "/<word:4-8>", "r1", "sqli"))
	add(other, []store.Hit{hit("5", "n1", "r1", "sqli")}, see(1000, "sql_error", "/", ""))
	add(s, nil, see(1000, "sql_error", "/old", ""), see(3000, "sql_error", "/item", "r9", "sqli"), see(1500, "stack_trace", "/item", ""))

	var hits []store.Hit
	if err := s.Select(&hits).Order("id").Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	marked := map[string]string{}
	for _, h := range hits {
		marked[h.ID] = h.Leak
	}
	if diff := cmp.Diff(map[string]string{"1": "sql_error", "2": "", "3": "", "4": ""}, marked); diff != "" {
		t.Error(diff)
	}
	var attacks []store.Attack
	if err := s.Select(&attacks).Where("leak = ?", "sql_error").Scan(t.Context()); err != nil || len(attacks) != 1 || attacks[0].Class != "sqli" {
		t.Errorf("%v %+v", err, attacks)
	}
	leaks, err := Of(t.Context(), s, store.Endpoint{Group: "g", Key: []byte("key")})
	if err != nil || len(leaks) != 2 {
		t.Fatalf("%v %+v", err, leaks)
	}
	l := leaks[0]
	if l.Kind != "sql_error" || l.Began != 1000 || l.At != 3000 || l.Path != "/item" || l.RequestID != "r9" || l.Told != 3 || l.Hits != 1 {
		t.Errorf("%+v", l)
	}
	if n, err := other.Select((*store.Leak)(nil)).Count(t.Context()); n != 1 || err != nil {
		t.Errorf("another tenant has %d leaks, %v", n, err)
	}
}
