//go:build unix

package detect

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
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
	"'||(a)||'", "`a", "a`b`c$(d)${e}", "if(a<b&&c>d){e='f'}", "<!DOCTYPE ", "\"a\":{\"b\":['c',1]},", "1=1 or ", "(select ", "a[]=", "{{a|b('c')}}",
	"<p class=\"a\">b</p>\n", "```\ncode\n```\n", "$(a).b('c');\n", "require('", "*)(", "|a", "'+(a)+'", "')(\"];{}--", "&#x69;", "[a](b) ", "+ADw-",
	"<<<", "price[$gt]", "[alert][", "@$if (", "x`curl`", "@grab(", `{"$wh{{a|b('c')}}`, "feed:", "(&", "(!(", "&", "=(",
	"x ", "  ", "\t", "'", "\"", "'\"", "';", "')", "=", "a=", "a='", "style=", "style=\\", "on", "onload=", "\xe5\x98\x8a",
	")(", "*()|&'", "?sub?(", "'|//", "doc('//", "http://127.0.0.1@", "`echo a`|base64 ", `\n\t`, `;id\n`, " a <script> b",
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

// scanCost returns what a scan of v takes, the least of several.
func scanCost(t *testing.T, v []byte, w Where) float64 {
	var s Scanner
	best := math.MaxFloat64
	for range 3 {
		start := cpu(t)
		s.Scan(v, &w)
		best = min(best, cpu(t)-start)
		s.Close() // or it knows what was found
	}
	return best
}

// TestLinear fails when the time for a value grows faster than its length. It
// takes the best of several runs and compares lengths far apart: what it must
// see is growth with the square, in whatever package.
func TestLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a few seconds")
	}
	const short, factor = 4 << 10, 8
	for _, piece := range append([]string{"#\n", "a\r\n"}, hostile...) {
		for _, head := range heads {
			value := func(n int) []byte { return append([]byte(head), bytes.Repeat([]byte(piece), n/len(piece))...) }
			for _, w := range []Where{{Place: InForm}, {Place: InPath, Decoded: 1}} {
				a, b := scanCost(t, value(short), w), scanCost(t, value(short*factor), w)
				if b > 4*factor*a && b/float64(short*factor) > 100 {
					t.Errorf("%q after %q in %+v: %.0f ns for %d bytes, %.0f ns for %d", piece, head, w, a, short, b, short*factor)
				}
			}
		}
	}
}

// TestLinearBetweenBlanks is TestLinear for what looks at the ends of the value
// each time that it finds something inside.
func TestLinearBetweenBlanks(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a few seconds")
	}
	const short, factor = 4 << 10, 8
	cost := func(piece, blank string, n int, p Place) float64 {
		blanks := bytes.Repeat([]byte(blank), n)
		v := bytes.Join([][]byte{blanks, bytes.Repeat([]byte(piece), n/len(piece)), blanks}, nil)
		return scanCost(t, v, Where{Place: p})
	}
	for _, piece := range append([]string{"eval('a');", "system(", "' or 1=1#", "or 1--", ">\"<a", "{{a}}", "$a(1)", "; id ", "`id`", "(['a'", "case when ", "&& foo -x", "'; foo #", "|| a/b;"}, hostile...) {
		for i, p := range []Place{InForm, InForm, InHeader, InHeader, InJSON, InOther} {
			blank := []string{" ", "\n", " ", "\x01", " ", " "}[i]
			a, b := cost(piece, blank, short, p), cost(piece, blank, short*factor, p)
			if b > 4*factor*a && b/float64(3*short*factor) > 100 {
				t.Errorf("%q between %q in place %d: %.0f ns for %d bytes, %.0f ns for %d", piece, blank, p, a, 3*short, b, 3*short*factor)
			}
		}
	}
}

// TestOneMark compares a value in which many conditions end in one comment mark, behind
// which white space stands, with one of few.
func TestOneMark(t *testing.T) {
	cost := func(conditions int) float64 {
		v := "''" + strings.Repeat("||''", conditions) + "=''--" + strings.Repeat(" ", 64<<10) + "x"
		return scanCost(t, []byte(v), Where{Place: InForm})
	}
	if few, many := cost(2), cost(240); many > 6*few {
		t.Errorf("%.0f ns with 240 conditions, %.0f with 2", many, few)
	}
}

