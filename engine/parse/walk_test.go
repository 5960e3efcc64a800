package parse

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A recorder renders what a walk visits, one line per value.
type recorder struct {
	lines []string
	names bool // names too
	keys  map[string]Keys
}

func (r *recorder) Visit(t *Tree, n Node, v []byte) int {
	point := string(t.AppendPoint(nil, n))
	if r.keys == nil {
		r.keys = map[string]Keys{}
	}
	r.keys[point] = t.Keys(n)
	if !t.IsName(n) || r.names {
		r.lines = append(r.lines, fmt.Sprintf("%s=%q", point, v))
	}
	return len(v)
}

func (r *recorder) Decode(*Tree, Node, Kind) bool { return true }

func (r *recorder) Trouble(t *Tree, n Node, what Trouble, v []byte) {
	r.lines = append(r.lines, fmt.Sprintf("%s!%s", t.AppendPoint(nil, n), what))
}

// walked returns what is visited of a request, the headers left out.
func walked(target, contentType, body string) []string {
	var w Walk
	var r recorder
	w.Reset(&r, Limits{}, nil)
	w.Target([]byte(target))
	if contentType != "" {
		w.Fields([]Field{{[]byte("Content-Type"), []byte(contentType)}})
	}
	w.Write([]byte(body))
	w.Finish()
	kept := r.lines[:0]
	for _, l := range r.lines {
		if !strings.HasPrefix(l, "header.") {
			kept = append(kept, l)
		}
	}
	return kept
}

func want(t *testing.T, got []string, lines ...string) {
	t.Helper()
	if d := cmp.Diff(lines, got); d != "" {
		t.Errorf("walk (-want +got):\n%s", d)
	}
}

// wantAll checks that all lines are among got.
func wantAll(t *testing.T, got []string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains("\n"+strings.Join(got, "\n")+"\n", "\n"+l+"\n") {
			t.Errorf("not visited: %s\ngot:\n%s", l, strings.Join(got, "\n"))
		}
	}
}

func TestTarget(t *testing.T) {
	want(t, walked("/static/cb-common.ffc63abe.chunk.js.map", "", ""),
		`uri="/static/cb-common.ffc63abe.chunk.js.map"`,
		`path[0]="static"`, `action_name="cb-common"`, `action_ext="ffc63abe.chunk.js.map"`)
	want(t, walked("/", "", ""), `uri="/"`, `action_name=""`)
	want(t, walked("http://a.example/x/y%41?q=a+b%27", "", ""),
		`uri="http://a.example/x/y%41?q=a+b%27"`, `uri.percent="/x/yA"`,
		`path[0]="x"`, `action_name="yA"`, `get.q="a b'"`)
}

func TestQuery(t *testing.T) {
	f := func(query string, lines ...string) {
		t.Helper()
		got := walked("/?"+query, "", "")
		want(t, got[3:], lines...)
	}
	f("p1[x]=1&p1[y]=2&p2[]=aaa&p2[]=bbb",
		`get.p1.x="1"`, `get.p1.y="2"`, `get.p2[0]="aaa"`, `get.p2[1]="bbb"`)
	f("p3=1&p3=2", `get.p3[0]="1"`, `get.p3[1]="2"`, `get.p3.pollution="1,2"`)
	f("a=%2527", `get.a="%27"`, `get.a.percent="'"`)
	f("a=1%2527%2Bor%2B1%2Blike%2B1", `get.a="1%27+or+1+like+1"`, `get.a.percent="1' or 1 like 1"`)
	f("a=YQ%2BYg%2Bcc%252Fd", `get.a="YQ+Yg+cc%2Fd"`, `get.a.percent="YQ+Yg+cc/d"`)
}

