package policy

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/internal/cloud/store"
)

func scope(t *testing.T) store.Scope {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db.Tenant("a")
}

func random(r *rand.Rand) Rule {
	rule := []Rule{
		{Kind: "mode", Mode: []string{"off", "monitoring", "safe_blocking", "block"}[r.IntN(4)]},
		{Kind: "patch", Class: "sqli", Point: "get.q"},
		{Kind: "ignore", Class: "xss", Point: "post.json.text"},
		{Kind: "mask", Point: "header.AUTHORIZATION"},
		{Kind: "detector", Expression: "^a+$", Point: "get.id", Class: "rce", Experimental: r.IntN(2) == 0},
		{Kind: "graphql", Mode: []string{"", "off", "block"}[r.IntN(3)]},
		{Kind: "graphql", Query: &Query{Depth: 1 + r.Uint32N(9), Debug: "deny"}},
		{Kind: "upload", Upload: &Upload{Size: 1 + r.Uint64N(1<<40), Allow: []string{"image", "pdf"}, Deny: []string{"svg"}, Match: r.IntN(2) == 0}},
	}[r.IntN(8)]
	rule.Scope = Scope{Host: []string{"", "shop.test", "*.shop.test"}[r.IntN(3)], Path: []string{"", "/a", "/a/*", "/a/**"}[r.IntN(4)], Application: int32(r.IntN(3))}
	rule.Comment = fmt.Sprint(r.IntN(5))
	rule.Disabled = r.IntN(5) == 0
	return rule
}

