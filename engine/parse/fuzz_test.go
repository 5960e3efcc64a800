package parse

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPointRoundTrip(t *testing.T) {
	f := func(point string, steps ...Step) {
		t.Helper()
		if got := string(AppendSteps(nil, steps)); got != point {
			t.Errorf("rendered %s, want %s", got, point)
		}
		got, err := ParsePoint(point)
		if d := cmp.Diff(steps, got); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", point, err, d)
		}
	}
	key := func(k Kind, s string) Step { return Step{Kind: k, Key: []byte(s)} }
	f("get.id", key(Get, "id"))
	f("get_name", Step{Kind: GetName})
	f("uri", Step{Kind: URI})
	f("path[3]", Step{Kind: Path, Index: 3})
	f("header.USER-AGENT", key(Header, "USER-AGENT"))
	f("header.COOKIE.cookie.session", key(Header, "COOKIE"), Step{Kind: Cookie}, key(Hash, "session"))
	f("post.json.user[2].name", Step{Kind: Post}, Step{Kind: JSON}, key(Hash, "user"), Step{Kind: Array, Index: 2}, key(Hash, "name"))
	f("post.json.user.base64.xml.tag[2]@x", Step{Kind: Post}, Step{Kind: JSON}, key(Hash, "user"), Step{Kind: Base64},
		Step{Kind: XML}, key(Tag, "tag"), Step{Kind: Array, Index: 2}, key(Attr, "x"))
	f(`get."base64".base64`, key(Get, "base64"), Step{Kind: Base64})
	f(`get."a\"b\\ \xff\x00é"`, key(Get, "a\"b\\ \xff\x00é"))
	f(`get."".percent`, key(Get, ""), Step{Kind: Percent})
	f("post.multipart.f.file", Step{Kind: Post}, Step{Kind: Multipart}, key(Hash, "f"), Step{Kind: File})
	f("post.multipart.f.header.CONTENT-TYPE", Step{Kind: Post}, Step{Kind: Multipart}, key(Hash, "f"), key(Header, "CONTENT-TYPE"))
	for _, bad := range []string{"", ".", "foo", "get", "get.", "path", "path[x]", "path[-1]", `get."a`, "get.a.uri", "get.a[1", "get.a..b", `get."\q"`} {
		if steps, err := ParsePoint(bad); err == nil {
			t.Errorf("%q is read as %v", bad, steps)
		}
	}
}

func TestKeys(t *testing.T) {
	var w Walk
	var r recorder
	r.names = true
	w.Reset(&r, Limits{}, nil)
	w.Target([]byte("/a/b.c?x=1&y[k]=%2520&z=1&z=2"))
	w.Fields([]Field{{[]byte("Content-Type"), []byte("application/json")}, {[]byte("Cookie"), []byte("a=b")}})
	w.Write([]byte(`{"a":[{"b":"<r><t>1</t><t x='2'>3</t></r>"},{"c":"ZGVjb2RlZCB0ZXh0"}]}`))
	w.Finish()
	for point, keys := range r.keys {
		steps, err := ParsePoint(point)
		if err != nil {
			t.Fatal(err)
		}
		if got := Key(steps); got != keys {
			t.Errorf("%s: %x, the walk has %x", point, got, keys)
		}
	}
	a, _ := ParsePoint("post.json.a[0].b")
	b, _ := ParsePoint("post.json.a[7].b")
	if Key(a).Folded != Key(b).Folded || Key(a).Exact == Key(b).Exact {
		t.Error("indexes of arrays are not folded, or are in the exact key")
	}
}

