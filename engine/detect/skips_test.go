package detect

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/gabionhq/gabion/engine/internal/pair"
)

// TestSkipsLoseNothing compares what is found where two bytes in a row say that
// something may begin with what is found where anything may begin anywhere, and the walk
// over a path that skips with the one that looks at each byte.
func TestSkipsLoseNothing(t *testing.T) {
	tables := []*pair.Table{constructPairs, openPairs, oddPairs, tagPairs}
	var values [][]byte
	rng := rand.New(rand.NewSource(9))
	for _, class := range []Class{RCE, XSS, SSTI, Deserialization, Code, PathTraversal} {
		for _, seed := range seeds[class] {
			for range 40 {
				values = append(values, mutate(rng, []byte(seed), seeds[class]))
			}
		}
	}
	find := func() (found []string) {
		var s Scanner
		for _, v := range values {
			for _, w := range []Where{{Place: InForm}, {Place: InQuery}} {
				f := s.Scan(v, &w)
				found = append(found, fmt.Sprintf("%q: %+v, effort %d", v, f, s.Effort()))
				s.Close()
			}
		}
		return found
	}
	want := find()
	compare := func(what string) {
		for i, got := range find() {
			if got != want[i] {
				t.Errorf("%s: %s\n slowly: %s", what, want[i], got)
			}
		}
	}
	anywhere := pair.New(pair.Of{everyByte(), ""})
	for i, table := range tables {
		kept := *table
		*table = *anywhere
		compare(fmt.Sprint("table ", i))
		*table = kept
	}
	kept := nowhere
	nowhere = [256]uint8{}
	compare("path")
	nowhere = kept
}

func everyByte() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}