func TestJSON(t *testing.T) {
	f := func(body string, lines ...string) {
		t.Helper()
		wantAll(t, walked("/", "application/json", body), lines...)
	}
	f(`{"user":[{"name":"a"},{"name":"b\u0027"},3], "x":{"y":true}}`,
		`post.json.user[0].name="a"`, `post.json.user[1].name="b'"`, `post.json.user[2]="3"`, `post.json.x.y="true"`)
	f(`{"a":"x`, `post.json.a="x"`)
	f(`{"a":["x",],}garbage`, `post.json.a[0]="x"`, `post.json[1]="garbage"`)
	f("{\"a\":1}\n{\"a\":2}", `post.json.a="1"`, `post.json[1].a="2"`)
	f(`{"a":{"b":1},"a":2}`, `post.json.a.b="1"`, `post.json.a="2"`)
	f(`{a:'x y', /* c */ b: NaN}`, `post.json.a="x y"`, `post.json.b="NaN"`)
	f(`[1,"two"]`, `post.json[0]="1"`, `post.json[1]="two"`)
	f(`{"a":[],"$b":[ ],"$c":[{},1],"d":{}}`, `post.json."$b"="[ ]"`, `post.json."$c"[0]="{}"`, `post.json."$c"[1]="1"`)
	f(`{"q":"PHg+eWVzPC94Pg=="}`, `post.json.q.base64="<x>yes</x>"`)
}

func TestXML(t *testing.T) {
	doc := `<?xml version="1.0"?><!DOCTYPE foo [<!ENTITY xxe "aaaa">]><!-- c --><root a="1&lt;"><t>x</t><t>y<![CDATA[<]]>z</t><n:s b='2'/></root>`
	wantAll(t, walked("/", "text/xml", doc),
		`post.xml.pi[0]="<?xml version=\"1.0\"?>"`, `post.xml.dtd.entity.xxe="\"aaaa\""`,
		`post.xml.comment[0]=" c "`, `post.xml.root@a="1<"`, `post.xml.root.t="x"`, `post.xml.root.t[1]="y<z"`,
		`post.xml.root."n:s"@b="2"`)
	wantAll(t, walked("/", "application/json", `{"user":"PHJvb3Q+PHRhZz5hPC90YWc+PHRhZz5iPC90YWc+PHRhZz5jPC90YWc+PC9yb290Pg=="}`),
		`post.json.user.base64.xml.root.tag[2]="c"`)
	for _, l := range walked("/?a=%3C!ENTITY+%25+a+'b'%3E%7B%7B7*7%7D%7D", "", "") {
		if strings.Contains(l, ".xml.xml") || strings.HasPrefix(l, "get.a.xml=") {
			t.Errorf("the same again: %s", l)
		}
	}
	laughs := `<!DOCTYPE l [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">` +
		`<!ENTITY b "` + strings.Repeat("&a;", 100) + `"><!ENTITY c "` + strings.Repeat("&b;", 100) +
		`"><!ENTITY d "` + strings.Repeat("&c;", 100) + `">]><l>&d;</l>`
	wantAll(t, walked("/", "text/xml", laughs), `post.xml.dtd!ratio`)
}

func TestMultipart(t *testing.T) {
	body := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.php\"\r\nContent-Type: text/plain\r\n\r\nfile\r\ntext\r\n" +
		"--b\r\nContent-Disposition: form-data; name=x\r\n\r\nvalue\r\n--b--\r\n"
	wantAll(t, walked("/", "multipart/form-data; boundary=b", body),
		`post.multipart.f.file="file\r\ntext"`, `post.multipart.f.file_name="a.php"`,
		`post.multipart.f.header.CONTENT-TYPE="text/plain"`, `post.multipart.x="value"`)
	lf := strings.ReplaceAll(body, "\r\n", "\n")
	wantAll(t, walked("/", "multipart/form-data; boundary=other", lf),
		`post.multipart!bad-boundary`, `post.multipart.f.file="file\ntext"`, `post.multipart.x="value"`)
	wantAll(t, walked("/", "multipart/form-data; boundary=b", "--b\nContent-Disposition: form-data; name=x\n\ncut"),
		`post.multipart.x="cut"`)
}

