package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/engine/rule"
)

// update makes the fixtures of a release. Those of an older one are never
// made anew: they are what that release wrote.
//
//	go test ./engine -run TestUpgrade -update v0.2.0
var update = flag.String("update", "", "make the fixtures of this new release")

// decisions are what a ruleset holds and decides.
type decisions struct {
	Rules    []string
	Requests []decided
	Count    uint32 // of the sketch
	Distinct [2]int // values and sources
}

type decided struct {
	Target        string
	Attack, Block bool
	Rules         []uint64 // those that found something
}

// TestUpgrade loads the ruleset and the sketch that each release has
// written. Rules and profiles decide as they did then.
func TestUpgrade(t *testing.T) {
	if *update != "" {
		makeFixture(t, filepath.Join("testdata", *update))
	}
	releases, err := filepath.Glob("testdata/v*/decisions.json")
	if err != nil || len(releases) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range releases {
		release := filepath.Dir(file)
		read := func(name string) []byte {
			b, err := os.ReadFile(filepath.Join(release, name))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		var was decisions
		if err := json.Unmarshal(read("decisions.json"), &was); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(was, decide(t, read("ruleset.bin"), read("sketch.bin"))); diff != "" {
			t.Errorf("%s (-then +now):\n%s", release, diff)
		}
	}
}

func decide(t *testing.T, blob, sketch []byte) (d decisions) {
	t.Helper()
	set, err := rule.Load(blob)
	if err != nil {
		t.Fatal(err)
	}
	for r := range set.Rules() {
		d.Rules = append(d.Rules, fmt.Sprintf("%d %v at %q: %v %v %q %v %q %q %v %d %d", r.ID, r.Kind, r.Point, r.Class, r.Mode, r.Expr, r.Experimental, r.Name, r.Value, r.On, r.Shift, r.Rule))
	}
	for p := range set.Profiles() {
		d.Rules = append(d.Rules, fmt.Sprintf("%d profile %x %x", p.ID, p.Endpoint, p.Point))
	}
	e := New(Options{})
	const union = "1'+UNION+SELECT+login,password+FROM+users--+"
	for _, target := range []string{
		"/", "/search?q=" + union, "/quiet?q=" + union, "/quiet?id=" + union, "/notes?note=" + union, "/notes?q=" + union,
		"/pay?card=" + union, "/?coupon=INTERNAL-7", "/other?coupon=EXTERNAL-7", "/?seen=yes",
		"/raw?q=MScgVU5JT04gU0VMRUNUIGxvZ2luLHBhc3N3b3JkIEZST00gdXNlcnMtLSA=", "/?q=MScgVU5JT04gU0VMRUNUIGxvZ2luLHBhc3N3b3JkIEZST00gdXNlcnMtLSA=",
		"/item?id=18", "/item?id=x%24%7B(",
	} {
		v, rep := inspect(e, set, Env{Mode: rule.Monitoring}, &request{method: "GET", target: target}, whole)
		one := decided{Target: target, Attack: v.Attack, Block: v.Decision == Block}
		for _, f := range rep.Findings {
			if f.Rule != 0 {
				one.Rules = append(one.Rules, f.Rule)
			}
		}
		d.Requests = append(d.Requests, one)
	}
	var s profile.Sketch
	if err := s.UnmarshalBinary(sketch); err != nil {
		t.Fatal(err)
	}
	var more profile.Sketch
	more.Merge(&s)
	again, err := more.MarshalBinary()
	if err != nil || !bytes.Equal(again, sketch) {
		t.Errorf("a sketch of %d bytes is written as %d others: %v", len(sketch), len(again), err)
	}
	d.Count, d.Distinct = s.Count, [2]int{int(s.Values.Estimate()), int(s.Sources.Estimate())}
	return d
}

// makeFixture writes one rule of each kind, a profile and its sketch.
func makeFixture(t *testing.T, release string) {
	t.Helper()
	var s profile.Sketch
	var v profile.Stat
	tags := rand.New(rand.NewPCG(1, 2))
	for i := range 5000 {
		v.Of(fmt.Append(nil, 10+i%90))
		s.Add(&v, tags.Uint64(), uint64(i%50)*0xbf58476d1ce4e5b9)
	}
	sketch, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parse.ParsePoint("get.id")
	if err != nil {
		t.Fatal(err)
	}
	path := profile.AppendTemplate(nil, profile.AppendPath(nil, []byte("/item")))
	w := rule.Writer{Threshold: 800,
		Profiles: []rule.Profile{{ID: 900, Endpoint: profile.Endpoint([]byte("shop.example"), []byte("GET"), path), Point: parse.Key(steps).Folded, Model: profile.Compile(&s)}}}
	scope := func(path string, conditions ...string) rule.Scope {
		sc, err := rule.ParseScope("", "", path, conditions...)
		if err != nil {
			t.Fatal(err)
		}
		return sc
	}
	for i, r := range []rule.Rule{
		{Kind: rule.SetMode, Mode: rule.Block},
		{Kind: rule.SetMode, Mode: rule.Monitoring, Scope: scope("/quiet")},
		{Kind: rule.Patch, Point: "get.q", Class: detect.SQLi, Scope: scope("/quiet")},
		{Kind: rule.Ignore, Point: "get.note", Class: detect.SQLi, Scope: scope("/notes")},
		{Kind: rule.Mask, Point: "get.card"},
		{Kind: rule.Detector, Class: detect.Custom, Expr: "^(IN|EX)TERNAL-", Point: "get.coupon"},
		{Kind: rule.Ignore, Point: "get.coupon", Rule: 6, Scope: scope("/other")},
		{Kind: rule.Detector, Class: detect.Custom, Expr: "^yes$", Point: "get.seen", Experimental: true},
		{Kind: rule.SetHeader, Name: "X-Frame-Options", Value: "DENY", Scope: scope("/api/**", "header X-Api-Version equal 2")},
		{Kind: rule.Parser, Name: "base64", Point: "get.q", Scope: scope("/raw")},
		{Kind: rule.Shift, Point: "get.title", Shift: 100},
	} {
		r.ID = uint64(i + 1)
		w.Rules = append(w.Rules, r)
	}
	blob, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	d := decide(t, blob, sketch)
	for _, text := range d.Rules {
		kinds[strings.Fields(text)[1]] = true
	}
	if len(kinds) != 9 {
		t.Fatalf("kinds of rules: %v", kinds)
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	// Mkdir, not MkdirAll: a release that is there stays as it is.
	if err := os.Mkdir(release, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(release, "ruleset.bin"), blob, 0o644), os.WriteFile(filepath.Join(release, "sketch.bin"), sketch, 0o644),
		os.WriteFile(filepath.Join(release, "decisions.json"), append(text, '\n'), 0o644)); err != nil {
		t.Fatal(err)
	}
}
