package source

import (
	"net/netip"
	"testing"

	"github.com/gabionhq/gabion/engine"
)

func TestFind(t *testing.T) {
	finder := New([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")})
	f := func(peer, want string, forwarded ...string) {
		t.Helper()
		var fields []engine.HeaderField
		for _, v := range forwarded {
			fields = append(fields, engine.HeaderField{Name: []byte("X-Forwarded-FOR"), Value: []byte(v)})
		}
		if got := finder.Find(netip.MustParseAddr(peer), fields).String(); got != want {
			t.Errorf("from %s with %q: %s, want %s", peer, forwarded, got, want)
		}
	}
	f("192.0.2.1", "192.0.2.1")
	f("192.0.2.1", "192.0.2.1", "203.0.113.9") // an untrusted peer claims
	f("10.0.0.1", "10.0.0.1")
	f("10.0.0.1", "203.0.113.9", "203.0.113.9")
	f("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9")
	f("10.0.0.1", "203.0.113.9", "1.2.3.4, 203.0.113.9")
	f("10.0.0.1", "203.0.113.9", "1.2.3.4, 203.0.113.9 , 10.9.9.9")
	f("10.0.0.1", "203.0.113.9", "1.2.3.4", "203.0.113.9,10.9.9.9", "10.1.1.1")
	f("10.0.0.1", "10.9.9.9", "nonsense, 10.9.9.9")
	f("10.0.0.1", "10.0.0.1", "203.0.113.9, ")
	f("10.0.0.1", "203.0.113.9", "203.0.113.9:4711")
	f("fd00::1", "2001:db8::7", "[2001:db8::7]:443")
	f("fd00::1", "2001:db8::7", "2001:db8::7%eth0")
	f("10.0.0.1", "10.0.0.2", "10.0.0.2, 10.0.0.3")
}

func TestZeroFinderTrustsNobody(t *testing.T) {
	peer := netip.MustParseAddr("10.0.0.1")
	fields := []engine.HeaderField{{Name: []byte("X-Forwarded-For"), Value: []byte("1.1.1.1")}}
	if got := new(Finder).Find(peer, fields); got != peer {
		t.Errorf("got %v", got)
	}
}
