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
	for l.pos < len(l.src) {
		if l.src[l.pos] != '<' {
			l.pos++
			continue
		}
		p := l.pos + 1
		for p < len(l.src) && (l.src[p] == 0 || l.src[p] == ';') { // dropped NULs, and &lt; that lost its name
			p++
		}
		if p >= len(l.src) {
			break
		}
		l.pos = p
		switch c := l.src[p]; {
		case letter(c):
			return l.name(Open)
		case c == '/' && p+1 < len(l.src) && letter(l.src[p+1]):
			l.pos++
			return l.name(Close)
		case c == '!' || c == '?':
			l.pos++
			return Token{Mark, p - 1, p + 1}
		}
	}
	l.pos = len(l.src)
	return Token{End, len(l.src), len(l.src)}
}

// name reads an element's name. It ends early at bytes no element has, so
// that <img"onerror= and <svg<x read as browsers repair them.
func (l *Lexer) name(k Kind) Token {
	from := l.pos
	for l.pos < len(l.src) && nameByte(l.src[l.pos]) {
		l.pos++
	}
	l.inTag, l.value = true, false
	if k == Open {
		switch {
		case Is(l.src[from:l.pos], "script"):
			l.raw = 's'
		case Is(l.src[from:l.pos], "style"):
			l.raw = 't'
		}
	}
	return Token{k, from, l.pos}
}

func (l *Lexer) tag() Token {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == '>':
			l.pos++
			l.inTag, l.value = false, false
			return Token{Done, l.pos - 1, l.pos}
		case l.value && (c == '"' || c == '\'' || c == '`'):
			from := l.pos + 1
			l.pos = after(l.src, from, c)
			l.value = false
			to := l.pos
			if to > from && l.src[to-1] == c {
				to--
			}
			return Token{Value, from, to}
		case space(c):
			l.pos++
		case c == '=':
			l.pos++
			l.value = true
		case l.value:
			return l.bare()
		case c == '/' || c == '"' || c == '\'' || c == '`':
			l.pos++
		default:
			return l.attr()
		}
	}
	l.inTag = false
	l.raw = 0
	return Token{End, len(l.src), len(l.src)}
}

func (l *Lexer) attr() Token {
	from := l.pos
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		if c == '=' && l.pos > from || c == '>' || c == '/' || space(c) && c != 0 || c == '"' || c == '\'' {
			break
		}
		l.pos++
	}
	return Token{Attr, from, l.pos}
}

func (l *Lexer) bare() Token {
	from := l.pos
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		if c == '>' || space(c) && c != 0 {
			break
		}
		l.pos++
	}
	l.value = false
	return Token{Value, from, l.pos}
}

// rawText reads up to "</", which ends the content in every browser that
// repairs "</script" with junk behind it.
func (l *Lexer) rawText() Token {
	from := l.pos
	l.raw = 0
	for l.pos < len(l.src) {
		if l.src[l.pos] == '<' && l.pos+2 < len(l.src) && l.src[l.pos+1] == '/' && letter(l.src[l.pos+2]) {
			break
		}
		l.pos++
	}
	return Token{Raw, from, l.pos}
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

func nameByte(c byte) bool {
	return letter(c) || c >= '0' && c <= '9' || c == ':' || c == '-' || c == '_' || c == 0 || c == '.'
}

// space includes all control bytes: some browser or another treats each of
// them as a separator.
func space(c byte) bool { return c <= ' ' }
