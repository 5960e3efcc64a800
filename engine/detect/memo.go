package detect

import (
	"hash/maphash"
	"math/bits"
)

// A memo knows short values of one request in which nothing was found, each in the
// slot that its bytes pick: true, EUR, n/a and the like come again in every row of a
// document. The hashes are keyed, so that no one can make one value pass for another, and
// what is known counts for the effort that it took, so that a memo changes neither verdict
// nor report.
type memo struct {
	seed  maphash.Seed
	slots [64]harmless
	asked uint64 // the hash that was asked for last, 0 for one not worth it
	slot  int    // of that
}

// A harmless value is one in which nothing was found.
type harmless struct {
	hash   uint64 // 0 for none
	effort int
}

// maxMemo is the length up to which values are worth remembering.
const maxMemo = 16

// forget begins another request.
func (m *memo) forget() { clear(m.slots[:]) }

// knows reports whether nothing was found in v before, at such a place, and what effort
// that took.
func (m *memo) knows(v []byte, w *Where) (effort int, ok bool) {
	m.asked = 0
	if len(v) == 0 || len(v) > maxMemo {
		return 0, false
	}
	if m.seed == (maphash.Seed{}) {
		m.seed = maphash.MakeSeed()
	}
	hash := maphash.Bytes(m.seed, v)
	for _, name := range [...][]byte{w.Key, w.Parent} {
		hash = bits.RotateLeft64(hash, 21) // a value may be what its name is
		if len(name) > 0 {
			hash ^= maphash.Bytes(m.seed, name)
		}
	}
	m.asked = hash ^ w.facts() | 1
	m.slot = (len(v) + 3*int(v[0]) + 5*int(v[len(v)/2]) + 7*int(v[len(v)-1])) % len(m.slots)
	known := &m.slots[m.slot]
	return known.effort, known.hash == m.asked
}

// keep notes that nothing was found, with that effort, in the value asked for last.
func (m *memo) keep(effort int) {
	if m.asked != 0 {
		m.slots[m.slot] = harmless{m.asked, effort}
	}
}

// facts returns all of w but for names.
func (w *Where) facts() uint64 {
	f := uint64(w.Place)<<32 | uint64(w.Decoded)<<24 | uint64(w.Referrer)<<16
	f |= bit(w.Name)<<1 | bit(w.Container)<<2 | bit(w.Markup)<<3 | bit(w.Unescaped)<<4 | bit(w.Listing)<<5 | bit(w.Encoded)<<6
	f |= bit(w.Binary)<<7 | bit(w.Excerpt)<<8 | bit(w.Within)<<9 | bit(w.Key != nil)<<10 | bit(w.Parent != nil)<<11
	return f * 0x9e3779b97f4a7c15 // over all bits
}

func bit(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}
