package pair

import "testing"

func TestBegin(t *testing.T) {
	table := New(Of{"ab", "c"}, Of{"d", ""})
	for a := range 256 {
		for b := range 256 {
			want := (a == 'a' || a == 'b') && b == 'c' || a == 'd'
			if got := table.Begin(byte(a), byte(b)); got != want {
				t.Errorf("%#x and %#x: %v", a, b, got)
			}
		}
	}
}

func TestNext(t *testing.T) {
	table := New(Of{"ab", "1"}, Of{"\xff", "a"})
	f := func(v string, from, want int) {
		t.Helper()
		if got := table.Next([]byte(v), from); got != want {
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
