package parse

import (
	"strings"
	"testing"
)

func TestQueryMeter(t *testing.T) {
	f := func(doc string, depth, aliases, value int, flags string) {
		t.Helper()
		for _, size := range []int{len(doc), 1, 3} {
			var m QueryMeter
			m.Reset()
			for at := 0; at < len(doc); at += size {
				m.Feed([]byte(doc[at:min(len(doc), at+size)]))
			}
			got := ""
			if m.Introspection {
				got += "i"
			}
			if m.Debug {
				got += "d"
			}
			if m.Size != len(doc) || m.Depth() != depth || m.Aliases != aliases || m.Value != value || got != flags {
				t.Errorf("%q by %d: %d bytes, depth %d, %d aliases, value %d, %q; want depth %d, %d, %d, %q",
					doc, size, m.Size, m.Depth(), m.Aliases, m.Value, got, depth, aliases, value, flags)
			}
		}
	}
	f(`{a}`, 1, 0, 0, "")
	f(`{ a { b { c } } d { e } }`, 3, 0, 0, "")
	f(`query Q($id: [ID!]! = ["x"]) @live { user(id: $id, f: {a: {b: 12}}) { name } }`, 2, 0, 2, "")
	f(`{ a: b, c : d #x: y`+"\n"+`, e # :`+"\n"+` : f }`, 1, 3, 0, "")
	f(`{ a(x: "y: z { { \" {", b: """ "{ \""" { """) }`, 1, 0, 13, "")
	f(`{ a(x: "") b }`, 1, 0, 1, "")            // the name
	f(`{ a(x: """"""") b { c } }`, 1, 0, 1, "") // the seventh quote begins a string that does not end
	f(`{ a(on: ENUM) { on } }`, 2, 0, 4, "")
	f(`{ a { ... { b } ... on T { b { c } } ...@skip(if:true) { d } } }`, 3, 0, 4, "")
	f(`fragment F on T { x { y } } { a { ...F } }`, 3, 0, 0, "")
	f(`query { a { ...F @x } } fragment G on T { y } fragment F on T { x { ...G z: w } }`, 3, 1, 0, "")
	f(`{ ...A } fragment A on T { b { ...B } } fragment B on T { c { ...A } }`, Endless, 0, 0, "")
	f(`query on { a } query query { b } subscription fragment { c { d } }`, 2, 0, 0, "")
	f(`{ __schema { types { name } } }`, 3, 0, 0, "i")
	f(`{ s: __type(name: "User") { name } }`, 2, 1, 4, "i")
	f(`{ __schema: a __typename x(__schema: 1) { "__schema" } }`, 2, 1, 8, "")
	f(`{ _debug { sql { rawSql } } }`, 3, 0, 0, "d")
	f(strings.Repeat("{a", 1025), Endless, 0, 0, "")
	f(strings.Repeat("{a", 1000)+strings.Repeat("}", 1000), 1000, 0, 0, "")
	f(strings.Repeat("query{a}", 257), Endless, 0, 0, "")
	f(strings.Repeat("}", 9)+strings.Repeat("]", 9)+`{a{b}}`, 2, 0, 0, "")
}

func TestBeginsQuery(t *testing.T) {
	f := func(v string, whole, want bool) {
		t.Helper()
		if BeginsQuery([]byte(v), whole) != want {
			t.Errorf("%q, whole %v: not %v", v, whole, want)
		}
	}
	for _, v := range []string{
		"{a}", " \n,{ a", "\xef\xbb\xbf{a}", "# hi\n{ # ho\n ...F }", "query{a}", "query Q{", "query Q @x {", "mutation ($x: Int) {", "subscription S(",
		"fragment on on T {", `"""what it does""" query Q {`, "query # c\n{",
	} {
		f(v, true, true)
		f(v, false, true)
	}
	for _, v := range []string{"", "{}", `{"match":{}}`, "query", "query me later", "query {{x}}"[:5], "fragment of a text", "queries {", "mutation", "{{x}}", "{ 1 }"} {
		f(v, true, false)
	}
	f("# only a comment", true, false)
	f("# only a comment", false, true)
	f("", false, false)
}

// The extents of the parts of a long value make up the value.
func TestExtent(t *testing.T) {
	letters := "abc"
	for i := range 26 {
		letters += strings.Repeat(string(rune('a'+i)), 7001)
	}
	f := func(point, contentType, before, after string) {
		t.Helper()
		for _, long := range []string{letters, "short", ""} {
			var w Walk
			r := joiner{point: point}
			w.Reset(&r, Limits{}, nil)
			w.Fields([]Field{{[]byte("Content-Type"), []byte(contentType)}})
			w.Write([]byte(before + long + after))
			w.Finish()
			if string(r.joined) != long {
				t.Errorf("%s: %d bytes of %d: %.50q...", point, len(r.joined), len(long), r.joined)
			}
			if r.gaps > 0 {
				t.Errorf("%s: %d parts do not follow the one before", point, r.gaps)
			}
		}
	}
	f("post.json.a", "application/json", `{"b":1,"a":"`, `","c":"x"}`)
	f("post.json[3]", "application/json", `["`+strings.Repeat("x", 70_000)+`",1,"","`, `",2]`)
	f("post.form.a", "application/x-www-form-urlencoded", "b=1&a=", "&c=2")
	f("post.multipart.f.file", "multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=e\r\n\r\nx\r\n--B\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n",
		"\r\n--B--\r\n")
	f("post", "application/octet-stream", "", "")
}

// A joiner joins what a point was visited with.
type joiner struct {
	point  string
	joined []byte
	gaps   int
}

func (j *joiner) Visit(t *Tree, n Node, v []byte) int {
	if string(t.AppendPoint(nil, n)) != j.point {
		return 0
	}
	before, own := t.Extent(n, v)
	if before != len(j.joined) {
		j.gaps++
	}
	j.joined = append(j.joined, v[:own]...)
	return 0
}

func (j *joiner) Decode(*Tree, Node, Kind) bool { return true }

func (j *joiner) Trouble(*Tree, Node, Trouble, []byte) {}

func FuzzQueryMeter(f *testing.F) {
	f.Add([]byte(`query Q($id: ID = "x") { a: b(x: """y""") { ...F ... on T { c } } } fragment F on T { d }`), 3)
	f.Fuzz(func(t *testing.T, doc []byte, at int) {
		at = min(max(at, 0), len(doc))
		var whole, parts QueryMeter
		whole.Reset()
		whole.Feed(doc)
		parts.Reset()
		parts.Feed(doc[:at])
		parts.Feed(doc[at:])
		if whole.Depth() != parts.Depth() || whole.Aliases != parts.Aliases || whole.Value != parts.Value {
			t.Errorf("%q in parts is another document", doc)
		}
		BeginsQuery(doc, at&1 == 0)
	})
}
