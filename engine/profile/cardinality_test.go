package profile

import "testing"

func TestCardinalityBinary(t *testing.T) {
	for _, n := range []int{0, 1, 10, 150, 400, 100_000} {
		var c, back Cardinality
		for i := range uint64(n) {
			c.Add((i + 1) * 0x9e3779b97f4a7c15)
		}
		b, err := c.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := back.UnmarshalBinary(b); err != nil || back != c {
			t.Errorf("%d tags: %v; the same: %v", n, err, back == c)
		}
		for _, bad := range [][]byte{nil, b[:len(b)-1], append(b[:len(b):len(b)], 0), append([]byte{99}, b[1:]...)} {
			if err := back.UnmarshalBinary(bad); err == nil || back != (Cardinality{}) {
				t.Errorf("%d tags: read from %d of %d bytes: %v", n, len(bad), len(b), err)
			}
		}
	}
}