func TestCharset(t *testing.T) {
	wantAll(t, walked("/?a=%c0%ae%c0%ae%c0%af", "", ""), `get.a.charset="../"`, `get.a!overlong`)
	wantAll(t, walked("/?a=%2BADw-script%2BAD4-x", "", ""), `get.a.charset="<script>x"`)
	wantAll(t, walked("/?a=%EF%BC%9Cscript%EF%BC%9E", "", ""), `get.a.charset="<script>"`)
	wantAll(t, walked("/?a=<%00s%00c%00r%00", "", ""), `get.a.charset="<scr"`)
}

func TestBodyCharset(t *testing.T) {
	wantAll(t, walked("/", "application/json; charset=utf-7", "+AHs-+ACI-a+ACI-:+ACI-b+ACc-+ACI-+AH0-"), `post.charset.json.a="b'"`)
	wantAll(t, walked("/", "application/x-www-form-urlencoded; charset=IBM037", "\x81\x7e\x82\x7d"), `post.charset.form.a="b'"`)
	wantAll(t, walked("/", "application/x-www-form-urlencoded; charset=IBM037", "a=%81%82%83%84%85%86"), `post.form.a.charset="abcdef"`)
	wantAll(t, walked("/", "text/xml", "\x4c\x6f\xa7\x94\x93\x6f\x6e\x4c\x81\x6e\x82\x4c\x61\x81\x6e"), `post.charset.xml.a="b"`)
	wantAll(t, walked("/", "text/xml", `<?xml version="1.0" encoding="UTF-7"?>+ADw-a+AD4-b+ADw-/a+AD4-`), `post.charset.xml.a="b"`)
	for _, order := range []string{"\xff\xfe\x00\x00", ""} {
		wantAll(t, walked("/", "application/json", order+spread(`{"a":"b"}`, 3)), `post.charset.json.a="b"`)
	}
	long := strings.Repeat("x", 50_000)
	wantAll(t, walked("/", "application/json", spread(`{"a":"`+long+`","b":"c"}`, 1)), `post.charset.json.b="c"`)
}

// spread puts n zeros behind each byte.
func spread(s string, n int) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteString(s[i:i+1] + strings.Repeat("\x00", n))
	}
	return b.String()
}

func TestDuplicateNames(t *testing.T) {
	wantAll(t, walked("/", "", `{"a":{"b":1,"c":2,"\u0062":3}}`), `post.json.a.b!duplicate`)
	for _, body := range []string{`[{"a":1},{"a":2}]`, `{"a":{"a":1},"b":{"a":2}}`, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}"} {
		for _, l := range walked("/", "", body) {
			if strings.Contains(l, "!") {
				t.Errorf("%s: %s", body, l)
			}
		}
	}
}

func TestPartFields(t *testing.T) {
	part := func(fields, body string) string {
		return "--b\r\nContent-Disposition: form-data; name=q" + fields + "\r\n\r\n" + body + "\r\n--b--\r\n"
	}
	wantAll(t, walked("/", "multipart/form-data; boundary=b", part("\r\nContent-Transfer-Encoding: Quoted-Printable", "a=3Cb=\r\nc")), `post.multipart.q.charset="a<bc"`)
	wantAll(t, walked("/", "multipart/form-data; boundary=b", part("\r\nContent-Type: text/plain; charset=cp037", "\x81\x82\x83\x84\x85\x86")), `post.multipart.q.charset="abcdef"`)
	wantAll(t, walked("/", "multipart/form-data; boundary=b", part(`; filename*0="../"; filename*1=etc`, "x")), `post.multipart.q.file_name="../etc"`)
}

