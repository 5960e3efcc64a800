package reveal

import (
	_ "embed"
	"strings"
)

//go:embed words.txt
var wordList string

// lexicon is the shipped public dictionary: common words of interfaces. It
// holds no names of people, places or companies.
var lexicon = newWords(wordList)

type words map[string]struct{}

func newWords(text string) words {
	w := words{}
	for word := range strings.FieldsSeq(text) {
		w[word] = struct{}{}
	}
	return w
}

// maxParts bounds the words in one name: more of them make a sentence.
const maxParts = 5

// holds says whether name is made of dictionary words alone, joined as
// programmers do: user_name, userName, order-items, report.pdf, v2.
func (w words) holds(name string) bool {
	name = strings.TrimLeft(name, "_")
	if len(name) == 0 || len(name) > maxName {
		return false
	}
	parts := 0
	for len(name) > 0 {
		n := wordEnd(name)
		if parts++; n == 0 || parts > maxParts || !w.has(name[:n]) {
			return false
		}
		name = name[n:]
		if len(name) > 1 && strings.IndexByte("-_.", name[0]) >= 0 {
			name = name[1:]
		}
	}
	return true
}

// wordEnd returns the length of the first word of name: letters and digits up
// to a separator or to an upper-case letter behind a lower-case one.
func wordEnd(name string) int {
	for i := range len(name) {
		c := name[i]
		if !isLetter(c) && !isDigit(c) {
			return i
		}
		if i > 0 && 'A' <= c && c <= 'Z' && 'a' <= name[i-1] && name[i-1] <= 'z' {
			return i
		}
	}
	return len(name)
}

func (w words) has(word string) bool {
	if _, ok := w[strings.ToLower(word)]; ok {
		return true
	}
	// v1 to v99: versions.
	digits := strings.TrimLeft(word, "vV")
	return len(digits) == len(word)-1 && len(digits) > 0 && len(digits) <= 2 && strings.Trim(digits, "0123456789") == ""
}
