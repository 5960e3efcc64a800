package engine

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/rule"
)

// A limitTest asks what becomes of requests under rules that limit.
type limitTest struct {
	*testing.T
	engine *Engine
	rules  []rule.Rule
	point  string // of the violation, if it is to be checked
}

// violates inspects a request in mode block, in monitoring and with rules in
// mode monitoring.
func (l *limitTest) violates(want bool, r *request, name string) {
	l.Helper()
	report := func(what string, set *rule.Set, env Env, attack, block bool, chunk func() int) {
		l.Helper()
		v, rep := inspect(l.engine, set, env, r, chunk)
		found := ""
		for _, f := range rep.Findings {
			if f.Rule != 0 && (f.Class == detect.GraphQL || f.Class == detect.Upload) {
				found = f.Point + ": " + f.Reason
			}
		}
		if v.Attack != attack || (v.Decision == Block) != block || (found != "") != want || want && !strings.HasPrefix(found, l.point) {
			l.Errorf("%s, %s: attack %v, %v, %q; want attack %v, block %v at %q; %v", name, what, v.Attack, v.Decision, found, attack, block, l.point, rep.Findings)
		}
	}
	set := load(l.T, rule.Writer{Rules: l.rules})
	report("block", set, Env{Mode: rule.Block}, want, want, whole)
	report("block, in small chunks", set, Env{Mode: rule.Block}, want, want, func() int { return 777 })
	report("monitoring", set, Env{Mode: rule.Monitoring}, want, false, whole)
	report("safe blocking", set, Env{Mode: rule.SafeBlocking}, want, false, whole)
	report("safe blocking of a gray source", set, Env{Mode: rule.SafeBlocking, Gray: true}, want, want, whole)

	mode := func(m rule.Mode) *rule.Set {
		rules := append([]rule.Rule(nil), l.rules...)
		for i := range rules {
			rules[i].Mode = m
		}
		return load(l.T, rule.Writer{Rules: rules})
	}
	report("monitored by its rule", mode(rule.Monitoring), Env{Mode: rule.Block}, want, false, whole)
	report("blocked by its rule", mode(rule.Block), Env{Mode: rule.Monitoring}, want, want, whole)
	report("blocked by its rule, overridden", mode(rule.Block), Env{Mode: rule.Monitoring, Override: rule.OverrideOff}, want, false, whole)
	if v, rep := inspect(l.engine, mode(rule.Off), Env{Mode: rule.Block}, r, whole); v.Attack {
		l.Errorf("%s: an attack with the limit lifted: %v", name, rep.Findings)
	}
}

func gqlJSON(members string) *request {
	return &request{"POST", "/graphql", append([]string{"Content-Type", "application/json"}, browser...), members}
}

