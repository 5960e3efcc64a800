// Package lexicon holds fixed sets of words that are looked up without case or allocation.
package lexicon

import "strings"

// maxWord is longer than every word that a set holds; longer input is never
// in a set.
const maxWord = 40

// A Set is an immutable set of lower-case words.
type Set map[string]struct{}

// New returns the set of the words in lists, which white space separates.
func New(lists ...string) Set {
	s := Set{}
	for _, list := range lists {
		for _, w := range strings.Fields(list) {
			if len(w) > maxWord {
				panic("BUG: lexicon: word too long: " + w)
			}
			s[w] = struct{}{}
		}
	}
	return s
}

// Has reports whether the word is in the set, in any case. Control bytes in
// it are ignored, as the readers that attacks aim at ignore them.
func (s Set) Has(word []byte) bool {
	var buf [maxWord]byte
	n := 0
	for _, c := range word {
		if c < ' ' {
			continue
		}
		if n == maxWord {
			return false
		}
		if c-'A' < 26 {
			c |= 0x20
		}
		buf[n] = c
		n++
	}
	_, ok := s[string(buf[:n])]
	return ok
}

// Fold appends word to dst in lower case and without control bytes, as far
// as dst has room. Longer words come back empty.
func Fold(dst, word []byte) []byte {
	for _, c := range word {
		if c < ' ' {
			continue
		}
		if len(dst) == cap(dst) {
			return dst[:0]
		}
		if c-'A' < 26 {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}