func TestLongEncodedValues(t *testing.T) {
	text := strings.Repeat("The quick brown fox. ", 9000) + "needle" + strings.Repeat(" jumps over it.", 100)
	encoded := base64.StdEncoding.EncodeToString([]byte(text))
	for kind, body := range map[string]string{
		"application/json":                  `{"a":"` + strings.ReplaceAll(encoded, "/", `\/`) + `"}`,
		"application/x-www-form-urlencoded": "abc=" + strings.ReplaceAll(encoded, "=", "%3D"),
		"text/xml":                          "<a>" + encoded + "</a>",
		"text/plain":                        encoded,
	} {
		found := false
		for _, l := range walked("/", kind, body) {
			found = found || strings.Contains(l, ".base64=") && strings.Contains(l, "needle")
		}
		if !found {
			t.Errorf("%s: what stands behind a window of base64 is not decoded", kind)
		}
	}
}

func TestEscapes(t *testing.T) {
	wantAll(t, walked("/?a=%26lt;x%26%23x3e;%26%2362", "", ""), `get.a.htmljs="<x>>"`)
	wantAll(t, walked("/?a=%5Cu003cx%5Cx3e%5C074", "", ""), `get.a.htmljs="<x><"`)
	wantAll(t, walked("/?a=3c7363726970743e78", "", ""), `get.a.hex="<script>x"`)
	wantAll(t, walked("/?a=sel<>ect%20o<x>n<b>e</b>", "", ""), `get.a.htmljs="select on<b>e</b>"`)
	wantAll(t, walked("/?a=PHN2Zy9vbmxvYWQ9YT4+Pg", "", ""), `get.a.base64="<svg/onload=a>>>"`)
	wantAll(t, walked("/", "", `path=c:\a b`), `post.form."path"="c:\\a b"`)
	wantAll(t, walked("/", "application/json", `{"a":"x%27%28b=c%29"}`), `post.json.a.percent="x'(b=c)"`)
	wantAll(t, walked("/", "", `<script>a</script>`), `post="<script>a</script>"`)
}

// TestRelays checks that a layer that only leads to the next one is not visited.
func TestRelays(t *testing.T) {
	f := func(value, last string) {
		t.Helper()
		want(t, walked("/", "", value)[2:], fmt.Sprintf("post=%q", value), last)
	}
	f(`%25252527`, `post.percent.percent.percent.percent="'"`)
	f(`\u005cu005cu0027`, `post.htmljs.htmljs.htmljs="'"`)
	f(`&amp;amp;lt;b&amp;amp;gt;`, `post.htmljs.htmljs.htmljs="<b>"`)
	wantAll(t, walked("/", "", `&amp;lt;b&gt;`), `post.htmljs="&lt;b>"`, `post.htmljs.htmljs="<b>"`)
	wantAll(t, walked("/", "", `a\u005c b`), `post.htmljs="a\\ b"`)
}

func TestGraphQL(t *testing.T) {
	f := func(doc string, lines ...string) {
		t.Helper()
		wantAll(t, walked("/", "application/graphql", doc), lines...)
	}
	f(`query GetUser($id: ID = "x") { user(id: "1' or 1=1") { name posts(first: 3) @include(if: true) { t } } more(a: "b") }`,
		`post.graphql.GetUser.user.id="1' or 1=1"`, `post.graphql.GetUser.user.posts.first="3"`, `post.graphql.GetUser.more.a="b"`)
	f(`{ a: user(in: {name: "n", list: ["l"]}, z: "z") { ...F ... on T { x(y: """w""") } } } # end`,
		`post.graphql.user.in.name="n"`, `post.graphql.user.in.list="l"`, `post.graphql.user.z="z"`, `post.graphql.user.x.y="w"`,
		`post.graphql.comment[0]="# end"`)
	f(`{ __schema { types { name } } }`, `post.graphql!introspection`)
	f(`{ __schema { typesname kindname } }`, `post.graphql!probing`)
	f(`query Q { __schema { types { ...T } } user { a b c } } fragment T on __Type { kind nameof fieldsof }`, `post.graphql!probing`)
	wantAll(t, walked("/", "application/json", `{"query":"Q{__schema {types { name }}"}`), `post.json.query!probing`)
	for _, doc := range []string{
		`query Q { __schema { queryType { name } types { ...T } directives { name locations args { name } } } user { a b c } }
			fragment T on __Type { kind name fields(includeDeprecated: true) { name type { kind ofType { name } } } }`,
		`How do I ask {__schema {types}}? It doesn't work.`,
	} {
		for _, l := range walked("/", "application/graphql", doc) {
			if strings.Contains(l, "probing") {
				t.Errorf("taken for a probe: %s", doc)
			}
		}
	}
	f("{"+strings.Repeat("a{", 50)+"x"+strings.Repeat("}", 51), `post.graphql!graphql-limit`)
	wantAll(t, walked("/", "application/json", `{"query":"mutation { del(id: \"7\") { ok } }"}`), `post.json.query.graphql.mutation.del.id="7"`)
	for _, l := range walked("/?q={constructor.constructor('alert(1)')()}", "", "") {
		if strings.Contains(l, "graphql") {
			t.Errorf("taken for GraphQL: %s", l)
		}
	}
}

