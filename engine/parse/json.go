package parse

import "bytes"

// maxOpeners is how many brackets are looked into to tell a document. What begins with
// more is one, whatever they hold.
const maxOpeners = 8

// looksJSON reports whether v begins like an object or array of JSON.
func looksJSON(v []byte) bool {
	v = trimLeft(v)
	for range maxOpeners {
		if len(v) < 2 || v[0] != '{' && v[0] != '[' {
			return false
		}
		object := v[0] == '{'
		if v = trimLeft(v[1:]); len(v) == 0 {
			return false
		}
		switch c := v[0]; {
		case c == '{' || c == '[':
			if object {
				return false // a name stands there
			}
		default:
			return '0' <= c && c <= '9' || bytes.IndexByte([]byte(`"']}-tfn/`), c) >= 0
		}
	}
	return true
}

func trimLeft(v []byte) []byte {
	v = bytes.TrimPrefix(v, []byte("\xef\xbb\xbf"))
	for len(v) > 0 && isSpace(v[0]) {
		v = v[1:]
	}
	return v
}

func isSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\t' || b == '\r' }

// json visits the members and elements of a nested document.
func (t *Tree) json(n Node, v []byte) {
	p := newJSONParser(t, t.pushDecoder(n, JSON))
	p.feed(t, v, true)
	t.drop(p.node)
	t.frames = t.frames[:p.floor]
}

// A frame is an open container of a document.
type frame struct {
	at    Node // the point of the container
	owned bool // at was pushed for it
	array bool
	next  int32
}

// A jsonParser walks JSON as the most lenient of servers would, and more: it
// never gives up. It takes comments, single quotes, bare words, missing and
// trailing commas, text after the document, several documents, and input
// that ends anywhere.
type jsonParser struct {
	node   Node // the document's point
	member Node // of the value that comes next, or -1
	owned  bool // member was pushed for that value
	floor  int  // frames below belong to others
	skip   int  // open containers beyond Limits.Nesting
	docs   int32

	quote   byte // of the string that is being read, 0 for none
	isKey   bool // that string is a name
	partial bool // a part of it was visited
	before  int  // bytes that were visited of it

	outer   bool    // this is the body, not a value in it
	members members // outermost

	recent [64]uint64 // points of members, to see a name twice; it forgets
}

func newJSONParser(t *Tree, n Node) jsonParser {
	return jsonParser{node: n, member: -1, floor: len(t.frames)}
}

// feed visits what buf holds and returns how much of it is done with. It
// leaves at most half a window, unless last is set.
func (p *jsonParser) feed(t *Tree, buf []byte, last bool) int {
	at := 0
	if p.quote != 0 {
		at = p.text(t, buf, 0, last)
	} else if p.docs == 0 && len(t.frames) == p.floor {
		at = len(buf) - len(trimLeft(buf)) // and a byte order mark
	}
	for at < len(buf) && p.quote == 0 {
		switch c := buf[at]; c {
		case ' ', '\n', '\t', '\r', ',', ':':
			at++
		case '{', '[':
			p.open(t, c == '[')
			at++
		case '}', ']':
			p.close(t, hollow(buf[:at+1]))
			at++
		case '"', '\'', '`':
			p.quote = c
			p.isKey = p.wantsKey(t)
			end := p.text(t, buf, at+1, last)
			if p.quote != 0 && !p.partial {
				p.quote = 0
				return at
			}
			at = end
		default:
			end := p.bare(t, buf, at, last)
			if end == at {
				return at
			}
			at = end
		}
	}
	return at
}

func (p *jsonParser) top(t *Tree) *frame {
	if len(t.frames) == p.floor {
		return nil
	}
	return &t.frames[len(t.frames)-1]
}

// wantsKey reports whether a name comes next.
func (p *jsonParser) wantsKey(t *Tree) bool {
	f := p.top(t)
	return f != nil && !f.array && p.member < 0
}

// slot makes member the point of the next value.
func (p *jsonParser) slot(t *Tree) {
	if p.member >= 0 {
		return
	}
	p.owned = true
	f := p.top(t)
	switch {
	case f == nil && p.docs == 0:
		p.member, p.owned = p.node, false
		p.docs = 1
	case f == nil:
		p.member = t.push(p.node, Array, nil, p.docs)
		p.docs++
	default: // an array, or wantsKey would have read a name
		p.member = t.push(f.at, Array, nil, f.next)
		f.next++
	}
}

