package parse

import "bytes"

// looksCalendar reports whether v is an iCalendar (RFC 5545, 3.1) or vCard
// (RFC 6350, 3.2) stream and nothing else: each line is a property, or goes on
// with one. The last may be cut.
func looksCalendar(v []byte) bool {
	if !hasPrefixFold(v, "begin:vcalendar") && !hasPrefixFold(v, "begin:vcard") {
		return false
	}
	for len(v) > 0 {
		var line []byte
		line, v, _ = bytes.Cut(v, []byte{'\n'})
		if len(line) == 0 || line[0] == '\r' || isFold(line[0]) {
			continue
		}
		name := propertyName(line)
		if name == 0 || len(v) > 0 && (name == len(line) || line[name] != ':' && line[name] != ';') {
			return false
		}
	}
	return true
}

// isFold reports whether a line that begins with b goes on with the one
// before.
func isFold(b byte) bool { return b == ' ' || b == '\t' }

// propertyName returns the length of the name that a line begins with. Cards
// have it behind that of a group: item1.TEL.
func propertyName(line []byte) int {
	i := 0
	for i < len(line) && (isLetter(line[i]) || hexValue[line[i]] < 10 || line[i] == '-' || line[i] == '.') {
		i++
	}
	return i
}

// calendar visits the properties of a stream.
func (t *Tree) calendar(n Node, v []byte) {
	at := t.pushDecoder(n, Calendar)
	for len(v) > 0 {
		mark := len(t.scratch)
		v = t.unfold(v)
		if line := t.scratch[mark:]; len(line) > 0 {
			t.property(at, line)
		}
		t.scratch = t.scratch[:mark]
	}
	t.drop(at)
}

// unfold appends the first line of v, with those that go on with it, to the
// scratch and returns the rest.
func (t *Tree) unfold(v []byte) []byte {
	for {
		line, rest, _ := bytes.Cut(v, []byte{'\n'})
		t.scratch = append(t.scratch, bytes.TrimSuffix(line, []byte{'\r'})...)
		if len(rest) == 0 || !isFold(rest[0]) {
			return rest
		}
		v = rest[1:]
	}
}

// property visits NAME;PARAM=x:value. A colon in quotes belongs to a
// parameter.
func (t *Tree) property(n Node, line []byte) {
	size := propertyName(line)
	t.visitName(n, line[:size])
	p := t.push(n, Hash, line[:size], 0)
	rest := line[size:]
	for len(rest) > 0 && rest[0] == ';' {
		var param []byte
		param, rest = cutProperty(rest[1:])
		name, value, _ := bytes.Cut(param, []byte{'='})
		if !isBare(name) {
			t.visitName(p, name)
		}
		t.leaf(p, Attr, name, 0, bytes.Trim(value, `"`))
	}
	mark := len(t.scratch)
	t.scratch = appendUnescapedText(t.scratch, bytes.TrimPrefix(rest, []byte{':'}))
	t.value(p, t.scratch[mark:])
	t.scratch = t.scratch[:mark]
	t.drop(p)
}

// cutProperty splits v in front of the next colon or semicolon outside of
// quotes.
func cutProperty(v []byte) (before, rest []byte) {
	quoted := false
	for i, b := range v {
		switch {
		case b == '"':
			quoted = !quoted
		case !quoted && (b == ':' || b == ';'):
			return v[:i], v[i:]
		}
	}
	if i := bytes.IndexByte(v, ':'); i >= 0 { // a quote that nobody closes hides no value
		return v[:i], v[i:]
	}
	return v, nil
}

// appendUnescapedText undoes the escapes of text (RFC 5545, 3.3.11).
func appendUnescapedText(dst, v []byte) []byte {
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' || i+1 == len(v) {
			dst = append(dst, v[i])
			continue
		}
		switch i++; v[i] {
		case 'n', 'N':
			dst = append(dst, '\n')
		case ',', ';', '\\', ':':
			dst = append(dst, v[i])
		default:
			dst = append(dst, '\\', v[i])
		}
	}
	return dst
}