// Each limit at n passes, and at n+1 is a violation.
func TestQueryLimits(t *testing.T) {
	l := limitTest{T: t, engine: New(Options{})}
	limit := func(q rule.QueryLimits) { l.rules = []rule.Rule{{Kind: rule.GraphQL, Query: q}} }
	// in sends a document in every way that servers take.
	in := func(want bool, doc string) {
		t.Helper()
		for _, w := range []struct {
			point string
			r     *request
		}{
			{"post.json.query", gqlJSON(`{"query":` + quoted(doc) + `}`)},
			{"post.json.query", gqlJSON(`{"operationName":null,"variables":{},"query":` + quoted(doc) + `}`)},
			{"post.json[0].query", gqlJSON(`[{"query":` + quoted(doc) + `}]`)},
			{"post", &request{"POST", "/graphql", append([]string{"Content-Type", "application/graphql"}, browser...), doc}},
			{"get.query", &request{"GET", "/graphql?query=" + url.QueryEscape(doc), browser, ""}},
			{"post.form.query", &request{"POST", "/graphql", append([]string{"Content-Type", "application/x-www-form-urlencoded"}, browser...), "query=" + url.QueryEscape(doc)}},
			{"post.multipart.operations.json.query", &request{"POST", "/graphql", append([]string{"Content-Type", "multipart/form-data; boundary=b"}, browser...),
				"--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":" + quoted(doc) + "}\r\n--b--\r\n"}},
			{"post.json.payload.query", gqlJSON(`{"type":"subscribe","payload":{"query":` + quoted(doc) + `}}`)},
		} {
			l.point = w.point
			l.violates(want, w.r, fmt.Sprintf("%s %.40s of %d bytes", w.point, doc, len(doc)))
		}
	}
	fields := func(n int) string { return "{" + strings.Repeat(" field", n) + " }" }

	limit(rule.QueryLimits{Document: 1203})
	in(false, fields(200))
	in(true, fields(201))
	limit(rule.QueryLimits{Value: 100})
	in(false, `{ user(name: "`+strings.Repeat("x", 100)+`") { id } }`)
	in(true, `{ user(name: "`+strings.Repeat("x", 101)+`") { id } }`)
	in(true, `query($name: String = "`+strings.Repeat("x", 101)+`") { user(name: $name) { id } }`)
	limit(rule.QueryLimits{Depth: 4})
	in(false, `{ a { b { c { d } } } }`)
	in(true, `{ a { b { c { d { e } } } } }`)
	in(false, `{ a { ...F } } fragment F on T { b { c { d } } }`)
	in(true, `{ a { b { ...F } } } fragment F on T { c { d { e } } }`)
	limit(rule.QueryLimits{Aliases: 3})
	in(false, `{ a: x b: x c: x }`)
	in(true, `{ a: x b: x c: x d: x }`)
	limit(rule.QueryLimits{DenyIntrospection: true})
	in(false, `{ a __typename }`)
	in(true, `{ __schema { types { name } } }`)
	in(true, `query { b: __type(name: "A") { name } }`)
	limit(rule.QueryLimits{DenyDebug: true})
	in(false, `{ debug }`)
	in(true, `{ a _debug { sql { rawSql } } }`)
	limit(rule.QueryLimits{Document: 1 << 20, Depth: 99, Aliases: 99, Batch: 9})
	in(false, `{ __schema { types { name } } _debug { a } b: c }`)
}

// A document may be longer than what is held of a body at a time.
func TestLongDocuments(t *testing.T) {
	l := limitTest{T: t, engine: New(Options{}), point: "post.json.query"}
	limit := func(q rule.QueryLimits) { l.rules = []rule.Rule{{Kind: rule.GraphQL, Query: q}} }
	in := func(want bool, doc string) {
		t.Helper()
		l.violates(want, gqlJSON(`{"query":`+quoted(doc)+`,"variables":{"a":1}}`), fmt.Sprintf("%.30s... of %d bytes", doc, len(doc)))
	}
	long := strings.Repeat(" some_field_of_it\n", 20_000)
	limit(rule.QueryLimits{Document: uint32(len(long)) + 2})
	in(false, "{"+long+"}")
	in(true, "{ "+long+"}")
	limit(rule.QueryLimits{Depth: 2, Aliases: 2, DenyIntrospection: true})
	in(false, "{ a: b { c }"+long+" d: e { f } }")
	in(true, "{ a: b { c }"+long+" d: e { f { g } } }")
	in(true, "{ a: b { c }"+long+" d: e { h: f } }")
	in(true, "{"+long+"__schema { types }}")
	in(true, "#"+strings.ReplaceAll(long, "\n", " ")+"\n{ __schema { types } }")
	in(true, "{ "+long+"a(x: \"{a}\") { b { c } } }")
}

func TestBatches(t *testing.T) {
	l := limitTest{T: t, engine: New(Options{}), rules: []rule.Rule{{Kind: rule.GraphQL, Query: rule.QueryLimits{Batch: 3}}}}
	batch := func(n int, operation string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(operation+",", n), ",") + "]"
	}
	const operation = `{"query":"{ a }","variables":{"x":[1,2,3,4,5,6]}}`
	l.violates(false, gqlJSON(operation), "one")
	l.violates(false, gqlJSON(batch(3, operation)), "three")
	l.point = "post.json[3].query"
	l.violates(true, gqlJSON(batch(4, operation)), "four")
	l.violates(true, gqlJSON(batch(9, operation)), "nine")
	l.point = "post.json[3].extensions.persistedQuery"
	l.violates(true, gqlJSON(batch(4, `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}`)), "persisted")
	l.point = "post.multipart.operations.json[3].query"
	l.violates(true, &request{"POST", "/graphql", append([]string{"Content-Type", "multipart/form-data; boundary=b"}, browser...),
		"--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n" + batch(4, operation) + "\r\n--b--\r\n"}, "multipart")
	l.violates(false, gqlJSON(batch(9, `{"id":7,"name":"an array of something else"}`)), "array")
}

