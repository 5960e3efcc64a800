package ingest

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// FuzzBatch: a batch that can be decoded is stored. One that was not would
// be sent again for ever, and all behind it wait.
func FuzzBatch(f *testing.F) {
	s := server(f)
	db := s.db
	node := store.Node{ID: "n", Group: "g", Status: []byte("{}")}
	if err := db.Tenant("a").Insert(f.Context(), &node); err != nil {
		f.Fatal(err)
	}
	id := []byte("0123456789abcdef")
	nasty := "\x00'; DROP TABLE hits; --\\" + strings.Repeat("é?", 3000)
	nan := float32(math.NaN())
	huge := uint64(math.MaxUint64)
	for _, b := range []*wirepb.Batch{
		{},
		{Hits: []*wirepb.Hit{nil, {}, {Id: id}, {Id: id}, {Id: []byte("short")}}},
		{Hits: []*wirepb.Hit{{Id: id, UnixMs: math.MinInt64, Class: nasty, Point: nasty, Score: nan, Ruleset: huge, Rule: huge, Reason: nasty, PointKey: make([]byte, 1000),
			Endpoint: &wirepb.Endpoint{Host: nasty, Key: make([]byte, 1000)}, Source: &wirepb.Source{Tag: nasty, Asn: math.MaxUint32}}}},
		{Hits: []*wirepb.Hit{{Id: id, UnixMs: math.MaxInt64}}},
		{Endpoints: []*wirepb.EndpointDelta{nil, {}, {Endpoint: &wirepb.Endpoint{}}, {Endpoint: &wirepb.Endpoint{Host: nasty, Path: nasty, Key: make([]byte, 1000)}, Count: huge,
			StatusClass: []uint64{huge, huge, huge, huge, huge, huge}, FirstUnix: math.MaxInt64, LastUnix: math.MinInt64, Sources: []byte("x"),
			Params: []*wirepb.ParamDelta{nil, {Point: nasty, Count: huge, Sketch: []byte("x"), Key: huge}, {Key: huge, Count: huge}}}}},
		{Leaks: []*wirepb.Leak{nil, {Kind: nasty, Reason: nasty, RequestId: "r1", Weight: float32(math.NaN()), UnixMs: math.MinInt64, Status: math.MinInt32, Confirms: []string{nasty, "sqli"},
			Endpoint: &wirepb.Endpoint{Host: nasty, Path: nasty, Key: make([]byte, 1000)}}}},
		{Refusals: []*wirepb.Refusal{nil, {Ruleset: huge, Ceiling: nasty, What: nasty, Ask: nasty}}},
		{Status: &wirepb.Status{Version: nasty, Ruleset: huge, RulesetError: nasty, Bypassed: map[string]uint64{nasty: huge}, Degraded: []string{nasty}}},
	} {
		text, err := proto.MarshalOptions{AllowPartial: true}.Marshal(b)
		if err != nil {
			f.Log("left out:", err) // no UTF-8: cannot arrive
			continue
		}
		f.Add(text)
	}
	seq := uint64(0)
	f.Fuzz(func(t *testing.T, text []byte) {
		var b wirepb.Batch
		if proto.Unmarshal(text, &b) != nil {
			return
		}
		for range 2 {
			seq++
			b.Seq = seq
			if err := db.Tenant("a").Tx(t.Context(), func(sc store.Scope) error { return s.keep(t.Context(), sc, node, &b) }); err != nil {
				t.Fatalf("%v\n%v", err, &b)
			}
		}
	})
}

// TestHorizon: batches far behind the newest count as stored, and their
// numbers are forgotten.
func TestHorizon(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := db.Tenant("a")
	f := func(seq int64, want bool) {
		t.Helper()
		fresh, err := first(t.Context(), s, "n", seq)
		if err != nil || fresh != want {
			t.Errorf("batch %d: %v, %v", seq, fresh, err)
		}
	}
	f(1, true)
	f(1, false)
	f(3, true)
	f(2, true)
	f(2, false)
	f(horizon+1024, true)
	f(horizon+1024, false)
	f(4, false) // too old
	f(2048, true)
	if n, err := s.Select((*store.Batch)(nil)).Count(t.Context()); n != 2 || err != nil {
		t.Errorf("%d batches are remembered, %v", n, err)
	}
}
