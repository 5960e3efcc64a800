package detect

import (
	"bytes"
	"math/rand"
	"strings"
	"testing"
)

func TestAppendFragment(t *testing.T) {
	f := func(value, want string, tokens ...Token) {
		t.Helper()
		if got := string(AppendFragment(nil, []byte(value), tokens)); got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
	f("' OR 1=1", "' or <num:1>=<num:1>",
		Token{0, 1, Punct, true}, Token{2, 4, Word, true}, Token{5, 6, Number, false}, Token{6, 7, Operator, true}, Token{7, 8, Number, false})
	f("alice", "<ident:5>", Token{0, 5, Word, false})
	f("db.example", "<host>", Token{0, 10, Host, false})
	f("x", "", Token{0, 5, Word, true}, Token{-1, 1, Word, true}, Token{1, 0, Word, true})
}

// TestFragmentsHideValues puts random words into every place of the seeds of
// all classes. No fragment may show one.
func TestFragmentsHideValues(t *testing.T) {
	rng := rand.New(rand.NewSource(7))
	var s Scanner
	checked := 0
	for c := Class(0); c < numClasses; c++ {
		for _, seed := range seeds[c] {
			for range 30 {
				canary := randomWord(rng)
				at := rng.Intn(len(seed) + 1)
				v := []byte(seed[:at] + canary + seed[at:])
				for _, w := range places {
					checked += fragmentHides(t, &s, v, w, canary)
				}
			}
		}
	}
	if checked < 1000 {
		t.Errorf("only %d fragments were checked", checked)
	}
}

// fragmentHides reports whether v had a fragment, and fails if it shows canary.
func fragmentHides(t *testing.T, s *Scanner, v []byte, w Where, canary string) int {
	n := 0
	for _, f := range s.Scan(v, &w) {
		n = 1
		got := AppendFragment(nil, v, f.Tokens)
		if bytes.Contains(got, []byte(strings.ToLower(canary[1:len(canary)-1]))) {
			t.Errorf("class %d: the fragment of %q is %q", f.Class, v, got)
		}
	}
	return n
}

// randomWord returns a word that no vocabulary holds. Its ends may merge
// with the text around it.
func randomWord(rng *rand.Rand) string {
	const letters = "bcdfghjkmpqvwxzBCDFGHJKMPQVWXZ"
	b := make([]byte, 9)
	for i := range b {
		b[i] = letters[rng.Intn(len(letters))]
	}
	return string(b)
}
