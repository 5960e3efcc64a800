package shlex

import (
	"strings"
	"testing"
)

func names(src string) string {
	var out []string
	for l := New([]byte(src)); ; {
		var c Command
		ok := l.Next(&c)
		if !ok {
			return strings.Join(out, " ")
		}
		out = append(out, string(c.Name))
	}
}

func TestNames(t *testing.T) {
	f := func(src, want string) {
		t.Helper()
		if got := names(src); got != want {
			t.Errorf("%q: %q, want %q", src, got, want)
		}
	}
	f("ls -la | grep x && id; w", "ls grep id w")
	f("/usr/bin/cat /etc/passwd", "cat")
	f("c''at x", "cat")
	f(`c\at x`, "cat")
	f("wh$@oami", "whoami")
	f("wh$()oami", "whoami")
	f("||^f^o^r /f; ^x", "for")
	f("A=1 id", "id")
	f("A=1 /bin/id", "id")
	f("A=1  ./x.sh; a=b c=d", "x d")
	f("echo $(id) `w`", "echo id w")
	f("x\nid", "x id")
	f("CMD.EXE /c dir", "cmd")
	f("{cat,/etc/passwd}", "cat")
	f("a=1", "1")
	f("a=1&note=id%253D7%2526x", "1")
	f("f(x)", "x")
	f("Ben &amp; Jerry", "ben")
	f("x; i'd say so; who's there? w\"ho\"ami", "x")
	f("w'ho'ami; i\"d\"", "whoami id")
	f("py'thon3' -c x; /b'in'/c\"at\" y; 'w'hoami", "python3 cat whoami")
	f("", "")
}

func TestFlags(t *testing.T) {
	f := func(src string, ok func(Command) bool) {
		t.Helper()
		l := New([]byte(src))
		var c Command
		l.Next(&c)
		if !ok(c) {
			t.Errorf("%q: %+v", src, c)
		}
	}
	f("cat /etc/passwd", func(c Command) bool { return c.File && c.Secret && c.Words == 0 })
	f("a=id", func(c Command) bool { return c.Assigned && c.From == 2 })
	f("a=b id", func(c Command) bool { return !c.Assigned })
	f("ping -c 4 h", func(c Command) bool { return c.Option && c.Number && c.Words == 1 })
	f("cat${IFS}x", func(c Command) bool { return c.IFS })
	f("/???/??t", func(c Command) bool { return c.Glob })
	f("/a?b=c", func(c Command) bool { return !c.Glob })
	f("/bin/sh", func(c Command) bool { return c.Bin })
	f("echo x > y", func(c Command) bool { return c.Redirect })
	f("curl http://h", func(c Command) bool { return c.URL })
}

func FuzzLexer(f *testing.F) {
	f.Add("a=b c''at ${IFS}/e*c|x;`y`$(z)&&{w,}")
	f.Fuzz(func(t *testing.T, src string) {
		sameArguments(t, []byte(src))
		l := New([]byte(src))
		for n := 0; ; n++ {
			var c Command
			ok := l.Next(&c)
			if !ok {
				return
			}
			if c.At < 0 || c.From < c.At || c.To < c.From || c.End < c.To || c.End > len(src) || n > len(src) {
				t.Fatalf("%q: %+v", src, c)
			}
		}
	})
}