func TestProtobuf(t *testing.T) {
	msg := "\x0a\x05hello\x12\x06\x0a\x04<x>y\x18\x07"
	wantAll(t, walked("/", "application/grpc", "\x00\x00\x00\x00"+string(rune(len(msg)))+msg),
		`post.grpc.protobuf.1="hello"`, `post.grpc.protobuf.2.1="<x>y"`, `post.grpc.protobuf.3="7"`)
}

// TestXMLInXML checks that a document which is most of what was visited as it is, is
// not visited again but for its parts.
func TestXMLInXML(t *testing.T) {
	text := strings.Repeat("a text that is long enough to be most of it ", 10)
	lines := walked("/", "application/xml", "<a><!--<b><!--<c>"+text+"</c>")
	wantAll(t, lines, `post.xml.a.comment[0]="<b><!--<c>`+text+`</c>"`, `post.xml.a.comment[0].xml.b.comment[0].xml.c="`+text+`"`)
	if slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "post.xml.a.comment[0].xml.b.comment[0]=") }) {
		t.Errorf("visited again: %q", lines)
	}
}

// TestTexts checks that a message of texts is read as nothing else, and one that could
// be a text to whoever does not go by its type as that, too.
func TestTexts(t *testing.T) {
	const text = "two tables, please"
	f := func(body string, raw bool) {
		t.Helper()
		lines := walked("/", "application/protobuf", body)
		wantAll(t, lines, `post.protobuf.1="`+text+`"`)
		if got := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "post=") }); got != raw {
			t.Errorf("visited as it is: %v, want %v: %q", got, raw, lines)
		}
	}
	f("\x0a"+string(rune(len(text)))+text, false)
	f("\x0a"+string(rune(len(text)))+text+"\x11' or 1=1 ", true)
	f("\x0a"+string(rune(len(text)))+text+"\n "+strings.Repeat("x", 32), false)
}

// TestMessageOrText checks that a body which is a message, and a text to others, is read
// as that, too.
func TestMessageOrText(t *testing.T) {
	pad := func(s string) string { return s + strings.Repeat(" ", 124-len(s)) } // the brace is the length
	wantAll(t, walked("/", "application/x-protobuf", pad("\n{\"c\":\"x\"}")), `post.json.c="x"`)
	form := "\nfile=a&path=b" + strings.Repeat("c", 90)
	wantAll(t, walked("/", "application/x-protobuf", form), fmt.Sprintf("post=%q", form))
}

// TestLongPaths checks that of a long path as a whole only what its escapes stand for is
// visited, unless those could make something else of it.
func TestLongPaths(t *testing.T) {
	f := func(path, decoded string, both bool) {
		t.Helper()
		lines := walked("/"+path+"?c", "", "")
		wantAll(t, lines, fmt.Sprintf("uri.percent.percent=%q", "/"+decoded), `action_name="%27b"`, `action_name.percent="'b"`)
		if got := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "uri.percent=") }); got != both {
			t.Errorf("as it is: %v, want %v: %q", got, both, lines)
		}
	}
	long := strings.Repeat("d/d", 100)
	f("a/%2527b", "a/'b", true)
	f(long+"/%2527b", long+"/'b", false)
	f(long+"%25ff/%2527b", long+"\xff/'b", true)
	f(long+"%2501/%2527b", long+"\x01/'b", true)
}

