package learn

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/cloud/compile"
	"github.com/gabionhq/gabion/internal/cloud/inventory"
	"github.com/gabionhq/gabion/internal/cloud/policy"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/wire/wirepb"
)

const group = "g"

// A world is a tenant whose traffic is made up.
type world struct {
	t   *testing.T
	s   store.Scope
	l   *Learner
	c   *compile.Compiler
	now time.Time
}

func newWorld(t *testing.T, set Settings, mode string) *world {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{t: t, s: db.Tenant("a"), l: New(db, set, slog.Default()), now: time.Unix(1e9, 0),
		c: compile.New(db, func(string) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, 32)) }, slog.Default())}
	w.must(w.s.Insert(t.Context(), &store.Application{ID: 0, Name: "default", Learning: mode}))
	w.must(w.s.Insert(t.Context(), &store.Group{ID: group, Name: "default"}))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// delta is what nodes would send of n values of a parameter.
func delta(path string, param uint64, n, sources int, value func(i int) string) *wirepb.EndpointDelta {
	var s profile.Sketch
	var v profile.Stat
	r := rand.New(rand.NewPCG(param, 7))
	tags := make([]uint64, sources)
	for i := range tags {
		tags[i] = r.Uint64()
	}
	for i := range n {
		v.Of([]byte(value(i)))
		s.Add(&v, r.Uint64(), tags[i%sources])
	}
	b, err := s.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return &wirepb.EndpointDelta{Endpoint: &wirepb.Endpoint{Host: "shop.test", Method: "GET", Path: path, Key: []byte(fmt.Sprintf("%-8.8s", path))},
		Count: uint64(n), Params: []*wirepb.ParamDelta{{Point: fmt.Sprint("get.p", param), Key: param, Count: uint64(n), Sketch: b}}}
}

func number(i int) string { return fmt.Sprint(1000 + i%9000) }

func (w *world) see(deltas ...*wirepb.EndpointDelta) {
	w.t.Helper()
	w.must(w.s.Tx(w.t.Context(), func(s store.Scope) error { return inventory.Add(w.t.Context(), s, group, deltas, w.now) }))
}

func (w *world) tick(after time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(after)
	w.must(w.l.Tick(w.t.Context(), w.s, w.now))
	w.must(w.c.Publish(w.t.Context(), w.s))
}

// ruleset is the newest one: its version and profiles.
func (w *world) ruleset() (int64, []rule.Profile) {
	w.t.Helper()
	var r store.Ruleset
	w.must(store.First(w.t.Context(), w.s.Select(&r).Order("version DESC")))
	set, err := rule.Load(r.Blob)
	w.must(err)
	var all []rule.Profile
	for p := range set.Profiles() {
		all = append(all, p)
	}
	return r.Version, all
}

func (w *world) suggestions() []store.Suggestion {
	w.t.Helper()
	var rows []store.Suggestion
	w.must(w.s.Select(&rows).Order("id").Scan(w.t.Context()))
	return rows
}

var set = Settings{Shadow: time.Hour, MinValues: 500, MinSources: 10, Budget: 0.05}

func TestAutomatic(t *testing.T) {
	w := newWorld(t, set, "auto")
	w.see(delta("/few", 1, 400, 50, number), delta("/lonely", 2, 5000, 3, number))
	w.tick(0)
	if got := w.suggestions(); len(got) != 0 {
		t.Fatalf("suggested without evidence: %+v", got)
	}
	w.see(delta("/item", 3, 2000, 50, number))
	w.tick(time.Minute)
	got := w.suggestions()
	if len(got) != 1 || got[0].State != Shadow || got[0].Rule != 0 {
		t.Fatalf("suggestions: %+v", got)
	}
	for _, want := range []string{"2000 values", "int", "digits", "at most 4 bytes", "once in 666"} {
		if !strings.Contains(got[0].Reason, want) {
			t.Errorf("the reason does not say %q: %s", want, got[0].Reason)
		}
	}
	if _, profiles := w.ruleset(); len(profiles) != 0 {
		t.Error("published in its shadow period")
	}
	w.tick(59 * time.Minute)
	if v, _ := w.ruleset(); v != 1 {
		t.Errorf("version %d, though nothing changed", v)
	}
	w.tick(time.Minute)
	version, profiles := w.ruleset()
	if version != 2 || len(profiles) != 1 || profiles[0].Point != 3 || profiles[0].Endpoint != 0x2f6974656d202020 {
		t.Fatalf("version %d with %+v", version, profiles)
	}
	if profiles[0].ID != uint64(w.suggestions()[0].Rule) {
		t.Error("the profile is not the suggestion's rule")
	}
	var v profile.Stat
	v.Of([]byte("' or 1=1--"))
	if d := profiles[0].Model.Score(&v); !d.Strong {
		t.Errorf("an injection does not deviate: %+v", d)
	}
	v.Of([]byte("4711"))
	if d := profiles[0].Model.Score(&v); d.Surprise != 0 {
		t.Errorf("an ordinary value deviates: %+v", d)
	}
	for range 3 {
		w.tick(15 * time.Minute)
	}
	if v, _ := w.ruleset(); v != 2 {
		t.Errorf("version %d, though nothing changed", v)
	}
	// More of the same makes it surer; something else takes it back.
	w.see(delta("/item", 3, 8000, 50, number))
	w.tick(15 * time.Minute)
	version, profiles = w.ruleset()
	if version != 3 || len(profiles) != 1 || profiles[0].Model.Bound() > 0.001 {
		t.Errorf("version %d with %d profiles after more evidence", version, len(profiles))
	}
	w.see(delta("/item", 3, 500, 50, func(i int) string { return "order " + number(i) + "!" }))
	w.tick(15 * time.Minute)
	if _, profiles = w.ruleset(); len(profiles) != 0 {
		t.Error("a contradicted profile is still published")
	}
	got = w.suggestions()
	if len(got) != 1 || got[0].State != Shadow || !strings.Contains(got[0].Reason, "Taken back") {
		t.Errorf("suggestions: %+v", got)
	}
	w.tick(time.Hour)
	if _, profiles = w.ruleset(); len(profiles) != 1 {
		t.Error("the renewed profile is not published")
	}
}

