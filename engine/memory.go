package engine

import "sync/atomic"

// A memory holds hashes of values in which nothing was found, each in the slot
// that it picks itself. One that came again stays for once when another wants
// its slot: the names and clients of a site are not driven out by addresses
// that come once. All requests of an Engine share one.
type memory [1024]atomic.Uint64

// cameAgain marks a hash that was looked up since another wanted its slot.
const cameAgain = 1

func (m *memory) slot(hash uint64) *atomic.Uint64 { return &m[hash>>32%uint64(len(m))] }

func (m *memory) has(hash uint64) bool {
	s := m.slot(hash)
	have := s.Load()
	if (have^hash)&^cameAgain != 0 {
		return false
	}
	if have&cameAgain == 0 {
		s.Store(have | cameAgain)
	}
	return true
}

func (m *memory) add(hash uint64) {
	s := m.slot(hash)
	if have := s.Load(); have&cameAgain != 0 {
		s.Store(have &^ cameAgain)
		return
	}
	s.Store(hash &^ cameAgain)
}
