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

// paid returns what is visited of a target where each byte takes some effort.
func paid(each int, target string) []string {
	var w Walk
	p := payer{each: each}
	w.Reset(&p, Limits{}, nil)
	w.Target([]byte(target))
	w.Fields(nil)
	w.Finish()
	return p.lines
}

// The values of a repeated name are visited once more, joined, but where the values took
// what the request may take, which is reported.
func TestJoinedWhileAffordable(t *testing.T) {
	f := func(each, values int, want bool) {
		t.Helper()
		joined, limited := false, false
		for _, l := range paid(each, "/?"+strings.Repeat("a=1234567890&", values)) {
			joined = joined || strings.HasPrefix(l, `get.a.pollution="1234567890,`)
			limited = limited || strings.HasSuffix(l, "!effort")
		}
		if joined != want || limited == want {
			t.Errorf("%d values at %d: joined is %t, limited %t", values, each, joined, limited)
		}
	}
	for _, each := range []int{1, 10, 20} {
		for _, values := range []int{2, 60, 600} {
			f(each, values, true)
		}
	}
	f(100, 2, true) // of little, anything is read
	f(100, 60, false)
	f(100, 600, false)
}

// What a path decodes to as a whole leaves its segments some of what they take, however
// long it is.
func TestPathLeavesSegments(t *testing.T) {
	const unit = "%c0%aeword ' or /val{%c0%ae"
	f := func(each, size int, share float64) {
		t.Helper()
		segments, decoded := map[string]bool{}, map[string]bool{}
		for _, l := range paid(each, "/"+strings.Repeat(unit, size/len(unit))) {
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