// TestShadowContradicted: what traffic contradicts waits anew.
func TestShadowContradicted(t *testing.T) {
	w := newWorld(t, set, "auto")
	w.see(delta("/item", 1, 1000, 50, number))
	w.tick(0)
	w.see(delta("/item", 1, 1000, 50, func(int) string { return "none" }))
	w.tick(time.Hour)
	if _, profiles := w.ruleset(); len(profiles) != 0 {
		t.Error("published, though its shadow period showed otherwise")
	}
	w.tick(time.Hour)
	if _, profiles := w.ruleset(); len(profiles) != 1 {
		t.Error("not published after a quiet shadow period")
	}
}

// TestAccused: a profile that as many sources run into as it was learned
// from waits for a person; one that a few run into stays.
func TestAccused(t *testing.T) {
	quick := set
	quick.Shadow = 0
	w := newWorld(t, quick, "auto")
	w.see(delta("/item", 1, 1000, 50, number))
	w.tick(time.Second)
	w.tick(time.Second)
	id := w.suggestions()[0].Rule
	blocked := func(from, to int) {
		for i := from; i < to; i++ {
			for j := range 3 {
				w.must(w.s.Insert(t.Context(), &store.Hit{ID: fmt.Sprint(i, j), RequestID: fmt.Sprint("r", i, j), At: w.now.UnixMilli(), Rule: id, Class: "anomaly", Source: fmt.Sprint("s", i),
					EndpointKey: []byte{}, PointKey: []byte{}}))
			}
		}
	}
	blocked(0, 9)
	blocked(100, 120)
	for i := range 60 { // those were attacks by other evidence, too
		w.must(w.s.Insert(t.Context(), &store.Hit{ID: fmt.Sprint("o", i), RequestID: fmt.Sprint("r", 100+i/3, i%3), At: w.now.UnixMilli(), Class: "sqli",
			EndpointKey: []byte{}, PointKey: []byte{}}))
	}
	w.tick(time.Minute)
	if _, profiles := w.ruleset(); len(profiles) != 1 {
		t.Error("few sources take a profile back")
	}
	blocked(9, 10)
	w.tick(time.Minute)
	w.tick(24 * time.Hour)
	got := w.suggestions()[0]
	if _, profiles := w.ruleset(); len(profiles) != 0 || got.State != Withdrawn || !strings.Contains(got.Reason, "10 sources") {
		t.Errorf("many sources do not: %s, %s", got.State, got.Reason)
	}
}

