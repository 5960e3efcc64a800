package detect

import (
	"hash/maphash"
	"math/bits"
)

// A memo knows values of one request and what was found in them, each in the slot that
// its bytes pick: true, EUR, n/a and the like come again in every row of a document, and
// what several decoders make of a value often comes of others as well. The hashes are
// keyed, so that no one can make one value pass for another, and what is known counts for
// the effort that it took, so that a memo changes neither verdict nor report.
type memo struct {
	seed   maphash.Seed
	slots  [64]known
	asked  uint64 // the hash that was asked for last, 0 for one not worth it
	slot   int    // of that
	found  []Finding
	tokens []Token // of those
}

// A known value is one that was read.
type known struct {
	hash     uint64 // 0 for none
	effort   int32
	skipped  uint32 // detectors that did not run
	from, to uint8  // of what was found, in memo.found
	met      bool   // it came once, and what was found is not kept
}

const (
	// maxMemo is the length up to which values are worth remembering, and
	// maxDecodedMemo that of what a decoder made.
	maxMemo        = 64
	maxDecodedMemo = 4 << 10
	// maxFound is how much of what was found is remembered, and maxFoundTokens how
	// many tokens of it.
	maxFound       = 48
	maxFoundTokens = 512
)

// forget begins another request.
func (m *memo) forget() {
	clear(m.slots[:])
	m.found, m.tokens = m.found[:0], m.tokens[:0]
}

// knows reports whether v was read before, at such a place, and what came of that.
func (m *memo) knows(v []byte, w *Where) (*known, bool) {
	m.asked = 0
	if len(v) == 0 || len(v) > maxMemo && (w.Decoded == 0 || len(v) > maxDecodedMemo) {
		return nil, false
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
	k := &m.slots[m.slot]
	return k, k.hash == m.asked && !k.met
}

// keep notes what was found, without some detectors and with that effort, in the value
// asked for last. Where something was found, most values come once, so that it is kept
// only when one comes again.
func (m *memo) keep(skipped uint32, effort int, found []Finding) {
	switch at := &m.slots[m.slot]; {
	case m.asked == 0:
		return
	case len(found) > 0 && at.hash != m.asked:
		*at = known{hash: m.asked, met: true}
		return
	}
	if len(m.found)+len(found) > maxFound || len(m.tokens) > maxFoundTokens {
		m.forget()
	}
	k := known{hash: m.asked, effort: int32(effort), skipped: skipped, from: uint8(len(m.found))}
	for i := range found {
		f := found[i]
		from := len(m.tokens)
		m.tokens = append(m.tokens, f.Tokens...)
		f.Tokens = m.tokens[from:len(m.tokens):len(m.tokens)]
		m.found = append(m.found, f)
	}
	k.to = uint8(len(m.found))
	m.slots[m.slot] = k
}

// recall takes what was found in v where it was read before, by the same detectors and
// with less effort than v may take now.
func (s *Scanner) recall(v []byte, w *Where) bool {
	k, ok := s.memo.knows(v, w)
	if !ok || k.skipped != s.skipped || s.enough > 0 && int(k.effort) >= s.most {
		return false
	}
	s.effort = int(k.effort)
	s.findings = append(s.findings, s.memo.found[k.from:k.to]...)
	return true
}

// facts returns all of w but for names, and the host, which is one for a request.
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
