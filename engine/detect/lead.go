package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// A lead is the best evidence so far in one value.
type lead struct {
	weight   float32
	from, to int
	reason   string
	hard     bool
}

// offer keeps the new evidence if it is stronger.
func (l *lead) offer(weight float32, from, to int, reason string) {
	if weight > l.weight {
		*l = lead{weight: weight, from: from, to: to, reason: reason}
	}
}

// certain keeps evidence that no profile may outweigh.
func (l *lead) certain(weight float32, from, to int, reason string) {
	if weight > l.weight || weight == l.weight && !l.hard {
		*l = lead{weight: weight, from: from, to: to, reason: reason, hard: true}
	}
}

// What is less likely than not is a hint: texts on computers are full of
// them, in several languages at once, and those must not add up to an attack.
const (
	evident   = 0.5 // below it, evidence is a hint
	hint      = 0.6 // what a hint counts for
	minWeight = 0.2 // the least weight worth a finding
)

// document reports whether v is a whole document whose values are scanned one
// by one, so that its own text tells nothing of them.
func document(v []byte, w *Where) bool {
	if !w.Container || w.Place == InTarget || len(v) < 2 {
		return false
	}
	i := skipBlank(v, 1)
	if i >= len(v) {
		return false
	}
	switch v[0] {
	case '{':
		return v[i] == '"' || v[i] == '}'
	case '[':
		return v[i] == '"' || v[i] == '{' || v[i] == '[' && !(i+1 < len(v) && (v[i+1] == '$' || v[i+1] == '*' || v[i+1] == '(')) || v[i] == ']' || isDigit(v[i])
	case '-':
		return v[1] == '-' // a multipart body
	case 'B', 'b':
		return isCalendar(v)
	case 0x1f:
		return v[1] == 0x8b // gzip, whose bytes are chance
	case '<':
		return isLetter(v[1]) || hasPrefixFold(v, "<?xml")
	}
	return w.Place == InBody || w.Place == InCookie || w.Place == InHeader
}

// isCalendar reports whether v, which is read in parts, is a calendar or card.
// Its text is escaped, and lines of their own stand between any two.
func isCalendar(v []byte) bool { return hasPrefixFold(v, "begin:v") }

// maxEvidence bounds the bytes of a span that are made into tokens.
const maxEvidence = 256

// follow makes the lead a finding. Of its tokens those in the vocabulary
// are Known.
func (s *Scanner) follow(c Class, v []byte, l lead, vocabulary lexicon.Set) {
	if l.weight >= minWeight { // and mostly there is none
		s.report(c, v, &l, vocabulary)
	}
}

// report is follow for a lead with some weight.
func (s *Scanner) report(c Class, v []byte, l *lead, vocabulary lexicon.Set) {
	if l.weight < evident {
		l.weight *= hint
	}
	if l.weight < minWeight {
		return
	}
	from, to := max(l.from, 0), min(l.to, len(v))
	if from > to {
		from = to
	}
	m := s.mark()
	s.words(v, from, min(to, from+maxEvidence), vocabulary)
	s.add(Finding{Class: c, Weight: l.weight, Hard: l.hard, Reason: l.reason, From: int32(from), To: int32(to), Tokens: s.since(m)})
}

// words appends the tokens of v[from:to], in the grammar that most
// languages share: words, numbers, quoted strings, punctuation.
func (s *Scanner) words(v []byte, from, to int, vocabulary lexicon.Set) {
	first := s.mark()
	for i := from; i < to && s.mark()-first < maxTokens; {
		switch c := v[i]; {
		case c <= ' ' || c == 0x7f:
			i++
		case c >= '0' && c <= '9':
			j := run(v, i, to, isDigit)
			s.tok(i, j, Number, false)
			i = j
		case isWord(c):
			j := run(v, i, to, isWord)
			s.tok(i, j, Word, vocabulary.Has(v[i:j]))
			i = j
		case c == '\'' || c == '"' || c == '`':
			i = s.quoted(v, i, to, vocabulary)
		default:
			s.tok(i, i+1, Punct, true)
			i++
		}
	}
}

// quoted appends the quote at i and, if what follows is no vocabulary, the
// string up to its end.
func (s *Scanner) quoted(v []byte, i, to int, vocabulary lexicon.Set) int {
	s.tok(i, i+1, Punct, true)
	j := run(v, i+1, to, isWord)
	if j > i+1 && vocabulary.Has(v[i+1:j]) {
		return i + 1
	}
	for j < to && v[j] != v[i] {
		j++
	}
	if j == to { // unbalanced: not a string but a way out of one
		return i + 1
	}
	if j > i+1 {
		s.tok(i+1, j, String, false)
	}
	s.tok(j, j+1, Punct, true)
	return j + 1
}

// A seeker finds the next of a byte from places that only go on, and reads
// nothing twice.
type seeker struct {
	v    []byte
	b    byte
	next int // behind the one that was found last, 0 for none yet
}

// from returns the index of the next b at i or behind it, len(v) for none. The
// place may be any that is not negative.
func (s *seeker) from(i int) int {
	if s.next > i {
		return s.next - 1
	}
	at := indexFrom(s.v, i, s.b)
	s.next = at + 1
	return at
}

// seekNear is how far a byte is looked for one by one: where there are many, the
// call for long stretches takes longer.
const seekNear = 8

// indexFrom returns the index of the next c at i or behind it, len(v) for none.
func indexFrom(v []byte, i int, c byte) int {
	for end := min(i+seekNear, len(v)); i < end; i++ {
		if v[i] == c {
			return i
		}
	}
	if at := bytes.IndexByte(v[min(i, len(v)):], c); at >= 0 {
		return i + at
	}
	return len(v)
}

func run(v []byte, i, to int, in func(byte) bool) int {
	for i < to && in(v[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isWord(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' || c >= 0x80 }

// inWord is isWord as a table.
var inWord = func() (t [256]bool) {
	for c := range t {
		t[c] = isWord(byte(c))
	}
	return t
}()

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func lower(c byte) byte {
	if c-'A' < 26 {
		c |= 0x20
	}
	return c
}
