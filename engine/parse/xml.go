package parse

import "bytes"

// looksXML reports whether v begins like a document or a fragment of markup.
func looksXML(v []byte) bool {
	v = trimLeft(v)
	if len(v) < 4 || v[0] != '<' || bytes.IndexByte(v, '>') < 0 {
		return false
	}
	if hasPrefixFold(v, "<script") {
		return false // no document has that root; what has it is meant for a page
	}
	return isLetter(v[1]) || v[1] == '_' || v[1] == '?' || v[1] == '!'
}

// hasEscapedTag reports whether the name of a tag runs into a percent escape,
// as in <link%20rel=: whoever undoes it gets another tag.
func hasEscapedTag(v []byte) bool {
	for {
		i := bytes.IndexByte(v, '<')
		if i < 0 {
			return false
		}
		v = v[i+1:]
		n := 0
		for n < len(v) && (isBareByte(v[n]) || v[n] == '/') {
			n++
		}
		if n > 0 && n < len(v) && v[n] == '%' && percentEscape(v[n:]) > 0 {
			return true
		}
	}
}

// xml visits the parts of a nested document.
func (t *Tree) xml(n Node, v []byte) {
	p := newXMLParser(t, t.pushDecoder(n, XML))
	p.value = v
	p.feed(t, v, true)
	t.drop(p.node)
	t.frames = t.frames[:p.floor]
}

// An xmlParser walks markup as leniently as the most lenient server: tags
// need not match, attributes need no quotes, the input may end anywhere.
// Text is what an application gets: joined across comments, processing
// instructions and CDATA sections, with references resolved.
type xmlParser struct {
	node     Node
	floor    int // frames below belong to others
	skip     int // open elements beyond Limits.Nesting
	comments int32
	pis      int32
	noise    bool

	inside  section // the section that is being read in pieces
	pending bool    // text waits in the scratch, from mark on
	mark    int

	siblings [64]sibling
	entities [32]entity
	used     int    // entities
	value    []byte // that is read, if it was visited: what is all of it is no news
}

// A sibling counts elements of one name under one parent. The table forgets
// rather than grows: a count then begins anew.
type sibling struct {
	key   uint64
	count int32
}

// An entity is a declared entity and the size that it expands to.
type entity struct {
	hash uint64
	size int
}

// maxExpansion is the size that one entity may expand to. Documents with
// entities for boilerplate stay far below it.
const maxExpansion = 1 << 20

// A section is a stretch of a document that only its own end ends.
type section uint8

const (
	markup section = iota
	cdata
	comment
)

var sectionEnds = [...]string{cdata: "]]>", comment: "-->"}

func newXMLParser(t *Tree, n Node) xmlParser {
	return xmlParser{node: n, floor: len(t.frames)}
}

// at returns the point of the innermost open element.
func (p *xmlParser) at(t *Tree) Node {
	if len(t.frames) == p.floor {
		return p.node
	}
	return t.frames[len(t.frames)-1].at
}

// feed visits what buf holds and returns how much of it is done with. It
// leaves at most half a window, unless last is set.
func (p *xmlParser) feed(t *Tree, buf []byte, last bool) int {
	at := 0
	for at < len(buf) {
		n := p.token(t, buf[at:], last || at <= len(buf)/2, last)
		if n == 0 {
			return at
		}
		at += n
	}
	if last {
		p.flush(t)
		if len(t.frames) > p.floor {
			p.noise = true
		}
	}
	return at
}

// token reads one token and returns its length. Without the end of the token
// in sight it reads what there is if it must, else nothing.
func (p *xmlParser) token(t *Tree, v []byte, must, last bool) int {
	if p.inside != markup {
		return p.section(t, v, must, last)
	}
	if v[0] != '<' {
		return p.text(t, v, must, last)
	}
	switch {
	case hasPrefix(v, "<![CDATA["):
		p.inside = cdata
		return len("<![CDATA[")
	case hasPrefix(v, "<!--"):
		p.inside = comment
		return len("<!--")
	case len(v) < len("<![CDATA[") && !last:
		return 0
	case hasPrefix(v, "<?"):
		return p.whole(t, v, bytes.Index(v, []byte("?>")), 2, must, (*xmlParser).pi)
	case hasPrefixFold(v, "<!doctype"):
		return p.whole(t, v, dtdEnd(v), 1, must, (*xmlParser).dtd)
	case len(v) > 1 && (isLetter(v[1]) || v[1] == '_' || v[1] == '/' || v[1] >= 0x80):
		return p.whole(t, v, tagEnd(v), 1, must, (*xmlParser).tag)
	}
	p.append(t, v[:1])
	return 1
}