// TestStack scans with little room for calls: what calls itself for each byte of a value
// would end the program, whoever recovers from what.
func TestStack(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(256 << 10))
	var s Scanner
	for _, piece := range hostile {
		for _, head := range []string{"", "(", "](", "<a href=", "{{", "'||"} {
			v := append([]byte(head), bytes.Repeat([]byte(piece), (32<<10)/len(piece))...)
			for _, w := range places {
				if w.Place == InForm || w.Place == InPath || w.Place == InJSON {
					s.Scan(v, &w)
				}
			}
		}
	}
}

// heads stand before the pieces.
var heads = []string{"", "'\">x "}

// Bounds of TestWork.
const (
	// mostWork is how many basic blocks a byte may take. Each is about half a
	// nanosecond.
	mostWork = 350
	// mostGrowth is by how much a byte of 64 KB may be dearer than one of
	// 4 KB, and one of 1 MB than one of 64 KB: a slope of 1.05.
	mostGrowth = 1.149
)

// TestWork counts the basic blocks that scans execute, which is the same at
// any load of the machine, and fails when there are too many per byte or when
// they grow faster than the value.
func TestWork(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "work")
	const here = "github.com/gabionhq/gabion/engine/"
	build := exec.Command("go", "build", "-cover", "-covermode=atomic", "-coverpkg="+here+"detect/...,"+here+"internal/...,"+here+"detect/testdata/work", "-o", program, "./testdata/work")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	var all []sizedPiece
	for _, piece := range hostile {
		for _, head := range heads {
			all = append(all, sizedPiece{4 << 10, head, piece}, sizedPiece{64 << 10, head, piece})
		}
	}
	work := count(t, program, all)
	var long []sizedPiece
	for i := 0; i < len(all); i += 2 {
		if p := all[i+1]; checkWork(t, p, work[i], work[i+1]) {
			long = append(long, p, sizedPiece{1 << 20, p.head, p.piece})
		}
	}
	work = count(t, program, long)
	for i := 0; i < len(long); i += 2 {
		checkWork(t, long[i+1], work[i], work[i+1])
	}
}

// A sizedPiece is a value made of pieces.
type sizedPiece struct {
	size        int
	head, piece string
}

// checkWork checks what a byte of p takes, and of a shorter one, and reports
// whether it grew at all.
func checkWork(t *testing.T, p sizedPiece, shorter, perByte float64) bool {
	t.Helper()
	if perByte > mostWork {
		t.Errorf("%q after %q: %.0f basic blocks per byte of %d", p.piece, p.head, perByte, p.size)
	}
	if perByte > mostGrowth*shorter+1 {
		t.Errorf("%q after %q: %.1f basic blocks per byte of %d, %.1f of fewer", p.piece, p.head, perByte, p.size, shorter)
	}
	return perByte > 1.02*shorter+1
}

// count has the program count the basic blocks per byte of each piece.
func count(t *testing.T, program string, pieces []sizedPiece) []float64 {
	t.Helper()
	var in bytes.Buffer
	for _, p := range pieces {
		fmt.Fprintf(&in, "%d %q %q\n", p.size, p.head, p.piece)
	}
	run := exec.Command(program)
	run.Stdin, run.Env = &in, append(os.Environ(), "GOCOVERDIR="+t.TempDir())
	var stderr bytes.Buffer
	run.Stderr = &stderr
	out, err := run.Output()
	if err != nil {
		t.Fatalf("counting: %v\n%s", err, &stderr)
	}
	perByte := make([]float64, len(pieces))
	read := bytes.NewReader(out)
	for i := range perByte {
		if _, err := fmt.Fscan(read, &perByte[i]); err != nil {
			t.Fatalf("reading count %d of %d: %v", i, len(pieces), err)
		}
		perByte[i] /= float64(pieces[i].size)
	}
	return perByte
}
