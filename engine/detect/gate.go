package detect

import (
	"math/bits"
	"strings"
)

// A feature is a set of things that occur in a value: bytes, pairs of bytes,
// and words of a family; and that it is of some length. The gate computes it in
// one or two linear passes; the detectors' necessary conditions are stated in it.
type feature uint64

const (
	// Lengths: what only a longer value can be found to be.
	ofFive feature = 1 << iota // bytes or more
	ofSix
	ofNine

	// Single bytes.
	hasQuote     // '
	hasDQuote    // "
	hasBacktick  // `
	hasOpen      // (
	hasClose     // )
	hasBracket   // [ ]
	hasBrace     // { }
	hasDollar    // $
	hasLess      // <
	hasGreater   // >
	hasEqual     // =
	hasSemi      // ;
	hasPipe      // |
	hasAmp       // &
	hasHash      // #
	hasPercent   // %
	hasSlash     // /
	hasBackslash // \ ^
	hasColon     // :
	hasStar      // *
	hasAt        // @
	hasBang      // ! ? ~
	hasDigit     // 0-9
	hasSpace     // space and tab
	hasLine      // CR, LF
	hasControl   // other controls, DEL
	hasHigh      // 0x80 and up

	// Pairs of bytes.
	hasDashDash    // --
	hasSlashStar   // /*
	hasDotDot      // ..
	hasDollarBrace // ${
	hasAmpAmp      // &&
	hasPipePipe    // ||
	hasColonSlash  // :/
	hasSlashSlash  // //
	hasLessLetter  // < and a letter
	hasLessMark    // <! <? <% </
	hasCall        // a letter, digit or _ and (
	hasDotSlash    // ./ .\
	hasSlashDot    // /. \.
	hasSpaceDot    // a space and .
	hasAtAt        // @@

	// What the place tells; see Where.features.
	asFileName
	asMediaType
	asSingle // see Place.single

	// Words of a family, any case; see gateWords.
	hasSQLWord
	hasSQLLink
	hasShellWord
	hasCodeWord
	hasCallWord
	hasMarkWord
	hasXPathWord
	hasURLWord
	hasHTTPWord
	hasObjectWord
	hasProtoWord
	hasSessionWord
	hasToolWord
	hasFileWord
	hasPathWord
	hasNoSQLWord
)

// addressMarks are what most request targets have. Where there is a query,
// the path and the parameters are scanned one by one, and without other marks
// nothing runs from one into the next but names of properties.
const addressMarks = lengths | hasSlash | hasBang | hasEqual | hasAmp | hasDigit | hasHigh | wordFeatures&^(hasCodeWord|hasFileWord|hasObjectWord|hasProtoWord|hasSessionWord)

// gateWords are the words the gate knows, by family. Words are maximal runs
// of letters and underscores, compared without case: in 1union the word is
// union. Two words with the same hash only make the gate wider.
var gateWords = [...]struct {
	has   feature
	words string
}{
	{hasSQLWord, sqlGateWords},
	{hasSQLLink, sqlGateLinks},
	{hasNoSQLWord, noSQLGateWords},
	{hasXPathWord, xpathGateWords},
	{hasFileWord, fileGateWords},
	{hasPathWord, pathGateWords},
	{hasShellWord, gateNames(shellGateWords)},
	{hasShellWord, plainProbes},
	{hasShellWord, plainPrograms},
	{hasCodeWord, codeGateWords},
	{hasCallWord, directives.Words()},
	{hasCallWord, callGateWords},
	{hasCallWord, execCalls.Words()},
	{hasCallWord, serverCalls.Words()},
	{hasMarkWord, markGateWords},
	{hasURLWord, urlGateWords},
	{hasHTTPWord, "http https"},
	{hasObjectWord, objectGateWords},
	{hasObjectWord, jdbcGateWords},
	{hasObjectWord, systemGateWords}, // there is no room for a family of their own
	{hasProtoWord, protoGateWords},
	{hasSessionWord, sessionGateWords},
	{hasToolWord, toolGateWords},
}

// A rule lets a detector see the values that have all features of a mask.
type rule struct {
	mask     feature
	detector uint32 // its bit
}

// rules are the conditions of all detectors, by the highest feature of their
// masks: a value asks only for the features that it has, and the words, which
// are rare, are the highest. Of a mask that is one feature nothing is left to ask.
var rules = func() (t [64]struct {
	admits uint32
	more   []rule
}) {
	for i := range detectors {
		for _, m := range detectors[i].when {
			top := &t[bits.Len64(uint64(m))-1]
			if m&(m-1) == 0 {
				top.admits |= 1 << i
			} else {
				top.more = append(top.more, rule{m, 1 << i})
			}
		}
	}
	return t
}()

