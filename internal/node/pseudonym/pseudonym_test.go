package pseudonym

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"testing"
)

func key(t *testing.T, b byte) *Key {
	t.Helper()
	k, err := New(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSources(t *testing.T) {
	k, other := key(t, 1), key(t, 2)
	f := func(a, b string, address, network, neighbourhood bool) {
		t.Helper()
		x, y := netip.MustParseAddr(a), netip.MustParseAddr(b)
		if got := k.Source(x) == k.Source(y); got != address {
			t.Errorf("same tag for %s and %s: %v", a, b, got)
		}
		if got := k.Network(x) == k.Network(y); got != network {
			t.Errorf("same network for %s and %s: %v", a, b, got)
		}
		if got := k.Neighbourhood(x) == k.Neighbourhood(y); got != neighbourhood {
			t.Errorf("same neighbourhood for %s and %s: %v", a, b, got)
		}
		if k.Source(x) == other.Source(x) || k.Network(x) == other.Network(x) {
			t.Errorf("%s has the same tag under another key", a)
		}
	}
	f("192.0.2.1", "192.0.2.1", true, true, true)
	f("192.0.2.1", "::ffff:192.0.2.1", true, true, true)
	f("192.0.2.1", "192.0.2.2", false, true, true)
	f("192.0.2.1", "192.0.3.1", false, false, true)
	f("192.0.2.1", "192.1.2.1", false, false, false)
	f("2001:db8::1", "2001:db8::2", false, true, true)
	f("2001:db8::1", "2001:db8:1::1", false, false, true)
	f("2001:db8::1", "2001:db9::1", false, false, false)
	if n := len(k.Source(netip.Addr{})); n != 16 {
		t.Errorf("a tag has %d characters", n)
	}
}

func TestPrefix(t *testing.T) {
	f := func(addr netip.Addr, want string) {
		t.Helper()
		if got := Prefix(addr); got != want {
			t.Errorf("Prefix(%s) = %q, want %q", addr, got, want)
		}
	}
	f(netip.MustParseAddr("192.0.2.77"), "192.0.2.0/24")
	f(netip.MustParseAddr("::ffff:192.0.2.77"), "192.0.2.0/24")
	f(netip.MustParseAddr("2001:db8:1:2:3::4"), "2001:db8:1::/48")
	f(netip.MustParseAddr("fe80::1%eth0"), "fe80::/48")
	f(netip.Addr{}, "")
}

func TestSeal(t *testing.T) {
	k, other := key(t, 1), key(t, 2)
	r := rand.New(rand.NewPCG(1, 2))
	flipped, tests := 0, 0
	for range 2000 {
		v := r.Uint64()
		if got := k.Open(k.Seal(v)); got != v {
			t.Fatalf("Open(Seal(%x)) = %x", v, got)
		}
		if k.Seal(v) == other.Seal(v) {
			t.Fatalf("%x has the same tag under another key", v)
		}
		flipped += bits.OnesCount64(k.Seal(v) ^ k.Seal(v^1<<r.IntN(64)))
		tests++
	}
	if mean := float64(flipped) / float64(tests); mean < 31 || mean > 33 {
		t.Errorf("a changed bit changes %.1f bits of the tag, want 32", mean)
	}
}

func BenchmarkNetwork(b *testing.B) {
	k, _ := New(make([]byte, 32))
	a := netip.MustParseAddr("192.0.2.1")
	for b.Loop() {
		k.Network(a)
	}
}
