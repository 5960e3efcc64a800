package parse

import "bytes"

// Bounds of a roll.
const (
	maxRoll   = 32 << 10 // bytes that come of the value
	maxSteps  = 6        // codings in each other
	rollChunk = 512      // bytes that are decoded at a time
	maxEscape = 64       // bytes of an escape, zeros in front of a number included
)

// rollSpace is the white space that tools put around what they encode.
const rollSpace = " \t\r\n"

// A roll is what comes of a value that is longer than a window and all of it in some
// coding, piece by piece: what is encoded several times over grows manifold, and says
// nothing but in the end.
type roll struct {
	steps [maxSteps]rollStep
	used  int
	out   []byte
}

// A rollStep undoes one coding.
type rollStep struct {
	kind Kind
	rest [maxEscape]byte // what a piece ends in, of which the next may change the meaning
	size int             // of rest
}

// rolls returns the coding that all of v may be in, None for none.
func rolls(v []byte) Kind {
	if v[0] == '&' || v[0] == '\\' {
		if _, n := charEscape(v); n > 0 {
			return HTMLJS
		}
		return None
	}
	switch f := traits(v); {
	case f&notHex == 0:
		return Hex
	case f&(not64|hasSpace) == 0:
		return Base64
	case f&hasPercent != 0 && f&(notURL|hasAmp|hasEqual) == 0:
		return Percent
	}
	return None
}

// newRoll returns a roll for a value that begins with v, nil for none. What digits and
// letters stand for is too long unless it is in a coding, too.
func newRoll(v []byte) *roll {
	kind := rolls(v)
	if kind == None {
		return nil
	}
	if kind == Hex || kind == Base64 {
		s := rollStep{kind: kind}
		var block [rollChunk]byte
		out, _, _ := s.decode(block[:0], v[:min(len(v), rollChunk)], false)
		if len(out) == 0 || rolls(out) == None {
			return nil
		}
	}
	r := &roll{used: 1, out: make([]byte, 0, maxRoll+2*rollChunk)}
	r.steps[0].kind = kind
	return r
}

// unroll adds a part of the value at n, of which own bytes are not repeated, to what
// comes of it, and visits that behind the last. White space around the value is none
// of the coding.
func (t *Tree) unroll(n Node, v []byte, before, own int) {
	last := own == len(v)
	v = v[:own]
	if before == 0 {
		v = bytes.TrimLeft(v, rollSpace)
		if t.roll = nil; len(v) > 0 && !last && t.purse.room > 0 {
			t.roll = newRoll(v)
		}
	}
	if last {
		v = bytes.TrimRight(v, rollSpace)
	}
	r := t.roll
	if r == nil {
		return
	}
	if !t.mayRoll(n, r) {
		t.roll = nil
		return
	}
	t.purse.room -= readEffort * own
	if !r.add(v) {
		t.roll = nil
		return
	}
	if last {
		t.roll = nil
		r.finish()
		t.unrolled(n, r)
	}
}

// mayRoll reports whether what comes of the value at n may still be visited.
func (t *Tree) mayRoll(n Node, r *roll) bool {
	return t.purse.room > 0 && t.roomToDecode(len(r.out)) && t.visitor.Decode(t, n, r.steps[0].kind)
}

// unrolled visits what came of the value at n.
func (t *Tree) unrolled(n Node, r *roll) {
	if t.Depth(n)+r.used > t.limits.Depth || len(r.out) == 0 || !isMeaningful(r.out) {
		return
	}
	for i := range r.used {
		if !t.visitor.Decode(t, n, r.steps[i].kind) {
			return
		}
	}
	child := n
	for i := range r.used {
		child = t.pushDecoder(child, r.steps[i].kind)
	}
	if t.afford(child, len(r.out), readEffort*len(r.out)) {
		t.purse.inside++
		t.value(child, r.out)
		t.purse.inside--
	}
	t.drop(n + 1)
}

// add decodes the next bytes. It reports false where they are in another coding, or
// too much comes of them.
func (r *roll) add(v []byte) bool {
	for len(v) > 0 {
		n := min(len(v), rollChunk)
		if !r.pass(0, v[:n], false) || len(r.out) > maxRoll && !r.wind() {
			return false
		}
		v = v[n:]
	}
	return true
}

// finish decodes what the steps hold back, up to what is in no coding.
func (r *roll) finish() {
	for i := range r.used {
		r.pass(i, nil, true)
	}
}

// pass leads v through the steps from one on. Of the last bytes of that step nothing is
// held back if they are final, and what cannot be decoded is left out.
func (r *roll) pass(from int, v []byte, final bool) bool {
	var in, out [rollChunk + maxSteps*maxEscape]byte
	for i := from; i < r.used; i++ {
		s, last := &r.steps[i], final && i == from
		whole := append(append(in[:0], s.rest[:s.size]...), v...)
		decoded, left, ok := s.decode(out[:0], whole, last)
		if !ok && !final {
			return false
		}
		s.size = copy(s.rest[:], left)
		v = decoded
	}
	r.out = append(r.out, v...)
	return true
}

// wind makes a step of the coding that all of out is in, so that less comes of it.
func (r *roll) wind() bool {
	kind := rolls(r.out)
	if kind == None || r.used == maxSteps {
		return false
	}
	s := &r.steps[r.used]
	*s = rollStep{kind: kind}
	r.used++
	out, left, ok := s.decode(r.out[:0], r.out, false) // no step expands
	s.size = copy(s.rest[:], left)
	r.out = out
	return ok && len(out) <= maxRoll
}

// decode appends to dst what v stands for, up to what the bytes behind it may change
// unless it is final. It reports false where v is in another coding.
func (s *rollStep) decode(dst, v []byte, final bool) (out, left []byte, ok bool) {
	switch s.kind {
	case HTMLJS:
		for len(v) >= maxEscape || final && len(v) > 0 {
			if v[0] != '&' && v[0] != '\\' {
				return dst, nil, false
			}
			c, n := charEscape(v)
			if n == 0 {
				return dst, nil, false
			}
			dst, v = appendRune(dst, c), v[n:]
		}
	case Hex:
		for ; len(v) > 1; v = v[2:] {
			if hexValue[v[0]]|hexValue[v[1]] > 15 {
				return dst, nil, false
			}
			dst = append(dst, hexValue[v[0]]<<4|hexValue[v[1]])
		}
	case Base64:
		for ; len(v) > 4; v = v[4:] {
			a, b, c, d := base64Value[v[0]], base64Value[v[1]], base64Value[v[2]], base64Value[v[3]]
			if a|b|c|d > 63 {
				return dst, nil, false
			}
			dst = append(dst, a<<2|b>>4, b<<4|c>>2, c<<6|d)
		}
		if final {
			dst, _ = appendBase64(dst, v, 0xff)
			v = nil
		}
	case Percent:
		n := len(v)
		if !final {
			n = cutBefore(v, '%', 6)
		}
		dst, v = appendUnescaped(dst, v[:n], false), v[n:]
	}
	return dst, v, true
}