// admits returns the detectors that may find something in a value with the
// features f, bit i for the one at i. It asks without branches, whose outcome
// processors cannot guess.
func (f feature) admits() (set uint32) {
	for left := f &^ lengths; left != 0; left &= left - 1 {
		at := &rules[bits.TrailingZeros64(uint64(left))]
		set |= at.admits
		for i := range at.more {
			r := &at.more[i]
			missing := uint64(r.mask &^ f)
			set |= r.detector & uint32((missing|-missing)>>63-1)
		}
	}
	return set
}

// any reports whether all features of one of the masks are in f.
func (f feature) any(masks []feature) bool {
	for _, m := range masks {
		if f&m == m {
			return true
		}
	}
	return false
}

// maxWordOnly is the length up to which words are looked for in values that
// have no structure: names of parameters, files and clients.
const maxWordOnly = 128

// features returns the features that a value has by its name and place: an
// operator as name is as good as one in the value, and names of files need
// no structure.
func (w *Where) features() (f feature) {
	if w.Place.single() {
		f = asSingle
	}
	switch {
	case len(w.Key) > 0 && w.Key[0] == '$' && !w.Name:
		f |= hasDollar | hasColon
	case w.Place == InFileName && !w.Name, w.Place == InHeader && isFileNameField(w.Key):
		f |= asFileName
	case w.Place == InContentType, w.Place == InForm && isMediaTypeField(w.Key):
		f |= asMediaType
	}
	return f
}

// features returns the features of v, its letters, and how many pieces it falls into
// at least: bytes that are in no word and no number.
func features(v []byte) (f feature, has letters, pieces int) {
	if len(v) == 2 { // of many such values in a row, with a word in none
		if a, b := gateByte[v[0]], gateByte[v[1]]; (a|b)&(gateWord|gateHidden) == 0 {
			return pairFeatures[a&gateClass] | pairFeatures[b&gateClass|a>>5&gateLetter], 0, int(uint32(a+b) / gatePiece)
		}
	}
	var all, last uint64
	var word, sum uint32
	for rest := v; len(rest) > 0; {
		n := min(len(rest), gateChunk)
		f, all, word, last, sum = readChunk(rest[:n], f, all, word, last)
		pieces += int(sum / gatePiece % 64)
		rest = rest[n:]
	}
	has = letters(all >> gateLetters)
	if f&^(hasHigh|wordFeatures) == 0 && len(v) > maxWordOnly {
		return f&hasHigh | lengths, has, 0
	}
	f |= feature(familiesOf(word))*hasSQLWord | lengthFeatures[min(len(v), len(lengthFeatures)-1)]
	if all&gateHidden != 0 {
		f |= hiddenWordFeaturesOf(v)
	}
	return f, has, pieces
}

// readChunk adds the features of a chunk to f and all that gateByte says to all. It is
// given and returns, behind those, the hash of the word that goes on and the last byte
// as gateByte has it, and last the sum of all such bytes, as far as it counts pieces. It
// asks for no byte with a branch, as nobody could guess the next: the hash of each word
// is kept in a list, in which those of its beginnings are overwritten.
func readChunk(chunk []byte, f feature, all uint64, word uint32, last uint64) (_ feature, _ uint64, _ uint32, _ uint64, sum uint32) {
	var words [gateChunk/2 + 1]uint32
	n := uint(0)
	for _, b := range chunk {
		g := gateByte[b]
		sum += uint32(g)
		all |= g
		f |= pairFeatures[g&gateClass|last>>5&gateLetter]
		words[n%uint(len(words))] = word
		n += uint(last &^ g >> 63)
		word = (bits.RotateLeft32(word, 5) ^ uint32(g&gateLetter)) & uint32(int64(g)>>63)
		last = g
	}
	var families uint16
	for _, h := range words[:n%uint(len(words))] {
		families |= familiesOf(h)
	}
	return f | feature(families)*hasSQLWord, all, word, last, sum
}

// letters are those that occur in a value, bit n for the n-th of the alphabet, whatever
// its case, and the next bit for the underscore. A short value has few, so that most
// words need not be looked for in it.
type letters uint32

// lettersOf returns the letters of a word.
func lettersOf(word string) (l letters) {
	for i := range len(word) {
		if n := wordByte[word[i]]; n != 0 {
			l |= 1 << n
		}
	}
	return l
}

