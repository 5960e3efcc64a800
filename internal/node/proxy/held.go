package proxy

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// maxHeld bounds the bytes of request bodies held by all exchanges of a
// node together. Past it new bodies count as overload.
const maxHeld = 512 << 20

// minHeld is the smallest buffer: most bodies fit.
const minHeld = 4 << 10

// buffers hands out buffers of powers of two and counts what is out.
type buffers struct {
	out   atomic.Int64
	pools [32]sync.Pool
}

// get returns a buffer of at least n bytes, nil past maxHeld unless forced.
func (b *buffers) get(n int, forced bool) []byte {
	class := bits.Len(uint(max(n, minHeld) - 1))
	if b.out.Add(1<<class) > maxHeld && !forced {
		b.out.Add(-1 << class)
		return nil
	}
	if p, ok := b.pools[class].Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 1<<class)
}

func (b *buffers) put(buf []byte) {
	if buf != nil {
		b.keep(buf)
	}
}

// keep is apart from put because its argument is allocated.
func (b *buffers) keep(buf []byte) {
	class := bits.Len(uint(len(buf) - 1))
	b.out.Add(-1 << class)
	b.pools[class].Put(&buf)
}

// A held is the part of a body that was received and not yet forwarded: a
// ring that grows up to its limit.
type held struct {
	from   *buffers
	buf    []byte
	start  int
	n      int
	limit  int
	forced bool // past maxHeld too: the body is not held back but passes through
}

func (h *held) reset(from *buffers, limit int) {
	*h = held{from: from, limit: limit}
}

// release gives the memory back.
func (h *held) release() {
	h.from.put(h.buf)
	h.buf = nil
}

// full says whether bytes must be forwarded before more are received.
func (h *held) full() bool { return h.n >= h.limit }

// space returns memory for the next bytes, nil if there is none left on
// this node. hint is how many are expected, -1 if unknown. It must not be
// called when full.
func (h *held) space(hint int64) []byte {
	if h.n == len(h.buf) && !h.grow(hint) {
		return nil
	}
	end := h.start + h.n
	if end >= len(h.buf) {
		end -= len(h.buf)
		return h.buf[end:h.start]
	}
	return h.buf[end:min(len(h.buf), end+h.limit-h.n)]
}

// grow makes room for what was announced, but never for much more than was
// received: a length is said with a few bytes, and what is reserved for those
// who only say it, others don't get.
func (h *held) grow(hint int64) bool {
	want := max(2*len(h.buf), h.n+int(min(hint, readSize)))
	buf := h.from.get(min(want, h.limit), h.forced)
	if buf == nil {
		return false
	}
	first, second := h.parts()
	copy(buf[copy(buf, first):], second)
	h.from.put(h.buf)
	h.buf, h.start = buf, 0
	return true
}

// add notes that n bytes were received into the space.
func (h *held) add(n int) { h.n += n }

// parts returns what is held, oldest first.
func (h *held) parts() (first, second []byte) {
	end := h.start + h.n
	if end <= len(h.buf) {
		return h.buf[h.start:end], nil
	}
	return h.buf[h.start:], h.buf[:end-len(h.buf)]
}

// drop forgets the n oldest bytes.
func (h *held) drop(n int) {
	h.n -= n
	if h.start += n; h.start >= len(h.buf) {
		h.start -= len(h.buf)
	}
	if h.n == 0 {
		h.start = 0
	}
}
