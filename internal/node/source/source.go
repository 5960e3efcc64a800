// Package source finds the address that a request came from.
package source

import (
	"bytes"
	"net/netip"

	"github.com/gaissmai/bart"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/internal/node/h1"
)

// A Finder believes X-Forwarded-For as far as it was written by trusted
// proxies. The zero value trusts nobody.
type Finder struct {
	trusted *bart.Lite
}

// New returns a Finder that trusts proxies in these networks.
func New(trusted []netip.Prefix) *Finder {
	f := &Finder{trusted: new(bart.Lite)}
	for _, p := range trusted {
		f.trusted.Insert(p.Masked())
	}
	return f
}

// Trusted says whether addr is a trusted proxy.
func (f *Finder) Trusted(addr netip.Addr) bool {
	return f.trusted != nil && f.trusted.Contains(addr)
}

// Find returns the source of a request that arrived from peer. It walks
// X-Forwarded-For from its end, where the nearest proxy wrote, up to the
// first address that is not a trusted proxy; what stands before that
// address is the client's own claim. An entry that is no address ends the
// walk.
func (f *Finder) Find(peer netip.Addr, fields []engine.HeaderField) netip.Addr {
	peer = peer.Unmap()
	if !f.Trusted(peer) {
		return peer
	}
	for i := len(fields) - 1; i >= 0; i-- {
		if !h1.Is(fields[i].Name, "x-forwarded-for") {
			continue
		}
		for list := fields[i].Value; len(list) > 0; {
			var last []byte
			list, last = cutLast(list)
			addr, ok := parse(last)
			if !ok {
				return peer
			}
			if peer = addr; !f.Trusted(peer) {
				return peer
			}
		}
	}
	return peer
}

func cutLast(list []byte) (rest, last []byte) {
	if i := bytes.LastIndexByte(list, ','); i >= 0 {
		return list[:i], bytes.TrimSpace(list[i+1:])
	}
	return nil, bytes.TrimSpace(list)
}

// parse reads an address, with a port as some proxies write it.
func parse(b []byte) (netip.Addr, bool) {
	s := string(b)
	if a, err := netip.ParseAddr(s); err == nil {
		return a.WithZone("").Unmap(), true
	}
	ap, err := netip.ParseAddrPort(s)
	return ap.Addr().WithZone("").Unmap(), err == nil
}

// Told returns the source that a proxy which asks about a request names: the
// last entry of X-Forwarded-For, or X-Real-IP.
func Told(fields []engine.HeaderField) (addr netip.Addr, ok bool) {
	for _, name := range []string{"x-forwarded-for", "x-real-ip"} {
		for i := len(fields) - 1; i >= 0; i-- {
			if h1.Is(fields[i].Name, name) {
				_, last := cutLast(fields[i].Value)
				return parse(last)
			}
		}
	}
	return addr, false
}
