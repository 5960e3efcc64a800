package attack

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/internal/cloud/store"
)

func open(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func deliver(t *testing.T, s store.Scope, hits []store.Hit) {
	t.Helper()
	if err := s.Tx(t.Context(), func(s store.Scope) error { return Add(t.Context(), s, hits) }); err != nil {
		t.Fatal(err)
	}
}

// groups reads what is stored: the hits of each attack, and whether the
// attack's own figures are theirs.
func groups(t *testing.T, s store.Scope) []string {
	t.Helper()
	var attacks []store.Attack
	var hits []store.Hit
	if err := s.Select(&attacks).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Select(&hits).Order("id").Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range attacks {
		var ids []string
		sources := map[string]bool{}
		var blocked int64
		began, at := int64(1<<62), int64(0)
		for _, h := range hits {
			if h.Attack != a.ID {
				continue
			}
			ids = append(ids, h.ID)
			sources[h.Source] = true
			began, at = min(began, h.At), max(at, h.At)
			if h.Decision == "block" {
				blocked++
			}
		}
		if a.Hits != int64(len(ids)) || a.Blocked != blocked || a.Sources != int64(len(sources)) || a.Began != began || a.At != at {
			t.Errorf("attack %+v does not add up: %d hits, %d blocked, %d sources, %d to %d", a, len(ids), blocked, len(sources), began, at)
		}
		out = append(out, strings.Join(ids, " "))
	}
	slices.Sort(out)
	return out
}

// twin groups by the definition, all hits at once.
func twin(hits []store.Hit) []string {
	byIdentity := map[string][]store.Hit{}
	for _, h := range hits {
		byIdentity[identity(&h)] = append(byIdentity[identity(&h)], h)
	}
	var out []string
	for _, hs := range byIdentity {
		slices.SortFunc(hs, func(a, b store.Hit) int { return cmp.Compare(a.At, b.At) })
		var ids []string
		for i, h := range hs {
			if i > 0 && h.At-hs[i-1].At > Gap {
				slices.Sort(ids)
				out = append(out, strings.Join(ids, " "))
				ids = nil
			}
			ids = append(ids, h.ID)
		}
		slices.Sort(ids)
		out = append(out, strings.Join(ids, " "))
	}
	slices.Sort(out)
	return out
}

func random(r *rand.Rand, n int) []store.Hit {
	hits := make([]store.Hit, n)
	for i := range hits {
		hits[i] = store.Hit{
			ID: fmt.Sprintf("%04d", i), At: r.Int64N(12 * Gap), Class: []string{"sqli", "xss"}[r.IntN(2)], Point: []string{"get.q", "get.id"}[r.IntN(2)],
			Path: []string{"/a", "/b"}[r.IntN(2)], Source: fmt.Sprint("s", r.IntN(5)), Decision: []string{"block", "pass"}[r.IntN(2)],
			EndpointKey: []byte{}, PointKey: []byte{}, Score: r.Float64(),
		}
	}
	return hits
}

// TestOrder: however hits are cut into batches, mixed and repeated, the
// attacks are those of the definition.
func TestOrder(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		hits := random(r, 120)
		db := open(t)
		s := db.Tenant("a")
		rest := slices.Clone(hits)
		r.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
		for len(rest) > 0 {
			n := min(1+r.IntN(20), len(rest))
			batch := slices.Clone(rest[:n])
			for range r.IntN(4) { // and some that were there before, or are there twice
				batch = append(batch, hits[r.IntN(len(hits))])
			}
			deliver(t, s, batch)
			rest = rest[n:]
		}
		if diff := gocmp.Diff(twin(hits), groups(t, s)); diff != "" {
			t.Errorf("seed %d: attacks by definition (-) and as stored (+):\n%s", seed, diff)
		}
		if other := groups(t, db.Tenant("b")); len(other) != 0 {
			t.Errorf("another tenant has %v", other)
		}
	}
}

// TestGap: an hour apart is one attack, a millisecond more is two.
func TestGap(t *testing.T) {
	f := func(want int, at ...int64) {
		t.Helper()
		s := open(t).Tenant("a")
		for i, ms := range at {
			deliver(t, s, []store.Hit{{ID: fmt.Sprint(i), At: ms, EndpointKey: []byte{}, PointKey: []byte{}, Source: "s"}})
		}
		if got := groups(t, s); len(got) != want {
			t.Errorf("hits at %v: %d attacks, want %d", at, len(got), want)
		}
	}
	f(1, 0, Gap)
	f(2, 0, Gap+1)
	f(1, 0, 2*Gap, Gap)   // the last one joins the others
	f(1, Gap, 0, 2*Gap)   // it comes first
	f(2, 0, 2*Gap+2, Gap) // it joins one of them
	f(1, 0, 2*Gap, 4*Gap, Gap, 3*Gap)
}

// TestKeys: names that are not revealed look alike, their keys do not;
// revealed ones are what they say, whatever key a node has.
func TestKeys(t *testing.T) {
	s := open(t).Tenant("a")
	hit := func(id string, endpoint, point string) store.Hit {
		return store.Hit{ID: id, Path: "/<slug:8-16>", Point: "get.<word:4>", EndpointKey: []byte(endpoint), PointKey: []byte(point), Source: "s"}
	}
	deliver(t, s, []store.Hit{hit("1", "a", "p"), hit("2", "b", "p"), hit("3", "a", "q"), hit("4", "a", "p")})
	plain := hit("5", "a", "p")
	plain.Path, plain.Point = "/search", "get.q"
	other := plain
	other.ID, other.EndpointKey, other.PointKey = "6", []byte("c"), []byte("r")
	deliver(t, s, []store.Hit{plain, other})
	if diff := gocmp.Diff([]string{"1 4", "2", "3", "5 6"}, groups(t, s)); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkAdd(b *testing.B) {
	db, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "cloud.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := db.Tenant("a")
	const size = 200
	for n := 0; b.Loop(); n++ {
		hits := random(rand.New(rand.NewPCG(uint64(n), 1)), size)
		for i := range hits {
			hits[i].ID = fmt.Sprintf("%d-%04d", n, i)
		}
		if err := s.Tx(b.Context(), func(s store.Scope) error { return Add(context.Background(), s, hits) }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "hits/s")
}