func hasPrefix(v []byte, s string) bool { return len(v) >= len(s) && string(v[:len(s)]) == s }

// whole hands a token that ends at end to read. One that does not end is
// read as far as it goes, if it must be.
func (p *xmlParser) whole(t *Tree, v []byte, end, size int, must bool, read func(*xmlParser, *Tree, []byte)) int {
	if end >= 0 {
		read(p, t, v[:end+size])
		return end + size
	}
	if !must {
		return 0
	}
	p.noise = true
	read(p, t, v)
	return len(v)
}

// tagEnd returns the index of the > that ends a tag, quoted ones passed over.
func tagEnd(v []byte) int {
	var quote byte
	for i, b := range v {
		switch {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '>':
			return i
		case b == '"' || b == '\'':
			if i > 0 && (v[i-1] == '=' || isSpace(v[i-1])) {
				quote = b
			}
		}
	}
	return -1
}

// dtdEnd returns the index of the > that ends a document type declaration.
func dtdEnd(v []byte) int {
	subset := false
	var quote byte
	for i, b := range v {
		switch {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '"' || b == '\'':
			quote = b
		case b == '[':
			subset = true
		case b == ']':
			subset = false
		case b == '>' && !subset:
			return i
		}
	}
	return -1
}

// text reads up to the next markup.
func (p *xmlParser) text(t *Tree, v []byte, must, last bool) int {
	end := bytes.IndexByte(v, '<')
	if end >= 0 {
		p.append(t, v[:end])
		return end
	}
	if !must {
		return 0
	}
	if last {
		p.append(t, v)
		return len(v)
	}
	n, next := t.limits.piece(v[:cutBefore(v, '&', 12)])
	p.append(t, v[:n])
	p.flush(t)
	return next
}

// section reads a CDATA section or comment.
func (p *xmlParser) section(t *Tree, v []byte, must, last bool) int {
	end := bytes.Index(v, []byte(sectionEnds[p.inside]))
	body, n := v, len(v)
	switch {
	case end >= 0:
		body, n = v[:end], end+3
	case !must:
		return 0
	case !last:
		n = max(1, len(v)-t.limits.Overlap)
	}
	if p.inside == comment {
		p.seen(t, body)
		t.leaf(p.at(t), Comment, nil, p.comments, body)
	} else {
		p.hold(t)
		t.scratch = append(t.scratch, body...)
		p.spill(t)
	}
	if end >= 0 || last {
		p.noise = p.noise || end < 0
		if p.inside == comment {
			p.comments++
		}
		p.inside = markup
	} else {
		p.flush(t)
	}
	return n
}

// hold begins pending text.
func (p *xmlParser) hold(t *Tree) {
	if !p.pending {
		p.pending, p.mark = true, len(t.scratch)
	}
}

// append adds character data, with references resolved, to the text.
func (p *xmlParser) append(t *Tree, v []byte) {
	if !p.pending && len(trimLeft(v)) == 0 {
		return
	}
	p.hold(t)
	t.scratch = appendReferences(t.scratch, v)
	p.spill(t)
}

// spill visits what there is of a text of the body that is longer than a window, and
// keeps what is looked at twice: sections and comments without end, and signs that begin
// no tag, do not end a text.
func (p *xmlParser) spill(t *Tree) {
	text := t.scratch[p.mark:]
	if p.value != nil || len(text) <= t.limits.Window {
		return
	}
	n, next := t.limits.piece(text)
	t.value(p.at(t), text[:max(n, next)])
	t.scratch = append(t.scratch[:p.mark], t.scratch[p.mark+next:]...) // not text, which may have moved
}

