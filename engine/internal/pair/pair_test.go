package pair

import "testing"

func TestTable(t *testing.T) {
	table := New([2]string{"ab", "c"}, [2]string{"d", ""})
	for a := range 256 {
		for b := range 256 {
			want := (a == 'a' || a == 'b') && b == 'c' || a == 'd'
			if got := table.Begin(byte(a), byte(b)); got != want {
				t.Errorf("%#x and %#x: %v", a, b, got)
			}
		}
	}
}
