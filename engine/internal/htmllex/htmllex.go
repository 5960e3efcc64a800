// Package htmllex splits fragments of HTML into tokens, as tolerantly as browsers do.
package htmllex

// Kind is the kind of a token.
type Kind uint8

// The kinds of tokens.
const (
	End   Kind = iota // no more input
	Open              // the name in "<name"
	Close             // the name in "</name"
	Attr              // an attribute's name
	Value             // an attribute's value, without its quotes
	Done              // the ">" of a tag
	Mark              // "<!" or "<?" of a comment, declaration or instruction
	Raw               // the content of a script or style element
)

// A Token is a piece of the source: src[From:To].
type Token struct {
	Kind     Kind
	From, To int
}

// Start is the context in which a fragment would land.
type Start uint8

// The start contexts: between tags, among the attributes of a tag, or in an
// attribute's value by its quote.
const (
	Data Start = iota
	InTag
	InSingle
	InDouble
	InBacktick // a quote to old Internet Explorer only
)

// A Lexer yields tokens. Comments, CDATA and titles do not hide tags from
// it: a fragment may have left them before it began. It reads each byte
// once.
type Lexer struct {
	src   []byte
	pos   int
	inTag bool
	value bool // an "=" was read: a value follows
	raw   byte // 's' for script, 't' for style: raw text follows the tag
}

// New returns a lexer of src that begins in a context.
func New(src []byte, start Start) Lexer {
	pos := 0
	switch start {
	case InSingle:
		pos = after(src, 0, '\'')
	case InDouble:
		pos = after(src, 0, '"')
	case InBacktick:
		pos = after(src, 0, '`')
	}
	return Lexer{src: src, pos: pos, inTag: start != Data}
}

// InTag reports whether the next token is still inside a tag.
func (l *Lexer) InTag() bool { return l.inTag }

// Next returns the next token.
func (l *Lexer) Next() Token {
	if l.inTag {
		return l.tag()
	}
	if l.raw != 0 {
		return l.rawText()
	}
	return l.data()
}

func (l *Lexer) data() Token {
	src, p := l.src, l.pos
	for p < len(src) {
		if src[p] != '<' {
			p++
			continue
		}
		p++
		for p < len(src) && (src[p] == 0 || src[p] == ';') { // dropped NULs, and &lt; that lost its name
			p++
		}
		if p >= len(src) {
			break
		}
		switch c := src[p]; {
		case letter(c):
			l.pos = p
			return l.name(Open)
		case c == '/' && p+1 < len(src) && letter(src[p+1]):
			l.pos = p + 1
			return l.name(Close)
		case c == '!' || c == '?':
			l.pos = p + 1
			return Token{Mark, p - 1, p + 1}
		}
	}
	l.pos = len(l.src)
	return Token{End, len(l.src), len(l.src)}
}

// name reads an element's name. It ends early at bytes no element has, so
// that <img"onerror= and <svg<x read as browsers repair them.
func (l *Lexer) name(k Kind) Token {
	src, from := l.src, l.pos
	to := from
	for to < len(src) && inName[src[to]] {
		to++
	}
	l.pos, l.inTag, l.value = to, true, false
	if k == Open && src[from]|0x20 == 's' {
		switch {
		case Is(src[from:to], "script"):
			l.raw = 's'
		case Is(src[from:to], "style"):
			l.raw = 't'
		}
	}
	return Token{k, from, to}
}

func (l *Lexer) tag() Token {
	src, p := l.src, l.pos
	for p < len(src) {
		switch kind := tagByte[src[p]]; {
		case kind == end:
			l.pos = p + 1
			l.inTag, l.value = false, false
			return Token{Done, p, p + 1}
		case l.value && kind == quote:
			from := p + 1
			l.pos = after(src, from, src[p])
			l.value = false
			to := l.pos
			if to > from && src[to-1] == src[p] {
				to--
			}
			return Token{Value, from, to}
		case kind == blank:
			p++
		case kind == equal:
			p++
			l.value = true
		case l.value:
			l.pos = p
			return l.bare()
		case kind == other:
			l.pos = p
			return l.attr()
		default:
			p++
		}
	}
	l.pos, l.inTag = p, false
	l.raw = 0
	return Token{End, len(src), len(src)}
}

// The kinds of bytes in a tag.
const (
	other uint8 = iota
	blank       // all control bytes, too: some browser or another takes each of them for a separator
	end
	equal
	quote
	slash
)

var tagByte = func() (t [256]uint8) {
	for c := range ' ' + 1 {
		t[c] = blank
	}
	t['>'], t['='], t['/'] = end, equal, slash
	t['"'], t['\''], t['`'] = quote, quote, quote
	return t
}()

func (l *Lexer) attr() Token {
	src, from := l.src, l.pos
	to := from
	for to < len(src) && (!endsAttr[src[to]] || src[to] == '=' && to == from) {
		to++
	}
	l.pos = to
	return Token{Attr, from, to}
}

// endsAttr are the bytes before which the name of an attribute ends.
var endsAttr = func() (t [256]bool) {
	for c := range ' ' + 1 {
		t[c] = c != 0
	}
	for _, c := range "=>/\"'" {
		t[c] = true
	}
	return t
}()

func (l *Lexer) bare() Token {
	src, from := l.src, l.pos
	to := from
	for to < len(src) && src[to] != '>' && (src[to] > ' ' || src[to] == 0) {
		to++
	}
	l.pos, l.value = to, false
	return Token{Value, from, to}
}

// rawText reads up to "</", which ends the content in every browser that
// repairs "</script" with junk behind it.
func (l *Lexer) rawText() Token {
	src, from := l.src, l.pos
	to := from
	for to < len(src) && !(src[to] == '<' && to+2 < len(src) && src[to+1] == '/' && letter(src[to+2])) {
		to++
	}
	l.pos, l.raw = to, 0
	return Token{Raw, from, to}
}

// after returns the index after the next c, or len(src).
func after(src []byte, from int, c byte) int {
	for i := from; i < len(src); i++ {
		if src[i] == c {
			return i + 1
		}
	}
	return len(src)
}

// Is reports whether name equals the lower-case word, by case folding and
// ignoring control bytes, which browsers have dropped from names.
func Is(name []byte, word string) bool {
	j := 0
	for _, c := range name {
		if c < ' ' {
			continue
		}
		if j == len(word) || lower(c) != word[j] {
			return false
		}
		j++
	}
	return j == len(word)
}

// Event reports whether name is shaped like an event handler attribute: on
// and at least three letters.
func Event(name []byte) bool {
	n := 0
	for _, c := range name {
		if c < ' ' {
			continue
		}
		c = lower(c)
		if n == 0 && c != 'o' || n == 1 && c != 'n' || c < 'a' || c > 'z' {
			return false
		}
		n++
	}
	return n >= 5 && n <= 40
}

func lower(c byte) byte {
	if c-'A' < 26 {
		c |= 0x20
	}
	return c
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// inName are the bytes of the names of elements.
var inName = func() (t [256]bool) {
	for c := range t {
		t[c] = letter(byte(c)) || c >= '0' && c <= '9'
	}
	for _, c := range ":-_\x00." {
		t[c] = true
	}
	return t
}()