// spellsAny reports whether the value has all letters of one of some kinds.
func (s *Scanner) spellsAny(kinds []letters) bool {
	for _, l := range kinds {
		if s.letters&l == l {
			return true
		}
	}
	return false
}

// spells reports whether the value has all of some letters.
func (s *Scanner) spells(l letters) bool { return s.letters&l == l }

// gateChunk is how many bytes the gate takes at once: every other one may end a
// word, of which fifteen have room in the list and the next one behind them.
const gateChunk = 30

// gateByte holds what the gate asks of a byte, so that it is looked up once: the
// number of the letter, the class, whether it is a piece or hidden, the letter as one
// of letters, and, by the sign, whether it is one. The sum of a chunk of them holds how
// many are pieces.
var gateByte = func() (t [256]uint64) {
	for c := range t {
		b := byte(c)
		t[c] = uint64(classOf(b))<<5 | uint64(wordByte[b])
		if wordByte[b] != 0 {
			t[c] |= gateWord | 1<<wordByte[b]<<gateLetters
		} else if b < 0x80 && !isDigit(b) {
			t[c] |= gatePiece
		}
		if b < ' ' && b != '\n' {
			t[c] |= gateHidden
		}
	}
	return t
}()

// The parts of what gateByte holds.
const (
	gateLetter  = 1<<5 - 1
	gateClass   = gateLetter << 5
	gatePiece   = 1 << 16
	gateHidden  = 1 << 24
	gateLetters = 32 // bits behind which the letter is one of letters
	gateWord    = 1 << 63
)

// lengths are the features that any long value has.
const lengths = ofFive | ofSix | ofNine

// lengthFeatures gives the features of a length, the last those of all above.
var lengthFeatures = [...]feature{5: ofFive, 6: ofFive | ofSix, 7: ofFive | ofSix, 8: ofFive | ofSix, 9: lengths}

// wordFeatures are the families: hasSQLWord, the first, and all above it. The
// word table holds them shifted down, so there is room for sixteen.
const wordFeatures = ^(hasSQLWord - 1)

// wordTableSize keeps the table inside the first-level cache. A word is known
// if both its slots say so: of words that nobody listed, one in fifty is.
const (
	wordTableBits = 13
	wordTableSize = 1 << wordTableBits
)

// hiddenWordFeaturesOf returns the features of the words that go on behind
// control bytes for who ignores those, as a lexicon does.
func hiddenWordFeaturesOf(v []byte) feature {
	var f uint16
	for i := 1; i < len(v); i++ {
		if v[i] >= ' ' || wordByte[v[i-1]] == 0 {
			continue
		}
		from := i - 1
		for from > 0 && wordByte[v[from-1]] != 0 {
			from--
		}
		h := uint32(0)
		for i = from; i < len(v); i++ {
			if l := wordByte[v[i]]; l != 0 {
				h = bits.RotateLeft32(h, 5) ^ uint32(l)
			} else if v[i] >= ' ' {
				break
			}
		}
		f |= familiesOf(h)
	}
	return feature(f) * hasSQLWord
}

// familiesOf returns the families that a word may be of.
func familiesOf(h uint32) uint16 {
	if h == 0 {
		return 0
	}
	i, j := wordSlots(h)
	return wordTable[i] & wordTable[j]
}

// wordSlots returns the two slots of a word.
func wordSlots(h uint32) (i, j uint64) {
	p := uint64(h) * 0x9E3779B97F4A7C15
	return p >> (64 - wordTableBits), p >> (64 - 2*wordTableBits) % wordTableSize
}

var wordTable = makeWordTable()

func makeWordTable() *[wordTableSize]uint16 {
	t := new([wordTableSize]uint16)
	for _, family := range gateWords {
		for _, word := range strings.FieldsFunc(family.words, func(r rune) bool { return r >= 0x80 || wordByte[r] == 0 }) {
			h := uint32(0)
			for i := range len(word) {
				h = bits.RotateLeft32(h, 5) ^ uint32(wordByte[word[i]])
			}
			i, j := wordSlots(h)
			t[i] |= uint16(family.has / hasSQLWord)
			t[j] |= uint16(family.has / hasSQLWord)
		}
	}
	return t
}

// wordByte maps letters, without case, and the underscore to a small number
// and everything else to 0.
var wordByte = makeWordByte()

func makeWordByte() *[256]uint8 {
	t := new([256]uint8)
	for b := range uint8(26) {
		t['a'+b], t['A'+b] = b+1, b+1
	}
	t['_'] = 27
	return t
}

