// Package jslex finds in JavaScript, whole or broken, the calls and properties that injected scripts use.
package jslex

import "bytes"

// Sink is what a hit can do.
type Sink uint8

// The sinks, from weak to strong evidence.
const (
	None   Sink = iota
	Call        // calls some function
	Effect      // changes the page or its address, or asks another host
	Exec        // runs text as code
	Hide        // builds text or names so that they cannot be read
	Steal       // reads the cookie or the storage
	Dialog      // shows a box: the usual proof of an injection
)

// A Hit is one sink in src[From:To].
type Hit struct {
	Sink     Sink
	From, To int
	// Probe: the arguments are those of a proof, such as a number, a
	// regular expression or the document's domain, not of a program.
	Probe bool
	// Bare: nothing calls it; its name is passed on, as in onerror=alert.
	Bare bool
}

// A Lexer yields the hits of src in order. It reads each byte a bounded
// number of times.
type Lexer struct {
	src []byte
	pos int
	// the next program without letters, from len(src) on for none
	run, runEnd int
	// the first closing bracket from one place on, 0 for not looked for
	from, close int
}

// New returns a lexer of src.
func New(src []byte) Lexer {
	l := Lexer{src: src}
	l.seekRun(0)
	return l
}

// Next makes h the next hit, or reports false at the end. It writes where the
// caller keeps the hit: calls of no interest are many.
func (l *Lexer) Next(h *Hit) bool {
	for {
		switch p := l.seek(); {
		case p >= len(l.src):
			l.pos = p
			return false
		case p > l.pos && (l.src[p] == '(' || l.src[p] == '`'):
			l.name(h, p)
		case p == l.run:
			*h, l.pos = programOf(l.src, p, l.runEnd), l.runEnd
			l.seekRun(l.runEnd)
		case l.src[p] == '\\':
			l.pos = p
			*h = l.escape()
		default:
			l.name(h, p)
		}
		if h.Sink != None {
			return true
		}
	}
}

// seek returns where the next hit may be: at the first letters of a name, a
// bracket behind one, an escape, or the next program without letters; len(src)
// for none. What stands before the place from which it looks has been read.
func (l *Lexer) seek() int {
	src, p := l.src, l.pos
	last := byte(0)
	for end := min(l.run, len(src)-1); p < end; p++ {
		c := src[p]
		if seekBefore[last]&seekAt[c]&seekBehind[src[p+1]] != 0 {
			return p
		}
		last = c
	}
	if p == l.run || p < len(src) && seekBefore[last]&seekAt[src[p]]&bracket != 0 {
		return p
	}
	return len(src)
}

// name makes h the hit of the name at p or before the bracket at p, if it is one.
func (l *Lexer) name(h *Hit, p int) {
	src, from, to := l.src, p, p
	for from > l.pos && class[src[from-1]]&(identifier|digit) != 0 {
		from--
	}
	for to < len(src) && class[src[to]]&(identifier|digit) != 0 {
		to++
	}
	for from < to && class[src[from]] == digit {
		from++
	}
	l.pos = to
	switch {
	case from == to:
		*h = Hit{}
	case shapes[src[from]]>>min(to-from, 63)&1 != 0:
		*h = l.ident(from)
	case to < len(src) && (src[to] == '(' || src[to] == '`'):
		*h = Hit{Sink: Call, From: from, To: to + 1}
	default:
		*h = Hit{}
	}
}

// seekRun finds the next program without letters from a place on that is not
// inside of one. None is so short that a look at every so many bytes misses it.
func (l *Lexer) seekRun(from int) {
	src := l.src
	l.run = len(src)
	for i := from + symbolRun - 1; i < len(src); i += symbolRun {
		if symbolByte[src[i]] == 0 {
			continue
		}
		first, end := i, i
		for first > from && symbolByte[src[first-1]] != 0 {
			first--
		}
		for end < len(src) && symbolByte[src[end]] != 0 {
			end++
		}
		for first < end && class[src[first]] != symbol {
			first++
		}
		if end-first >= symbolRun {
			l.run, l.runEnd = first, end
			return
		}
		from, i = end, end-1
	}
}

