// Package sqllex cuts SQL, whole or broken, into tokens.
//
// The lexer knows no single dialect: it accepts what MySQL, PostgreSQL, SQL
// Server, Oracle, SQLite or DB2 would, and never fails. A fragment may begin
// inside a string, so callers choose the byte to begin at.
package sqllex

import "bytes"

// Kind is the kind of a token.
type Kind uint8

// The kinds.
const (
	End      Kind = iota
	Word          // a name that is not in the vocabulary, plain or quoted
	Key           // a word of the vocabulary; see Role
	Number        // decimal, hexadecimal, with exponent
	String        // closed by its quote
	Open          // a string whose quote never comes: it goes to the end
	Variable      // @x, @@x, :x, $1
	Compare       // = < > <= <> != <=> ~ !~ and their kin
	Arith         // + - * / % ^ | & << >> || and their kin
	Logic         // && and, where nothing else fits, ||
	LParen
	RParen
	Comma
	Semicolon
	Dot
	Cut   // a comment that hides what the query had after the value
	Other // a byte that SQL has no use for
)

// A Token is a piece of the source, src[From:To].
type Token struct {
	From, To int32
	Kind     Kind
	Role     Role // of a Key
	Quote    byte // of a String, Open or quoted Word
	Glued    bool // a comment stood for the white space before it
	Hint     bool // it is in a version comment, as in /*!50000select*/
	// Pair is the distance to the matching parenthesis in the token buffer, which
	// holds fewer than 32,768, 0 for none.
	Pair int16
}

// A Lexer yields the tokens of a source. It reads each byte a bounded number
// of times.
type Lexer struct {
	src   []byte
	pos   int
	glued bool
	hint  bool
	// after the first failed search for one of these, no other is made
	noBacktick, noBlockEnd bool
}

// New returns a lexer of src that begins at pos.
func New(src []byte, pos int) Lexer { return Lexer{src: src, pos: pos} }

// Fill writes the next tokens to toks and returns how many: less than there is
// room for only at the end of the source.
func (l *Lexer) Fill(toks []Token) int {
	src, pos, n := l.src, l.pos, 0
	glued, hint := l.glued, l.hint
	for n < len(toks) && pos < len(src) {
		c, next := src[pos], byte(0)
		if pos+1 < len(src) {
			next = src[pos+1]
		}
		// One by one: a literal is written twice, by bytes and then at once, and
		// processors wait for the first before the second.
		t := &toks[n]
		t.From, t.Kind, t.Role, t.Quote = int32(pos), alone[c], None, 0
		if begins[c]&goesOn[next] == 0 {
			pos++
			t.To = int32(pos)
		} else {
			l.pos, l.glued, l.hint = pos, glued, hint
			t.Kind, t.Role = l.lex(t, c, next)
			pos, glued, hint = l.pos, l.glued, l.hint
			if t.Kind == End {
				continue
			}
			t.To = int32(pos)
			if pos < len(src) && src[pos] == ' ' {
				pos++ // as behind words
			}
		}
		t.Glued, t.Hint, t.Pair = glued, hint, 0
		glued = false
		n++
	}
	l.pos, l.glued, l.hint = pos, glued, hint
	return n
}

// lex reads what begins with c, before next, and may be more than one byte. It
// returns End for white space and for comments that stand for it, and tells t of
// a quote.
func (l *Lexer) lex(t *Token, c, next byte) (Kind, Role) {
	switch class[c] {
	case space:
		l.pos++
		return End, None
	case letter:
		return l.word(t)
	case digit, dot:
		return l.number()
	case high:
		return l.wide(t)
	case quote:
		t.Quote = c
		return l.str(l.pos), None
	case backtick:
		return l.quoted(t)
	case bracket:
		return l.bracket(t), None
	case dash:
		if next == '-' {
			return l.line(2), None
		}
		return l.arrow(), None
	case star:
		l.pos += 2
		l.glued, l.hint = true, false
		return End, None
	case slash:
		return l.block(), None
	case pound:
		return l.line(1), None
	case amp, pipe:
		l.pos += 2
		return Logic, None
	case bang, tilde, equal, less:
		return l.compare(c, next), None
	case colon:
		return l.colon(next), None
	case at:
		return l.variable(), None
	case dollar:
		return l.dollar(t, next), None
	case backslash:
		if _, r := l.wordAt(l.pos + 2); r != None || !wordByte[l.at(l.pos+2)] {
			l.pos += 2
			return Key, Literal // \N, null
		}
	}
	return l.one(Other), None
}

func (l *Lexer) at(i int) byte {
	if i < len(l.src) {
		return l.src[i]
	}
	return 0
}

func (l *Lexer) one(k Kind) Kind {
	l.pos++
	return k
}

// arrow takes -> and ->>, which reach into JSON.
func (l *Lexer) arrow() Kind {
	l.pos += 2
	if l.at(l.pos) == '>' {
		l.pos++
	}
	return Arith
}