// TestModes: approval waits for a person, frozen suggests nothing.
func TestModes(t *testing.T) {
	w := newWorld(t, set, "frozen")
	w.see(delta("/item", 1, 1000, 50, number))
	w.tick(time.Hour)
	if got := w.suggestions(); len(got) != 0 {
		t.Errorf("frozen suggests %+v", got)
	}
	w.must(w.s.Update(t.Context(), &store.Application{ID: 0, Name: "default", Learning: "approve"}))
	w.tick(time.Hour)
	w.tick(24 * time.Hour)
	got := w.suggestions()
	if len(got) != 1 || got[0].State != Open {
		t.Fatalf("suggestions: %+v", got)
	}
	row, err := Accept(t.Context(), w.s, "ana", got[0].ID)
	w.must(err)
	w.tick(time.Minute)
	if _, profiles := w.ruleset(); row.State != Accepted || len(profiles) != 1 {
		t.Error("an accepted suggestion is not published")
	}
	// Undo it, both ways: neither comes back by itself.
	_, err = policy.Rollback(t.Context(), w.s, "ana", 0)
	w.must(err)
	w.tick(time.Minute)
	w.tick(24 * time.Hour)
	if _, profiles := w.ruleset(); len(profiles) != 0 || w.suggestions()[0].State != Dismissed {
		t.Errorf("undone, but: %+v", w.suggestions())
	}
	_, err = Accept(t.Context(), w.s, "ana", got[0].ID)
	w.must(err)
	row, err = Dismiss(t.Context(), w.s, "ana", got[0].ID)
	w.must(err)
	w.tick(24 * time.Hour)
	if _, profiles := w.ruleset(); row.State != Dismissed || len(profiles) != 0 {
		t.Error("a dismissed suggestion is published")
	}
}

// TestBudget: as many profiles as the declared budget pays for, the most
// telling first.
func TestBudget(t *testing.T) {
	few := set
	few.Shadow, few.Budget = 0, 0.0035 // of 3000 requests: three profiles
	w := newWorld(t, few, "auto")
	text := func(i int) string { return fmt.Sprintf("a text, number %d.", i) }
	w.see(delta("/a", 1, 1000, 50, text), delta("/b", 2, 600, 50, number), delta("/c", 3, 700, 50, number), delta("/d", 4, 700, 50, text))
	w.tick(0)
	w.tick(0)
	_, profiles := w.ruleset()
	points := map[uint64]bool{}
	for _, p := range profiles {
		points[p.Point] = true
	}
	if len(points) != 3 || !points[2] || !points[3] || !points[1] {
		t.Errorf("profiles of %v, want 1, 2 and 3", points)
	}
}

// TestSameInputSameBytes: the order in which nodes report, and the number
// of messages, do not show in the ruleset.
func TestSameInputSameBytes(t *testing.T) {
	var blobs [][]byte
	for seed := range uint64(4) {
		quick := set
		quick.Shadow = 0
		w := newWorld(t, quick, "auto")
		var deltas []*wirepb.EndpointDelta
		for p := range uint64(6) {
			for part := range 3 {
				deltas = append(deltas, delta(fmt.Sprint("/", p), p+1, 400+int(p)*50, 20, func(i int) string { return number(i + part*7) }))
			}
		}
		r := rand.New(rand.NewPCG(seed, 1))
		r.Shuffle(len(deltas), func(i, j int) { deltas[i], deltas[j] = deltas[j], deltas[i] })
		for len(deltas) > 0 {
			n := min(1+r.IntN(5), len(deltas))
			w.see(deltas[:n]...)
			deltas = deltas[n:]
		}
		w.tick(0)
		w.tick(time.Second)
		var row store.Ruleset
		w.must(store.First(t.Context(), w.s.Select(&row).Order("version DESC")))
		blobs = append(blobs, row.Blob)
		if _, profiles := w.ruleset(); len(profiles) != 6 {
			t.Errorf("seed %d: %d profiles", seed, len(profiles))
		}
	}
	for i, b := range blobs {
		if !bytes.Equal(b, blobs[0]) {
			t.Errorf("run %d made other bytes", i)
		}
	}
}

// TestNoValueIsStored: nothing that people typed is anywhere in what
// learning keeps.
func TestNoValueIsStored(t *testing.T) {
	quick := set
	quick.Shadow = 0
	w := newWorld(t, quick, "auto")
	w.see(delta("/item", 1, 1000, 50, func(i int) string { return "canary" + number(i) }))
	w.tick(0)
	w.tick(time.Second)
	rules, err := policy.Rules(context.Background(), w.s)
	w.must(err)
	text, err := json.Marshal([]any{rules, w.suggestions()})
	w.must(err)
	if len(rules) != 1 || bytes.Contains(text, []byte("canary")) {
		t.Errorf("%s", text)
	}
}

func TestParameters(t *testing.T) {
	f := func(want bool, points ...string) {
		t.Helper()
		for _, p := range points {
			if isParameter(p) != want {
				t.Errorf("%s: %v", p, !want)
			}
		}
	}
	f(true, "get.id", "get.<word:4>", "post.json.user", "post", "header.COOKIE.cookie.sid", "header.X-TENANT", "header.AUTHORIZATION.jwt.sub")
	f(false, "", "uri", "path[0]", "action_name", "action_ext", "get_name", "header_name", "header.HOST", "header.USER-AGENT",
		"header.ACCEPT-LANGUAGE", "header.X-FORWARDED-FOR", "header.SEC-FETCH-MODE", "header.COOKIE")
}
