package pathnorm

import "testing"

func TestNext(t *testing.T) {
	f := func(in string, want byte, n int, odd bool) {
		t.Helper()
		if sym, k, o := Next([]byte(in)); sym != want || k != n || o != odd {
			t.Errorf("Next(%q) = %q, %d, %v; want %q, %d, %v", in, sym, k, o, want, n, odd)
		}
	}
	f("a", 'a', 1, false)
	f(`\`, Sep, 1, false)
	f("%2f", Sep, 3, true)
	f("%252e", '.', 5, true)
	f("%25252f", Sep, 7, true)
	f("%u2216", Sep, 6, true)
	f("%uEFC8", Sep, 6, true)
	f("%2%f", Sep, 4, true)
	f("%9v", Junk, 3, true)
	f("%", '%', 1, false)
	f("%2", '%', 1, false)
	f("0x2e", '.', 4, true)
	f("0x41", '0', 1, false)
	f("\xc0\xaf", Sep, 2, true)
	f("\xc0.", '.', 2, true)
	f("\xe0\x80\xae", '.', 3, true)
	f("\xf0\x80\x80\xaf", Sep, 4, true)
	f("\xfc\x80\x80\x80\x80\xaf", Sep, 6, true)
	f("\uff0f", Sep, 3, true)
	f("\u2215", Sep, 3, true)
	f("é", 0xc3, 1, false)
	f("\u0e01", 0xe0, 1, false)
	f("\x00", Junk, 1, true)
	f("?", Junk, 1, false)
}

func FuzzNext(f *testing.F) {
	f.Add([]byte("..%252f%c0%af0x2e\xf0\x80\x80\xaf"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			_, n, _ := Next(b)
			if n < 1 || n > len(b) {
				t.Fatalf("%q: %d bytes", b, n)
			}
			b = b[n:]
		}
	})
}
