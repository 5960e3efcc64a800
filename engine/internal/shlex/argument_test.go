package shlex

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// read is the slow twin of arguments: one byte after the other, with a look at those
// beside it.
func read(l Lexer, from int) Command {
	var c Command
	l.pos = from
	fresh, slash := false, false
	src, i := l.src, l.pos
	for i < len(src) {
		b, next := src[i], l.peek(i+1)
		drive, word := i > 0 && src[i-1] == ':', i > 0 && letter(src[i-1])
		switch {
		case separators[b], b == '$' && next == '(', (b == '<' || b == '>') && next == '(', b == sub && l.cuts(i),
			b == '&' && l.entity(i) == 0 && !l.redirected(i):
			c.Var = c.Var || b == '$'
			c.End = i
			return c
		case blank(b):
			fresh, slash = true, false
			i++
			continue
		case b == '\'' || b == '"':
			c.Quote = true
			c.Torn = c.Torn || next == b && word && letter(l.peek(i+2))
			i++
			continue
		case b == '&' && l.entity(i) > 0:
			i += l.entity(i)
			continue
		case b == '$':
			k := l.variable(i)
			if k < 0 {
				c.IFS, fresh = true, true
				i += -k
				continue
			}
			c.Var = true
			c.Torn = c.Torn || k > 0 && word && letter(l.peek(i+k))
		case letter(b) && fresh:
			c.Words++
		case digit(b):
			c.Number = c.Number || fresh
		case b == '%':
			c.Var = c.Var || letter(next)
		case b == '<' || b == '>':
			c.Redirect = true
		case b == '-':
			c.Option = c.Option || fresh && (letter(next) || next == '-')
		case b == '/' || b == '~' || b == '\\' && (letter(next) || drive):
			c.Torn = c.Torn || b == '\\' && slash && word && letter(next)
			slash = slash || b == '/'
			c.File = c.File || letter(next) || next == '/' || next == '*' || next == '?' ||
				fresh && b == '/' && (i+1 == len(src) || blank(next)) || b == '\\' && drive
			c.URL = c.URL || next == '/' && drive
			c.Secret = c.Secret || b != '~' && secret(src[i:])
		}
		fresh = false
		i++
	}
	c.End = i
	return c
}

// sameArguments fails unless all commands of src have the arguments that read finds.
func sameArguments(t *testing.T, src []byte) {
	t.Helper()
	l := New(src)
	for c := new(Command); l.Next(c); {
		got, want := *c, read(l, c.To)
		want.IFS = want.IFS || got.IFS && bytes.Contains(src[c.From:c.To], []byte("IFS")) // in the name
		if !equal(got, want) {
			t.Fatalf("%q at %d: %+v, want %+v", src, c.To, got, want)
		}
	}
}

func equal(a, b Command) bool {
	return a.End == b.End && a.Words == b.Words && a.IFS == b.IFS && a.Option == b.Option && a.File == b.File && a.Number == b.Number && a.Var == b.Var &&
		a.Redirect == b.Redirect && a.Quote == b.Quote && a.URL == b.URL && a.Secret == b.Secret && a.Torn == b.Torn
}

func TestArguments(t *testing.T) {
	pieces := []string{
		"a", "b", "cat", "id", "/", `\`, "/etc/passwd", `\windows\`, "C:", ":", "~", "''", `""`, "'", `"`, " ", "\t", "+", "$", "$(", "$IFS", "${IFS}", "$IFS$9", "$@", "$$",
		"%", "%a%", "&", "&amp;", "&id;", "&;", ">&", "&>", "<(", ">(", "<", ">", ";", "|", "&&", "\n", "`", "(", ")", "-", "--", "-c", "1", "http://", "*", "?", "=", "{", "}", "^", "@",
		"\x1a", "\x00", "\xff",
	}
	r := rand.New(rand.NewPCG(5, 5))
	for range 100000 {
		src := []byte("x ")
		for range 1 + r.IntN(16) {
			src = append(src, pieces[r.IntN(len(pieces))]...)
		}
		sameArguments(t, src)
	}
}