// Variables and switches count beside a document, in whatever order they come.
func TestBesideDocuments(t *testing.T) {
	l := limitTest{T: t, engine: New(Options{}), rules: []rule.Rule{{Kind: rule.GraphQL, Query: rule.QueryLimits{Value: 100, DenyDebug: true}}}}
	const doc = `"query":"query($x: String) { a(x: $x) }"`
	value := func(n int) string { return `"variables":{"x":{"y":["` + strings.Repeat("v", n) + `"]}}` }
	l.violates(false, gqlJSON(`{`+doc+`,`+value(100)+`}`), "variables")
	l.violates(false, gqlJSON(`{"note":"no operation",`+value(101)+`}`), "no document")
	l.point = `post.json.variables.x.y[0]`
	l.violates(true, gqlJSON(`{`+doc+`,`+value(101)+`}`), "variables behind")
	l.violates(true, gqlJSON(`{`+value(101)+`,`+doc+`}`), "variables in front")
	l.violates(true, gqlJSON(`{`+doc+`,`+value(200_000)+`}`), "long variables")
	l.point = "get.variables.json.x"
	l.violates(true, &request{"GET", "/graphql?query=%7Ba%7D&variables=" + url.QueryEscape(`{"x":"`+strings.Repeat("v", 101)+`"}`), browser, ""}, "GET")

	l.point = ""
	l.violates(false, gqlJSON(`{`+doc+`,"extensions":{"tracing":false}}`), "tracing off")
	l.violates(false, gqlJSON(`{"debug":true}`), "debug without document")
	l.violates(true, gqlJSON(`{`+doc+`,"extensions":{"tracing":true}}`), "tracing")
	l.violates(true, gqlJSON(`{"debug":1,`+doc+`}`), "debug")
	l.violates(true, &request{"GET", "/graphql?debug=1&query=%7Ba%7D", browser, ""}, "GET debug")
	traced := gqlJSON(`{` + doc + `}`)
	traced.fields = append(traced.fields, "Apollo-Federation-Include-Trace", "ftv1")
	l.violates(true, traced, "trace field")
}

// The most specific rule decides; where servers disagree about the path, all
// rules that hold do.
func TestLimitPrecedence(t *testing.T) {
	e := New(Options{})
	set := load(t, rule.Writer{Rules: []rule.Rule{
		{Kind: rule.GraphQL, Query: rule.QueryLimits{Depth: 2}},
		{Kind: rule.GraphQL, Query: rule.QueryLimits{Depth: 4}, Scope: rule.Scope{Path: "/admin/**"}},
		{Kind: rule.GraphQL, Mode: rule.Off, Scope: rule.Scope{Path: "/tools/**"}},
	}})
	f := func(target string, depth int, block bool) {
		t.Helper()
		r := gqlJSON(`{"query":` + quoted(strings.Repeat("{a", depth)+strings.Repeat("}", depth)) + `}`)
		r.target = target
		if v, rep := inspect(e, set, Env{Mode: rule.Block}, r, whole); (v.Decision == Block) != block {
			t.Errorf("%s, depth %d: %v %v", target, depth, v, rep.Findings)
		}
	}
	f("/graphql", 2, false)
	f("/graphql", 3, true)
	f("/admin/graphql", 4, false)
	f("/admin/graphql", 5, true)
	f("/tools/graphql", 30, false)
	f("/tools/x/..%2f..%2fgraphql", 3, true)
	f("/x/..%2fadmin/graphql", 3, true)
}

// Rules that limit take nothing of what the engine hints at by itself, and
// replace its hints.
func TestQueryHints(t *testing.T) {
	e := New(Options{})
	r := gqlJSON(`{"query":` + quoted(strings.Repeat("{a", 40)+strings.Repeat("}", 40)) + `}`)
	v, rep := inspect(e, nil, Env{Mode: rule.Block}, r, whole)
	if v.Attack || len(rep.Findings) != 1 || rep.Findings[0].Class != detect.GraphQL || rep.Findings[0].Rule != 0 {
		t.Errorf("without a rule: %v %v", v, rep.Findings)
	}
	v, rep = inspect(e, load(t, rule.Writer{Rules: []rule.Rule{{Kind: rule.GraphQL, Query: rule.QueryLimits{Depth: 40}}}}), Env{Mode: rule.Block}, r, whole)
	if v.Attack || len(rep.Findings) != 0 {
		t.Errorf("with a rule that allows it: %v %v", v, rep.Findings)
	}
}

