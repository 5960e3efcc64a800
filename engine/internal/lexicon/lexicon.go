// Package lexicon holds fixed sets of words that are looked up without case or allocation.
package lexicon

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
)

// maxWord is longer than every word that a set holds; longer input is never
// in a set.
const maxWord = 40

// maxSpread bounds the length of a word with control bytes in it.
const maxSpread = 4 * maxWord

// A Set is an immutable set of lower-case words. The zero value is empty.
type Set struct{ *table }

type table struct {
	words []string
	slots []uint16    // a hash table with linear probing: 1 and up for words, 0 for none
	shape [256]uint64 // by first byte: bit n for words of n bytes
}

// New returns the set of the words in lists, which white space separates.
func New(lists ...string) Set {
	s := Set{new(table)}
	for _, list := range lists {
		s.words = append(s.words, strings.Fields(list)...)
	}
	slices.Sort(s.words)
	s.words = slices.Compact(s.words)
	s.slots = make([]uint16, 1<<bits.Len(uint(2*len(s.words)))) // at most half full
	for i, w := range s.words {
		if len(w) > maxWord {
			panic("BUG: lexicon: word too long: " + w)
		}
		s.shape[w[0]] |= 1 << len(w)
		var buf [maxWord]byte
		at := s.slot(&buf, copy(buf[:], w))
		for s.slots[at] != 0 {
			at = (at + 1) & (len(s.slots) - 1)
		}
		s.slots[at] = uint16(i + 1)
	}
	return s
}

// slot returns where the n bytes of a word, behind which buf holds zeros, are
// looked for first. It reads eight of them at each end.
func (s *table) slot(buf *[maxWord]byte, n int) int {
	h := binary.LittleEndian.Uint64(buf[:]) * 0x9E3779B97F4A7C15
	if n > 8 {
		h = (h ^ binary.LittleEndian.Uint64(buf[n-8:])) * 0xD6E8FEB86659FD93
	}
	return int(h>>32^h>>48) & (len(s.slots) - 1)
}

// Words returns the words of the set with spaces between.
func (s Set) Words() string { return strings.Join(s.words, " ") }

// Has reports whether the word is in the set, in any case. Control bytes in
// it are ignored, as the readers that attacks aim at ignore them.
func (s Set) Has(word []byte) bool { return s.table != nil && s.find(word) > 0 }

// find returns the number of the word, from 1 on, 0 for none of the set.
func (s *table) find(word []byte) uint16 {
	if len(word) == 0 || len(word) > maxSpread || word[0] >= ' ' && s.shape[fold(word[0])]<<(63-min(len(word), maxWord)) == 0 {
		return 0 // no word begins so that is as long, or shorter
	}
	var buf [maxWord]byte
	n := 0
	for _, c := range word {
		if c < ' ' {
			continue
		}
		if n == maxWord {
			return 0
		}
		buf[n] = fold(c)
		n++
	}
	if n == 0 || s.shape[buf[0]]&(1<<n) == 0 {
		return 0
	}
	for at := s.slot(&buf, n); s.slots[at] != 0; at = (at + 1) & (len(s.slots) - 1) {
		if s.words[s.slots[at]-1] == string(buf[:n]) {
			return s.slots[at]
		}
	}
	return 0
}

// Kinds are several sets in one, so that a word is looked up once for all.
type Kinds struct {
	set Set
	of  []uint8 // by the number of a word
}

// NewKinds returns the sets of the words in lists, which white space separates.
func NewKinds(lists ...string) Kinds {
	set := New(lists...)
	k := Kinds{set, make([]uint8, len(set.words)+1)}
	for i, list := range lists {
		for _, w := range strings.Fields(list) {
			k.of[set.find([]byte(w))] |= 1 << i
		}
	}
	return k
}

// Of returns the sets that the word is in, bit i for the one of lists[i].
func (k Kinds) Of(word []byte) uint8 { return k.of[k.set.find(word)] }

// Fold appends word to dst in lower case and without control bytes, as far
// as dst has room. Longer words come back empty.
func Fold(dst, word []byte) []byte {
	if len(word) > maxSpread {
		return dst[:0]
	}
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
