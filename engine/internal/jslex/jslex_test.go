package jslex

import (
	"math/rand"
	"strings"
	"testing"
)

func first(src string) Hit {
	l := New([]byte(src))
	best := Hit{}
	for h := (Hit{}); l.Next(&h); {
		if h.Sink > best.Sink {
			best = h
		}
	}
	return best
}

func TestLexer(t *testing.T) {
	f := func(src string, want Sink, probe bool) {
		t.Helper()
		if h := first(src); h.Sink != want || h.Probe != probe {
			t.Errorf("%q: %+v, want sink %d, probe %v", src, h, want, probe)
		}
	}
	f("alert(1)", Dialog, true)
	f("alert`1`", Dialog, true)
	f("alert /* x */ ('xss')", Dialog, true)
	f("alert('Please choose a file first')", Dialog, false)
	f("top.confirm(document.cookie)", Dialog, true)
	f("prompt?.(1)", Dialog, true)
	f("x=alert;x(1)", Dialog, false)
	f("I got an alert today", None, false)
	f("eval(name)", Exec, true)
	f("new Function('x')", Exec, false)
	f("[].constructor.constructor('x')()", Exec, true)
	f("document.cookie", Steal, false)
	f("document['cookie']", Hide, false)
	f("document.location='x'", Effect, false)
	f("fetch('//h')", Effect, true)
	f("String.fromCharCode(88)", Hide, false)
	f(`window["alert"](1)`, Hide, true)
	f("[][(![]+[])[+[]]+([![]]+[][[]])[+!+[]+[+[]]]", Hide, true)
	f(`\u0061lert(1)`, Hide, true)
	f("f(x)", Call, false)
	f("a (b)", None, false)
	f("((((((((((((((((((((", None, false)
	f("", None, false)
}

func FuzzLexer(f *testing.F) {
	f.Add("x=eval(atob('eA=='));document . cookie")
	f.Fuzz(func(t *testing.T, src string) {
		l := New([]byte(src))
		last := -1
		for h := (Hit{}); l.Next(&h); {
			if h.From <= last || h.To < h.From || h.To > len(src) || h.Sink == None {
				t.Fatalf("%q: %+v after %d", src, h, last)
			}
			last = h.From
		}
	})
}

// plainNext is Next without its tables: it looks around every name and sign.
func plainNext(l *Lexer, h *Hit) bool {
	for l.pos < len(l.src) {
		from := l.pos
		switch c := l.src[from]; {
		case identStart(c):
			for l.pos++; l.pos < len(l.src) && identByte(l.src[l.pos]); l.pos++ {
			}
			*h = l.ident(from)
		case strings.IndexByte("[(!+", c) >= 0:
			for l.pos++; strings.IndexByte("[]()!~-+ {}", l.at(l.pos)) >= 0; l.pos++ {
			}
			*h = Hit{}
			if l.pos-from >= symbolRun {
				*h = programOf(l.src, from, l.pos)
			}
		case c == '\\':
			*h = l.escape()
		default:
			l.pos++
			continue
		}
		if h.Sink != None {
			return true
		}
	}
	return false
}

// TestTwin compares Next with its plain twin on names and what may stand
// around them.
func TestTwin(t *testing.T) {
	pieces := append(strings.Split("(|)|`|.|=|[|]|\\|u0061|x|'|\"| |\n|/*|*/|?.|!|+|-|{|}|;|,|1|$|_|a|alert|.cookie|.call|\\u{61}|[][(![]+[])[+[]]+([![]]|(((((((((|! ! ! ! ! ! ", "|"), names[:]...)
	r := rand.New(rand.NewSource(1))
	for range 50000 {
		src := ""
		for range 1 + r.Intn(12) {
			src += pieces[r.Intn(len(pieces))]
		}
		fast, plain := New([]byte(src)), New([]byte(src))
		for more := true; more; {
			var a, b Hit
			more = plainNext(&plain, &b)
			if fast.Next(&a) != more || more && a != b {
				t.Fatalf("%q: %+v, want %+v", src, a, b)
			}
		}
	}
}
