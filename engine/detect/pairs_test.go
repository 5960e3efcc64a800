package detect

import "testing"

func TestPairs(t *testing.T) {
	p := newPairs(pair{"ab", "1"}, pair{"\xff", "a"})
	f := func(v string, from, want int) {
		t.Helper()
		if got := p.from([]byte(v), from); got != want {
			t.Errorf("%q from %d: %d, want %d", v, from, got, want)
		}
	}
	f("a1", 0, 0)
	f("xb1", 0, 1)
	f("a1b1", 1, 2)
	f("\xffa", 0, 0)
	f("aab", 0, 3)
	f("\xff1", 0, 2)
	f("1a", 0, 2)
	f("a", 0, 1)
	f("a1", 2, 2)
	f("a1", 3, 2)
	f("", 0, 0)
}

func TestTagPairs(t *testing.T) {
	for _, tag := range typeTagsAt {
		if got := tagPairs.from([]byte(tag.text), 0); got != tag.at-1 || tag.text[got] != tag.mark {
			t.Errorf("%s: %d, want %d", tag.text, got, tag.at-1)
		}
	}
}
