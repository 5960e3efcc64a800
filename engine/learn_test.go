package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/engine/rule"
)

// What the engine observes makes a profile that makes it block: the same
// request passes with learning off.
func TestLearningIsCausal(t *testing.T) {
	e := New(Options{})
	get := func(item, note string) *request {
		return &request{"GET", "/shop/items/" + item + "?ref=" + note, browser, ""}
	}
	sketches := map[[2]uint64]*profile.Sketch{}
	for i := range 1000 {
		_, rep := inspect(e, nil, Env{Mode: rule.Block, Observe: true}, get(fmt.Sprint(i), fmt.Sprint(i*7)), whole)
		for _, v := range rep.Values {
			k := [2]uint64{rep.Endpoint, v.Key}
			if sketches[k] == nil {
				sketches[k] = new(profile.Sketch)
			}
			sketches[k].Add(&v.Stat, v.Hash, uint64(i%50)<<58)
		}
	}
	for k, s := range sketches {
		if s.Values.Estimate() > 1100 || s.Count == 1000 && s.Formats[profile.Int] == 1000 && s.Values.Estimate() < 900 {
			t.Errorf("parameter %x: %.0f distinct values of 1000", k, s.Values.Estimate())
		}
	}
	w := rule.Writer{}
	for k, s := range sketches {
		w.Profiles = append(w.Profiles, rule.Profile{ID: uint64(len(w.Profiles) + 1), Endpoint: k[0], Point: k[1], Model: profile.Compile(s)})
	}
	blob, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	set, err := rule.Load(blob)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if v, rep := inspect(e, set, Env{Mode: rule.Block}, get(fmt.Sprint(5000+i), fmt.Sprint(9000+i)), whole); v.Attack || len(rep.Findings) > 0 {
			t.Fatalf("benign: %+v, %+v", v, rep.Findings)
		}
	}
	odd := get("7", "x(y)%3B%7Bz%7D") // no detector knows it
	if v, _ := inspect(e, nil, Env{Mode: rule.Block}, odd, whole); v.Decision != Pass {
		t.Fatalf("without a profile: %+v", v)
	}
	v, rep := inspect(e, set, Env{Mode: rule.Block}, odd, whole)
	if v.Decision != Block {
		t.Fatalf("with a profile: %+v, %+v", v, rep.Findings)
	}
	for _, f := range rep.Findings {
		if f.Point == "get.ref" && strings.Contains(f.Reason, "this parameter has always held") && f.Rule != 0 {
			return
		}
	}
	t.Errorf("no finding names the statistics of get.ref: %+v", rep.Findings)
}

// TestListsAreSampled counts the statistics of lists, and of what stands behind one.
func TestListsAreSampled(t *testing.T) {
	list := strings.Repeat("id=7&", 300)
	row := strings.Repeat(`{"a":1,"b":2},`, 30)
	for name, c := range map[string]struct {
		request *request
		want    map[string]int
	}{
		"a repeated parameter": {&request{"GET", "/x?" + list + "last=1", browser, ""}, map[string]int{"get.id[0]": MaxListed, "get.last": 1}},
		"an array":             {&request{"POST", "/x", []string{"Content-Type", "application/json"}, `{"n":[` + strings.Repeat("1,", 100) + `2],"m":3}`}, map[string]int{"post.json.n[0]": MaxListed, "post.json.m": 1}},
		"rows of an array":     {&request{"POST", "/x", []string{"Content-Type", "application/json"}, "[" + row + "1]"}, map[string]int{"post.json[0].a": 30, "post.json[0].b": 30}},
	} {
		_, rep := inspect(New(Options{}), nil, Env{Mode: rule.Block, Observe: true}, c.request, whole)
		got := map[string]int{}
		for _, v := range rep.Values {
			got[string(v.Point)]++
		}
		for point, n := range c.want {
			if got[point] != n {
				t.Errorf("%s: %d statistics of %s, want %d: %v", name, got[point], point, n, got)
			}
		}
	}
}