// TestMessagesInMessages checks that a text is not visited again for each of the
// messages that it is in.
func TestMessagesInMessages(t *testing.T) {
	const text = "select login, password from users"
	wrap := func(s string) string { return "\x0a" + string(rune(len(s))) + s }
	body := "\x08\x01\x12" + string(rune(len(text))) + text
	for range 6 {
		body = wrap(body)
	}
	seen, lines := 0, walked("/", "application/protobuf", body)
	for _, l := range lines {
		if strings.Contains(l, text) {
			seen++
		}
	}
	wantAll(t, lines, `post.protobuf.1.1.1.1.1.1.2="`+text+`"`)
	if seen != 2 { // in the first message, and by itself
		t.Errorf("visited %d times: %q", seen, lines)
	}
}

// TestSeam checks that a long text that is declared a form is read as a text only
// around the sign that parts a pair.
func TestSeam(t *testing.T) {
	f := func(name string, least, most int) {
		t.Helper()
		size := 0
		for _, l := range walked("/", "application/x-www-form-urlencoded", name+"=x") {
			if v, ok := strings.CutPrefix(l, "post.percent="); ok {
				size = len(v)
			}
		}
		if size < least || size > most {
			t.Errorf("%d bytes of the text are read", size)
		}
	}
	f("(%41"+strings.Repeat("b", 100)+")", 100, 110)
	f("("+strings.Repeat("%41b", 1000)+")", 100, 2*maxSeam)
	f("a", 0, 0)
}

func compressed(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.String()
}

func TestCodings(t *testing.T) {
	f := func(fields []Field, body string, lines ...string) []string {
		t.Helper()
		var w Walk
		var r recorder
		w.Reset(&r, Limits{}, map[string]Opener{"rot": func(r io.Reader) (io.Reader, error) { return r, nil }})
		w.Fields(fields)
		w.Write([]byte(body))
		w.Finish()
		wantAll(t, r.lines, lines...)
		return r.lines
	}
	field := func(name, value string) Field { return Field{[]byte(name), []byte(value)} }
	js := field("Content-Type", "application/json")
	f([]Field{js, field("Content-Encoding", "gzip")}, compressed(`{"a":"b"}`), `post.json.a="b"`)
	f([]Field{js, field("Content-Encoding", "gzip, rot")}, compressed(`{"a":"b"}`), `post.json.a="b"`)
	f([]Field{js, field("Content-Encoding", "gzip")}, `{"a":"b"}`, `post.json.a="b"`, `post!undecodable`)
	f([]Field{js, field("Content-Encoding", "nope")}, `{"a":"b"}`, `post.json.a="b"`, `post!undecodable`)
	f([]Field{js, field("Content-Encoding", "gzip")}, compressed(strings.Repeat(" ", 1<<20)), `post!ratio`)
	empty := "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + strings.Repeat("\x00\x00\x00\xff\xff", 1<<20) // blocks that nothing comes of
	f([]Field{js, field("Content-Encoding", "gzip, gzip")}, compressed(empty), `post!ratio`)
	f([]Field{js, field("Content-Encoding", "gzip, gzip")}, compressed(compressed(`{"a":"b"}`)), `post.json.a="b"`)
	f([]Field{js}, compressed(`{"a":"b"}`), `post.gzip.json.a="b"`)
	for _, checksum := range []string{"\x0cp\x02~", "none"} { // which is not compared
		got := f([]Field{js, field("Content-Encoding", "deflate")}, "\x78\x9c\xabVJT\xb2RJR\xaa\x05\x00"+checksum, `post.json.a="b"`)
		if slices.Contains(got, "post!undecodable") {
			t.Errorf("not decoded to the end: %q", got)
		}
	}
	f([]Field{js, js, field("Content-Length", "1"), field("Content-Length", "2")}, ``, `post!two-lengths`, `post!two-types`)
	f([]Field{field("Cookie", `a=b%27; c="d"`), field("X-A", "1"), field("X-A", "2")}, ``,
		`header.COOKIE.cookie.a="b%27"`, `header.COOKIE.cookie.a.percent="b'"`, `header.COOKIE.cookie.c="d"`,
		`header.X-A[0]="1"`, `header.X-A[1]="2"`)
	f([]Field{field("Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhJyJ9.x")}, ``,
		`header.AUTHORIZATION.jwt.jwt_payload.base64.json.sub="a'"`, `header.AUTHORIZATION.jwt.jwt_prefix="Bearer"`)
}