// The signs of what seek looks for are bits, those of names by the first letter,
// in a byte, the one before it and the one behind.
const (
	bracket uint32 = 1 << iota // behind a name
	slash                      // of an escape
	firstName
)

var seekBefore, seekAt, seekBehind = func() (before, at, behind [256]uint32) {
	next := firstName
	for _, name := range names {
		if at[name[0]] == 0 {
			at[name[0]] = next
			next <<= 1
		}
		behind[name[1]] |= at[name[0]]
	}
	if next == 0 {
		panic("BUG: jslex: more first letters than bits")
	}
	at['('], at['`'], at['\\'] = bracket, bracket, slash
	behind['u'] |= slash
	for c := range before {
		before[c] = slash
		if class[c]&(identifier|digit) != 0 {
			before[c] |= bracket
		}
		if class[c] != identifier {
			before[c] |= ^(firstName - 1)
		}
		behind[c] |= bracket
	}
	return before, at, behind
}()

// The classes of bytes, by what they may begin.
const (
	identifier uint8 = 1 << iota
	digit            // goes on in a name
	symbol
	escape
)

var class = func() (t [256]uint8) {
	for i := range t {
		switch {
		case identStart(byte(i)):
			t[i] = identifier
		case identByte(byte(i)):
			t[i] = digit
		}
	}
	for _, c := range "[(!+" {
		t[c] = symbol
	}
	t['\\'] = escape
	return t
}()

// names are those that ident knows. Of others nothing matters but a bracket
// right behind them.
var names = [...]string{
	"alert", "confirm", "prompt", "eval", "execScript", "Function", "import", "expression", "importScripts",
	"setTimeout", "setInterval", "setImmediate", "requestAnimationFrame", "constructor", "document", "cookie", "location", "href",
	"localStorage", "sessionStorage", "fetch", "sendBeacon", "getScript", "open", "write", "writeln", "postMessage", "appendChild",
	"XMLHttpRequest", "ActiveXObject", "WebSocket", "EventSource", "WScript", "Image", "innerHTML", "outerHTML", "insertAdjacentHTML",
	"srcdoc", "fromCharCode", "atob", "btoa", "unescape", "fromCodePoint",
	"window", "self", "top", "parent", "frames", "globalThis", "this",
}

// shapes are theirs: by first byte, bit n for those of n bytes.
var shapes = func() (t [256]uint64) {
	for _, name := range names {
		t[name[0]] |= 1 << len(name)
	}
	return t
}()

