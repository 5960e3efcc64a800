package detect

import (
	"strings"
	"testing"
)

// TestPadding scans seeds with something long at each place, as wide as anything is
// looked at behind or before something else, or nearly: what a search finds beyond
// where another one ends must break nothing.
func TestPadding(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a few seconds")
	}
	var s Scanner
	for class, values := range seeds {
		for _, seed := range values {
			for at := range len(seed) + 1 {
				for _, fill := range [...]string{" ", "a", "/", "1", ")", "'"} {
					for _, n := range [...]int{7, 15, 22, 31, 38, 47, 62, 130} {
						scanPadded(t, &s, []byte(seed[:at]+strings.Repeat(fill, n)+seed[at:]), class)
					}
				}
			}
		}
	}
}

func scanPadded(t *testing.T, s *Scanner, v []byte, class Class) {
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%s: %q: %v", class, v, r)
			*s = Scanner{}
		}
	}()
	for _, w := range [...]Where{{Place: InForm}, {Place: InPath, Decoded: 1}} {
		for _, f := range s.Scan(v, &w) {
			if f.From < 0 || f.To < f.From || int(f.To) > len(v) {
				t.Errorf("%s: %q: span %d:%d: %s", class, v, f.From, f.To, f.Reason)
			}
		}
	}
}
