package sqllex

import "strings"

// The classes of bytes: what may begin with them.
const (
	other uint8 = iota
	space
	letter
	digit
	high
	quote
	backtick
	bracket
	open
	shut
	comma
	semicolon
	sign
	dash
	star
	slash
	amp
	pipe
	bang
	tilde
	equal
	less
	dot
	colon
	at
	dollar
	backslash
	pound
	numClasses
)

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	digits  = "0123456789"
)

// classes says of what kind the bytes of a class are as tokens of their own, and
// before which bytes that is to be found out. Most take no more than a look at the
// tables of this: any sign may follow any, and processors guess few of them.
var classes = [numClasses]struct {
	bytes string
	kind  Kind
	word  bool   // before the bytes of words
	more  string // and before these
}{
	other:     {"", Other, false, ""},
	letter:    {letters, Word, true, "'"},
	digit:     {digits, Number, true, "."},
	open:      {"(", LParen, false, ""},
	shut:      {")", RParen, false, ""},
	comma:     {",", Comma, false, ""},
	semicolon: {";", Semicolon, false, ""},
	sign:      {"+%^", Arith, false, ""},
	dash:      {"-", Arith, false, "->"},
	star:      {"*", Arith, false, "/"},
	slash:     {"/", Arith, false, "*"},
	amp:       {"&", Arith, false, "&"},
	pipe:      {"|", Arith, false, "|"},
	bang:      {"!", Arith, false, "=~<>"}, // not, complement: as a sign before an operand
	tilde:     {"~", Arith, false, "*"},
	equal:     {"=>", Compare, false, "=<>~"},
	less:      {"<", Compare, false, "=<>~@"},
	dot:       {".", Dot, false, digits},
	colon:     {":", Other, false, ":="},
	at:        {"@", Other, true, "@>"},
	dollar:    {"$", Other, true, ""},
	bracket:   {"[", Other, true, " "},
	backslash: {"\\", Other, false, "N"},
	pound:     {"#", Cut, true, " */\r\n"},
	quote:     {"'\"", End, false, ""},
	backtick:  {"`", End, false, ""},
}

var class = makeClass()

func makeClass() *[256]uint8 {
	t := new([256]uint8)
	for i := 1; i <= ' '; i++ {
		t[i] = space // MySQL and others take several controls for space
	}
	for i := 0x80; i < 0x100; i++ {
		t[i] = high
	}
	for c := range classes {
		for _, b := range []byte(classes[c].bytes) {
			t[b] = uint8(c)
		}
	}
	return t
}

// alone is the kind of a byte that is a token of its own.
var alone = makeAlone()

func makeAlone() *[256]Kind {
	t := new([256]Kind)
	for i := range t {
		t[i] = classes[class[i]].kind
	}
	return t
}

// begins is the class of a byte as a bit, and goesOn has the bits of those behind
// which it may go on: any byte behind what is never alone, the kind of which is End.
var begins, goesOn = makePairs()

func makePairs() (begins, goesOn *[256]uint32) {
	begins, goesOn = new([256]uint32), new([256]uint32)
	for i := range 256 {
		begins[i] = 1 << class[i]
		for c, is := range classes {
			if is.kind == End || is.word && wordByte[i] || strings.IndexByte(is.more, byte(i)) >= 0 {
				goesOn[i] |= 1 << c
			}
		}
	}
	return begins, goesOn
}

// wordByte holds the bytes that go on a word.
var wordByte = makeWordByte()

func makeWordByte() *[256]bool {
	t := new([256]bool)
	for i, c := range class {
		t[i] = c == letter || c == digit || c == high && i != 0xA0
	}
	t['$'] = true
	return t
}

var hex = makeHex()

func makeHex() *[256]bool {
	t := new([256]bool)
	for _, c := range "0123456789abcdefABCDEF" {
		t[c] = true
	}
	return t
}
