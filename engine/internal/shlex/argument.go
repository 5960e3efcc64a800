package shlex

import "math/bits"

// What arguments hold is told by short sequences of bytes, each of a set: an option
// is a blank, a dash, and a letter or dash. All are followed at once, one bit for
// each place in each sequence (Baeza-Yates and Gonnet, A New Approach to Text
// Searching, 1992), so that signs in any order cost no wrong guesses of the processor.

// The kinds of sequences.
const (
	aWord = iota
	aNumber
	anOption
	aFile
	aURL
	aSystemPath // perhaps
	aVariable
	aSpace        // perhaps: the variable IFS
	aSubstitution // where a bracket follows
	aRedirect     // but where one follows
	aQuote
	aTear
	aTearInPath // if it is one
	kinds
)

// The sets that most sequences are of.
var (
	blanks      = bytesThat(blank)
	digits      = bytesThat(digit)
	letters     = bytesThat(letter)
	secretBytes = "ebdptruwEBDPTRUW" // that the paths of secret begin with
)

// bytesThat returns the bytes that are something.
func bytesThat(is func(byte) bool) string {
	var set []byte
	for b := range 256 {
		if is(byte(b)) {
			set = append(set, byte(b))
		}
	}
	return string(set)
}

var sequences = [...]struct {
	kind int
	sets []string
}{
	{aWord, []string{blanks, letters}},
	{aNumber, []string{blanks, digits}},
	{anOption, []string{blanks, "-", "-" + letters}},
	{aFile, []string{blanks, "/", blanks}},
	{aFile, []string{"/~", "/*?" + letters}},
	{aFile, []string{`\`, letters}},
	{aFile, []string{":", `\`}},
	{aURL, []string{":", `/~\`, "/"}},
	{aSystemPath, []string{`/\`, secretBytes}},
	{aVariable, []string{"%", letters}},
	{aSpace, []string{"$", "I{"}},
	{aSubstitution, []string{"$"}},
	{aRedirect, []string{"<>"}},
	{aQuote, []string{`'"`}},
	{aTear, []string{letters, `'`, `'`, letters}},
	{aTear, []string{letters, `"`, `"`, letters}},
	{aTear, []string{letters, "$", "@*!?$_-" + digits, letters}},
	{aTearInPath, []string{letters, `\`, letters}},
}

// A matcher follows the sequences. Its state has a bit for each of their places, set
// where the bytes up to the last one lead there.
type matcher struct {
	may, stay [256]uint64   // the places that a byte leads to, and leaves as they are
	first     uint64        // the first places of all sequences
	fresh     uint64        // those that a blank leads to: an argument begins
	slash     uint64        // a slash stands before, without a blank between
	root      uint64        // an argument is one slash so far
	before    uint64        // those that the last byte of a name leads to
	last      [kinds]uint64 // places of the sequences of a kind
	rare      uint64        // those of which more is to be read
	word      uint          // the number of the last place of a word
}

var follow = newMatcher()

func newMatcher() *matcher {
	m := new(matcher)
	place := uint64(1)
	for _, q := range sequences {
		m.first |= place
		switch q.sets[0] {
		case blanks:
			m.fresh |= place
		case letters, ":":
			m.before |= place
		}
		for _, set := range q.sets {
			for _, b := range []byte(set) {
				m.may[b] |= place
			}
			place <<= 1
		}
		m.last[q.kind] |= place >> 1
		if q.kind == aWord {
			m.word = uint(bits.TrailingZeros64(place >> 1))
		}
		if q.kind == aFile && q.sets[0] == blanks {
			m.root = place >> 2
		}
	}
	m.rare = m.last[aSystemPath] | m.last[aTearInPath] | m.last[aSpace]
	m.first |= place
	m.slash = place
	m.may['/'] |= place
	for b := range m.stay {
		if !blank(byte(b)) {
			m.stay[b] = m.slash
		}
	}
	m.stay['\''] |= m.fresh
	m.stay['"'] |= m.fresh
	return m
}

// arguments reads up to the next separator.
func (l *Lexer) arguments(c *Command) {
	m, src, i := follow, l.src, l.pos
	var state, seen, words uint64
	if i > 0 {
		state = m.may[src[i-1]] & m.before
	}
	for i < len(src) {
		b := src[i]
		if stops[b] {
			n := l.stop(i)
			if n == 0 {
				break
			}
			if n > 1 { // a reference of HTML
				seen |= state
				state &= m.fresh | m.slash
				i += n
				continue
			}
		}
		before := seen
		seen |= state
		state = (state<<1|m.first)&m.may[b] | state&m.stay[b]
		words += state >> (m.word & 63) & 1
		i++
		if state&m.rare == 0 {
			continue
		}
		c.Secret = c.Secret || state&m.last[aSystemPath] != 0 && secret(src[i-2:])
		c.Torn = c.Torn || state&m.last[aTearInPath] != 0 && state&m.slash != 0
		if state&m.last[aSpace] == 0 {
			continue
		}
		switch k := l.variable(i - 2); {
		case k < 0:
			c.IFS, seen = true, before|state&m.last[aTear]
			i += -k - 2
			state = state&m.slash | m.fresh | m.may[src[i-1]]&m.before
		case k > 0:
			c.Torn = c.Torn || i > 2 && letter(src[i-3]) && letter(l.peek(i-2+k))
		}
	}
	if l.peek(i) == '(' && state&(m.last[aSubstitution]|m.last[aRedirect]) != 0 {
		state &^= m.last[aRedirect]
		i--
	}
	seen |= state
	c.Words = int(words)
	c.Number = seen&m.last[aNumber] != 0
	c.Option = seen&m.last[anOption] != 0
	c.File = seen&m.last[aFile] != 0 || i == len(src) && state&m.root != 0
	c.URL = seen&m.last[aURL] != 0
	c.Var = seen&(m.last[aVariable]|m.last[aSubstitution]) != 0
	c.Redirect = seen&m.last[aRedirect] != 0
	c.Quote = seen&m.last[aQuote] != 0
	c.Torn = c.Torn || seen&m.last[aTear] != 0
	l.pos = i
}

// spaced reports whether the variable IFS stands in the arguments, or goes to where
// they end.
func (l *Lexer) spaced() bool {
	src, i := l.src, l.pos
	for i < len(src) {
		b := src[i]
		if b == '$' && l.variable(i) < 0 {
			return true
		}
		n := 1
		if stops[b] {
			n = l.stop(i)
		}
		if n == 0 {
			break
		}
		i += n
	}
	if i > l.pos && l.peek(i) == '(' && (src[i-1] == '$' || src[i-1] == '<' || src[i-1] == '>') {
		i--
	}
	l.pos = i
	return false
}

// stops are the bytes at which arguments may end, but for brackets behind $, < and >.
var stops = [256]bool{';': true, '|': true, '\n': true, '\r': true, '`': true, '(': true, ')': true, '&': true, sub: true}

// stop reads the byte at i, one of stops. It returns 0 where the arguments end, the
// length of a reference of HTML, of which the decoded text is a value of its own, or 1.
func (l *Lexer) stop(i int) int {
	switch l.src[i] {
	case '&':
		if n := l.entity(i); n > 0 {
			return n
		}
		return one(l.redirected(i))
	case sub:
		return one(!l.cuts(i))
	}
	return 0
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
