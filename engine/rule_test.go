package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/engine/rule"
)

// load returns a set of rules with ids from 1 on.
func load(t *testing.T, w rule.Writer) *rule.Set {
	t.Helper()
	for i := range w.Rules {
		w.Rules[i].ID = uint64(i + 1)
	}
	blob, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	set, err := rule.Load(blob)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

const unionTarget = "/search?q=1'+UNION+SELECT+login,password+FROM+users--+"

func TestModes(t *testing.T) {
	e := New(Options{})
	patch := load(t, rule.Writer{Rules: []rule.Rule{{Kind: rule.Patch, Point: "get.q"}}})
	f := func(set *rule.Set, env Env, attack, block bool) {
		t.Helper()
		v, _ := inspect(e, set, env, &request{method: "GET", target: unionTarget}, whole)
		if v.Attack != attack || (v.Decision == Block) != block {
			t.Errorf("%+v: %+v", env, v)
		}
	}
	f(nil, Env{Mode: rule.Off}, false, false)
	f(nil, Env{Mode: rule.Monitoring}, true, false)
	f(nil, Env{Mode: rule.SafeBlocking}, true, false)
	f(nil, Env{Mode: rule.SafeBlocking, Gray: true}, true, true)
	f(nil, Env{Mode: rule.Block}, true, true)
	f(patch, Env{Mode: rule.Off}, false, false)
	f(patch, Env{Mode: rule.Monitoring}, true, true)
	f(patch, Env{Mode: rule.SafeBlocking}, true, true)
	stricter := load(t, rule.Writer{Rules: []rule.Rule{{Kind: rule.SetMode, Mode: rule.Block, Scope: rule.Scope{Path: "/search"}}}})
	f(stricter, Env{Mode: rule.Monitoring}, true, true)
	f(stricter, Env{Mode: rule.Monitoring, Override: rule.OverrideOff}, true, false)
}

// TestSettled checks that a long request is not read on once it is an attack
// whatever follows, but to the end where rules may drop what was found.
func TestSettled(t *testing.T) {
	e := New(Options{})
	f := func(body, class string, classes int, rules ...rule.Rule) {
		t.Helper()
		r := &request{"POST", "/a", []string{"Content-Type", "application/x-www-form-urlencoded"}, body}
		v, rep := inspect(e, load(t, rule.Writer{Rules: rules}), Env{Mode: rule.Block}, r, whole)
		found := map[string]bool{}
		for _, g := range rep.Findings {
			found[g.Class.String()] = true
		}
		if !v.Attack || v.Decision != Block || !found[class] || len(found) != classes {
			t.Errorf("%+v, found %v", v, found)
		}
	}
	const query, script = "'+union+select+login,password+from+users+where+'1'='1'--+", "<script>alert(document.cookie)</script>"
	long := strings.Repeat(query, 1000)
	ignore := rule.Rule{Kind: rule.Ignore, Class: detect.SQLi}
	f("a="+query+script, "sqli", 2)
	f("a="+long+script, "sqli", 1)
	f("a="+long+"&b="+script, "sqli", 1)
	f("a="+long+script, "xss", 1, ignore)
	f("a="+long+"&b="+script, "xss", 1, ignore)
}

// TestSettledIsNotKnown checks that what was not looked at, because the request
// was an attack already, is not taken for clean when it comes again, and that
// the same request gives the same report.
func TestSettledIsNotKnown(t *testing.T) {
	e := New(Options{})
	const script = "<script>alert(document.cookie)</script>"
	send := func(target string) (Verdict, *Report) {
		return inspect(e, nil, Env{Mode: rule.Block}, &request{"GET", target, []string{"X-Value", script}, ""}, whole)
	}
	long := "/?a=" + strings.Repeat("'+union+select+login,password+from+users+where+'1'='1'--+&b=", 400)
	v, first := send(long)
	if !v.Attack || len(first.Findings) == 0 || slices.ContainsFunc(first.Findings, func(f Finding) bool { return strings.HasPrefix(f.Point, "header.X-VALUE") }) {
		t.Fatalf("the field was looked at: %+v", v)
	}
	if _, second := send(long); !cmp.Equal(first, second) {
		t.Error(cmp.Diff(first, second))
	}
	if v, _ := send("/"); !v.Attack {
		t.Error("a field that nobody looked at passes")
	}
}

func TestRules(t *testing.T) {
	e := New(Options{})
	f := func(r *request, attack bool, rules ...rule.Rule) *Report {
		t.Helper()
		v, rep := inspect(e, load(t, rule.Writer{Rules: rules}), Env{Mode: rule.Block}, r, whole)
		if v.Attack != attack {
			t.Errorf("%s: %+v %v", r.target, v, rep.Findings)
		}
		return rep
	}
	union := &request{method: "GET", target: unionTarget}
	f(union, true)
	f(union, false, rule.Rule{Kind: rule.Ignore, Class: detect.SQLi, Point: "get.q"}, rule.Rule{Kind: rule.Ignore, Point: "uri"})
	f(union, true, rule.Rule{Kind: rule.Ignore, Class: detect.XSS, Point: "get.q"})
	f(union, true, rule.Rule{Kind: rule.Ignore, Class: detect.SQLi, Point: "get.p"})

	masked := f(union, true, rule.Rule{Kind: rule.Mask, Point: "get.q"})
	for _, g := range masked.Findings {
		if strings.HasPrefix(g.Point, "get.q") && g.Value != nil {
			t.Errorf("the value at %s is in the report", g.Point)
		}
	}

	code := &request{method: "GET", target: "/?coupon=INTERNAL-7"}
	own := rule.Rule{Kind: rule.Detector, Class: detect.Custom, Expr: "^INTERNAL-", Point: "get.coupon"}
	if rep := f(code, true, own); len(rep.Findings) != 1 || rep.Findings[0].Rule != 1 || rep.Findings[0].Point != "get.coupon" {
		t.Errorf("%+v", rep.Findings)
	}
	own.Experimental = true
	if rep := f(code, false, own); len(rep.Findings) != 1 {
		t.Errorf("%+v", rep.Findings)
	}

	encoded := &request{method: "GET", target: "/?q=MScgVU5JT04gU0VMRUNUIGxvZ2luLHBhc3N3b3JkIEZST00gdXNlcnMtLSA="}
	f(encoded, true)
	f(encoded, false, rule.Rule{Kind: rule.Parser, Name: "base64", Point: "get.q"})

	soft := f(&request{method: "GET", target: "/?q=" + "x%27+or+1%3D1"}, true)
	weight := soft.Findings[0].Weight
	if soft.Findings[0].Hard || weight > 0.95 {
		t.Skipf("no soft finding to shift: %+v", soft.Findings)
	}
	f(&request{method: "GET", target: "/?q=" + "x%27+or+1%3D1"}, false, rule.Rule{Kind: rule.Shift, Point: "get.q", Shift: 600})
}

func TestProfiles(t *testing.T) {
	e := New(Options{})
	visit := func(target string, set *rule.Set) (Verdict, *Report) {
		return inspect(e, set, Env{Mode: rule.Block, Observe: true}, &request{method: "GET", target: target}, whole)
	}
	_, rep := visit("/item?id=17", nil)
	steps, _ := parse.ParsePoint("get.id")
	key := parse.Key(steps).Folded
	var seen *Value
	for i := range rep.Values {
		if rep.Values[i].Key == key {
			seen = &rep.Values[i]
		}
	}
	if seen == nil || string(seen.Point) != "get.id" || seen.Len != 2 || seen.Class[profile.Digit] != 2 || seen.Format != profile.Int {
		t.Fatalf("get.id is not among %+v", rep.Values)
	}
	var s profile.Sketch
	for i := range 5000 {
		s.Add(&seen.Stat, uint64(i), uint64(i%50))
	}
	set := load(t, rule.Writer{Profiles: []rule.Profile{{ID: 900, Endpoint: rep.Endpoint, Point: key, Model: profile.Compile(&s)}}})
	v, rep := visit("/item?id=18", set)
	if len(rep.Findings) != 0 {
		t.Errorf("an ordinary value: %+v %+v", v, rep.Findings)
	}
	v, rep = visit("/item?id=x%24%7B(", set)
	found := false
	for _, f := range rep.Findings {
		found = found || f.Class == detect.Anomaly && f.Rule == 900 && f.Point == "get.id"
	}
	if !found {
		t.Errorf("a strange value: %+v %+v", v, rep.Findings)
	}
}

func TestFraming(t *testing.T) {
	e := New(Options{})
	f := func(attack bool, target string, fields ...string) {
		t.Helper()
		v, rep := inspect(e, nil, Env{Mode: rule.Block}, &request{method: "POST", target: target, fields: fields}, whole)
		smuggling := false
		for _, g := range rep.Findings {
			smuggling = smuggling || g.Class == detect.Smuggling
		}
		if smuggling != attack {
			t.Errorf("%q %q: %+v %+v", target, fields, v, rep.Findings)
		}
	}
	f(false, "/", "Content-Length", "0", "Content-Type", "text/plain")
	f(true, "/", "Content-Length", "0", "Content-Length", "5")
	f(true, "/", "Content-Length", "5", "Transfer-Encoding", "chunked")
	f(true, "/", "Content-Type", "text/plain", "content-type", "text/xml")
	f(true, "/a\rb")
	f(true, "/", "X-A\n", "b")
	f(true, "/", "X-A", "b\r\nC: d")
}

func TestLongDocumentsAreBounded(t *testing.T) {
	e := New(Options{})
	f := func(body, contentType, limit string) {
		t.Helper()
		_, rep := inspect(e, nil, Env{Mode: rule.Block}, &request{method: "POST", target: "/", fields: []string{"Content-Type", contentType}, body: body}, whole)
		if len(rep.Limits) == 0 || rep.Limits[0] != limit {
			t.Errorf("%.30q: limits %v, want %s", body, rep.Limits, limit)
		}
	}
	f(strings.Repeat("[", 100_000), "application/json", "nesting")
	f(strings.Repeat("<a>", 100_000), "text/xml", "nesting")
	f("["+strings.Repeat("1,", 100_000)+"1]", "application/json", "points")
	deep := "x=1"
	for range 40 {
		deep = strings.ReplaceAll("x="+deep, "%", "%25")
		deep = strings.ReplaceAll(deep, "=", "%3D")
		deep = "y" + strings.Replace(deep, "%3D", "=", 1)
	}
	f(deep, "text/plain", "effort")
	f(strings.Repeat("%25", 1)+strings.Repeat("25", 20)+"41", "text/plain", "depth")
}

// FuzzRequest checks whole requests: no panic, a score within bounds, and the
// same result twice.
func FuzzRequest(f *testing.F) {
	f.Add("/a/b.c?d=e&f[]=g", "application/json", "session=x; y=z", `{"a":["b",{"c":1}]}`, 3)
	f.Add("/%2e%2e/x", "multipart/form-data; boundary=b", "", "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--b--", 10)
	f.Add("*", "text/xml", "a=b", "<a b='c'>d<!-- e --></a>", 1)
	e := New(Options{Limits: parse.Limits{Window: 4096, Overlap: 128}})
	f.Fuzz(func(t *testing.T, target, contentType, cookie, body string, chunk int) {
		r := &request{"POST", target, []string{"Content-Type", contentType, "Cookie", cookie}, body}
		env := Env{Mode: rule.Block, Observe: true}
		v, rep := inspect(e, nil, env, r, whole)
		v2, rep2 := inspect(e, nil, env, r, func() int { return chunk })
		if v != v2 || len(rep.Findings) != len(rep2.Findings) || rep.Nodes != rep2.Nodes {
			t.Errorf("%+v %+v, in chunks of %d %+v %+v", v, rep, chunk, v2, rep2)
		}
		if v.Score < 0 || v.Score > 1 || len(rep.Findings) > MaxFindings {
			t.Errorf("%+v, %d findings", v, len(rep.Findings))
		}
		for _, g := range rep.Findings {
			if g.From < 0 || g.To > int32(len(g.Value)) || g.From > g.To {
				t.Errorf("span %d to %d of %d", g.From, g.To, len(g.Value))
			}
			if _, err := parse.ParsePoint(g.Point); err != nil {
				t.Error(err)
			}
		}
	})
}
