//go:build unix

package detect

import (
	"bytes"
	"math"
	"syscall"
	"testing"
)

// hostile are pieces that make a recogniser look far ahead or back when they
// are repeated.
var hostile = []string{
	"<", "<a ", "<a \"", "<a b='", "<script>", "<style>/*", "</", "<!--", "<!--#", "<!ENTITY a ", "<?", "<%", "<x:y",
	"alert(", "alert (/*", "a.b.", "a.", "eval(eval(", "[](", "](", "](javascript:", "&#x6a", "&{", "\\u0061", "((((", "[[[[", "!![]+",
	"../", "..\\", ".?", "%25", "%2e", "%c0", "\xc0\xae", "\xff", "0x2e", "..2f", "....//", "?.", "\x00", "etc/", "a/.",
	";", ";a", "; cat ", "|", "&&", "`", "$(", "${IFS}", "$IFS", "{cat,", "c'a't", "c\\a", "$@", "for %", "if ", "/dev/", "&a",
	"{{", "{{7*", "${", "${lower:", "${${", "${a:-", "#{", "{%", "@(", "[[$", "#set(", "{$",
	"() {", "() { ;", "O:1:\"", "a:1:{", "!!", "__proto__", "constructor.", "constructor[", "\r\n", "\nSet-Cookie:", "\nBcc:",
	"http://", "://", ":/", "php:/", "//", "@", "<?php ", "$_GET[", "$a[", "(system)(", "/*", "#context[", "java.lang.", "while(",
	"x ", "  ", "\t", "'", "\"", "'\"", "';", "')", "=", "a=", "a='", "style=", "style=\\", "on", "onload=", "\xe5\x98\x8a",
}

// cpu returns the processor time this process has used, in nanoseconds. Unlike
// the clock it does not count other work on the machine.
func cpu(t *testing.T) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Skip(err)
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

// TestLinear fails when the time for a value grows faster than its length. It
// takes the best of several runs and compares lengths far apart.
func TestLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a few seconds")
	}
	const short, factor = 4 << 10, 8
	cost := func(v []byte) float64 {
		var s Scanner
		best := math.MaxFloat64
		for range 3 {
			start := cpu(t)
			s.Scan(v, Where{Place: InForm})
			best = min(best, cpu(t)-start)
		}
		return best
	}
	for _, piece := range hostile {
		for _, head := range []string{"", "'\">x "} {
			value := func(n int) []byte { return append([]byte(head), bytes.Repeat([]byte(piece), n/len(piece))...) }
			a, b := cost(value(short)), cost(value(short*factor))
			if b > 4*factor*a && b/float64(short*factor) > 100 {
				t.Errorf("%q after %q: %.0f ns for %d bytes, %.0f ns for %d", piece, head, a, short, b, short*factor)
			}
			if perByte := b / float64(short*factor); perByte > 1500 {
				t.Errorf("%q after %q: %.0f ns per byte", piece, head, perByte)
			} else if perByte > 300 {
				t.Logf("%q after %q: %.0f ns per byte", piece, head, perByte)
			}
		}
	}
}
