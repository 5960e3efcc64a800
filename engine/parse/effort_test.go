package parse

import (
	"strings"
	"testing"
)

// A payer is a recorder to which each byte of a value takes some effort.
type payer struct {
	recorder
	each int
}

func (p *payer) Visit(t *Tree, n Node, v []byte) int { return p.each * p.recorder.Visit(t, n, v) }

// paid returns what is visited of a request where each byte takes some effort.
func paid(each int, target, form string) []string {
	var w Walk
	p := payer{each: each}
	w.Reset(&p, Limits{}, nil)
	w.Target([]byte(target))
	w.Fields([]Field{{[]byte("Content-Type"), []byte("application/x-www-form-urlencoded")}})
	w.Write([]byte(form))
	w.Finish()
	return p.lines
}

// The values of a repeated name are visited once more, joined: where they are long, only
// while others did not take what the request may take, which is reported.
func TestJoinedWhileAffordable(t *testing.T) {
	f := func(each int, pairs string, want bool) {
		t.Helper()
		joined := map[bool]int{}
		for in, lines := range map[string][]string{"get.": paid(each, "/?"+pairs, ""), "post.form.": paid(each, "/", pairs)} {
			found, limited := false, false
			for _, l := range lines {
				found = found || strings.HasPrefix(l, in+`a.pollution="1234567890,`)
				limited = limited || strings.HasSuffix(l, "!effort")
			}
			joined[found]++
			if !found && !limited {
				t.Errorf("%d bytes at %d: %s is not joined, which nobody is told", len(pairs), each, in)
			}
		}
		if joined[want] != 2 {
			t.Errorf("%d bytes at %d: joined is %v, want %t", len(pairs), each, joined, want)
		}
	}
	few, many, most := strings.Repeat("a=1234567890&", 6), strings.Repeat("a=1234567890&", 60), strings.Repeat("a=1234567890&", 600)
	for _, each := range []int{1, 10, 20} {
		f(each, few, true)
		f(each, many, true)
		f(each, most, true)
	}
	f(100, few, true)
	f(100, many, false)
	f(100, most, false)
	others := strings.Repeat("b=1234567890&", 60)
	f(80, few+others, true) // what is short is joined whatever others took but for deep layers
	f(80, many+others, false)
}

// What a path decodes to as a whole leaves its segments some of what they take, however
// long it is.
func TestPathLeavesSegments(t *testing.T) {
	const unit = "%c0%aeword ' or /val{%c0%ae"
	f := func(each, size int, share float64) {
		t.Helper()
		segments, decoded := map[string]bool{}, map[string]bool{}
		for _, l := range paid(each, "/"+strings.Repeat(unit, size/len(unit)), "") {
			if !strings.HasPrefix(l, "path[") {
				continue
			}
			at := strings.IndexByte(l, ']') + 1
			segments[l[:at]] = true
			if strings.HasPrefix(l[at:], ".charset=") {
				decoded[l[:at]] = true
			}
		}
		if got := float64(len(decoded)) / float64(len(segments)); got < share || len(segments) < size/len(unit) {
			t.Errorf("%d bytes at %d: %.2f of %d segments are decoded, want %.2f", size, each, got, len(segments), share)
		}
	}
	for _, size := range []int{1 << 10, 4 << 10, 8 << 10} {
		f(1, size, 1)
		f(16, size, 1)
		f(30, size, 0.3)
	}
}

// What is kept for the segments of a path is kept for nothing behind it.
func TestPathKeepsNothing(t *testing.T) {
	for _, path := range []string{"/a", "/%41/b", "/%c0%aeb/c%2fd.e/", "//", "/"} {
		var w Walk
		w.Reset(&payer{each: 9}, Limits{}, nil)
		w.Target([]byte(path + "?q=%41"))
		if kept := w.tree.purse.reserve; kept != 0 {
			t.Errorf("%s: %d is kept", path, kept)
		}
	}
}