func snapshot(t *testing.T, s store.Scope) map[int64]Rule {
	t.Helper()
	rules, err := Rules(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	m := map[int64]Rule{}
	for _, r := range rules {
		m[r.ID] = r
	}
	return m
}

// TestVersions makes random changes and wants every version back, and the
// difference of every two.
func TestVersions(t *testing.T) {
	ctx, s, r := t.Context(), scope(t), rand.New(rand.NewPCG(1, 2))
	versions := []map[int64]Rule{{}}
	for range 60 {
		ids := slices.Sorted(maps.Keys(versions[len(versions)-1]))
		var err error
		switch n := r.IntN(10); {
		case n < 4 || len(ids) == 0:
			_, err = Create(ctx, s, "ana", random(r))
		case n < 7:
			rule := random(r)
			rule.ID = ids[r.IntN(len(ids))]
			err = Replace(ctx, s, "ana", rule)
		case n < 9:
			err = Remove(ctx, s, "ana", ids[r.IntN(len(ids))])
		default:
			to := r.IntN(len(versions))
			if _, err = Rollback(ctx, s, "ana", int64(to)); err == nil {
				if diff := cmp.Diff(versions[to], snapshot(t, s)); diff != "" {
					t.Fatalf("rolled back to %d:\n%s", to, diff)
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		v, err := Version(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		if int(v) == len(versions) { // else nothing changed
			versions = append(versions, snapshot(t, s))
		}
	}
	for range 100 {
		from, to := r.IntN(len(versions)), r.IntN(len(versions))
		changes, err := Diff(ctx, s, int64(from), int64(to))
		if err != nil {
			t.Fatal(err)
		}
		got := maps.Clone(versions[from])
		for _, c := range changes {
			if c.Before != nil {
				delete(got, c.Before.ID)
			}
			if c.After != nil {
				got[c.After.ID] = *c.After
			}
		}
		if diff := cmp.Diff(versions[to], got); diff != "" {
			t.Fatalf("version %d with its difference to %d:\n%s", from, to, diff)
		}
	}
}

// TestSameRulesSameBytes: neither order nor what nodes do not see matters.
func TestSameRulesSameBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var rules []Rule
	for i := range 40 {
		rule := random(r)
		rule.ID = int64(i + 1)
		rules = append(rules, rule)
	}
	want, err := Blob(rules, "g")
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		r.Shuffle(len(rules), func(i, j int) { rules[i], rules[j] = rules[j], rules[i] })
		for i := range rules {
			rules[i].Comment = fmt.Sprint(r.Int())
		}
		if got, err := Blob(rules, "g"); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("other bytes (%v)", err)
		}
	}
}

// TestRefusedWhole: a change of which a part is wrong leaves nothing.
func TestRefusedWhole(t *testing.T) {
	ctx, s := t.Context(), scope(t)
	good, bad := Rule{ID: 1, Kind: "mode", Mode: "block"}, Rule{ID: 2, Kind: "mode", Mode: "strict"}
	if _, err := Apply(ctx, s, "ana", "both", []Change{{After: &good}, {After: &bad}}); !errors.Is(err, ErrInvalid) {
		t.Errorf("applied: %v", err)
	}
	v, err := Version(ctx, s)
	if rules := snapshot(t, s); len(rules) != 0 || v != 0 || err != nil {
		t.Errorf("left behind: %v, version %d, %v", rules, v, err)
	}
	if v, err := Apply(ctx, s, "ana", "nothing", []Change{{Before: &good, After: &good}}); v != 0 || err != nil {
		t.Errorf("no change made version %d, %v", v, err)
	}
	// Each fits alone, all together are too many expressions for a node.
	var changes []Change
	for i := range 1001 {
		changes = append(changes, Change{After: &Rule{ID: int64(i + 1), Kind: "detector", Point: "get.q", Expression: fmt.Sprint("a", i)}})
	}
	if _, err := Apply(ctx, s, "ana", "many", changes); !errors.Is(err, ErrInvalid) {
		t.Errorf("a policy that no node loads: %v", err)
	}
}

// What is wrong with a limit is said in words.
func TestLimits(t *testing.T) {
	f := func(want string, r Rule) {
		t.Helper()
		err := r.Check()
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", r, err, want)
		}
	}
	f("", Rule{Kind: "graphql"})
	f("", Rule{Kind: "graphql", Mode: "off"})
	f("", Rule{Kind: "graphql", Mode: "block", Query: &Query{Introspection: "deny"}})
	f("needs a limit", Rule{Kind: "graphql", Query: &Query{Introspection: "allow"}})
	f("no mode default", Rule{Kind: "graphql", Mode: "default"})
	f("fields of another kind", Rule{Kind: "graphql", Point: "get.q"})
	f("no limits of queries", Rule{Kind: "upload", Query: &Query{Depth: 1}, Upload: &Upload{Size: 1}})
	f("no limits of uploads", Rule{Kind: "mask", Point: "get.q", Upload: &Upload{Size: 1}})
	f("needs a limit", Rule{Kind: "upload"})
	f("", Rule{Kind: "upload", Mode: "off", Point: "post.multipart.avatar"})
	f("", Rule{Kind: "upload", Point: "post.multipart.avatar", Upload: &Upload{Size: 5 << 20, Allow: []string{"image"}, Deny: []string{"svg"}}})
	f("whole body", Rule{Kind: "upload", Point: "post.multipart.avatar", Upload: &Upload{Total: 1}})
	f(`"jpg" is no kind of file; there are text, other, image, png`, Rule{Kind: "upload", Upload: &Upload{Allow: []string{"jpg"}}})
}

// TestProfilesAreLearned: people can switch a profile off, not write one.
func TestProfilesAreLearned(t *testing.T) {
	ctx, s := t.Context(), scope(t)
	var sketch profile.Sketch
	var v profile.Stat
	v.Of([]byte("1"))
	sketch.Add(&v, 1, 1)
	learned := Rule{ID: 5, Kind: "profile", Profile: &Profile{Group: "g", Endpoint: 1, Point: 2, Model: profile.Compile(&sketch)}}
	if _, err := Apply(ctx, s, "learning", "learn", []Change{{After: &learned}}); err != nil {
		t.Fatal(err)
	}
	if err := Replace(ctx, s, "ana", Rule{ID: 5, Kind: "profile", Disabled: true, Comment: "not now"}); err != nil {
		t.Fatal(err)
	}
	got, err := Find(ctx, s, 5)
	if err != nil || !got.Disabled || got.Comment != "not now" || got.Profile == nil || got.Profile.Point != 2 {
		t.Errorf("switched off: %+v, %v", got, err)
	}
}