// ident looks at what stands around the identifier at from, which has just
// been read.
func (l *Lexer) ident(from int) Hit {
	word := l.src[from:l.pos]
	next, at := l.after()
	called := next == '(' || next == '`'
	switch string(word) {
	case "alert", "confirm", "prompt":
		if called {
			return Hit{Sink: Dialog, From: from, To: l.argEnd(at), Probe: next == '`' || l.probe(at+1)}
		}
		if next == '.' && (l.member(at, "call") || l.member(at, "apply") || l.member(at, "bind")) {
			return Hit{Sink: Dialog, From: from, To: at + 5, Probe: true}
		}
		if next == ')' && l.at(at+1) == '(' && l.before(from) == '(' {
			return Hit{Sink: Hide, From: from, To: l.argEnd(at + 1), Probe: true} // (alert)(1): the brackets only hide the call
		}
		if p := l.before(from); p == '=' || p == '(' || p == '[' || p == ',' && next != ' ' {
			return Hit{Sink: Dialog, From: from, To: l.pos, Bare: true}
		}
	case "eval", "execScript", "Function", "import", "expression", "importScripts":
		if called && (next == '(' || string(word) != "import") {
			return Hit{Sink: Exec, From: from, To: l.argEnd(at), Probe: next == '`' || l.tainted(at+1)}
		}
		if string(word) == "eval" && l.before(from) == '=' {
			return Hit{Sink: Exec, From: from, To: l.pos, Bare: true}
		}
	case "setTimeout", "setInterval", "setImmediate", "requestAnimationFrame":
		if called {
			return Hit{Sink: Effect, From: from, To: l.argEnd(at), Probe: next == '`'}
		}
	case "constructor":
		if b := l.before(from); called && (b == ';' || b == '{' || b == '}') {
			break // of a class
		}
		if called || l.member(at, "constructor") {
			return Hit{Sink: Exec, From: from, To: l.argEnd(at), Probe: next != '(' || l.at(at+1) != ')' && !identByte(l.at(at+1))}
		}
	case "document":
		return l.document(from, at)
	case "cookie":
		if p := l.before(from); p == '.' || p == '[' {
			return Hit{Sink: Steal, From: from, To: l.pos}
		}
	case "location", "href":
		if next == '=' && l.at(at+1) != '=' || next == '.' && (l.member(at, "href") || l.member(at, "assign") || l.member(at, "replace")) {
			return Hit{Sink: Effect, From: from, To: at + 1}
		}
	case "localStorage", "sessionStorage":
		if next == '.' || next == '[' {
			return Hit{Sink: Steal, From: from, To: at + 1}
		}
	case "fetch", "sendBeacon", "getScript", "open", "write", "writeln", "postMessage", "appendChild":
		if called {
			return Hit{Sink: Effect, From: from, To: l.argEnd(at), Probe: l.remote(at + 1)}
		}
	case "XMLHttpRequest", "ActiveXObject", "WebSocket", "EventSource", "WScript", "Image":
		if called || next == '.' {
			return Hit{Sink: Effect, From: from, To: l.argEnd(at)}
		}
	case "innerHTML", "outerHTML", "insertAdjacentHTML", "srcdoc":
		if next == '=' || called {
			return Hit{Sink: Effect, From: from, To: at + 1}
		}
	case "fromCharCode", "atob", "btoa", "unescape", "fromCodePoint":
		if called {
			return Hit{Sink: Hide, From: from, To: l.argEnd(at)}
		}
	case "window", "self", "top", "parent", "frames", "globalThis", "this":
		if next == '[' && l.quoted(at+1) {
			if l.hides(at + 1) {
				return Hit{Sink: Hide, From: from, To: l.argEnd(at), Probe: true}
			}
			if !l.indexed(at) {
				return Hit{Sink: Hide, From: from, To: at + 1}
			}
			return Hit{Sink: Hide, From: from, To: l.argEnd(at), Probe: string(word) != "this" || l.at(at+1) == '/'}
		}
	}
	if called && at == l.pos && len(word) > 0 {
		return Hit{Sink: Call, From: from, To: at + 1}
	}
	return Hit{}
}

func (l *Lexer) document(from, at int) Hit {
	next := l.at(at)
	switch {
	case next == '[' && l.quoted(at+1):
		return Hit{Sink: Hide, From: from, To: l.argEnd(at)}
	case next != '.':
		return Hit{}
	case l.member(at, "cookie"):
		return Hit{Sink: Steal, From: from, To: at + len(".cookie")}
	case l.member(at, "domain"):
		return Hit{Sink: Steal, From: from, To: at + len(".domain")}
	case l.member(at, "write"), l.member(at, "writeln"):
		return Hit{Sink: Effect, From: from, To: at + len(".write"), Probe: true}
	case l.member(at, "location"), l.member(at, "URL"), l.member(at, "baseURI"):
		return Hit{Sink: Effect, From: from, To: at + len(".URL")}
	}
	end := at + 1
	for end-at < maxGap && identByte(l.at(end)) {
		end++
	}
	if l.at(end) == '=' && l.at(end+1) != '=' {
		return Hit{Sink: Effect, From: from, To: end + 1}
	}
	return Hit{}
}

