package detect

// pairs are two bytes in a row with which begins what somebody looks for: the
// first and the next have a bit in common. Where any sign may follow any, most
// first bytes lead nowhere, and a branch on each would be guessed wrong.
type pairs struct{ first, next [256]uint8 }

// pair makes one byte of the first string and one of the second a pair. There is
// room for eight such.
type pair [2]string

func newPairs(kinds ...pair) *pairs {
	p := new(pairs)
	for bit, kind := range kinds {
		for i := range len(kind[0]) {
			p.first[kind[0][i]] |= 1 << bit
		}
		for i := range len(kind[1]) {
			p.next[kind[1][i]] |= 1 << bit
		}
	}
	return p
}

// from returns the index of the next pair at i or behind it, len(v) for none.
func (p *pairs) from(v []byte, i int) int {
	if i >= len(v) {
		return len(v)
	}
	last := v[i]
	for j, b := range v[i+1:] {
		if p.first[last]&p.next[b] != 0 {
			return i + j
		}
		last = b
	}
	return len(v)
}