// appendReferences appends v with its character references resolved. Those
// of entities that the document declares stay.
func appendReferences(dst, v []byte) []byte {
	for {
		i := bytes.IndexByte(v, '&')
		if i < 0 {
			return append(dst, v...)
		}
		dst = append(dst, v[:i]...)
		v = v[i:]
		r, n := htmlReference(v)
		if n == 0 {
			dst = append(dst, '&')
			v = v[1:]
			continue
		}
		dst = appendRune(dst, r)
		v = v[n:]
	}
}

// flush visits the pending text.
func (p *xmlParser) flush(t *Tree) {
	if !p.pending {
		return
	}
	p.pending = false
	if text := t.scratch[p.mark:]; p.value == nil || !bytes.Equal(text, p.value) {
		t.spare(len(`<a></a>`))
		p.seen(t, text)
		t.value(p.at(t), text)
	}
	t.scratch = t.scratch[:p.mark]
}

// seen has a long text visited, if it is a document again, by its parts only, where it is
// most of the value that the document is, and stands there as it is.
func (p *xmlParser) seen(t *Tree, text []byte) {
	if len(text) > maxMarkup && len(text)*4 >= len(p.value)*3 && bytes.Contains(p.value, text) {
		t.relay = asXML
	}
}

func (p *xmlParser) pi(t *Tree, v []byte) {
	n := t.push(p.at(t), PI, nil, p.pis)
	t.plain(n, v)
	t.drop(n)
	p.pis++
}

// dtd visits a document type declaration and the entities in it.
func (p *xmlParser) dtd(t *Tree, v []byte) {
	n := t.push(p.node, DTD, nil, 0)
	t.plain(n, v)
	for {
		i := bytes.Index(v, []byte("<!"))
		if i < 0 {
			break
		}
		v = v[i+len("<!"):]
		entity := hasPrefix(v, "ENTITY")
		if !entity && !hasPrefix(v, "ATTLIST") {
			continue // a declaration may hold others, as <!DOCTYPE does
		}
		end := tagEnd(v)
		if end < 0 {
			end = len(v)
		}
		if entity {
			p.entity(t, n, v[len("ENTITY"):end])
		} else {
			p.defaults(t, n, v[len("ATTLIST"):end])
		}
		v = v[end:]
	}
	t.drop(n)
}

// defaults visits the values that attributes have where none are given.
func (p *xmlParser) defaults(t *Tree, dtd Node, v []byte) {
	element, v := cutSpace(bytes.TrimSpace(v))
	for {
		i := bytes.IndexAny(v, `"'`)
		if i < 0 {
			return
		}
		value, rest, _ := bytes.Cut(v[i+1:], v[i:i+1])
		mark := len(t.scratch)
		t.scratch = appendReferences(t.scratch, value)
		t.leaf(dtd, Attr, element, 0, t.scratch[mark:])
		t.scratch = t.scratch[:mark]
		v = rest
	}
}

// entity visits what an entity stands for: its text, or where it is read
// from.
func (p *xmlParser) entity(t *Tree, dtd Node, v []byte) {
	v = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(v), []byte("%")))
	name, rest := cutSpace(v)
	t.leaf(dtd, Entity, name, 0, rest)
	literal := rest
	if i := bytes.IndexAny(rest, `"'`); i >= 0 {
		literal = rest[i+1:]
		if j := bytes.IndexByte(literal, rest[i]); j >= 0 {
			literal = literal[:j]
		}
	}
	size := p.expansion(literal)
	if size > maxExpansion {
		t.trouble(dtd, Bomb, nil)
	}
	if p.used < len(p.entities) {
		p.entities[p.used] = entity{hashName(name), size}
		p.used++
	}
}

func cutSpace(v []byte) (word, rest []byte) {
	for i, b := range v {
		if isSpace(b) {
			return v[:i], bytes.TrimSpace(v[i:])
		}
	}
	return v, nil
}

// expansion returns the size of a text once its entities are replaced.
func (p *xmlParser) expansion(v []byte) int {
	size := 0
	for len(v) > 0 && size <= maxExpansion {
		i := bytes.IndexAny(v, "&%")
		if i < 0 {
			return size + len(v)
		}
		size += i
		v = v[i+1:]
		end := bytes.IndexByte(v, ';')
		if end < 0 {
			return size + len(v)
		}
		h := hashName(v[:end])
		for j := range p.entities[:p.used] {
			if p.entities[j].hash == h {
				size += p.entities[j].size
				break
			}
		}
		v = v[end+1:]
	}
	return size
}