// A closing reader counts how often it is closed.
type closing struct {
	io.Reader
	closed *int
}

func (c closing) Close() error {
	*c.closed++
	return nil
}

// TestDecodersAreClosed ends requests in every way that a registered decoder may see.
func TestDecodersAreClosed(t *testing.T) {
	bomb := strings.Repeat(" ", 1<<20)
	for name, end := range map[string]func(w *Walk){
		"finished":               func(w *Walk) { w.Write([]byte(compressed(`{"a":"b"}`))); w.Finish(); w.Close() },
		"a bomb":                 func(w *Walk) { w.Write([]byte(compressed(bomb))); w.Finish(); w.Close() },
		"broken":                 func(w *Walk) { w.Write([]byte(strings.Repeat("no gzip", 2000))); w.Close() },
		"given up":               func(w *Walk) { w.Write([]byte(compressed(bomb)[:500])); w.Close() },
		"given up after a block": func(w *Walk) { w.Write([]byte(compressed(chance(20000))[:9000])); w.Close() },
		"used again":             func(w *Walk) { w.Write([]byte(compressed(chance(20000))[:9000])); w.Reset(&recorder{}, Limits{}, nil) },
	} {
		var w Walk
		opened, closed := 0, 0
		w.Reset(&recorder{}, Limits{}, map[string]Opener{"gz": func(r io.Reader) (io.Reader, error) {
			z, err := gzip.NewReader(r)
			if err == nil {
				opened++
			}
			return closing{z, &closed}, err
		}})
		w.Fields([]Field{{[]byte("Content-Encoding"), []byte("gz")}})
		end(&w)
		if begun := name != "broken" && name != "given up"; opened != closed || begun && opened == 0 {
			t.Errorf("%s: opened %d, closed %d", name, opened, closed)
		}
	}
}