// compare takes = == <=> <> <= << >> != !< ~ !~ ~* and the like.
func (l *Lexer) compare(c, next byte) Kind {
	l.pos++
	if (c == '<' || c == '>') && next == c {
		l.pos++
		return Arith
	}
	for n := 0; n < 2 && l.pos < len(l.src); n++ {
		switch l.src[l.pos] {
		case '=', '<', '>', '~', '*', '@':
			if l.src[l.pos] == '*' && c != '~' && l.src[l.pos-1] != '~' {
				return Compare
			}
			if l.src[l.pos] == '@' && l.src[l.pos-1] != '<' {
				return Compare
			}
			l.pos++
			continue
		}
		break
	}
	return Compare
}

// colon takes := and ::.
func (l *Lexer) colon(next byte) Kind {
	l.pos += 2
	if next == ':' {
		return Dot // a cast binds its operand to a name, as a dot does
	}
	return Compare
}

// variable takes @x, @@x.y, @'x', and the operator @>.
func (l *Lexer) variable() Kind {
	l.pos++
	if l.at(l.pos) == '>' {
		l.pos++
		return Compare
	}
	if l.at(l.pos) == '@' {
		l.pos++
	}
	from := l.pos
	for l.pos < len(l.src) && wordByte[l.src[l.pos]] {
		l.pos++
	}
	if from == l.pos {
		return Other
	}
	return Variable
}

// maxTag bounds the search for the end of a dollar-quoted string, so that
// many tags without an end cost no more than their bytes.
const maxTag = 512

// dollar takes $$text$$ and $tag$text$tag$, else $1.
func (l *Lexer) dollar(t *Token, next byte) Kind {
	end := l.pos + 1
	for end < len(l.src) && end-l.pos < 16 && wordByte[l.src[end]] && l.src[end] != '$' {
		end++
	}
	if l.at(end) != '$' {
		if class[next] == digit {
			l.pos = end
			return Variable
		}
		return l.one(Other)
	}
	tag := l.src[l.pos : end+1]
	text := l.src[end+1 : min(len(l.src), end+1+maxTag)]
	if i := bytes.Index(text, tag); i >= 0 {
		l.pos, t.Quote = end+1+i+len(tag), '$'
		return String
	}
	return l.one(Other)
}

// str takes a string that begins at quote. Both a doubled quote and a
// backslash keep the quote inside.
func (l *Lexer) str(quote int) Kind {
	q := l.src[quote]
	for i := quote + 1; ; {
		n := bytes.IndexByte(l.src[i:], q)
		if n < 0 {
			l.pos = len(l.src)
			return Open
		}
		i += n + 1
		switch {
		case l.src[i-2] == '\\' && l.escaped(i-1):
		case l.at(i) == q:
			i++
		default:
			l.pos = i
			return String
		}
	}
}

// escaped reports whether an odd number of backslashes stands before i.
func (l *Lexer) escaped(i int) bool {
	n := 0
	for l.src[i-n-1] == '\\' {
		n++
	}
	return n%2 == 1
}

// quoted takes a quoted name; without its end the quote is a stray byte.
func (l *Lexer) quoted(t *Token) (Kind, Role) {
	if l.noBacktick {
		return l.one(Other), None
	}
	end := bytes.IndexByte(l.src[l.pos+1:], '`')
	if end < 0 {
		l.noBacktick = true
		return l.one(Other), None
	}
	name := l.src[l.pos+1:][:end]
	l.pos += end + 2
	if end > 0 && class[name[0]] == letter && Lookup(name) == System { // as all of those begin
		return Key, System
	}
	t.Quote = '`'
	return Word, None
}

// bracket takes a name of SQL Server, [x]. A name is short and of one line;
// other brackets are stray bytes, as in an array.
func (l *Lexer) bracket(t *Token) Kind {
	for i := l.pos + 1; i < len(l.src) && i-l.pos < 64; i++ {
		switch c := l.src[i]; {
		case c == ']' && i > l.pos+1:
			l.pos, t.Quote = i+1, '['
			return Word
		case !wordByte[c] && c != ' ':
			return l.one(Other)
		}
	}
	return l.one(Other)
}

var blockEnd = []byte("*/")

// block takes a comment. What a version comment holds is lexed; a comment
// without end cuts the query off.
func (l *Lexer) block() Kind {
	if i := l.versioned(); i > 0 {
		l.pos = i
		l.glued, l.hint = true, true
		return End
	}
	if !l.noBlockEnd {
		if i := bytes.Index(l.src[l.pos+2:], blockEnd); i >= 0 {
			l.pos += i + 4
			l.glued = true
			return End
		}
		l.noBlockEnd = true
	}
	l.pos += 2
	return Cut
}

// versioned returns where the content of a version comment begins, 0 if the
// comment is none. MySQL and MariaDB run what it holds. A space after the
// mark is the banner of a script or style sheet, as in /*! jQuery, unless a word
// of a query follows it.
func (l *Lexer) versioned() int {
	i := l.pos + 2
	if l.at(i) == 'M' {
		i++
	}
	if l.at(i) != '!' {
		return 0
	}
	if class[l.at(i+1)] == space {
		for i++; class[l.at(i)] == space; i++ {
		}
		if _, r := l.wordAt(i); r == Union || r == Select || r == And {
			return i
		}
		return 0
	}
	for i++; class[l.at(i)] == digit; i++ {
	}
	return i
}

