package detect

import "math/bits"

// A feature is a set of things that occur in a value: bytes, pairs of bytes,
// and words of a family. The gate computes it in one or two linear passes;
// the detectors' necessary conditions are stated in it.
type feature uint64

// Single bytes.
const (
	hasQuote     feature = 1 << iota // '
	hasDQuote                        // "
	hasBacktick                      // `
	hasOpen                          // (
	hasClose                         // )
	hasBracket                       // [ ]
	hasBrace                         // { }
	hasDollar                        // $
	hasLess                          // <
	hasGreater                       // >
	hasEqual                         // =
	hasSemi                          // ;
	hasPipe                          // |
	hasAmp                           // &
	hasHash                          // #
	hasPercent                       // %
	hasSlash                         // /
	hasBackslash                     // \
	hasColon                         // :
	hasStar                          // *
	hasAt                            // @
	hasBang                          // !
	hasDigit                         // 0-9
	hasSpace                         // space and tab
	hasLine                          // CR, LF
	hasControl                       // other controls, DEL
	hasHigh                          // 0x80 and up

	// Pairs of bytes.
	hasDashDash    // --
	hasSlashStar   // /*
	hasDotDot      // ..
	hasDollarBrace // ${
	hasBraceBrace  // {{
	hasHashBrace   // #{
	hasColonSlash  // :/
	hasSlashSlash  // //
	hasLessLetter  // < and a letter
	hasLessMark    // <! <? <% </
	hasDollarOpen  // $(
	hasCall        // a letter, digit or _ and (
	hasDotSlash    // ./ .\

	// Words of a family, any case; see gateWords.
	hasSQLWord
	hasSQLLink
	hasShellWord
	hasCodeWord
	hasHTMLWord
	hasXPathWord
	hasURLWord
	hasProtoWord
	hasToolWord
	hasFileWord
	hasMailWord
	hasNoSQLWord
)

// anyMark holds the features without which no detector finds anything: a
// value of letters, digits, dots and dashes alone has no structure.
const anyMark = ^(hasDigit | hasHigh)

// addressMarks are what most request targets have. Where there is a query,
// the path and the parameters are scanned one by one, and without other marks
// nothing runs from one into the next but names of properties.
const addressMarks = hasSlash | hasEqual | hasAmp | hasDigit | hasHigh | wordFeatures&^(hasCodeWord|hasFileWord|hasProtoWord)

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
	{hasFileWord, fileGateWords + " " + uploadGateWords},
	{hasShellWord, shellGateWords},
	{hasCodeWord, codeGateWords},
	{hasURLWord, urlGateWords},
	{hasProtoWord, protoGateWords},
	{hasToolWord, toolGateWords},
}

// admits reports whether, for at least one mask of when, all its features
// are in f.
func (f feature) admits(when []feature) bool {
	for _, m := range when {
		if f&m == m {
			return true
		}
	}
	return false
}

// maxWordOnly is the length up to which words are looked for in values that
// have no structure: names of parameters, files and clients.
const maxWordOnly = 64

// features returns the features that a value has by its name and place: an
// operator as name is as good as one in the value, and names of files need
// no structure.
func (w *Where) features() feature {
	switch {
	case len(w.Key) > 0 && w.Key[0] == '$' && !w.Name:
		return hasDollar | hasColon
	case w.Place == InFileName, w.Place == InHeader && isFileNameField(w.Key):
		return hasFileWord
	}
	return 0
}

// features returns the features of v.
func features(v []byte) feature {
	var f feature
	classes, pairs := byteClass, pairFeatures
	prev := uint32(0)
	for _, b := range v {
		c := uint32(classes[b])
		f |= pairs[(prev|c)&1023]
		prev = c << 5
	}
	if f&(anyMark&^wordFeatures|hasDigit) == 0 && len(v) > maxWordOnly {
		return f
	}
	return f | wordFeaturesOf(v)
}

// wordFeatures are the families: hasSQLWord, the first, and all above it. The
// word table holds them shifted down, so there is room for sixteen.
const wordFeatures = ^(hasSQLWord - 1)

// wordTableSize makes collisions with common English words rare for a few
// hundred entries, and keeps the table inside the second-level cache.
const wordTableSize = 1 << 13

func wordFeaturesOf(v []byte) feature {
	var f feature
	letters := wordByte
	h := uint32(0)
	for _, b := range v {
		l := letters[b]
		if l != 0 {
			h = bits.RotateLeft32(h, 5) ^ uint32(l)
			continue
		}
		if h != 0 {
			f |= feature(wordTable[wordSlot(h)]) * hasSQLWord
			h = 0
		}
	}
	if h != 0 {
		f |= feature(wordTable[wordSlot(h)]) * hasSQLWord
	}
	return f
}

func wordSlot(h uint32) uint32 { return (h * 0x9E3779B1) >> (32 - 13) }

var wordTable = makeWordTable()

func makeWordTable() *[wordTableSize]uint16 {
	t := new([wordTableSize]uint16)
	for _, family := range gateWords {
		h := uint32(0)
		for i := 0; i <= len(family.words); i++ {
			if i < len(family.words) && wordByte[family.words[i]] != 0 {
				h = bits.RotateLeft32(h, 5) ^ uint32(wordByte[family.words[i]])
				continue
			}
			if h != 0 {
				t[wordSlot(h)] |= uint16(family.has / hasSQLWord)
			}
			h = 0
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
	case '\\':
		return cBackslash
	case ':':
		return cColon
	case '*':
		return cStar
	case '@':
		return cAt
	case '!':
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

func makePairFeatures() *[1024]feature {
	single := [32]feature{
		cDigit: hasDigit, cQuote: hasQuote, cDQuote: hasDQuote, cBacktick: hasBacktick,
		cOpen: hasOpen, cClose: hasClose, cBracket: hasBracket, cLBrace: hasBrace, cRBrace: hasBrace,
		cDollar: hasDollar, cLess: hasLess, cGreater: hasGreater, cEqual: hasEqual, cSemi: hasSemi,
		cPipe: hasPipe, cAmp: hasAmp, cHash: hasHash, cPercent: hasPercent, cSlash: hasSlash,
		cBackslash: hasBackslash, cColon: hasColon, cStar: hasStar, cAt: hasAt, cBang: hasBang,
		cSpace: hasSpace, cLine: hasLine, cControl: hasControl, cHigh: hasHigh,
	}
	t := new([1024]feature)
	for i := range t {
		t[i] = single[i&31]
	}
	pair := func(a, b uint8, f feature) { t[uint16(a)<<5|uint16(b)] |= f }
	pair(cDash, cDash, hasDashDash)
	pair(cSlash, cStar, hasSlashStar)
	pair(cDot, cDot, hasDotDot)
	pair(cDot, cSlash, hasDotSlash)
	pair(cDot, cBackslash, hasDotSlash)
	pair(cDollar, cLBrace, hasDollarBrace)
	pair(cLBrace, cLBrace, hasBraceBrace)
	pair(cHash, cLBrace, hasHashBrace)
	pair(cColon, cSlash, hasColonSlash)
	pair(cSlash, cSlash, hasSlashSlash)
	pair(cLess, cLetter, hasLessLetter)
	for _, b := range []uint8{cBang, cPercent, cSlash, cOther} {
		pair(cLess, b, hasLessMark) // ? is in cOther
	}
	pair(cDollar, cOpen, hasDollarOpen)
	pair(cLetter, cOpen, hasCall)
	pair(cDigit, cOpen, hasCall)
	return t
}