// release ends the value whose point is member.
func (p *jsonParser) release(t *Tree) {
	if p.member >= 0 && p.owned {
		t.drop(p.member)
	}
	p.member = -1
}

// open enters a container.
func (p *jsonParser) open(t *Tree, array bool) {
	if len(t.frames)-p.floor >= t.limits.Nesting {
		p.skip++
		t.trouble(p.node, TooNested, nil)
		return
	}
	p.slot(t)
	t.frames = append(roomFor(t.frames, t.limits.Nesting), frame{at: p.member, owned: p.owned, array: array})
	p.member = -1
}

// hollow returns the container that v ends with if nothing is in it.
func hollow(v []byte) []byte {
	for i := len(v) - 2; i >= 0; i-- {
		switch v[i] {
		case ' ', '\n', '\t', '\r':
		case '{', '[':
			return v[i:]
		default:
			return nil
		}
	}
	return nil
}

// close leaves the innermost container. One without members has no values to
// visit and tells nothing but as the operand of an operator.
func (p *jsonParser) close(t *Tree, hollow []byte) {
	if p.skip > 0 {
		p.skip--
		return
	}
	f := p.top(t)
	if f == nil {
		return
	}
	p.release(t)
	if hollow != nil {
		if key := t.NearestNamed(f.at); key >= 0 && bytes.HasPrefix(t.Key(key), []byte{'$'}) {
			t.visit(f.at, hollow, 0)
		}
	}
	if f.owned {
		t.drop(f.at)
	}
	t.frames = t.frames[:len(t.frames)-1]
}

// text reads the rest of a string from at on and returns where it ends. It
// leaves quote set when it has not seen the end.
func (p *jsonParser) text(t *Tree, buf []byte, at int, last bool) int {
	end, escaped := textEnd(buf[at:], p.quote)
	switch {
	case end >= 0:
		p.quote = 0
		p.emit(t, buf[at:at+end], escaped)
		return at + end + 1
	case last:
		p.quote = 0
		p.emit(t, buf[at:], escaped)
		return len(buf)
	case at > len(buf)/2:
		return at
	}
	cut := cutBefore(buf, '\\', 12) // a pair of surrogates
	n, next := t.limits.piece(buf[at:cut])
	if next = len(unsplit(buf[at : at+next])); next == 0 {
		next = escapeLen(buf[at:]) // or the same bytes would come back forever
	}
	p.partial = true
	p.visit(t, unsplit(buf[at:at+max(n, next)]), next, escaped)
	return at + next
}

// unsplit returns v without an escape at its end that is not all there.
func unsplit(v []byte) []byte {
	i := bytes.LastIndexByte(v[max(0, len(v)-5):], '\\') + max(0, len(v)-5)
	n := i
	for n >= 0 && n < len(v) && v[n] == '\\' {
		n--
	}
	if i < 0 || i < len(v)-5 || (i-n)&1 == 0 || i+escapeLen(v[i:]) <= len(v) {
		return v
	}
	return v[:i]
}

// escapeLen returns how long the escape that v begins with is to be, by its
// letter.
func escapeLen(v []byte) int {
	switch {
	case len(v) > 1 && v[1] == 'u':
		return 6
	case len(v) > 1 && v[1] == 'x':
		return 4
	}
	return 2
}

// textEnd returns the index of the closing quote, -1 without one, and
// whether there are escapes before it.
func textEnd(v []byte, quote byte) (end int, escaped bool) {
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case quote:
			return i, escaped
		case '\\':
			escaped = true
			i++
		}
	}
	return -1, escaped
}

// emit visits a string or its last part.
func (p *jsonParser) emit(t *Tree, v []byte, escaped bool) {
	p.partial = false
	if !p.isKey {
		p.visit(t, v, len(v), escaped)
		p.release(t)
		p.before = 0
		return
	}
	p.before = 0
	mark := len(t.scratch)
	v = p.unescape(t, v, escaped)
	at := p.top(t).at
	t.visitName(at, v)
	p.member, p.owned = t.push(at, Hash, v, 0), true
	p.once(t, v)
	if depth := len(t.frames) - p.floor; p.outer && (depth == 1 || depth == 2 && t.frames[p.floor].array) {
		p.members.note(v)
	}
	t.scratch = t.scratch[:mark]
}

