package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/gabionhq/gabion/engine"
)

// A testCase makes requests of any size that are hostile in one way.
type testCase struct {
	name  string
	most  int // the largest size that makes sense, 0 for any
	build func(size int) request
}

// cases returns every unit in every carrier, the structures, and random ones.
func cases() []*testCase {
	var out []*testCase
	for _, c := range carriers() {
		for _, u := range units {
			out = append(out, &testCase{fmt.Sprintf("%s %q", c.name, u), c.most, func(size int) request { return c.put(fill(u, size)) }})
		}
		out = append(out, &testCase{c.name + " of signs", c.most, func(size int) request { return c.put(signs(size)) }})
		for _, u := range nests {
			out = append(out, &testCase{fmt.Sprintf("%s %q nested", c.name, u[0]+u[1]), c.most, func(size int) request { return c.put(nest(u, size)) }})
		}
	}
	return append(append(append(out, structures()...), formats()...), randomCases()...)
}

// units are repeated. Each makes some recogniser begin, look far ahead or
// back, and begin again.
var units = []string{
	// quotes, comments and brackets of all languages
	"'", "\"", "`", "'\"", "';", "')", "' ", "''", "\\'", "\\", "\\\\'", "'a", "' or ", "\"a\" ", "/*", "*/", "/**/", "/*!", "--", "-- \n", "#\n", "//", "<!--", "-->",
	"(", ")", "((", "[", "[[", "{", "{{", "}}", "(a", "[a", "{a", "({[", "()", "[]", "{}", "(')", "<", ">", "<>", "<a", "</", "<a ", "<a b='", "<a b=", "<a b=\"c\" ", "<a/",
	// SQL
	"select ", "union select ", "select(", "1 or ", "1=1 or ", "' or '1'='1' ", "1,", "a,", "a.", "a.b,", "case when ", "from a ", "; select 1", "0x41", "1e", "char(", "@@", "@a:=", "0b1", "N'", "$$", "$a$", "x and ", "not ", "like '%' ", "||", "a||", "~", "-", "+", "1+", "!", "/*!50000select*/ ", "select/**/1/**/from/**/", "[a] ", "`a`,", "in(1,",
	// HTML and JavaScript
	"<script>", "</script>", "<svg onload=", "<img src=x onerror=", "onerror=", " onx=", "on", "style=", "javascript:", "java\tscript:", "&#x6a;", "&#106", "&lt;", "&amp;", "&", "<style>/*", "<!", "<?", "<%", "<![CDATA[", "<x:y ", "alert(", "alert`", "a(b).", "eval(", "eval(eval(", "a[b]", "a.b(", "`${", "${`", "=>", "function(", "!![]+", "[]+", "\\u0061", "\\x61", "\\141", "](", "](javascript:", "/a/", "a?b:", "var a=", "new ", "this[", "window['a']",
	// shell and paths
	"; cat ", ";a", "|", "|a", "&&", "||a", "$(", "$((", "`a", "${IFS}", "${a", "$a", "{a,", "c'a't ", "c\\a", "$@", "for i in ", "if ", "<<a", ">", ">a", "/bin/", "/???/", "cat /etc/passwd;", "\n", "\nid", "a\n", "-a ", "a=b ", "sh -c '", "echo ", "../", "..\\", "....//", "..;/", "/./", "%2e", "%252e", "%", "%%", "%u002e", "%c0%ae", "\xc0\xae", "\xff", "\xe5\x98\x8a", "\x00", "file://", "etc/", "a/", "/", "C:\\", "::$DATA", ".php",
	// templates, lookups, objects, addresses
	"{{7*7}}", "{{a", "${", "${a:-", "${${", "${lower:j}", "${jndi:", "#{", "{%", "{% a %}", "@(", "[[$", "#set(", "{$", "{php}", "<#", "() {", "() { ;", "O:1:\"", "a:1:{", "i:1;", "s:5:", "rO0", "!!", "!!a/b ", "__proto__", "constructor.", "constructor[", "\r\n", "\r\nSet-Cookie:", "\nBcc:", "a:b\n", "http://", "http://a@", "://", ":/", "//a/", "gopher://a:1/", "1.1.1.1 ", "0x7f.", "127.", "@", "a@", "[::1]", "::", "<?php ", "$_GET[", "$a[", "(system)(", "java.lang.", "a.b.c.", "Runtime.getRuntime().exec(", "import os;", "__import__('", "require('", "<!DOCTYPE ", "<!ENTITY a ", "<!ENTITY % a \"%b;\">", "&a;", "*)(", "(&(", "(|(", "(a=*)", "$ne", "{$gt:", "$where:", "[$ne]=", "<!--#exec ", "<esi:", "or 1=1 or ", "count(//a)", "position()=", "//*[", "text()",
	// words and plain text
	"a", "A", "1", "0", ".", ",", ";", ":", "=", "_", "-a", " ", "\t", "x ", "ab ", "the select of union ", "word ", "a1 ", "é", "日本", "🙂", "QUFB", "YWJj", "=ab", "41", "deadbeef", "a=b&", "a[]=", "a;", "a,b;", "key: value\n", "* item\n", "> quote\n", "```\ncode\n```\n", "1;2;3\n", "a=1;", "user@mail.example ", "https://a.example/b?c=d ",
	"=?utf-7?Q?", "+ADw-", "eyJhIjoi", "a.b.c ", "--a\r\n", "H4sI", "x\x9c", "\\u003c", "&#60;", "%3C", "\\x3c", "\\74",
	// found by -search
	"%c0%aeword ' or /val{%c0%ae", "[[$(')%252e<s[", "stV1eye=`a`b`c$(d)a/&style=+ADw-@@a\n\\';<a text()\\x61eval(eval('||(a)||'QUFB", "(')%252e<script/O91:\"%c0%ae<p class=\"a\">b<<p>\nNa/",
	// dense with what several languages use at once
	"')(\"];{}--", "a(b,'c')[d]={e:f};", "if(a<b&&c>d){e='f'}", "SELECT a FROM b WHERE c='d';\n", "<p class=\"a\">b</p>\n", "$(a).b('c');\n", "ls -l | grep a > b; ", "a=$(b 'c' | d);", "{{a|b('c')}}", "\"a\":{\"b\":['c',1]},", "'+(a)+'", "\"+(a)+\"", "'||(a)||'", "\\\"a\\\":", "a`b`c$(d)${e}", "1' 2\" 3` 4( 5[ 6{ ",
}