// symbolRun is the length from which text of brackets, exclamation marks
// and plus signs alone is a program written without letters.
const symbolRun = 18

// symbolByte are the bytes of such programs: brackets, what negates, what adds
// and the space that form decoding makes of it, and braces.
var symbolByte = [256]uint8{
	'[': 1, ']': 1, '(': 2, ')': 2, '!': bang, '~': bang, '-': bang, '+': 8, ' ': blank, '{': 32, '}': 32,
}

const bang, blank = 4, 16

// programOf judges such a text, src[from:to].
func programOf(src []byte, from, to int) Hit {
	var seen uint8
	bangs := 0
	for _, c := range src[from:to] {
		kind := symbolByte[c]
		seen |= kind
		bangs += int(kind & bang)
	}
	if seen&blank != 0 {
		if bangs < 6*bang {
			return Hit{}
		}
		seen |= 8
	}
	if seen &= 15; seen == 15 || seen == 13 || seen == 11 {
		return Hit{Sink: Hide, From: from, To: to, Probe: true}
	}
	return Hit{}
}

// escape reads \u0061 or \x61 in a name, which only hides it.
func (l *Lexer) escape() Hit {
	from := l.pos
	l.pos++
	if l.at(l.pos) != 'u' || l.at(l.pos+1) != '{' && !(l.at(l.pos+1) == '0' && l.at(l.pos+2) == '0' && hex(l.at(l.pos+4))) {
		return Hit{}
	}
	end := l.pos
	for end < len(l.src) && end-from < 64 && (identByte(l.src[end]) || l.src[end] == '\\' || l.src[end] == '{' || l.src[end] == '}') {
		end++
	}
	if l.at(end) != '(' && l.at(end) != '`' {
		return Hit{}
	}
	l.pos = end
	return Hit{Sink: Hide, From: from, To: end + 1, Probe: true}
}

// maxGap bounds the white space and comments skipped before a bracket, so
// that a lexer reads each byte a bounded number of times.
const maxGap = 64

// after returns the next significant byte behind the word and its index.
func (l *Lexer) after() (byte, int) {
	p := l.pos
	for end := min(p+maxGap, len(l.src)); p < end; {
		switch c := l.src[p]; {
		case c <= ' ':
			p++
		case c == '/' && l.at(p+1) == '*':
			p += 2
			for p < end && !(l.src[p] == '*' && l.at(p+1) == '/') {
				p++
			}
			p += 2
		case c == '?' && l.at(p+1) == '.' && l.at(p+2) == '(':
			p += 2
		default:
			return c, p
		}
	}
	return 0, min(p, len(l.src))
}

// before returns the last significant byte before i.
func (l *Lexer) before(i int) byte {
	for n := 0; i > 0 && n < maxGap; n++ {
		i--
		if l.src[i] > ' ' {
			return l.src[i]
		}
	}
	return 0
}

// member reports whether .name stands at i.
func (l *Lexer) member(i int, name string) bool {
	i++
	return l.at(i-1) == '.' && i+len(name) <= len(l.src) && string(l.src[i:i+len(name)]) == name
}

// quoted reports whether a computed name stands at i: a string, a regular
// expression or an escape.
func (l *Lexer) quoted(i int) bool {
	c := l.at(i)
	return c == '\'' || c == '"' || c == '`' || c == '/' || c == '\\' || c == 'a' && l.member(i+3, "b")
}

// maxHidden is longer than a name is whose letters are all escaped.
const maxHidden = 96

// hides reports whether the name in the bracket that is open at i is a string
// put together from others, or spelled in escapes, and called: programs have
// no reason to.
func (l *Lexer) hides(i int) bool {
	hidden := false
	for end := min(i+maxHidden, len(l.src)-1); i < end; i++ {
		switch b := l.src[i]; {
		case b == '\\':
			next := l.src[i+1]
			hidden = hidden || next == 'x' || next == 'u' || next-'0' < 10
		case b == '+' && i > 0 && (l.src[i-1] == '\'' || l.src[i-1] == '"') && l.src[i+1] == l.src[i-1]:
			hidden = true
		case b == ']':
			return hidden && (l.src[i+1] == '(' || l.src[i+1] == '`')
		case b == '\n' || b == '(':
			return false
		}
	}
	return false
}

