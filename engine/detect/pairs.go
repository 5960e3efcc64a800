package detect

// A pairs tells at which two bytes in a row something may begin, of several things
// that begin with different ones.
type pairs struct {
	first, second [256]uint32 // a bit for each thing
}

// newPairs makes the pairs of things, of which each has the bytes that may be its
// first, and those that may be its second, none for any.
func newPairs(things ...[2]string) *pairs {
	p := new(pairs)
	for i, t := range things {
		for _, b := range []byte(t[0]) {
			p.first[b] |= 1 << i
		}
		for _, b := range []byte(t[1]) {
			p.second[b] |= 1 << i
		}
		for b := range p.second {
			if t[1] == "" {
				p.second[b] |= 1 << i
			}
		}
	}
	return p
}

// begin reports whether something may begin with a and b.
func (p *pairs) begin(a, b byte) bool { return p.first[a]&p.second[b] != 0 }

const letterBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