// nests are opened all the way and then closed.
var nests = [][2]string{
	{"(", ")"}, {"[", "]"}, {"{", "}"}, {"{{", "}}"}, {"${", "}"}, {"$(", ")"}, {"/*", "*/"}, {"<a>", "</a>"}, {"'", "'"}, {"(select ", ")"},
	{"f(", ")"}, {"a[", "]"}, {"`${", "}`"}, {"{\"a\":", "}"}, {"case when 1 then ", " end"}, {"if(1){", "}"}, {"<!--", "-->"}, {"{% if a %}", "{% endif %}"}, {"(&", ")"}, {"a:1:{i:0;", "}"},
}

func nest(u [2]string, size int) string {
	n := size / (len(u[0]) + len(u[1]))
	return strings.Repeat(u[0], n) + "1" + strings.Repeat(u[1], n)
}

// body makes a case of a whole body.
func body(name, contentType string, build func(size int) string) *testCase {
	return &testCase{name, 0, func(size int) request { return post(contentType, []byte(build(size))) }}
}

// numbered repeats a unit that has a %d.
func numbered(unit string, size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, unit, i)
	}
	return b.String()
}

// again applies f to a seed until it is of size, or has more layers than anybody
// undoes.
func again(seed string, size int, f func(string) string) string {
	for range 64 {
		next := f(seed)
		if len(next) > size || len(next) == len(seed) {
			break
		}
		seed = next
	}
	return seed
}

