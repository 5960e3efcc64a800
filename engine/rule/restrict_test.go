package rule

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/engine/profile"
)

func TestRestrict(t *testing.T) {
	set := load(t, Writer{General: Off, Rules: []Rule{
		{ID: 1, Kind: SetMode, Mode: Off, Scope: Scope{Path: "/a"}},
		{ID: 2, Kind: SetMode, Mode: Block, Scope: Scope{Path: "/b"}},
		{ID: 3, Kind: Ignore, Point: "get.q"},
		{ID: 4, Kind: Detector, Expr: ".*"},
		{ID: 5, Kind: Detector, Expr: "evil"},
		{ID: 6, Kind: SetHeader, Name: "X", Value: "y"},
	}})
	out, refused := set.Restrict(Monitoring, func(r *Rule) string {
		switch {
		case r.Kind == SetMode && r.Mode < Monitoring:
			return "mode"
		case r.MatchesAll():
			return "matches all"
		case r.Kind == SetHeader:
			return "header"
		}
		return ""
	})
	var got []string
	for _, r := range refused {
		got = append(got, r.Why+": "+r.Rule.String())
	}
	want := []string{
		"mode: 1 mode off for /a",
		`matches all: 4 detector none ".*" for every request`,
		"header: 6 header X: y for every request",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if out.General() != Inherit || set.General() != Off {
		t.Errorf("general mode %v, before %v", out.General(), set.General())
	}
	for path, id := range map[string]uint64{"/a": 0, "/b": 2} {
		var m Match
		out.Match(&m, request("GET h"+path))
		if m.ModeRule != id || len(m.Ignores) != 1 || len(m.Detectors) != 1 || len(m.Headers) != 0 {
			t.Errorf("%s: %s", path, summary(&m))
		}
	}
}

func TestMatchesAll(t *testing.T) {
	f := func(expr string, want bool) {
		t.Helper()
		if r := (&Rule{ID: 1, Kind: Detector, Expr: expr}); r.MatchesAll() != want {
			t.Errorf("%q: %v", expr, !want)
		}
	}
	for _, expr := range []string{"", ".", ".*", "a*", `\w`, "[^!]", "(?s).", "^", "$", "[a-z]", "(x|)", `\S`, "e|1"} {
		f(expr, true)
	}
	for _, expr := range []string{"union.*select", `\.\./`, "^[0-9]{5,}$", "<script", "x-evil-[0-9]+", "q=0"} {
		f(expr, false)
	}
}

func TestRekey(t *testing.T) {
	var s profile.Sketch
	s.Add(&profile.Stat{}, 1, 1)
	model := profile.Compile(&s)
	var w Writer
	for i := range uint64(100) {
		w.Profiles = append(w.Profiles, Profile{ID: i + 1, Endpoint: i / 10, Point: i, Model: model})
	}
	const key = 0x9e3779b97f4a7c15
	flip := func(endpoint, point uint64) (uint64, uint64) { return endpoint ^ key, point*3 ^ key }
	set := load(t, w).Rekey(flip)
	for i := range uint64(100) {
		endpoint, point := flip(i/10, i)
		if p, ok := set.Profile(endpoint, point); !ok || p.ID != i+1 || string(p.Model) != string(model) {
			t.Errorf("profile %d: %v, %v", i, p.ID, ok)
		}
	}
	if !slices.IsSortedFunc(slices.Collect(set.Profiles()), compareProfiles) {
		t.Error("not sorted")
	}
}

func TestNilSet(t *testing.T) {
	var s *Set
	var m Match
	s.Match(&m, request("GET h/a"))
	if _, ok := m.Profile(1); ok || m.Mode != Inherit || s.General() != Inherit || s.Threshold() != 0 {
		t.Error("the nil set decides something")
	}
	for range s.Rules() {
		t.Error("the nil set holds a rule")
	}
}
