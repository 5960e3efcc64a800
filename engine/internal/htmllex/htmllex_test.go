package htmllex

import (
	"fmt"
	"strings"
	"testing"
)

func render(src string, start Start) string {
	var out []string
	for l := New([]byte(src), start); ; {
		k := l.Next()
		if k.Kind == End {
			return strings.Join(out, " ")
		}
		out = append(out, fmt.Sprintf("%d%q", k.Kind, src[k.From:k.To]))
	}
}

func TestLexer(t *testing.T) {
	f := func(src string, start Start, want string) {
		t.Helper()
		if got := render(src, start); got != want {
			t.Errorf("%q from %d:\n got %s\nwant %s", src, start, got, want)
		}
	}
	f("a < b, 1 <2 <3", Data, ``)
	f("<a href='x'>t</a>", Data, `1"a" 3"href" 4"x" 5">" 2"a" 5">"`)
	f(`<img src=x onerror="a(b)"/>`, Data, `1"img" 3"src" 4"x" 3"onerror" 4"a(b)" 5">"`)
	f("<svg/onload=a>", Data, `1"svg" 3"onload" 4"a" 5">"`)
	f("<a b = \n 'c'>", Data, `1"a" 3"b" 4"c" 5">"`)
	f("<script>if (a<b) {}</script x>", Data, `1"script" 5">" 7"if (a<b) {}" 2"script" 3"x" 5">"`)
	f("<style>a{}</style><b>", Data, `1"style" 5">" 7"a{}" 2"style" 5">" 1"b" 5">"`)
	f("<!-- <b> -->", Data, `6"<!" 1"b" 5">"`)
	f("<\x00a>", Data, `1"a" 5">"`)
	f(`x" onload=y "`, InDouble, `3"onload" 4"y"`)
	f(`x' onload=y z`, InSingle, `3"onload" 4"y" 3"z"`)
	f("onload=y>t", InTag, `3"onload" 4"y" 5">"`)
	f("<a b='c", Data, `1"a" 3"b" 4"c"`)
	f("<", Data, ``)
}

func TestIs(t *testing.T) {
	if !Is([]byte("ScR\x00ipt"), "script") || Is([]byte("scripts"), "script") || Is([]byte("scrip"), "script") {
		t.Error("Is folds case and drops controls, nothing else")
	}
	for name, want := range map[string]bool{"onload": true, "ONx\x00yz": true, "one": false, "once": false, "on-load": false, "load": false, "": false} {
		if Event([]byte(name)) != want {
			t.Errorf("Event(%q) = %v", name, !want)
		}
	}
}

func FuzzLexer(f *testing.F) {
	f.Add("<a href='x' onload=y>t</a><script>z</script>", byte(0))
	f.Add(`x" onload=y "`, byte(3))
	f.Fuzz(func(t *testing.T, src string, start byte) {
		l := New([]byte(src), Start(start%5))
		for n, last := 0, 0; ; n++ {
			k := l.Next()
			if k.Kind == End {
				return
			}
			if k.From < 0 || k.To < k.From || k.To > len(src) || k.From+1 < last || n > 2*len(src)+4 {
				t.Fatalf("%q: token %+v after %d", src, k, last)
			}
			last = k.From
		}
	})
}