// tag reads a start or end tag.
func (p *xmlParser) tag(t *Tree, v []byte) {
	p.flush(t)
	v = bytes.TrimSuffix(v[1:], []byte(">"))
	if len(v) > 0 && v[0] == '/' {
		p.endTag(t, bytes.TrimSpace(v[1:]))
		return
	}
	empty := len(v) > 0 && v[len(v)-1] == '/'
	if empty {
		v = v[:len(v)-1]
	}
	name, rest := cutName(v)
	if len(t.frames)-p.floor >= t.limits.Nesting {
		t.trouble(p.node, TooNested, nil)
		p.attributes(t, p.at(t), rest)
		if !empty {
			p.skip++
		}
		return
	}
	if !isBare(name) {
		t.visitName(p.at(t), name)
	}
	first := Node(len(t.nodes))
	at := p.element(t, name)
	p.attributes(t, at, rest)
	if empty {
		t.drop(first)
		return
	}
	t.frames = append(roomFor(t.frames, t.limits.Nesting), frame{at: at, next: int32(first)})
}

// element pushes the point of an element: the second of a name under one
// parent is [1].
func (p *xmlParser) element(t *Tree, name []byte) Node {
	n := t.push(p.at(t), Tag, name, 0)
	key := t.Keys(n).Exact
	s := &p.siblings[key%uint64(len(p.siblings))]
	if s.key != key {
		*s = sibling{key: key}
	}
	s.count++
	if s.count > 1 {
		n = t.push(n, Array, nil, s.count-1)
	}
	return n
}

// endTag closes the innermost element of that name and all inside it. One
// that was never opened is passed over.
func (p *xmlParser) endTag(t *Tree, name []byte) {
	if !isBare(name) {
		t.visitName(p.at(t), name)
	}
	if p.skip > 0 {
		p.skip--
		return
	}
	top := len(t.frames) - 1
	if top < p.floor {
		p.noise = true
		return
	}
	if !p.isNamed(t, top, name) {
		p.noise = true
		if top == p.floor || !p.isNamed(t, top-1, name) {
			return
		}
		top--
	}
	t.drop(Node(t.frames[top].next))
	t.frames = t.frames[:top]
}

func (p *xmlParser) isNamed(t *Tree, i int, name []byte) bool {
	return bytes.Equal(t.NearestKey(t.frames[i].at), name[:min(len(name), maxName)])
}

func cutName(v []byte) (name, rest []byte) {
	for i, b := range v {
		if isSpace(b) || b == '/' || b == '\f' {
			return v[:i], v[i:]
		}
	}
	return v, nil
}

// attributes visits name="value" pairs.
func (p *xmlParser) attributes(t *Tree, at Node, v []byte) {
	for {
		for len(v) > 0 && (isSpace(v[0]) || v[0] == '/') {
			v = v[1:]
		}
		if len(v) == 0 {
			return
		}
		var name, value []byte
		name, value, v = cutAttribute(v)
		mark := len(t.scratch)
		if bytes.IndexByte(value, '&') >= 0 {
			t.scratch = appendReferences(t.scratch, value)
			value = t.scratch[mark:]
		}
		if !isBare(name) {
			t.visitName(at, name)
		}
		t.leaf(at, Attr, name, 0, value)
		t.scratch = t.scratch[:mark]
	}
}

// cutAttribute splits off the first attribute.
func cutAttribute(v []byte) (name, value, rest []byte) {
	i := 0
	for i < len(v) && v[i] != '=' && !isSpace(v[i]) {
		i++
	}
	name, rest = v[:i], v[i:]
	after := bytes.TrimLeft(rest, " \t\r\n")
	if len(after) == 0 || after[0] != '=' {
		return name, nil, rest
	}
	after = bytes.TrimLeft(after[1:], " \t\r\n")
	if len(after) > 0 && (after[0] == '"' || after[0] == '\'') {
		if end := bytes.IndexByte(after[1:], after[0]); end >= 0 {
			return name, after[1 : end+1], after[end+2:]
		}
		return name, after[1:], nil
	}
	end := bytes.IndexAny(after, " \t\r\n")
	if end < 0 {
		end = len(after)
	}
	return name, after[:end], after[end:]
}
