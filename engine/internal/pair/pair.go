// Package pair tells where two bytes in a row may begin something.
package pair

// Letters are those of ASCII.
const Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// An Of is two bytes with which something may begin: those that may be the first, and
// those that may be the second, none for any.
type Of [2]string

// A Table tells of two bytes whether one of several things may begin with them. Where
// any sign may follow any, most first bytes lead nowhere, and a branch on each would be
// guessed wrong.
type Table struct {
	first, second [256]uint16 // a bit for each thing
}

// New returns the table of at most 16 things.
func New(things ...Of) *Table {
	t := new(Table)
	for i, thing := range things {
		bit := uint16(1) << i
		for _, b := range []byte(thing[0]) {
			t.first[b] |= bit
		}
		for _, b := range []byte(thing[1]) {
			t.second[b] |= bit
		}
		for b := range t.second {
			if thing[1] == "" {
				t.second[b] |= bit
			}
		}
	}
	return t
}

// Begin reports whether something may begin with a and b.
func (t *Table) Begin(a, b byte) bool { return t.first[a]&t.second[b] != 0 }

// Next returns the index of the next pair at i or behind it in v, len(v) for none.
func (t *Table) Next(v []byte, i int) int {
	if i >= len(v) {
		return len(v)
	}
	last := v[i]
	for j, b := range v[i+1:] {
		if t.Begin(last, b) {
			return i + j
		}
		last = b
	}
	return len(v)
}