func packed(v string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(v)) // buffers do not fail
	w.Close()
	return b.String()
}

// sparse is a text that compresses to about size bytes, and hardly grows less than
// a bomb: a letter between many blanks, again and again.
func sparse(size int) string {
	var b strings.Builder
	for _, c := range []byte(random(size * 2 / 3)) {
		b.WriteString(strings.Repeat(" ", 80))
		b.WriteByte('a' + c%26)
	}
	return b.String()
}

// diluted is a text of about size bytes, once it is compressed, that becomes eighty
// times as many: units between noise, in so many parts.
func diluted(size, parts int, unit string) string {
	var b strings.Builder
	noise := base64.StdEncoding.EncodeToString([]byte(random(size * 7 / 10)))
	for i := range parts {
		b.WriteString(noise[i*len(noise)/parts : (i+1)*len(noise)/parts])
		b.WriteString(fill(unit, size*80/parts))
	}
	return b.String()
}

// zipped returns an archive of one file.
func zipped(v string) string {
	var b bytes.Buffer
	z, data := zip.NewWriter(&b), raw(v)
	w, _ := z.CreateRaw(&zip.FileHeader{
		Name: "a.txt", Method: zip.Deflate,
		CRC32: crc32.ChecksumIEEE([]byte(v)), UncompressedSize64: uint64(len(v)), CompressedSize64: uint64(len(data)),
	})
	io.WriteString(w, data)
	z.Close()
	return b.String()
}

// raw is v as deflate has it, without a header.
func raw(v string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression)
	w.Write([]byte(v)) // buffers do not fail
	w.Close()
	return b.String()
}

func deflated(v string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	w.Write([]byte(v)) // buffers do not fail
	w.Close()
	return b.String()
}

// bomb makes a case of a body that expands a thousandfold.
func bomb(name, unit string) *testCase {
	return &testCase{name, 64 << 10, func(n int) request { return post("application/gzip", []byte(packed(fill(unit, n*1000)))) }}
}

// coded declares the content coding of the body of q.
func coded(q request, coding string) request {
	q.head.Header = append(q.head.Header, field("Content-Encoding", coding))
	return q
}

func encoded(v string) string { return base64.StdEncoding.EncodeToString([]byte(v)) }

