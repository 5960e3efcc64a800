// Package pair tells where two bytes in a row may begin something.
package pair

// Letters are those of ASCII.
const Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// A Table tells of two bytes whether one of several things may begin with them. To
// ask it takes two loads and no guess of the processor, whatever the bytes are.
type Table struct {
	first, second [256]uint32 // a bit for each thing
}

// New returns the table of things, at most 32, of which each has the bytes that may be
// its first, and those that may be its second, none for any.
func New(things ...[2]string) *Table {
	t := new(Table)
	for i, thing := range things {
		for _, b := range []byte(thing[0]) {
			t.first[b] |= 1 << i
		}
		for _, b := range []byte(thing[1]) {
			t.second[b] |= 1 << i
		}
		for b := range t.second {
			if thing[1] == "" {
				t.second[b] |= 1 << i
			}
		}
	}
	return t
}

// Begin reports whether something may begin with a and b.
func (t *Table) Begin(a, b byte) bool { return t.first[a]&t.second[b] != 0 }
