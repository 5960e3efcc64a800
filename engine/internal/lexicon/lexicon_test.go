package lexicon

import (
	"strings"
	"testing"
)

func TestSet(t *testing.T) {
	s := New("one two\nthree", "_four")
	for word, want := range map[string]bool{"one": true, "TWO": true, "th\x00ree": true, "_Four": true, "fou": false, "": false, "\x00": false, strings.Repeat("o", 99): false} {
		if s.Has([]byte(word)) != want {
			t.Errorf("Has(%q) = %v", word, !want)
		}
	}
	if (Set{}).Has([]byte("one")) {
		t.Error("the empty set has a word")
	}
	if got := string(Fold(make([]byte, 0, 4), []byte("A\x01bC"))); got != "abc" {
		t.Errorf("Fold: %q", got)
	}
	if got := Fold(make([]byte, 0, 2), []byte("abc")); len(got) != 0 {
		t.Errorf("Fold without room: %q", got)
	}
	if n := testing.AllocsPerRun(10, func() { s.Has([]byte("three")) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestKinds(t *testing.T) {
	k := NewKinds("one two", "two three")
	for word, want := range map[string]uint8{"one": 1, "Two": 3, "three": 2, "four": 0, "": 0} {
		if got := k.Of([]byte(word)); got != want {
			t.Errorf("Of(%q) = %d, want %d", word, got, want)
		}
	}
}