// maxLine is the longest comment that stands for white space because a line
// feed ends it; evasions use a short random word.
const maxLine = 40

// line takes the mark of a line comment. What follows is lexed, for the
// mark may be none in the dialect, unless it is but a word and a line feed.
func (l *Lexer) line(n int) Kind {
	for i := l.pos + n; i < len(l.src) && i-l.pos < maxLine; i++ {
		c := l.src[i]
		if c == '\n' {
			l.pos = i + 1
			l.glued = true
			return End
		}
		if !wordByte[c] && c != '\r' && c != ' ' && c != '*' && c != '/' {
			break
		}
	}
	l.pos += n
	return Cut
}

// number takes a number, and a word that begins with digits.
func (l *Lexer) number() (Kind, Role) {
	from := l.pos
	if l.at(from+1)|0x20 == 'x' && l.src[from] == '0' && hex[l.at(from+2)] {
		for l.pos = from + 2; hex[l.at(l.pos)]; l.pos++ {
		}
		return l.numberOrWord()
	}
	l.pos = l.afterDigits(from)
	c := l.at(l.pos)
	if !wordByte[c] && c != '.' {
		return Number, None
	}
	if c == '.' {
		l.pos = l.afterDigits(l.pos + 1)
		c = l.at(l.pos)
	}
	if c|0x20 == 'e' {
		l.exponent()
	}
	if l.src[l.pos-1] == '.' || l.src[from] == '.' {
		return Number, None
	}
	return l.numberOrWord()
}

// exponent takes that of a number, if one follows the e.
func (l *Lexer) exponent() {
	i := l.pos + 1
	if c := l.at(i); c == '+' || c == '-' {
		i++
	}
	if class[l.at(i)] == digit {
		l.pos = l.afterDigits(i)
	} else if l.src[l.pos-1] == '.' && !wordByte[l.at(i)] {
		l.pos = i // 1.e(: an empty exponent, which MySQL drops
	}
}

// numberOrWord ends a number, before a word of the vocabulary too, as in
// 1union. Other letters make all of it a word.
func (l *Lexer) numberOrWord() (Kind, Role) {
	if c := l.at(l.pos); !wordByte[c] || c >= 0x80 {
		return Number, None
	}
	end, r := l.wordAt(l.pos)
	if r != None {
		return Number, None
	}
	l.pos = end
	return Word, None
}

// afterDigits returns where the digits end that begin at i.
func (l *Lexer) afterDigits(i int) int {
	for i < len(l.src) && class[l.src[i]] == digit {
		i++
	}
	return i
}

// wordAt returns where the word ends that begins at i, and its role.
func (l *Lexer) wordAt(i int) (end int, r Role) {
	src, h := l.src, uint32(0)
	for end = i; end < len(src); end++ {
		c := src[end]
		if !wordByte[c] || c >= 0x80 && l.wideSpace(end) != 0 {
			break
		}
		if end == i+maxWord {
			return l.wordEnd(end), None
		}
		h = mix(h, c)
	}
	return end, find(src[i:end], h)
}

func (l *Lexer) wordEnd(i int) int {
	for i < len(l.src) && wordByte[l.src[i]] && (l.src[i] < 0x80 || l.wideSpace(i) == 0) {
		i++
	}
	return i
}

// wide takes what begins with a byte above ASCII: a space, a dash or a word.
func (l *Lexer) wide(t *Token) (Kind, Role) {
	if n := l.wideSpace(l.pos); n > 0 {
		l.pos += n
		return End, None
	}
	if l.longDash() {
		l.pos += 3
		return Cut, None
	}
	return l.word(t)
}

// word takes a word, or a string with a prefix, as in N'x'.
func (l *Lexer) word(t *Token) (Kind, Role) {
	from := l.pos
	end, r := l.wordAt(from)
	if end-from == 1 && l.at(end) == '\'' && prefix(l.src[from]) && end+1 < len(l.src) {
		t.Quote = '\''
		return l.str(end), None
	}
	l.pos = end
	if r != None {
		return Key, r
	}
	return Word, None
}

// prefix reports whether a string may follow the letter: national, hex,
// bits, escapes.
func prefix(c byte) bool {
	switch c | 0x20 {
	case 'n', 'x', 'b', 'e':
		return true
	}
	return false
}

// wideSpace returns the length of a no-break or ideographic space at i, which
// some servers take for white space.
func (l *Lexer) wideSpace(i int) int {
	switch c, next := l.src[i], l.at(i+1); {
	case c == 0xC2 && next == 0xA0:
		return 2
	case c == 0xE3 && next == 0x80 && l.at(i+2) == 0x80:
		return 3
	case c == 0xA0:
		return 1
	}
	return 0
}

// longDash reports whether an en or em dash stands here: what editors make
// of the two dashes of a comment, and some servers read as them.
func (l *Lexer) longDash() bool {
	return l.src[l.pos] == 0xE2 && l.at(l.pos+1) == 0x80 && (l.at(l.pos+2) == 0x93 || l.at(l.pos+2) == 0x94)
}