func FuzzParsePoint(f *testing.F) {
	for _, s := range []string{"get.id", `post.json."a b"[2].base64`, "header.A.cookie.b", "post.xml.a.b@c", `get."\x00"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		steps, err := ParsePoint(s)
		if err != nil {
			return
		}
		again, err := ParsePoint(string(AppendSteps(nil, steps)))
		if d := cmp.Diff(steps, again); d != "" || err != nil {
			t.Errorf("%q: %v\n%s", s, err, d)
		}
	})
}

// A checker verifies what must hold of every walk.
type checker struct {
	t     *testing.T
	bytes int
	sum   uint64
}

func (c *checker) Visit(t *Tree, n Node, v []byte) int {
	c.bytes += len(v)
	c.sum = mix(c.sum, t.Keys(n).Exact) + hashName(v)
	if t.Depth(n) > t.limits.Depth+1 {
		c.t.Errorf("depth %d", t.Depth(n))
	}
	var steps [MaxRendered]byte
	t.AppendPoint(steps[:0], n)
	return 16 * len(v)
}

func (c *checker) Decode(*Tree, Node, Kind) bool { return true }

func (c *checker) Trouble(t *Tree, n Node, what Trouble, v []byte) { c.sum = mix(c.sum, uint64(what)) }

var types = []string{"", "application/json", "application/x-www-form-urlencoded", "text/xml",
	"multipart/form-data; boundary=b", "application/grpc", "application/x-protobuf", "application/graphql",
	"application/json; charset=utf-7", "application/x-www-form-urlencoded; charset=ibm037", "text/xml; charset=utf-16", "text/plain; charset=utf-32be"}

// walkAll walks a body with a small window and returns what identifies the
// walk.
func walkAll(t *testing.T, kind byte, body []byte, chunk func() int) *checker {
	c := &checker{t: t}
	var w Walk
	w.Reset(c, Limits{Window: 4 << 10, Overlap: 256}, nil)
	w.Target(body[:min(len(body), 200)])
	w.Fields([]Field{{[]byte("Content-Type"), []byte(types[int(kind)%len(types)])}, {[]byte("Cookie"), body[:min(len(body), 100)]}})
	for len(body) > 0 {
		n := min(len(body), max(chunk(), 1))
		w.Write(body[:n])
		body = body[n:]
	}
	w.Finish()
	for i := range w.body.used {
		if l := &w.body.lanes[i]; len(l.tree.scratch) > 0 && l.format != xmlFormat {
			t.Errorf("lane %d leaves %d bytes of scratch", l.format, len(l.tree.scratch))
		}
	}
	if len(w.tree.nodes) > 0 || len(w.tree.names) > 0 || len(w.tree.scratch) > 0 {
		t.Errorf("the walk leaves %d nodes, %d bytes of names, %d of scratch", len(w.tree.nodes), len(w.tree.names), len(w.tree.scratch))
	}
	w.Close()
	return c
}

// How many bytes may be visited per byte received: every interpretation and
// every layer of encoding counts once. Compressed data may become maxGrowth
// times as much.
const (
	maxWork    = 14
	maxZipWork = 60
)

func FuzzWalk(f *testing.F) {
	for i, s := range seeds {
		f.Add(byte(i), []byte(s))
	}
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		if len(body) > 64<<10 {
			return
		}
		one := walkAll(t, kind, body, func() int { return 1 << 20 })
		rnd := rand.New(rand.NewPCG(uint64(len(body)), uint64(kind)))
		two := walkAll(t, kind, body, func() int { return rnd.IntN(3000) })
		if one.sum != two.sum {
			t.Error("the walk depends on how the body is cut")
		}
		if one.bytes > maxZipWork*len(body)+workSlack {
			t.Errorf("%d bytes visited for %d received", one.bytes, len(body))
		}
	})
}

var seeds = []string{
	"", `{"a":[1,{"b":"c\u0041"}],}x`, `{'a':/*c*/b,"c":"`, "[[[[[[[[", `"\`, "a=1&b[]=2&b[]=3&b[x][y]=%41+%", "&&==&",
	`<?xml version="1"?><!DOCTYPE a [<!ENTITY b "&c;">]><a b="c" d='e' f>g<![CDATA[h]]><!--i--></a><j/>`, "<a <b></c></a", "<![CDATA[", "<!--",
	"--b\r\nContent-Disposition: form-data; name=\"a\"; filename*=utf-8''b%41\r\n\r\nc\r\n--b--\r\n", "--b\n\n--b", "--b--b--b",
	"\x00\x00\x00\x00\x05\x0a\x03abc", "\x00\xff\xff\xff\xff", "\x0a\x04\x12\x02hi\x10\x01",
	`query Q($a: I = "b") { c: d(e: {f: [1, "g"]}, h: """i""") @j { k ...L ... on M { n } } } #o`,
	"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln", "PHg+eWVzPC94Pg==", "3c7363726970743e78", "%25%32%35%u0041%c0%af", "&lt;&#x41;&#65\\x41\\u0041\\101",
	"\x4c\x6f\xa7\x94\x93\x6f\x6e\x4c\x81\x6e", "+AHsAIgBh-\":1}", "{\x00\x00\x00}\x00\x00\x00", "\x00\x00\xfe\xff\x00\x00\x00a", `{"a":1,"\u0061":2}`, "q=+ADw-a+AD4-",
	"<!DOCTYPE a [<!ATTLIST b c CDATA \"&#x41;\">]><b/>", "<a%20b=c>d</a>",
	"--b\nContent-Disposition: form-data; name*=utf-8''a; filename*0=\"a\"; filename*1=b\nContent-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; charset=cp037\n\na=3D=\nb\n--b--\n",
	"\xff\xfe<\x00a\x00>\x00", "+ADw-a+AD4-", "\xc0\xae\xef\xbc\x9c", "\xff\x01\x0f\x05\x04abcd\x00efghij",
}

func TestSeedsWalk(t *testing.T) {
	for i, s := range seeds {
		for kind := range types {
			for _, body := range []string{s, s + s, string(bytes.Repeat([]byte(s), 700))} {
				one := walkAll(t, byte(kind), []byte(body), func() int { return 1 << 20 })
				two := walkAll(t, byte(kind), []byte(body), func() int { return 777 })
				if one.sum != two.sum {
					t.Errorf("seed %d as %s depends on how it is cut", i, types[kind])
				}
			}
		}
	}
}

func TestEveryByteIsVisited(t *testing.T) {
	mark := []byte("Zq7)unique$7qZ") // names of letters and digits alone are not visited everywhere
	for i, s := range seeds {
		for kind := range types {
			for at := 0; at <= len(s); at += 1 + len(s)/7 {
				body := append(append([]byte(s[:at]), mark...), s[at:]...)
				var w Walk
				f := finder{mark: mark}
				w.Reset(&f, Limits{}, nil)
				w.Fields([]Field{{[]byte("Content-Type"), []byte(types[kind])}})
				w.Write(body)
				w.Finish()
				if !f.found && types[kind] != "application/grpc" { // whose frames may cut the mark
					t.Errorf("seed %d as %s: bytes at %d are not visited: %q", i, types[kind], at, body)
				}
			}
		}
	}
}

// A finder looks for bytes among the values and names.
type finder struct {
	mark  []byte
	found bool
}

func (f *finder) Visit(_ *Tree, _ Node, v []byte) int {
	f.found = f.found || bytes.Contains(v, f.mark)
	return len(v)
}

func (f *finder) Decode(*Tree, Node, Kind) bool { return true }

func (f *finder) Trouble(*Tree, Node, Trouble, []byte) {}

// workSlack is the work that any request may take, however short.
const workSlack = 128 << 10

// Work is counted in bytes visited: doubling the input may at most double it,
// whatever the bytes.
func TestWorkIsLinear(t *testing.T) {
	units := append([]string{"%25", "%2525252525", "&#38;", `\u005c`, "a=", "a=a&", "((", "<a>", "<a ", "</a>", "<![CDATA[", "]]>", "--b\n", "--b\n\n",
		"{\"a\":", "[1,", "\"a\\", "+AD", "\xc0\xae", "eyJ", "QUFB", "3c3c3c3c3c3c", "/*", "'", "\x0a\x02", "\x00\x00\x00\x00\x01a", "query{a(b:\"", "&a;", "<!ENTITY a \"&a;\">"}, seeds...)
	for _, unit := range units {
		if unit == "" {
			continue
		}
		for kind := range types {
			size := func(n int) (work int) {
				c := walkAll(t, byte(kind), bytes.Repeat([]byte(unit), n/len(unit)+1), func() int { return 1 << 20 })
				return c.bytes
			}
			small, large := size(8<<10), size(96<<10)
			if large > 14*small+workSlack { // a slope of 1.05
				t.Errorf("%q as %s: %d bytes visited of 8 KB, %d of 96 KB", unit, types[kind], small, large)
			}
			if large > maxWork*(96<<10) {
				t.Errorf("%q as %s: %d bytes visited of 96 KB", unit, types[kind], large)
			}
			if large < 6*(96<<10) {
				continue
			}
			if most := size(1 << 20); most > 12*large { // of the dearest
				t.Errorf("%q as %s: %d bytes visited of 96 KB, %d of 1 MB", unit, types[kind], large, most)
			}
		}
	}
}

func fuzzAs(f *testing.F, kind byte) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 32<<10 {
			return
		}
		one := walkAll(t, kind, body, func() int { return 1 << 20 })
		two := walkAll(t, kind, body, func() int { return 1 + len(body)/3 })
		if one.sum != two.sum {
			t.Error("the walk depends on how the body is cut")
		}
	})
}

func FuzzJSON(f *testing.F)      { fuzzAs(f, 1) }
func FuzzForm(f *testing.F)      { fuzzAs(f, 2) }
func FuzzXML(f *testing.F)       { fuzzAs(f, 3) }
func FuzzMultipart(f *testing.F) { fuzzAs(f, 4) }
func FuzzGRPC(f *testing.F)      { fuzzAs(f, 5) }
func FuzzProtobuf(f *testing.F)  { fuzzAs(f, 6) }
func FuzzGraphQL(f *testing.F)   { fuzzAs(f, 7) }