// A file is a part of a multipart body.
type file struct{ field, name, kind, content string }

func upload(files ...file) *request {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "--b\r\nContent-Disposition: form-data; name=%q", f.field)
		if f.name != "" {
			fmt.Fprintf(&b, "; filename=%q", f.name)
		}
		if f.kind != "" {
			fmt.Fprintf(&b, "\r\nContent-Type: %s", f.kind)
		}
		fmt.Fprintf(&b, "\r\n\r\n%s\r\n", f.content)
	}
	b.WriteString("--b--\r\n")
	return &request{"POST", "/profile", append([]string{"Content-Type", "multipart/form-data; boundary=b", "Content-Length", fmt.Sprint(b.Len())}, browser...), b.String()}
}

const (
	pngHead  = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
	jpegHead = "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01"
	elfHead  = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00>\x00"
	docxHead = "PK\x03\x04\x14\x00\x00\x00\x08\x00\x00\x00!\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x13\x00\x00\x00[Content_Types].xml"
)

// noise is n bytes that begin like a picture and mean nothing.
func noise(n int) string {
	b := []byte(pngHead)
	for x := uint32(7); len(b) < n; {
		x = x*1664525 + 1013904223
		b = append(b, byte(x>>24)|0x80)
	}
	return string(b[:n])
}

func TestUploadSizes(t *testing.T) {
	l := limitTest{T: t, engine: New(Options{})}
	limit := func(point string, f rule.FileLimits) {
		l.rules = []rule.Rule{{Kind: rule.Upload, Point: point, Files: f}}
	}
	for _, n := range []int{30, 5000, 300_000} {
		limit("", rule.FileLimits{Size: uint64(n)})
		l.point = "post.multipart.f.file"
		l.violates(false, upload(file{"note", "", "", strings.Repeat("oak ", n)}, file{"f", "a.png", "image/png", noise(n)}), fmt.Sprint("a file of ", n))
		l.violates(true, upload(file{"e", "a.png", "image/png", noise(n)}, file{"f", "a.png", "image/png", noise(n + 1)}), fmt.Sprint("a file over ", n))
		limit("post.multipart.f", rule.FileLimits{Size: uint64(n)})
		l.violates(false, upload(file{"other", "a.png", "image/png", noise(n + 1)}, file{"f", "a.png", "image/png", noise(n)}), fmt.Sprint("another field over ", n))
		l.violates(true, upload(file{"f", "a.png", "image/png", noise(n + 1)}), fmt.Sprint("the field over ", n))
		l.point = "post.multipart.f"
		l.violates(true, upload(file{"f", "", "", strings.Repeat("oak ", n)}), fmt.Sprint("a text over ", n))

		limit("", rule.FileLimits{Size: uint64(n)})
		raw := &request{"PUT", "/files/a.png", append([]string{"Content-Type", "image/png"}, browser...), noise(n)}
		l.point = "post"
		l.violates(false, raw, "raw")
		raw.body = noise(n + 1)
		l.violates(true, raw, "raw, too large")

		limit("", rule.FileLimits{Total: uint64(n)})
		l.violates(true, raw, "body, too large")
		raw.body = noise(n)
		l.violates(false, raw, "body")

		limit("post.json.avatar", rule.FileLimits{Size: uint64(n)})
		l.point = "post.json.avatar"
		l.violates(false, gqlJSON(`{"avatar":"`+strings.Repeat("!", n)+`","b":"`+strings.Repeat("!", n+1)+`"}`), "member")
		l.violates(true, gqlJSON(`{"avatar":"`+strings.Repeat("!", n+1)+`"}`), "member, too large")
	}
	limit("", rule.FileLimits{Size: 10, Total: 100})
	l.violates(false, gqlJSON(`{"a":"`+strings.Repeat("x", 80)+`"}`), "no file")
}

