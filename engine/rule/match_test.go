package rule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/profile"
)

// Rules that loosen must not be reached by a path that servers may read as
// another one.
func TestAmbiguousPaths(t *testing.T) {
	scope := func(pattern string) Scope {
		s, err := ParseScope("", "", pattern)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	set := load(t, Writer{Rules: []Rule{
		{ID: 1, Kind: SetMode, Mode: Off, Scope: scope("/static/**")},
		{ID: 2, Kind: Ignore, Scope: scope("/static/**")},
		{ID: 3, Kind: Parser, Name: "json", Scope: scope("/static/**")},
		{ID: 4, Kind: Shift, Shift: 100, Scope: scope("/static/**")},
		{ID: 5, Kind: SetMode, Mode: Block, Scope: scope("/admin/**")},
		{ID: 7, Kind: SetMode, Mode: Off, Scope: scope("/")},
		{ID: 8, Kind: Ignore, Scope: scope("/")},
		{ID: 9, Kind: Parser, Name: "json", Scope: scope("/")},
		{ID: 10, Kind: Shift, Shift: 100, Scope: scope("/")},
		{ID: 6, Kind: Patch, Scope: scope("/admin/**")},
		{ID: 11, Kind: GraphQL, Mode: Off, Scope: scope("/static/**")},
		{ID: 12, Kind: Upload, Files: FileLimits{Size: 1}, Scope: scope("/admin/**")},
		{ID: 13, Kind: GraphQL, Mode: Off, Scope: scope("/")},
	}})
	f := func(target string, mode Mode, loose, tight int) {
		t.Helper()
		var m Match
		set.Match(&m, &Request{Method: []byte("GET"), Target: []byte(target)})
		if m.Mode != mode || len(m.Ignores) != loose || len(m.Parsers) != loose || len(m.Shifts) != loose || len(m.Queries) != loose || len(m.Patches) != tight || len(m.Uploads) != tight {
			t.Errorf("%s: mode %v, %d ignores, %d parsers, %d shifts, %d patches; want %v, %d, %d",
				target, m.Mode, len(m.Ignores), len(m.Parsers), len(m.Shifts), len(m.Patches), mode, loose, tight)
		}
	}
	f("/static/x", Off, 1, 0)
	f("/static/%78", Off, 1, 0)
	f("/static/a%2fb", Off, 1, 0)
	f("/api/user/..%2f..%2fstatic%2fx", Inherit, 0, 0)
	f("/api/user/../../static/x", Inherit, 0, 0)
	f("/api/user/%2e%2e/%2E./static/x", Inherit, 0, 0)
	f("/api;/../static/x", Inherit, 0, 0)
	f("/static/../api", Inherit, 0, 0)
	f("/static/../admin/x", Block, 0, 1)
	f("/static/..%5cadmin/x", Block, 0, 1)
	f("/admin/../static/x", Block, 0, 1)
	f("/admin/..;/static/x", Block, 0, 1)
	f("//admin/x", Block, 0, 1)
	f("/admin/x", Block, 0, 1)
	f("http://other/admin/x?y", Block, 0, 1)
	f("*", Inherit, 0, 0)
	f("/static/x/../y", Off, 1, 0)
	f("/api/user/../..", Inherit, 0, 0)
	f("", Off, 1, 0)
}

func TestLongPaths(t *testing.T) {
	deep := strings.Repeat("/x", 500)
	for _, pattern := range []string{"/a/**", "/**/z.js", "/a/*/**/x/z.*"} {
		s, err := ParseScope("", "", pattern)
		if err != nil {
			t.Fatal(err)
		}
		if !holds(t, s, request("GET h/a"+deep+"/z.js")) || holds(t, s, request("GET h/b"+deep+"/y.js")) {
			t.Errorf("%s does not tell deep paths", pattern)
		}
	}
}

// randomRules makes rules over few words, so that many of them hold.
func randomRules(r *rand.Rand, n int) []Rule {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	rules := make([]Rule, n)
	for i := range rules {
		pattern := pick("", "", "a.example", "b.example", "*.example", "{{^b}}.x")
		if strings.HasSuffix(pattern, ".x") {
			pattern = "{{^b}}"
		}
		deep := false
		for range r.IntN(4) {
			part := pick("a", "b", "c.js", "*", "{{a}}", "**")
			if part == "**" && deep {
				part = "*"
			}
			deep = deep || part == "**"
			pattern += "/" + part
		}
		var conds []string
		if r.IntN(4) == 0 {
			conds = append(conds, pick("header X equal 1", "header X absent", "query q regex [12]", "query q iequal A"))
		}
		scope, err := ParseScope("", pick("", "", "GET", "POST"), pattern, conds...)
		if err != nil {
			panic(err)
		}
		scope.App = int32(r.IntN(4) / 3)
		rules[i] = randomKind(r)
		rules[i].ID, rules[i].Scope = uint64(i+1), scope
	}
	return rules
}

func randomKind(r *rand.Rand) Rule {
	point := []string{"", "get", "get.id", "post.json.a[*].b", "header.X-A", "path[1]"}[r.IntN(6)]
	switch k := Kind(1 + r.IntN(int(numKinds-1))); k {
	case SetMode:
		return Rule{Kind: k, Mode: Mode(r.IntN(len(modeNames)))}
	case Detector:
		return Rule{Kind: k, Point: point, Class: detect.Custom, Expr: "a+b", Experimental: r.IntN(2) == 0}
	case SetHeader:
		return Rule{Kind: k, Name: "X-Frame-Options", Value: "DENY", Append: r.IntN(2) == 0}
	case Parser:
		return Rule{Kind: k, Point: point, Name: "base64", On: r.IntN(2) == 0}
	case Shift:
		return Rule{Kind: k, Point: point, Shift: int16(r.IntN(2001) - 1000)}
	case Mask:
		return Rule{Kind: k, Point: point}
	case GraphQL:
		return Rule{Kind: k, Mode: randomLimitMode(r), Query: QueryLimits{Depth: 1 + r.Uint32N(9), Aliases: r.Uint32N(3), DenyDebug: r.IntN(2) == 0}}
	case Upload:
		return Rule{Kind: k, Mode: randomLimitMode(r), Point: point, Files: FileLimits{Size: 1 + r.Uint64N(9), Allow: FileSet(r.Uint64N(1<<20) * 2), Match: r.IntN(2) == 0}}
	default:
		return Rule{Kind: k, Point: point, Class: detect.SQLi}
	}
}

func randomLimitMode(r *rand.Rand) Mode {
	return []Mode{Inherit, Off, Monitoring, SafeBlocking, Block}[r.IntN(5)]
}

func randomRequest(r *rand.Rand) *Request {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	target := ""
	for range r.IntN(5) {
		target += "/" + pick("a", "b", "c.js", "bab", "", "%61", "..", "a%2fb")
	}
	q := request(pick("GET", "POST")+" "+pick("a.example", "b.example", "B.example", "other")+"/"+strings.TrimPrefix(target, "/")+pick("", "?q=1", "?q=3&q=A"), "x", pick("1", "2"))
	q.App = int32(r.IntN(2))
	return q
}

// The index must find what asking each scope finds.
func TestIndexAgreesWithScan(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 60 {
		set := load(t, Writer{Rules: randomRules(r, 40)})
		for range 50 {
			q := randomRequest(r)
			var indexed, scanned Match
			set.Match(&indexed, q)
			scanned.reset(set, q)
			for i := range set.rules {
				scanned.try(&set.rules[i], scanned.segments, false)
			}
			if len(scanned.literal) > 0 {
				for i := range set.rules {
					scanned.try(&set.rules[i], scanned.written, true)
				}
			}
			scanned.decideMode()
			if diff := gocmp.Diff(summary(&scanned), summary(&indexed)); diff != "" {
				t.Fatalf("%s %s%s: %s", q.Method, q.Host, q.Target, diff)
			}
			found += len(summary(&indexed))
		}
	}
	if found < 5000 {
		t.Errorf("only %d rules held: the test shows too little", found)
	}
}

func summary(m *Match) []string {
	var all []string
	for name, list := range map[string][]*Active{"patch": m.Patches, "ignore": m.Ignores, "mask": m.Masks, "detector": m.Detectors} {
		for _, a := range list {
			all = append(all, fmt.Sprint(name, a.ID))
		}
	}
	slices.Sort(all)
	for _, list := range [][]*Active{m.Headers, m.Parsers, m.Shifts} { // in order
		for _, a := range list {
			all = append(all, fmt.Sprint(a.Kind, a.ID))
		}
	}
	return append(all, fmt.Sprint(m.Mode, m.ModeRule, m.Endpoint))
}

func TestAt(t *testing.T) {
	set := load(t, Writer{Rules: []Rule{
		{ID: 1, Kind: Mask}, {ID: 2, Kind: Mask, Point: "get"}, {ID: 3, Kind: Mask, Point: "get.id"},
		{ID: 4, Kind: Mask, Point: "post.json.items[*].id"}, {ID: 5, Kind: Mask, Point: "post.json.items[2].id"},
	}})
	f := func(point string, want ...uint64) {
		t.Helper()
		steps, err := parse.ParsePoint(point)
		if err != nil {
			t.Fatal(err)
		}
		var m Match
		set.Match(&m, request("GET h/"))
		var got []uint64
		for _, a := range m.Masks {
			if a.At(steps[0].Kind, parse.Key(steps)) {
				got = append(got, a.ID)
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", point, diff)
		}
	}
	f("get.id", 1, 2, 3)
	f("get.other", 1, 2)
	f("header.ID", 1)
	f("post.json.items[0].id", 1, 4)
	f("post.json.items[2].id", 1, 4, 5)
	f("post.json.items[2].other", 1)
}

func TestProfileLookup(t *testing.T) {
	var sketch profile.Sketch
	var v profile.Stat
	v.Of([]byte("42"))
	sketch.Add(&v, 1, 1)
	model := profile.Compile(&sketch)
	endpoint := profile.Endpoint([]byte("a.example"), []byte("GET"), []byte("/users/{int}"))
	w := Writer{}
	for i := range uint64(1000) {
		w.Profiles = append(w.Profiles, Profile{ID: i + 1, Endpoint: endpoint ^ (i % 7), Point: i * 3, Model: model})
	}
	set := load(t, w)
	var m Match
	set.Match(&m, request("GET A.example/users/7?x=1"))
	for i := range uint64(1000) {
		p, ok := set.Profile(endpoint^(i%7), i*3)
		if !ok || p.ID != i+1 || string(p.Model) != string(model) {
			t.Fatalf("profile %d: %v, %v", i, p.ID, ok)
		}
		if p, ok := m.Profile(i * 3); ok != (i%7 == 0) || ok && p.ID != i+1 {
			t.Fatalf("profile %d of the request: %v, %v", i, p.ID, ok)
		}
		if _, ok := set.Profile(endpoint, i*3+1); ok {
			t.Fatalf("a profile that is not there")
		}
	}
	if n := len(slices.Collect(set.Profiles())); n != 1000 {
		t.Errorf("%d profiles, want 1000", n)
	}
}

// thousand is a set as a large tenant has it: rules by host and path.
func thousand(t testing.TB) *Set {
	var w Writer
	for i := range 1000 {
		pattern := fmt.Sprintf("h%d.example/api/v%d/r%d", i%10, i%3, i)
		switch i % 5 {
		case 0:
			pattern += "/**"
		case 1:
			pattern += "/*/edit"
		case 2:
			pattern = fmt.Sprintf("h%d.example/%d/{{^[0-9]+$}}", i%10, i)
		}
		s, err := ParseScope("", []string{"", "POST"}[i%2], pattern)
		if err != nil {
			t.Fatal(err)
		}
		k := randomKind(rand.New(rand.NewPCG(uint64(i), 0)))
		k.ID, k.Scope = uint64(i+1), s
		w.Rules = append(w.Rules, k)
	}
	return load(t, w)
}

var benchRequests = []string{"GET h0.example/api/v0/r0/items/17?page=2&q=x", "POST h1.example/api/v2/r11/77/edit", "GET h2.example/2/123", "GET h5.example/index.html"}

func TestMatchAllocatesNothing(t *testing.T) {
	set := thousand(t)
	var m Match
	for _, line := range append(benchRequests, "GET h0.example/api/../%61pi//v0/r0/x?q=%20") {
		q := request(line, "Host", "h0.example")
		set.Match(&m, q)
		if n := testing.AllocsPerRun(100, func() { set.Match(&m, q) }); n != 0 {
			t.Errorf("%s: %v allocations", line, n)
		}
	}
}

func BenchmarkMatch1000Rules(b *testing.B) {
	set := thousand(b)
	var m Match
	var qs []*Request
	for _, line := range benchRequests {
		qs = append(qs, request(line))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		set.Match(&m, qs[i%len(qs)])
	}
}

func BenchmarkMatchNoRules(b *testing.B) {
	set := load(b, Writer{})
	var m Match
	q := request(benchRequests[0])
	b.ReportAllocs()
	for b.Loop() {
		set.Match(&m, q)
	}
}