// chance returns n bytes that do not compress.
func chance(n int) string {
	b := make([]byte, n)
	for i, x := 0, uint32(1); i < n; i++ {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}

func TestBoundariesInUse(t *testing.T) {
	part := func(boundary, name, body string) string {
		return "--" + boundary + "\r\nContent-Disposition: form-data; name=" + name + "\r\n\r\n" + body + "\r\n"
	}
	both := part("a", "x", "1") + part("b", "y", "2") + "--b--\r\n--a--\r\n"
	for _, kind := range []string{"multipart/form-data; boundary=a; boundary=b", "multipart/form-data; boundary=b; boundary=a"} {
		wantAll(t, walked("/", kind, both), `post.multipart.y="2"`)
	}
	wantAll(t, walked("/", "multipart/form-data; boundary*0=a; boundary*1=b", "text\r\n"+part("ab", "x", "1")+"--ab--"), `post.multipart.x="1"`)
	wantAll(t, walked("/", "multipart/form-data; boundary=c"+strings.Repeat("; boundary=c", 5000), part("a", "x", "1")+"--a--"), `post.multipart.x="1"`)
}

// Each part of a long text moves on, whatever it begins with, and no escape
// is cut in two.
func TestLongText(t *testing.T) {
	f := func(start, filler string) {
		t.Helper()
		body := `{"a":"` + start + strings.Repeat(filler, 200<<10/len(filler)) + `"}`
		for _, l := range walked("/", "application/json", body) {
			if v, found := strings.CutPrefix(l, "post.json.a="); found && strings.ContainsAny(v, "u02") {
				t.Errorf("%q %q: an escape is cut: %.60s", start, filler, l)
			}
		}
	}
	f(`\n`, "!")
	f(`a\n`, "!")
	f(`\\`, "!")
	f(`\`, `\`)
	for _, pad := range []string{"", "a", "ab", "abc", "!", "!!", "!!!", "!!!!", "!!!!!"} {
		f(pad, `\u0022`)
		f(pad+"abc", `\u0022!`)
		f(pad, `\"`)
		f(pad, `\\`)
	}
}

// A window may end anywhere: behind the name of a parameter, too.
func TestWindowEnds(t *testing.T) {
	const window = 64 << 10
	for _, start := range []string{
		strings.Repeat("a", window-1) + "=", "a=" + strings.Repeat("=", window-2), "a=" + strings.Repeat("b", window-4) + "%4",
		strings.Repeat("a", window/2-1) + "=" + strings.Repeat("b", window), strings.Repeat("a", window-3) + "=%4",
	} {
		found := false
		for _, l := range walked("/", "application/x-www-form-urlencoded", start+"1&b=c") {
			found = found || l == `post.form.b="c"`
		}
		if !found {
			t.Errorf("%.5q of %d bytes: what follows is not read", start, len(start))
		}
	}
}

// A noise counts the values that are visited as data.
type noise struct{ data, all int }

func (c *noise) Visit(t *Tree, n Node, v []byte) int {
	c.all++
	if t.Marks(n)&IsBinary != 0 {
		c.data++
	}
	return len(v)
}

func (c *noise) Decode(*Tree, Node, Kind) bool { return true }

func (c *noise) Trouble(*Tree, Node, Trouble, []byte) {}

// Beyond the limit of points, data is data still: looking at each value as text
// made a body of noise dearer the longer it was.
func TestDataBeyondPoints(t *testing.T) {
	const values = 50
	var w Walk
	var c noise
	w.Reset(&c, Limits{Points: 5}, nil)
	w.Fields([]Field{{[]byte("Content-Type"), []byte("application/json")}})
	w.Write([]byte("[" + strings.Repeat(`"`+strings.Repeat("\x01\x02\x03\x80\x90\xff\x00\x05\x07\x11\x12\x13\x80\x81\x82\xfe", 8)+`",`, values) + "1]"))
	w.Finish()
	if c.data != values {
		t.Errorf("%d of %d values are data, want %d", c.data, c.all, values)
	}
}

// TestSpill walks texts that no tag ends. What a walk keeps of a body must not grow with it,
// and what stands in such a text is seen, wherever it is cut.
func TestSpill(t *testing.T) {
	for _, unit := range []string{"< a", "a<!---->", "<![CDATA[a]]>", "a<![CDATA[b]]>"} {
		r := recorder{}
		var w Walk
		w.Reset(&r, Limits{}, nil)
		w.Fields([]Field{{[]byte("Content-Type"), []byte("text/xml")}})
		body := "<r>" + strings.Repeat(unit, 1<<20/len(unit)) + "here it is" + strings.Repeat(unit, 1<<20/len(unit)) + "</r>"
		held := 0
		for len(body) > 0 {
			n := min(len(body), 1000)
			w.Write([]byte(body[:n]))
			body = body[n:]
			held = max(held, w.body.held())
		}
		w.Finish()
		if held > 8*DefaultLimits().Window {
			t.Errorf("%q: the walk holds %d bytes", unit, held)
		}
		if !slices.ContainsFunc(r.lines, func(line string) bool { return strings.Contains(line, "here it is") }) {
			t.Errorf("%q: what stands in the text is not seen", unit)
		}
		w.Close()
	}
}
