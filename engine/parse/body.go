package parse

import "bytes"

// A body cuts what it is given into windows at offsets that depend on
// nothing but the bytes, and feeds them to the parsers that the declared and
// the apparent type ask for.
type body struct {
	buf      []byte
	declared format
	boundary []byte // declared; borrowed from the fields
	begun    bool
	lanes    [2]lane
	used     int // lanes in use
	visitor  Visitor
	limits   Limits
	spent    *spending
}

// A format is a way to read a whole body.
type format uint8

const (
	raw format = iota
	formFormat
	jsonFormat
	xmlFormat
	multipartFormat
)

// A lane is one reading of the body. It has a tree of its own, because it is
// kept from window to window.
type lane struct {
	format format
	tree   Tree
	at     int // bytes of the buffer that are done with
	form   formParser
	json   jsonParser
	xml    xmlParser
	parts  multipartParser
}

func (b *body) reset(v Visitor, l Limits, s *spending) {
	b.buf, b.declared, b.boundary, b.begun, b.used = b.buf[:0], raw, nil, false, 0
	b.visitor, b.limits, b.spent = v, l, s
}

// declare takes from the header fields what they say of the body.
func (b *body) declare(t *Tree, fields []Field) {
	for i := range fields {
		if equalFold(fields[i].Name, "content-type") {
			b.declared = declaredFormat(fields[i].Value)
			b.boundary = declaredBoundary(fields[i].Value)
		}
	}
}

func declaredBoundary(v []byte) (boundary []byte) {
	for len(v) > 0 {
		var key, value []byte
		key, value, v = cutParam(v)
		if equalFold(key, "boundary") || equalFold(key, "boundary*") || equalFold(key, "boundary*0") {
			boundary = value
		}
	}
	return boundary
}

func declaredFormat(v []byte) format {
	kind, _, _ := bytes.Cut(v, []byte{';'})
	kind = bytes.TrimSpace(kind)
	switch {
	case containsFold(kind, "x-www-form-urlencoded"):
		return formFormat
	case containsFold(kind, "json"):
		return jsonFormat
	case hasPrefixFold(kind, "multipart/"):
		return multipartFormat
	case containsFold(kind, "/xml"), containsFold(kind, "+xml"), containsFold(kind, "soap"):
		return xmlFormat
	}
	return raw
}

// equalFold compares with a lower-case word.
func equalFold(v []byte, word string) bool {
	return len(v) == len(word) && hasPrefixFold(v, word)
}

func hasPrefixFold(v []byte, word string) bool {
	if len(v) < len(word) {
		return false
	}
	for i := range len(word) {
		b := v[i]
		if 'A' <= b && b <= 'Z' {
			b |= 0x20
		}
		if b != word[i] {
			return false
		}
	}
	return true
}

func containsFold(v []byte, word string) bool {
	for len(v) >= len(word) {
		if hasPrefixFold(v, word) {
			return true
		}
		v = v[1:]
	}
	return false
}

// Write takes the next bytes of the body.
func (w *Walk) Write(chunk []byte) {
	b := &w.body
	for len(chunk) > 0 {
		n := min(len(chunk), b.limits.Window-len(b.buf))
		b.buf = append(b.buf, chunk[:n]...)
		chunk = chunk[n:]
		w.spent.in += n
		if len(b.buf) == b.limits.Window {
			b.flush(false)
		}
	}
}

// Finish ends the body.
func (w *Walk) Finish() {
	if len(w.body.buf) > 0 || w.body.begun {
		w.body.flush(true)
	}
}

// flush feeds the window to all lanes and keeps what they are not done with.
func (b *body) flush(last bool) {
	if !b.begun {
		b.begin()
	}
	done := len(b.buf)
	for i := range b.used {
		l := &b.lanes[i]
		l.at += l.feed(b.buf[l.at:], last)
		done = min(done, l.at)
	}
	b.buf = append(b.buf[:0], b.buf[done:]...)
	for i := range b.used {
		b.lanes[i].at -= done
	}
}

// begin opens the lanes, knowing the first window.
func (b *body) begin() {
	b.begun = true
	seen := b.apparent()
	if b.declared != raw {
		b.open(b.declared)
	}
	if seen != b.declared && seen != raw {
		b.open(seen)
	}
	if b.used == 0 {
		b.open(raw)
	}
}

// apparent guesses the format from the first window.
func (b *body) apparent() format {
	switch f := traits(b.buf); {
	case looksJSON(b.buf):
		return jsonFormat
	case looksXML(b.buf):
		return xmlFormat
	case looksMultipart(b.buf):
		return multipartFormat
	case looksForm(b.buf, f):
		return formFormat
	}
	return raw
}

func (b *body) open(f format) {
	l := &b.lanes[b.used]
	b.used++
	l.format, l.at = f, 0
	l.tree.reset(b.visitor, b.limits, b.spent)
	root := l.tree.root(Post, nil, 0)
	switch f {
	case formFormat:
		l.form = formParser{node: l.tree.pushDecoder(root, Form)}
	case jsonFormat:
		l.json = newJSONParser(&l.tree, l.tree.pushDecoder(root, JSON))
	case xmlFormat:
		l.xml = newXMLParser(&l.tree, l.tree.pushDecoder(root, XML))
	case multipartFormat:
		l.parts = multipartParser{node: l.tree.pushDecoder(root, Multipart), part: -1}
		l.parts.adopt(&l.tree, b.boundary, b.buf)
	}
}

// feed gives a window to the lane's parser and returns how much of it is
// done with.
func (l *lane) feed(buf []byte, last bool) int {
	switch l.format {
	case formFormat:
		return l.form.feed(&l.tree, buf, last)
	case jsonFormat:
		return l.json.feed(&l.tree, buf, last)
	case xmlFormat:
		return l.xml.feed(&l.tree, buf, last)
	case multipartFormat:
		return l.parts.feed(&l.tree, buf, last)
	}
	l.tree.value(0, buf)
	if last {
		return len(buf)
	}
	return len(buf) - l.tree.limits.Overlap
}
