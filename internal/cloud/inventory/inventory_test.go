package inventory

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/wire/wirepb"
)

func sources(t *testing.T, from, to uint64) []byte {
	t.Helper()
	var c profile.Cardinality
	for i := from; i < to; i++ {
		c.Add(i * 0x9e3779b97f4a7c15)
	}
	b, err := c.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMerge: deltas add up, names get revealed, groups stay apart, and what
// cannot be read does no harm.
func TestMerge(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, now := db.Tenant("a"), time.UnixMilli(5_000_000)
	add := func(group string, d *wirepb.EndpointDelta) {
		t.Helper()
		err := s.Tx(t.Context(), func(s store.Scope) error { return Add(t.Context(), s, group, []*wirepb.EndpointDelta{d}, now) })
		if err != nil {
			t.Fatal(err)
		}
	}
	key := []byte("12345678")
	var sketch profile.Sketch
	var v profile.Stat
	v.Of([]byte("7"))
	sketch.Add(&v, 1, 1)
	b, err := sketch.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	add("g", &wirepb.EndpointDelta{Endpoint: &wirepb.Endpoint{Host: "<host>", Method: "GET", Path: "/<slug:6>", Key: key}, Count: 2, StatusClass: []uint64{0, 1, 0, 1},
		FirstUnix: 1000, LastUnix: 2000, Sources: sources(t, 0, 20), Params: []*wirepb.ParamDelta{{Point: "get.<word:2>", Key: 9, Count: 2, Sketch: b}}})
	add("g", &wirepb.EndpointDelta{Endpoint: &wirepb.Endpoint{Host: "shop.test", Method: "GET", Path: "/search", Key: key}, Count: 3, StatusClass: []uint64{0, 3},
		FirstUnix: 500, LastUnix: 9000, Sources: sources(t, 10, 30), Params: []*wirepb.ParamDelta{{Point: "get.id", Key: 9, Count: 3, Sketch: b}}})
	add("g", &wirepb.EndpointDelta{Endpoint: &wirepb.Endpoint{Host: "shop.test", Method: "GET", Path: "/search", Key: key}, Count: 1, FirstUnix: 600, Sources: []byte("x"),
		Params: []*wirepb.ParamDelta{{Point: "get.id", Key: 9, Count: 1, Sketch: []byte("x")}}})
	add("h", &wirepb.EndpointDelta{Endpoint: &wirepb.Endpoint{Host: "shop.test", Method: "GET", Path: "/search", Key: key}, Count: 1})

	var rows []store.Endpoint
	if err := s.Select(&rows).Where("group_id = 'g'").Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 {
		t.Fatalf("one endpoint became %d", len(rows))
	}
	e := rows[0]
	if n := Sources(e); n < 28 || n > 32 {
		t.Errorf("%d sources, want about 30", n)
	}
	params, err := Params(t.Context(), s, e.ID)
	if err != nil || len(params) != 1 {
		t.Fatalf("parameters: %v, %v", params, err)
	}
	type seen struct {
		Host, Path, Point                   string
		Count, OK, Failed, Began, At, Param int64
		Formats                             map[string]int64
	}
	got := seen{e.Host, e.Path, params[0].Point, e.Count, e.Status2, e.Status4, e.Began, e.At, params[0].Count, params[0].Formats}
	want := seen{"shop.test", "/search", "get.id", 6, 4, 1, 500_000, 5_000_000, 6, map[string]int64{"int": 2}} // a clock that runs ahead is held back
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n, err := s.Select((*store.Endpoint)(nil)).Count(t.Context()); n != 2 || err != nil {
		t.Errorf("%d endpoints in two groups, %v", n, err)
	}
}