// A size is decided when it is passed, not when the body ends; and one that
// is announced, before the body.
func TestUploadSizesEarly(t *testing.T) {
	e := New(Options{})
	f := func(limits rule.FileLimits, length string, within int) {
		t.Helper()
		tx := e.Begin(load(t, rule.Writer{Rules: []rule.Rule{{Kind: rule.Upload, Files: limits}}}), Env{Mode: rule.Block})
		defer tx.Close()
		r := upload(file{"f", "a.png", "image/png", noise(1 << 20)})
		r.fields[3] = length
		v := tx.Headers(r.head())
		sent := 0
		for v.Decision == Pass && sent < len(r.body) {
			n := min(1000, len(r.body)-sent)
			v = tx.Body([]byte(r.body[sent : sent+n]))
			sent += n
		}
		if v.Decision != Block || sent > within {
			t.Errorf("%v, length %s: %v after %d bytes, want a block within %d", limits, length, v.Decision, sent, within)
		}
	}
	f(rule.FileLimits{Total: 100_000}, "", 101_000)
	f(rule.FileLimits{Total: 100_000}, "100001", 0)
	f(rule.FileLimits{Size: 100_000}, "", 100_000+64<<10)
}

func TestUploadKinds(t *testing.T) {
	l := limitTest{T: t, engine: New(Options{})}
	set := func(names ...string) rule.FileSet {
		s, err := rule.ParseFileSet(names...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	limit := func(point string, f rule.FileLimits) {
		l.rules = []rule.Rule{{Kind: rule.Upload, Point: point, Files: f}}
	}
	f := func(want bool, name, kind, content string) {
		t.Helper()
		l.point = "post.multipart.f.file"
		l.violates(want, upload(file{"note", "", "text/plain", "a note"}, file{"f", name, kind, content}), fmt.Sprintf("%s %s %.10q", name, kind, content))
	}
	limit("", rule.FileLimits{Allow: set("image", "office")})
	f(false, "a.png", "image/png", pngHead)
	f(false, "a.JPG", "application/octet-stream", jpegHead)
	f(false, "photo", "", jpegHead)
	f(false, "a.docx", "", docxHead)
	f(false, "a.docx", "application/zip", "PK\x05\x06"+strings.Repeat("\x00", 18))
	l.rules[0].Files.Allow = set("image", "office", "zip")
	f(false, "a.docx", "application/zip", "PK\x05\x06"+strings.Repeat("\x00", 18))
	l.rules[0].Files.Allow = set("image", "office")
	f(false, "a.docx", "", "PK\x03\x04\x14\x00 an archive whose first entry tells nothing")
	f(true, "a.zip", "", "PK\x03\x04\x14\x00 an archive whose first entry tells nothing")
	f(true, "a.png", "", "just a text")
	f(true, "a.txt", "text/plain", "just a text")
	f(true, "a.unknown", "", pngHead)
	f(true, "a.png", "application/pdf", pngHead)
	f(false, "a.png", "image/png", "")                                          // no file was chosen
	f(false, "a.png", "image/png", pngHead[:8]+strings.Repeat("\x00", 200_000)) // hardly any letters
	limit("", rule.FileLimits{Deny: set("svg", "archive")})
	f(false, "a.png", "image/png", pngHead)
	f(true, "a.svg", "", "<svg xmlns=\"http://www.w3.org/2000/svg\"><rect/></svg>")
	f(true, "a", "", "<svg xmlns=\"http://www.w3.org/2000/svg\"><rect/></svg>")
	f(true, "a.gz", "", "not compressed")
	f(true, "a", "application/zip", "not compressed")
	limit("post.multipart.g", rule.FileLimits{Deny: set("svg", "archive")})
	f(false, "a.svg", "", "<svg xmlns=\"http://www.w3.org/2000/svg\"><rect/></svg>")
	limit("post.multipart.f", rule.FileLimits{Match: true})
	f(false, "a.jpg", "image/png", jpegHead)
	f(false, "a.docx", "application/zip", docxHead)
	f(false, "a.csv", "application/octet-stream", "a;b")
	f(true, "a.pdf", "", pngHead)
	f(true, "a.png", "", "just a text")
	f(true, "a.png", "text/plain", pngHead)

	limit("", rule.FileLimits{Allow: set("image")})
	l.point = "post"
	l.violates(false, &request{"PUT", "/files/a.png?x=.php", append([]string{"Content-Type", "image/png"}, browser...), pngHead}, "raw")
	l.violates(true, &request{"PUT", "/files/a.bin", append([]string{"Content-Type", "image/png"}, browser...), pngHead}, "raw name")
	l.violates(true, &request{"POST", "/files/a.bin", append([]string{"Content-Type", "image/png"}, browser...), "no picture at all"}, "raw content")
	l.violates(false, gqlJSON(`{"a":1}`), "no file")
	limit("post.json.avatar", rule.FileLimits{Deny: set("executable")})
	l.point = "post.json.avatar"
	l.violates(false, gqlJSON(`{"avatar":"`+base64.StdEncoding.EncodeToString([]byte(noise(200)))+`"}`), "base64")
	l.violates(true, gqlJSON(`{"avatar":"`+base64.StdEncoding.EncodeToString([]byte(elfHead+noise(200)))+`"}`), "base64 program")
	l.violates(true, gqlJSON(`{"avatar":"data:image/png;base64,`+base64.URLEncoding.EncodeToString([]byte(elfHead+noise(2000)))+`"}`), "data URL program")
	limit("post.json.avatar", rule.FileLimits{Allow: set("image")})
	l.violates(false, gqlJSON(`{"avatar":"data:image/png;base64,`+base64.StdEncoding.EncodeToString([]byte(noise(200_000)))+`"}`), "data URL")
	l.violates(false, gqlJSON(`{"avatar":null,"b":"text"}`), "null")
	l.violates(true, gqlJSON(`{"avatar":"password"}`), "text")
	l.violates(true, gqlJSON(`{"avatar":"data:application/pdf;base64,`+base64.StdEncoding.EncodeToString([]byte(noise(200)))+`"}`), "data URL of another type")
}

// Without any rule, what runs somewhere and is said to be a picture is
// evidence.
func TestDisguise(t *testing.T) {
	e := New(Options{})
	f := func(want bool, name, kind, content string) {
		t.Helper()
		v, rep := inspect(e, nil, Env{Mode: rule.Block}, upload(file{"f", name, kind, content}), whole)
		if v.Attack != want || want && rep.Findings[0].Class != detect.Upload && rep.Findings[0].Class != detect.Code {
			t.Errorf("%s %s %.20q: %v %+v", name, kind, content, v, rep.Findings)
		}
	}
	f(true, "a.jpg", "image/jpeg", "<?php echo 1; ?>")
	f(true, "a.jpg", "", elfHead)
	f(true, "a", "image/png", "MZ\x90\x00\x03"+strings.Repeat("\x00", 100))
	f(true, "a.pdf", "", "#!/bin/sh\necho hello\n")
	f(true, "a.gif", "image/gif", "GIF89a\x01\x00\x01\x00<?php system($_GET['c']); ?>")
	f(false, "a.exe", "application/octet-stream", elfHead)
	f(false, "build.sh", "text/x-sh", "#!/bin/sh\necho hello\n")
	f(false, "a.jpg", "image/jpeg", pngHead)
	f(false, "a.txt", "text/plain", "a text")
	f(false, "a.jpg", "image/jpeg", "a text")
	f(false, "a.jpg", "image/jpeg", "<html><body>Not found</body></html>")
	f(false, "a.png", "image/png", "")
}

// TestPatienceTeachesNothing holds that what is read in part only, because the
// request is an attack anyway, is not taken for clean in the next one.
func TestPatienceTeachesNothing(t *testing.T) {
	evil := []string{"User-Agent", "() { :;}; /bin/bash -c 'cat /etc/passwd'"}
	for pad := range 400 {
		e := New(Options{})
		first := request{"GET", "/?a=1'+union+select+login,password+from+users--+" + strings.Repeat("&b=x;y|z", pad), evil, ""}
		if v, _ := inspect(e, nil, Env{Mode: rule.Block}, &first, whole); !v.Attack {
			t.Fatal("the first request is no attack")
		}
		if v, _ := inspect(e, nil, Env{Mode: rule.Block}, &request{"GET", "/", evil, ""}, whole); !v.Attack {
			t.Fatalf("behind %d parameters an attack in a field is taken for known", pad)
		}
	}
}