// once notes a member and reports one of the same name in the same object.
func (p *jsonParser) once(t *Tree, name []byte) {
	key := t.Keys(p.member).Exact
	slot := &p.recent[key%uint64(len(p.recent))]
	if *slot == key && len(name) <= maxName {
		t.trouble(p.member, Duplicate, name)
	}
	*slot = key
}

// visit visits a string value or a part of it: own of its bytes no later part
// repeats.
func (p *jsonParser) visit(t *Tree, v []byte, own int, escaped bool) {
	mark := len(t.scratch)
	if own < len(v) {
		own = len(p.unescape(t, v[:own], escaped))
		t.scratch = t.scratch[:mark]
	}
	raw := own
	v = p.unescape(t, v, escaped)
	t.spare(max(0, raw-len(v)) + len(`"":,`))
	if p.isKey {
		t.visitName(p.top(t).at, v)
	} else {
		p.slot(t)
		if depth := len(t.frames) - p.floor; p.outer && (depth <= 2 || depth <= maxCallDepth && t.call != nil) {
			p.called(t, v)
		}
		if !p.partial && p.before == 0 {
			t.value(p.member, v)
		} else {
			own = min(own, len(v))
			t.part(p.member, v, p.before, own)
			p.before += own
		}
	}
	t.scratch = t.scratch[:mark]
}

func (p *jsonParser) unescape(t *Tree, v []byte, escaped bool) []byte {
	if !escaped {
		return v
	}
	mark := len(t.scratch)
	t.scratch = appendJSONUnescaped(t.scratch, v)
	return t.scratch[mark:]
}

// bare reads a word that is no string: a number, a literal, a comment or
// something else. It returns at when the end of the word is not in sight.
func (p *jsonParser) bare(t *Tree, buf []byte, at int, last bool) int {
	end := at
	switch {
	case p.top(t) == nil:
		end += lineEnd(buf[at:])
	case buf[at] == '/' && at+1 < len(buf) && (buf[at+1] == '*' || buf[at+1] == '/'):
		end += commentEnd(buf[at:])
	default:
		for end < len(buf) && !endsBare(buf[end]) {
			end++
		}
	}
	if end == len(buf) && !last {
		if at > len(buf)/2 {
			return at
		}
		end = max(at+1, end-t.limits.Overlap)
	}
	word := bytes.TrimRight(buf[at:end], " \t\r\n")
	if bytes.HasPrefix(word, []byte("/*")) || bytes.HasPrefix(word, []byte("//")) {
		t.leaf(p.node, Comment, nil, 0, word)
		return end
	}
	p.isKey = p.wantsKey(t)
	p.emit(t, word, false)
	return end
}

func endsBare(b byte) bool {
	return b == ',' || b == ':' || b == '}' || b == ']' || b == '{' || b == '[' || b == '\n'
}

func lineEnd(v []byte) int {
	if i := bytes.IndexByte(v, '\n'); i >= 0 {
		return i
	}
	return len(v)
}

func commentEnd(v []byte) int {
	if v[1] == '/' {
		return lineEnd(v)
	}
	if i := bytes.Index(v[2:], []byte("*/")); i >= 0 {
		return i + 4
	}
	return len(v)
}

// appendJSONUnescaped undoes the escapes of RFC 8259, 7, and those that
// lenient parsers add. An unknown escape stands for its character.
func appendJSONUnescaped(dst, v []byte) []byte {
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' || i+1 == len(v) {
			dst = append(dst, v[i])
			continue
		}
		i++
		switch c := v[i]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u', 'x':
			r, n := jsonRune(v[i-1:])
			if n == 0 {
				dst = append(dst, c)
				continue
			}
			dst = appendRune(dst, r)
			i += n - 2
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// jsonRune reads \uXXXX, also as a pair of surrogates, or \xXX.
func jsonRune(v []byte) (rune, int) {
	r, n := charEscape(v)
	if n == 6 && r>>10 == 0xd800>>10 && len(v) >= 12 && v[6] == '\\' {
		if low, m := charEscape(v[6:]); m == 6 && low>>10 == 0xdc00>>10 {
			return 0x10000 + (r&0x3ff)<<10 + low&0x3ff, 12
		}
	}
	return r, n
}