// indexed reports whether the bracket at i is closed nearby and its value
// called.
func (l *Lexer) indexed(i int) bool {
	for end := min(i+maxGap, len(l.src)-1); i < end; i++ {
		if l.src[i] == ']' && (l.src[i+1] == '(' || l.src[i+1] == '`') {
			return true
		}
	}
	return false
}

// tainted reports whether the arguments at i begin with what an attacker can
// set from outside, or with a decoder.
func (l *Lexer) tainted(i int) bool {
	switch l.at(i) {
	case 'l', 'n', 'U', 'h', 's', 'd', 'a', 'u', 'S', 't', 'w', '\'', '"':
	default:
		return false
	}
	for _, w := range [...]string{"location", "name", "URL", "hash", "substr", "document.", "atob", "unescape", "String.", "top.", "window.", "self", "src", "'al", "\"al"} {
		if l.word(i, w) {
			return true
		}
	}
	return false
}

// remote reports whether a string with an address stands at i.
func (l *Lexer) remote(i int) bool {
	c := l.at(i)
	if c != '\'' && c != '"' && c != '`' {
		return false
	}
	return l.at(i+1) == '/' && l.at(i+2) == '/' || l.at(i+1)|0x20 == 'h' && l.at(i+2)|0x20 == 't'
}

// probe reports whether the arguments at i are those of a proof.
func (l *Lexer) probe(i int) bool {
	for n := 0; n < maxGap && i < len(l.src) && l.src[i] <= ' '; n++ {
		i++
	}
	c := l.at(i)
	switch {
	case c >= '0' && c <= '9', c == '/', c == '`', c == '\\', c == ')', c == '[', c == '&', c == 0:
		return true
	case c == '\'' || c == '"':
		return l.proofWord(i + 1)
	case c == 'd':
		return l.member(i+8, "cookie") || l.member(i+8, "domain") || l.member(i+8, "location") || l.member(i+8, "URL")
	case c == 'S':
		return l.member(i+6, "fromCharCode")
	case c == 'l' || c == 'o' || c == 't' || c == 'X' || c == 'x' || c == 'w':
		return l.word(i, "location") || l.word(i, "origin") || l.word(i, "this") || l.proofWord(i) || l.member(i+6, "name") || l.member(i+6, "location")
	}
	return false
}

// proofWord reports whether the string at i is short and ends its call, or
// says what it proves.
func (l *Lexer) proofWord(i int) bool {
	if l.at(i)|0x20 == 'x' && l.at(i+1)|0x20 == 's' && l.at(i+2)|0x20 == 's' {
		return true
	}
	for n := 0; n < 8; n++ {
		switch l.at(i + n) {
		case '\'', '"':
			return true
		case ' ':
			return false
		}
	}
	return false
}

func (l *Lexer) word(i int, w string) bool {
	return i+len(w) <= len(l.src) && string(l.src[i:i+len(w)]) == w
}

// argEnd returns a good end for a span that begins before the bracket at i:
// its closing bracket, if that is near.
func (l *Lexer) argEnd(i int) int {
	if i < l.from || i >= l.close {
		l.from, l.close = i, len(l.src)
		if n := bytes.IndexByte(l.src[min(i, len(l.src)):], ')'); n >= 0 {
			l.close = i + n + 1
		}
	}
	return min(l.close, i+maxGap, len(l.src))
}

func (l *Lexer) at(i int) byte {
	if i < 0 || i >= len(l.src) {
		return 0
	}
	return l.src[i]
}

func identStart(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '$' }
func identByte(c byte) bool  { return identStart(c) || c >= '0' && c <= '9' }
func hex(c byte) bool        { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }
