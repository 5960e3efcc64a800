package parse

import "bytes"

// maxBoundary bounds a boundary. RFC 2046, 5.1.1 allows 70 bytes; of longer
// ones only the beginning is compared.
const maxBoundary = 200

// maxPartHeader bounds the header of a part. Servers stop at 8 to 16 KB.
const maxPartHeader = 16 << 10

// looksMultipart reports whether v begins with a boundary and the header of
// a part.
func looksMultipart(v []byte) bool {
	v = trimLeft(v)
	if len(v) < 8 || v[0] != '-' || v[1] != '-' {
		return false
	}
	_, rest, found := bytes.Cut(v, []byte{'\n'})
	return found && containsFold(rest[:min(len(rest), 1024)], "content-")
}

// multipart visits the parts of a nested body.
func (t *Tree) multipart(n Node, v []byte) {
	p := multipartParser{node: t.pushDecoder(n, Multipart), part: -1}
	p.adopt(t, nil, v)
	p.feed(t, v, true)
	t.drop(p.node)
}

// A multipartParser walks the parts of a body (RFC 2046, 5.1; RFC 7578). It
// takes lines that end in LF alone, a body that ends without its last
// boundary, and parts after that; text outside of parts is visited too.
type multipartParser struct {
	node  Node
	part  Node // the part that is being read, or -1 between parts
	value Node // where its content is
	coded bool // in quoted-printable

	before int // bytes that were visited of it

	charset charset // declared outside
	delim   [maxBoundary + 3]byte
	size    int // of delim: LF, two dashes and the boundary
	begun   bool
}

// adopt settles the boundary: the declared one if the body uses it, else the
// one that the body begins with.
func (p *multipartParser) adopt(t *Tree, declared, body []byte) {
	line := trimLeft(body)
	line = bytes.TrimRight(line[:lineEnd(line)], " \t\r")
	apparent := bytes.TrimPrefix(line, []byte("--"))
	if len(apparent) == len(line) {
		apparent = nil
	}
	use := declared
	if len(declared) == 0 || len(apparent) > 0 && !bytes.Contains(body, declared) {
		use = apparent
	}
	if len(declared) > 0 && len(apparent) > 0 && !bytes.Equal(declared, apparent) {
		t.trouble(p.node, BadBoundary, line)
	}
	p.size = copy(p.delim[:], "\n--")
	p.size += copy(p.delim[p.size:], use)
}

// feed visits what buf holds and returns how much of it is done with. It
// leaves at most half a window, unless last is set.
func (p *multipartParser) feed(t *Tree, buf []byte, last bool) int {
	at := 0
	if !p.begun {
		p.begun = true
		if v := trimLeft(buf); p.size > 3 && bytes.HasPrefix(v, p.delim[1:p.size]) {
			at = len(buf) - len(v) + p.size - 1
			at += p.enter(t, buf[at:])
		}
	}
	for at < len(buf) {
		n := p.content(t, buf[at:], last || at <= len(buf)/2, last)
		if n == 0 {
			return at
		}
		at += n
	}
	if last {
		p.leave(t)
	}
	return at
}

// content reads up to the next boundary, and the header behind that. It
// returns 0 when their ends are not in sight and need not be.
func (p *multipartParser) content(t *Tree, v []byte, must, last bool) int {
	end := p.boundary(v)
	if end < 0 {
		return p.rest(t, v, must, last)
	}
	after := v[end+p.size:]
	if !must && headerEnd(after) < 0 && !hasPrefix(after, "--") {
		return 0
	}
	p.visitAll(t, bytes.TrimSuffix(v[:end], []byte{'\r'}))
	p.leave(t)
	return end + p.size + p.enter(t, after)
}

// boundary returns where the next boundary begins, at its line feed.
func (p *multipartParser) boundary(v []byte) int {
	if p.size == 3 {
		return -1
	}
	for at := 0; ; {
		i := bytes.Index(v[at:], p.delim[:p.size])
		if i < 0 {
			return -1
		}
		at += i
		if end := v[at+p.size:]; len(end) == 0 || isSpace(end[0]) || hasPrefix(end, "--") {
			return at
		}
		at++
	}
}

// rest reads content whose end is not in sight.
func (p *multipartParser) rest(t *Tree, v []byte, must, last bool) int {
	switch {
	case last:
		p.visitAll(t, v)
		return len(v)
	case !must:
		return 0
	}
	n, next := t.limits.piece(v[:max(1, len(v)-p.size-2)])
	p.visit(t, v[:max(n, next)], next)
	return next
}

func (p *multipartParser) visitAll(t *Tree, v []byte) { p.visit(t, v, len(v)) }

// visit visits content of the part, of which own bytes are not repeated, or
// text between parts.
func (p *multipartParser) visit(t *Tree, v []byte, own int) {
	if p.part >= 0 {
		t.part(p.value, v, p.before, own)
		p.before += own
		if p.coded && t.Depth(p.value) < t.limits.Depth && t.afford(p.value, len(v), readEffort*len(v)) {
			t.transform(p.value, Charset, v, appendQuotedPrintable)
		}
		return
	}
	if len(trimLeft(v)) == 0 {
		return
	}
	if f := traits(v); f&hasControl != 0 && t.holdsData(p.node, v) {
		t.binary(p.node, v, f)
		return
	}
	t.plain(p.node, v)
}

func (p *multipartParser) leave(t *Tree) {
	if p.part >= 0 {
		t.drop(p.part)
		p.part, t.written = -1, p.charset
	}
}

// headerEnd returns the length of the header of a part with the line before
// it, -1 when its end is not in sight.
func headerEnd(v []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(v[at:], '\n')
		if i < 0 {
			return -1
		}
		blank := len(bytes.TrimRight(v[at:at+i], "\r")) == 0 && at > 0
		at += i + 1
		if blank {
			return at
		}
		if at > maxPartHeader {
			return at
		}
	}
}

// enter begins the part whose boundary was just read and returns the length
// of its header.
func (p *multipartParser) enter(t *Tree, v []byte) int {
	if hasPrefix(v, "--") {
		return 2
	}
	n := headerEnd(v)
	if n < 0 {
		n = len(v)
	}
	line, header, _ := bytes.Cut(v[:n], []byte{'\n'})
	p.visitAll(t, line)
	mark := len(t.scratch)
	name, file, isFile := t.disposition(header)
	name = t.unescapeParam(name)
	t.visitName(p.node, name)
	p.part = t.push(p.node, Hash, name, 0)
	if isFile {
		t.leaf(p.part, FileName, nil, 0, t.unescapeParam(file))
	}
	t.scratch = t.scratch[:mark]
	p.coded, p.charset, p.before = false, t.written, 0
	p.fields(t, header)
	p.value = p.part
	if isFile {
		p.value = t.push(p.part, File, nil, 0)
		t.nodes[p.value].marks |= InFile
	}
	return n
}

// fields visits the header fields of a part.
func (p *multipartParser) fields(t *Tree, header []byte) {
	for len(header) > 0 {
		var line []byte
		line, header = cutField(header)
		name, value, found := bytes.Cut(line, []byte{':'})
		if len(line) == 0 {
			continue
		}
		if !found {
			name, value = nil, line
		}
		if !isBare(name) {
			t.visitName(p.part, name)
		}
		mark := len(t.scratch)
		upper := t.upper(bytes.TrimSpace(name))
		value = bytes.TrimSpace(value)
		t.leaf(p.part, Header, upper, 0, value)
		switch string(upper) {
		case "CONTENT-TYPE":
			t.written = declaredCharset(value)
		case "CONTENT-TRANSFER-ENCODING":
			p.coded = equalFold(value, "quoted-printable")
		}
		t.scratch = t.scratch[:mark]
	}
}

// cutField splits off the first field, folded lines included.
func cutField(v []byte) (field, rest []byte) {
	end := 0
	for {
		i := bytes.IndexByte(v[end:], '\n')
		if i < 0 {
			return bytes.TrimRight(v, "\r\n"), nil
		}
		end += i + 1
		if end == len(v) || v[end] != ' ' && v[end] != '\t' {
			return bytes.TrimRight(v[:end], "\r\n"), v[end:]
		}
	}
}

// disposition returns the parameters name and filename of the header of a
// part. Of repeated ones the last counts, filename* before filename, and one
// in pieces (RFC 2231, 3) before both. Pieces are joined in the scratch.
func (t *Tree) disposition(header []byte) (name, file []byte, isFile bool) {
	extended, mark := false, len(t.scratch)
	for len(header) > 0 {
		var line []byte
		line, header = cutField(header)
		field, value, _ := bytes.Cut(line, []byte{':'})
		if !equalFold(bytes.TrimSpace(field), "content-disposition") {
			continue
		}
		for len(value) > 0 {
			var key, v []byte
			key, v, value = cutParam(value)
			switch {
			case equalFold(key, "name"):
				name = v
			case equalFold(key, "name*"):
				name = trimCharset(v)
			case hasPrefixFold(key, "filename*") && len(key) > len("filename*"):
				t.scratch = append(t.scratch, v...)
				file, isFile, extended = t.scratch[mark:], true, true
			case equalFold(key, "filename*"):
				file, isFile, extended = trimCharset(v), true, true
			case hasPrefixFold(key, "filename") && !extended:
				file, isFile = v, true
			}
		}
	}
	return name, file, isFile
}

// trimCharset cuts the charset and language off an extended value
// (RFC 8187, 3.2).
func trimCharset(v []byte) []byte {
	for range 2 {
		if i := bytes.IndexByte(v, '\''); i >= 0 {
			v = v[i+1:]
		}
	}
	return v
}

// cutParam splits off the next parameter of a field such as form-data;
// name="x". The value has its quotes removed, its escapes not.
func cutParam(v []byte) (key, value, rest []byte) {
	v = bytes.TrimLeft(v, "; \t\r\n")
	i := bytes.IndexAny(v, "=;")
	if i < 0 || v[i] == ';' {
		if i < 0 {
			i = len(v)
		}
		return bytes.TrimSpace(v[:i]), nil, v[i:]
	}
	key = bytes.TrimSpace(v[:i])
	v = bytes.TrimLeft(v[i+1:], " \t")
	if len(v) > 0 && v[0] == '"' {
		end, _ := textEnd(v[1:], '"')
		if end < 0 {
			return key, v[1:], nil
		}
		return key, v[1 : end+1], v[end+2:]
	}
	end := bytes.IndexByte(v, ';')
	if end < 0 {
		end = len(v)
	}
	return key, bytes.TrimSpace(v[:end]), v[end:]
}

// unescapeParam undoes backslashes before quotes, and percent-encoding as
// browsers use it in names; the result is valid until the scratch is cut.
func (t *Tree) unescapeParam(v []byte) []byte {
	if bytes.IndexByte(v, '%') < 0 && !bytes.Contains(v, []byte(`\"`)) {
		return v
	}
	mark := len(t.scratch)
	t.scratch = appendUnescaped(t.scratch, v, false)
	return bytes.ReplaceAll(t.scratch[mark:], []byte(`\"`), []byte(`"`))
}
