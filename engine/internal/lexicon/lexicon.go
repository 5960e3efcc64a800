// Package lexicon holds fixed sets of words that are looked up without case or allocation.
package lexicon

import "strings"

// maxWord is longer than every word that a set holds; longer input is never
// in a set.
const maxWord = 40

// A Set is an immutable set of lower-case words. The zero value is empty.
type Set struct {
	words map[string]struct{}
	shape *[256]uint64 // by first byte: bit n for words of n bytes
}

// New returns the set of the words in lists, which white space separates.
func New(lists ...string) Set {
	s := Set{map[string]struct{}{}, new([256]uint64)}
	for _, list := range lists {
		for _, w := range strings.Fields(list) {
			if len(w) > maxWord {
				panic("BUG: lexicon: word too long: " + w)
			}
			s.words[w] = struct{}{}
			s.shape[w[0]] |= 1 << len(w)
		}
	}
	return s
}

// Words returns the words of the set with spaces between, in no order.
func (s Set) Words() string {
	var b strings.Builder
	for w := range s.words {
		b.WriteString(w)
		b.WriteByte(' ')
	}
	return b.String()
}

// Has reports whether the word is in the set, in any case. Control bytes in
// it are ignored, as the readers that attacks aim at ignore them.
func (s Set) Has(word []byte) bool {
	if len(word) > 0 && word[0] >= ' ' && s.shape != nil && s.shape[fold(word[0])] == 0 {
		return false
	}
	var buf [maxWord]byte
	n := 0
	for _, c := range word {
		if c < ' ' {
			continue
		}
		if n == maxWord {
			return false
		}
		buf[n] = fold(c)
		n++
	}
	if n == 0 || s.shape == nil || s.shape[buf[0]]&(1<<n) == 0 {
		return false
	}
	_, ok := s.words[string(buf[:n])]
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
		dst = append(dst, fold(c))
	}
	return dst
}

func fold(c byte) byte {
	if c-'A' < 26 {
		c |= 0x20
	}
	return c
}