// The classes of the gate's pair table.
const (
	cOther uint8 = iota
	cLetter
	cDigit
	cQuote
	cDQuote
	cBacktick
	cOpen
	cClose
	cBracket
	cLBrace
	cRBrace
	cDollar
	cLess
	cGreater
	cEqual
	cSemi
	cPipe
	cAmp
	cHash
	cPercent
	cSlash
	cBackslash
	cColon
	cStar
	cAt
	cBang
	cSpace
	cLine
	cControl
	cHigh
	cDash
	cDot
)

var byteClass = makeByteClass()

func makeByteClass() *[256]uint8 {
	t := new([256]uint8)
	for i := range 256 {
		t[i] = classOf(byte(i))
	}
	return t
}

func classOf(b byte) uint8 {
	switch {
	case b|0x20 >= 'a' && b|0x20 <= 'z', b == '_':
		return cLetter
	case b >= '0' && b <= '9':
		return cDigit
	case b == ' ' || b == '\t':
		return cSpace
	case b == '\r' || b == '\n':
		return cLine
	case b < ' ' || b == 0x7f, b == 0xc0, b == 0xc1, b == 0xe0, b == 0xe2, b == 0xee, b == 0xef, b == 0xf0, b >= 0xf5:
		return cControl // with bytes that are in no UTF-8, or begin overlong forms
	case b >= 0x80:
		return cHigh
	}
	switch b {
	case '\'':
		return cQuote
	case '"':
		return cDQuote
	case '`':
		return cBacktick
	case '(':
		return cOpen
	case ')':
		return cClose
	case '[', ']':
		return cBracket
	case '{':
		return cLBrace
	case '}':
		return cRBrace
	case '$':
		return cDollar
	case '<':
		return cLess
	case '>':
		return cGreater
	case '=':
		return cEqual
	case ';':
		return cSemi
	case '|':
		return cPipe
	case '&':
		return cAmp
	case '#':
		return cHash
	case '%':
		return cPercent
	case '/':
		return cSlash
	case '\\', '^':
		return cBackslash
	case ':':
		return cColon
	case '*':
		return cStar
	case '@':
		return cAt
	case '!', '?', '~':
		return cBang
	case '-':
		return cDash
	case '.':
		return cDot
	}
	return cOther
}

// pairFeatures gives the features of two neighbouring classes. The first
// byte of a value is paired with cOther, so each byte is seen once as the
// second of a pair.
var pairFeatures = makePairFeatures()

func makePairFeatures() (t [1024]feature) {
	single := [32]feature{
		cDigit: hasDigit, cQuote: hasQuote, cDQuote: hasDQuote, cBacktick: hasBacktick,
		cOpen: hasOpen, cClose: hasClose, cBracket: hasBracket, cLBrace: hasBrace, cRBrace: hasBrace,
		cDollar: hasDollar, cLess: hasLess, cGreater: hasGreater, cEqual: hasEqual, cSemi: hasSemi,
		cPipe: hasPipe, cAmp: hasAmp, cHash: hasHash, cPercent: hasPercent, cSlash: hasSlash,
		cBackslash: hasBackslash, cColon: hasColon, cStar: hasStar, cAt: hasAt, cBang: hasBang,
		cSpace: hasSpace, cLine: hasLine, cControl: hasControl, cHigh: hasHigh,
	}
	for i := range t {
		t[i] = single[i>>5]
	}
	pair := func(a, b uint8, f feature) { t[uint16(b)<<5|uint16(a)] |= f }
	pair(cDash, cDash, hasDashDash)
	pair(cSlash, cStar, hasSlashStar)
	pair(cDot, cDot, hasDotDot)
	pair(cDot, cSlash, hasDotSlash)
	pair(cDot, cBackslash, hasDotSlash)
	pair(cSlash, cDot, hasSlashDot)
	pair(cBackslash, cDot, hasSlashDot)
	pair(cSpace, cDot, hasSpaceDot)
	pair(cAt, cAt, hasAtAt)
	pair(cDollar, cLBrace, hasDollarBrace)
	pair(cAmp, cAmp, hasAmpAmp)
	pair(cPipe, cPipe, hasPipePipe)
	pair(cColon, cSlash, hasColonSlash)
	pair(cSlash, cSlash, hasSlashSlash)
	pair(cLess, cLetter, hasLessLetter)
	for _, b := range []uint8{cBang, cPercent, cSlash} {
		pair(cLess, b, hasLessMark)
	}
	pair(cLetter, cOpen, hasCall)
	pair(cDigit, cOpen, hasCall)
	return t
}