func structures() []*testCase {
	const form, js, xml, gql, multipart = "application/x-www-form-urlencoded", "application/json", "application/xml", "application/graphql", "multipart/form-data; boundary=b"
	head := func(name string, build func(size int) request) *testCase { return &testCase{name, largestHead, build} }
	seed := "<script>alert(1)</script> ' or 1=1 -- "
	return []*testCase{
		head("many parameters", func(n int) request { return get("/?" + numbered("a%d=1&", n)) }),
		head("one parameter many times", func(n int) request { return get("/?" + fill("a=1&", n)) }),
		head("many empty parameters", func(n int) request { return get("/?" + fill("&", n)) }),
		head("nested parameters", func(n int) request { return get("/?a" + fill("[b]", n) + "=1") }),
		head("many segments", func(n int) request { return get("/" + numbered("%d/", n)) }),
		head("many cookies", func(n int) request { return get("/", field("Cookie", numbered("c%d=v; ", n))) }),
		head("one cookie many times", func(n int) request { return get("/", field("Cookie", fill("a=1;", n))) }),
		head("many fields", func(n int) request { return get("/", fields("X-%d", n)...) }),
		head("one field many times", func(n int) request { return get("/", fields("X-A", n)...) }),
		head("percent in percent", func(n int) request { return get("/?a=%" + fill("25", n) + "41") }),
		head("percent storm", func(n int) request { return get("/?a=" + fill("%27", n)) }),
		head("percent all", func(n int) request { return get("/?a=" + fill("%3Cscript%3E", n)) }),
		body("form: many", form, func(n int) string { return numbered("a%d=1&", n) }),
		body("form: one name", form, func(n int) string { return fill("a=1&", n) }),
		body("form: brackets", form, func(n int) string { return numbered("a[%d][b]=1&", n) }),
		body("form: deep", form, func(n int) string { return "a" + fill("[b]", n) + "=1" }),
		body("form: percent", form, func(n int) string { return "a=" + fill("%27", n) }),
		body("form: percent twice", form, func(n int) string { return "a=" + fill("%2527", n) }),
		body("form: percent deep", form, func(n int) string { return "a=%" + fill("25", n) + "27" }),
		body("form: attacks", form, func(n int) string { return numbered("a%d=%%27+or+1=1--+&", n) }),
		body("json: deep arrays", js, func(n int) string { return fill("[", n) }),
		body("json: deep objects", js, func(n int) string { return fill(`{"a":`, n) }),
		body("json: closed arrays", js, func(n int) string { return nest([2]string{"[", "]"}, n) }),
		body("json: many numbers", js, func(n int) string { return "[" + fill("1,", n) + "1]" }),
		body("json: many empty", js, func(n int) string { return "[" + fill("[],", n) + "1]" }),
		body("json: many members", js, func(n int) string { return "{" + numbered(`"a%d":1,`, n) + `"b":1}` }),
		body("json: one member many times", js, func(n int) string { return "{" + fill(`"a":1,`, n) + `"b":1}` }),
		body("json: one member two values", js, func(n int) string { return "{" + numbered(`"a":%d,`, n) + `"b":1}` }),
		body("json: escapes", js, func(n int) string { return `{"a":"` + fill(`\u0027`, n) + `"}` }),
		body("json: short strings", js, func(n int) string { return "[" + fill(`"'",`, n) + "1]" }),
		body("json: attacks", js, func(n int) string { return "[" + fill(`"' or 1=1 --",`, n) + "1]" }),
		body("json: lines", js, func(n int) string { return fill("{\"a\":1}\n", n) }),
		body("json: unclosed string", js, func(n int) string { return `{"a":"` + fill("x", n) }),
		body("json in json", js, func(n int) string {
			return again(`{"a":"`+seed[:8]+`"}`, n, func(s string) string { return fmt.Sprintf(`{"a":%q}`, s) })
		}),
		body("json: strings of json", js, func(n int) string { return "[" + fill(`"{\"a\":[1,2]}",`, n) + "1]" }),
		body("json: strings of base64", js, func(n int) string { return "[" + fill(`"`+encoded(seed)+`",`, n) + "1]" }),
		body("json: strings of forms", js, func(n int) string { return "[" + fill(`"a=1&b=2&c=%27",`, n) + "1]" }),
		body("json: strings of xml", js, func(n int) string { return "[" + fill(`"<a><b>1</b></a>",`, n) + "1]" }),
		body("json: strings of jwt", js, func(n int) string {
			return "[" + fill(`"eyJhbGciOiJub25lIn0.eyJhIjoiJyBvciAxPTEifQ.",`, n) + "1]"
		}),
		body("xml: deep", xml, func(n int) string { return fill("<a>", n) }),
		body("xml: closed", xml, func(n int) string { return nest([2]string{"<a>", "</a>"}, n) }),
		body("xml: attributes", xml, func(n int) string { return "<a " + numbered(`b%d="c" `, n) + "/>" }),
		body("xml: one attribute", xml, func(n int) string { return "<a " + fill(`b="c" `, n) + "/>" }),
		body("xml: empty tags", xml, func(n int) string { return "<a>" + fill("<b/>", n) + "</a>" }),
		body("xml: comments", xml, func(n int) string { return "<a>" + fill("<!-- -->", n) + "</a>" }),
		body("xml: entities", xml, func(n int) string {
			return "<!DOCTYPE a [" + numbered(`<!ENTITY e%d "&e;">`, n) + "]><a>&e1;</a>"
		}),
		body("xml: references", xml, func(n int) string { return "<a>" + fill("&lt;", n) + "</a>" }),
		body("xml: references to one", xml, func(n int) string {
			return `<!DOCTYPE a [<!ENTITY e "' or 1=1 --">]><a>` + fill("&e;", n) + "</a>"
		}),
		body("xml: laughs", xml, func(n int) string {
			return `<!DOCTYPE a [<!ENTITY e0 "lol">` + laughs(n) + "]><a>&e9;</a>"
		}),
		body("xml: cdata", xml, func(n int) string { return "<a>" + fill("<![CDATA[']]>", n) + "</a>" }),
		body("xml: unclosed quote", xml, func(n int) string { return `<a b="` + fill("c", n) }),
		body("xml: half tags", xml, func(n int) string { return fill("<a b", n) }),
		body("graphql: deep", gql, func(n int) string { return "{" + fill("a{", n) }),
		body("graphql: wide", gql, func(n int) string { return "{" + fill("a ", n) + "}" }),
		body("graphql: aliases", gql, func(n int) string { return "{" + numbered("a%d:b ", n) + "}" }),
		body("graphql: arguments", gql, func(n int) string { return "{a(" + numbered("b%d:1,", n) + ")}" }),
		body("graphql: strings", gql, func(n int) string { return "{a(" + fill(`b:"'",`, n) + ")}" }),
		body("graphql: fragments", gql, func(n int) string { return fill("fragment a on b{...a} ", n) }),
		body("graphql: lists", gql, func(n int) string { return "{a(b:" + fill("[", n) }),
		body("graphql in json", js, func(n int) string { return `{"query":"{` + fill("a{", n) + `"}` }),
		body("multipart: many parts", multipart, func(n int) string {
			return fill("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n", n) + "--b--"
		}),
		body("multipart: empty parts", multipart, func(n int) string { return fill("--b\r\n\r\n\r\n", n) }),
		body("multipart: many fields", multipart, func(n int) string { return "--b\r\n" + fill("X-A: b\r\n", n) + "\r\n1\r\n--b--" }),
		body("multipart: near misses", multipart, func(n int) string { return "--b\r\n\r\n" + fill("\r\n--", n) + "--b--" }),
		body("multipart: near boundaries", multipart, func(n int) string { return "--b\r\n\r\n" + fill("\r\n-b", n) + "--b--" }),
		body("multipart: boundary at line ends", multipart, func(n int) string { return "--b\r\n\r\n" + fill("--b ", n) + "--b--" }),
		body("multipart: long boundary", "multipart/form-data; boundary="+strings.Repeat("-", 70), func(n int) string {
			return strings.Repeat("-", 72) + "\r\n\r\n" + fill("\r\n"+strings.Repeat("-", 71), n)
		}),
		body("multipart: parameters", multipart, func(n int) string {
			return "--b\r\nContent-Disposition: form-data; " + fill(`name="a"; `, n) + "\r\n\r\n1\r\n--b--"
		}),
		body("multipart: no boundary", multipart, func(n int) string { return fill("a", n) }),
		body("multipart: carriage returns", multipart, func(n int) string { return "--b\r\n\r\n" + fill("\r", n) }),
		body("base64 of base64", js, func(n int) string { return `{"a":"` + again(seed, n, encoded) + `"}` }),
		body("gzip", "text/plain", func(n int) string { return packed(random(n)) }),
		body("gzip of gzip", "application/octet-stream", func(n int) string { return again(random(n/2), n, packed) }),
		bomb("bomb of quotes", "' "),
		bomb("bomb of zeros", "\x00"),
		bomb("bomb of brackets", "["),
		bomb("bomb of members", `{"a":1},`),
		bomb("bomb of attacks", "' or 1=1 --\n"),
		{"bomb in json", 64 << 10, func(n int) request {
			return post(js, []byte(`{"a":"`+encoded(packed(fill("' ", n*700)))+`"}`))
		}},
		{"bomb as coding", 64 << 10, func(n int) request {
			return coded(post(js, []byte(packed(`{"a":"`+fill("' ", n*1000)+`"}`))), "gzip")
		}},
		{"bomb of members as coding", 64 << 10, func(n int) request {
			return coded(post(js, []byte(packed(`[`+fill(`{"a":1},`, n*400)+`1]`))), "gzip")
		}},
		{"bomb of zeros as coding", 64 << 10, func(n int) request {
			return coded(post("application/octet-stream", []byte(deflated(fill("\x00", n*1000)))), "deflate")
		}},
		{"sparse page as coding", 64 << 10, func(n int) request {
			return coded(post(js, []byte(packed(`{"a":"`+sparse(n)+`"}`))), "gzip")
		}},
		{"almost a bomb of quotes as coding", 64 << 10, func(n int) request {
			return coded(post(js, []byte(packed(`{"a":"`+diluted(n, 64, "' ")+`"}`))), "gzip")
		}},
		{"almost a bomb of members as coding", 64 << 10, func(n int) request {
			return coded(post(js, []byte(packed(`[{"b":"`+diluted(n, 1, `"},{"a":"1`)+`"}]`))), "gzip")
		}},
		{"zip bomb", 64 << 10, func(n int) request { return post("application/zip", []byte(zipped(fill("' ", n*1000)))) }},
		{"zip of a sparse page", 64 << 10, func(n int) request { return post("application/zip", []byte(zipped(sparse(n)))) }},
		body("zip of many", "application/zip", func(n int) string { return fill(zipped("' or 1=1 --"), n) }),
		body("zip", "application/zip", func(n int) string { return zipped(random(n)) }),
		body("base64 of gzip", "text/plain", func(n int) string { return encoded(packed(random(n / 2))) }),
		{"gzip coding", 0, func(n int) request {
			return coded(post(js, []byte(packed(`{"a":"`+random(n)+`"}`))), "gzip")
		}},
		{"gzip coding, many small", 0, func(n int) request {
			return coded(post(js, []byte(strings.Repeat(packed("' or 1=1 --"), n/40))), "gzip")
		}},
		body("hex", "text/plain", func(n int) string { return fill(fmt.Sprintf("%x", seed), n) }),
		body("protobuf: nested", "application/x-protobuf", func(n int) string { return protobuf(n) }),
		body("protobuf: many", "application/x-protobuf", func(n int) string { return fill("\x0a\x01'", n) }),
		body("grpc: many", "application/grpc", func(n int) string { return fill("\x00\x00\x00\x00\x03\x0a\x01'", n) }),
		body("utf-16", "application/json; charset=utf-16", func(n int) string { return fill("{\x00\"\x00'\x00", n) }),
		body("utf-7", "text/plain; charset=utf-7", func(n int) string { return fill("+ADw-", n) }),
		body("random bytes", "application/octet-stream", random),
		body("random bytes as json", js, random),
		body("random bytes as xml", xml, random),
		body("random bytes as a form", form, random),
		body("random bytes as multipart", multipart, random),
	}
}

func fields(name string, size int) []engine.HeaderField {
	var out []engine.HeaderField
	for n := 0; n < size; n += len(name) + 5 {
		if strings.Contains(name, "%d") {
			out = append(out, field(fmt.Sprintf(name, n), "1"))
			continue
		}
		out = append(out, field(name, "1"))
	}
	return out
}

func laughs(size int) string {
	var b strings.Builder
	for i := 1; b.Len() < size; i++ {
		fmt.Fprintf(&b, `<!ENTITY e%d "%s">`, i, strings.Repeat(fmt.Sprintf("&e%d;", i-1), 10))
	}
	return b.String()
}

// random returns bytes that look like nothing, the same each time.
func random(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return string(b)
}

// protobuf returns messages in messages. Lengths above 127 take more bytes,
// so that it is built from the inside.
func protobuf(size int) string {
	msg := []byte("'")
	var b []byte
	for len(msg)+6 < size && len(msg) < 64<<10 {
		b = append(b[:0], 0x0a)
		for n := len(msg); ; n >>= 7 {
			if n < 0x80 {
				b = append(b, byte(n))
				break
			}
			b = append(b, byte(n)|0x80)
		}
		msg = append(b, msg...)
		b = nil
	}
	return fill(string(msg), size)
}
