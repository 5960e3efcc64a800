package parse

import "bytes"

// A body cuts what it is given into windows at offsets that depend on
// nothing but the bytes, and feeds them to the parsers that the declared and
// the apparent type ask for.
type body struct {
	buf      []byte
	declared format
	kind     []byte // declared; borrowed from the fields
	boundary []byte // of parts
	second   []byte // another boundary that servers may go by, nil for none
	joined   [maxBoundary]byte
	codings  []Opener // of the content, the last applied first
	coder    coder
	wrapped  bool         // the coding was not declared
	charset  charset      // declared
	call     call         // declared
	input    *Description // of its messages, nil for not known
	recoder  recoder      // from another charset, to other
	recoded  bool         // this is the other of a body
	other    *body        // the same body in UTF-8; kept from request to request
	begun    bool
	lanes    [3]lane
	used     int // lanes in use
	visitor  Visitor
	limits   Limits
	spent    *spending
	purse    purse // what the head of the request left
}

// A format is a way to read a whole body.
type format uint8

const (
	raw format = iota
	formFormat
	jsonFormat
	xmlFormat
	multipartFormat
	grpcFormat
	protobufFormat
	graphqlFormat // raw, whatever else it looks like
)

// A lane is one reading of the body. It has a tree of its own, because it is
// kept from window to window.
type lane struct {
	format format
	opaque bool // only another charset makes sense of it
	tree   Tree
	root   Node
	at     int          // bytes of the buffer that are done with
	before int          // of a raw body, bytes that were visited
	input  *Description // of a message
	form   formParser
	json   jsonParser
	xml    xmlParser
	parts  multipartParser
	grpc   grpcParser
}

func (b *body) reset(v Visitor, l Limits, s *spending) {
	b.buf, b.declared, b.begun, b.used = b.buf[:0], raw, false, 0
	b.kind, b.boundary, b.second = nil, nil, nil
	b.codings, b.wrapped, b.recoded = nil, false, false
	b.charset, b.recoder, b.call, b.input = ascii, recoder{}, call{}, nil
	b.coder.reset()
	b.visitor, b.limits, b.spent = v, l, s
}

// declare takes from the header fields what they say of the body, and what
// servers may disagree about: where it ends and what it is.
func (b *body) declare(fields []Field, registered map[string]Opener) {
	var lengths, codings, types int
	for i := range fields {
		f := &fields[i]
		switch {
		case equalFold(f.Name, "content-type"):
			types++
			b.declared = declaredFormat(f.Value)
			b.kind = f.Value
			b.charset = declaredCharset(f.Value)
		case equalFold(f.Name, "content-length"):
			lengths++
		case len(f.Name) > 3 && f.Name[3] == '-':
			if !b.call.note(f) {
				b.trouble(Mismatch)
			}
		case equalFold(f.Name, "transfer-encoding"):
			codings++
		case equalFold(f.Name, "content-encoding"):
			open, ok := b.spent.openers(f.Value, registered)
			b.codings = append(open, b.codings...)
			if !ok || len(b.codings) > maxCodings {
				b.codings = nil
				b.trouble(Undecodable)
			}
		}
	}
	if lengths > 1 || codings > 1 || lengths > 0 && codings > 0 {
		b.trouble(TwoLengths)
	}
	if types > 1 {
		b.trouble(TwoTypes)
	}
}

// maxTypeParams bounds the parameters of a content type that are looked for
// boundaries: each may cost a look at the first window.
const maxTypeParams = 16

// settle finds the boundaries that servers may take from the content type:
// the first, the last, the one in pieces (RFC 2231, 3), the one with a
// charset. Those that the body uses count; the first declared does, if it
// uses none.
func (b *body) settle() {
	v, joined := b.kind, b.joined[:0]
	for i := 0; len(v) > 0 && i < maxTypeParams; i++ {
		var key, value []byte
		key, value, v = cutParam(v)
		switch {
		case equalFold(key, "boundary*"):
			b.consider(trimCharset(value))
		case hasPrefixFold(key, "boundary*"):
			joined = append(joined, value[:min(len(value), cap(joined)-len(joined))]...)
		case equalFold(key, "boundary"):
			b.consider(value)
		}
	}
	b.consider(joined)
}

// consider takes a boundary that is declared.
func (b *body) consider(boundary []byte) {
	switch {
	case len(boundary) == 0:
	case len(b.boundary) == 0 || !b.uses(b.boundary) && b.uses(boundary):
		b.boundary = boundary
	case !bytes.Equal(b.boundary, boundary) && b.uses(boundary):
		b.second = boundary
	}
}

// uses reports whether a line of the first window is the boundary.
func (b *body) uses(boundary []byte) bool {
	for v := b.buf; ; {
		i := bytes.Index(v, boundary)
		if i < 0 {
			return false
		}
		before := v[:i]
		v = v[i+len(boundary):]
		if bytes.HasSuffix(before, []byte("--")) && (len(v) == 0 || isSpace(v[0]) || hasPrefix(v, "--")) {
			return true
		}
	}
}

func declaredFormat(v []byte) format {
	kind, _, _ := bytes.Cut(v, []byte{';'})
	kind = bytes.TrimSpace(kind)
	switch {
	case containsFold(kind, "x-www-form-urlencoded"):
		return formFormat
	case containsFold(kind, "json"):
		return jsonFormat
	case containsFold(kind, "graphql"):
		return graphqlFormat
	case hasPrefixFold(kind, "application/grpc") && !containsFold(kind, "text"), hasPrefixFold(kind, "application/connect+proto"):
		return grpcFormat
	case containsFold(kind, "protobuf"), hasPrefixFold(kind, "application/proto"):
		return protobufFormat
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
	if len(b.codings) == 0 {
		b.write(chunk)
		return
	}
	if b.coder.next == nil {
		b.coder.start(b)
	}
	b.coder.write(chunk, b.write)
}

// Finish ends the body.
func (w *Walk) Finish() {
	b := &w.body
	if b.coder.next != nil {
		b.coder.finish()
	}
	if len(b.buf) > 0 || b.begun {
		b.flush(true)
	}
	if b.recoder.from != ascii {
		b.other.flush(true)
	}
}

// write fills the window.
func (b *body) write(chunk []byte) {
	for len(chunk) > 0 {
		n := min(len(chunk), b.limits.Window-len(b.buf))
		b.buf = append(b.buf, chunk[:n]...)
		if b.begun {
			b.recode(chunk[:n])
		}
		chunk = chunk[n:]
		b.spent.in += n
		if len(b.buf) == b.limits.Window {
			b.flush(false)
		}
	}
}

// writeDecoded fills the window with what a decoder produced.
func (b *body) writeDecoded(chunk []byte) {
	b.spent.decoded += len(chunk)
	b.write(chunk)
}

// trouble reports trouble with the body as a whole.
func (b *body) trouble(what Trouble) {
	t := &b.lanes[0].tree
	if b.used == 0 {
		t.reset(b.visitor, b.limits, b.spent)
		n := t.root(Post, nil, 0)
		t.trouble(n, what, nil)
		t.drop(n)
		return
	}
	t.trouble(0, what, nil)
}

// flush feeds the window to all lanes and keeps what they are not done with.
func (b *body) flush(last bool) {
	if !b.begun {
		if b.unwrap(last) && !last {
			return
		}
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

// unwrap decodes a body that is compressed without saying so. The window
// then holds what came of it.
func (b *body) unwrap(last bool) bool {
	if b.codings != nil || !isGzip(b.buf) {
		return false
	}
	encoded := b.buf
	b.buf, b.wrapped, b.codings = nil, true, append(b.codings, b.spent.openGzip)
	b.coder.start(b)
	b.coder.write(encoded, b.write)
	if last {
		b.coder.finish()
	}
	return true
}

// begin opens a lane for what the body is declared to be and one for what it
// looks like, knowing the first window.
func (b *body) begin() {
	b.begun = true
	if b.startRecoding(); b.wide() {
		b.open(raw)
	} else {
		b.openReadings()
	}
	for i := range b.used {
		t := &b.lanes[i].tree
		t.effort, t.purse = t.effort/b.used, b.purse.share(b.used)
		if b.used > 1 {
			t.usual = sharedByte
		}
	}
}

// openReadings opens the lanes of a body whose bytes make sense as they are.
func (b *body) openReadings() {
	seen := b.apparent()
	if b.declared == multipartFormat || seen == multipartFormat {
		b.settle()
		if seen == raw && len(b.boundary) > 0 && b.uses(b.boundary) {
			seen = b.declared // text before the first part
		}
	}
	if b.declared != raw {
		b.open(b.declared)
	}
	if seen != b.declared || b.used == 0 {
		b.open(seen)
	}
	if b.declared == multipartFormat && b.second != nil {
		b.boundary = b.second
		b.open(multipartFormat)
	}
}

// wide reports whether the body is in UTF-16, so that nobody makes sense of it as
// it is.
func (b *body) wide() bool {
	return b.recoder.from >= utf16le && bytes.IndexByte(b.buf[:min(len(b.buf), 8)], 0) >= 0
}

// startRecoding begins to read the body in another charset too, where it is
// declared or apparent. The buffer holds all that came so far.
func (b *body) startRecoding() {
	if b.recoded || b.declared == grpcFormat || b.declared == protobufFormat {
		return
	}
	from := b.charset
	if seen := apparentCharset(b.buf); seen != ascii {
		from = seen // utf-16 may mean either order
	}
	if from == ascii {
		return
	}
	if b.other == nil {
		b.other = new(body)
	}
	b.recoder.from = from
	b.other.reset(b.visitor, b.limits, b.spent)
	b.purse = b.purse.share(2)
	b.other.purse = b.purse
	b.other.recoded, b.other.wrapped = true, b.wrapped
	b.other.declared, b.other.kind, b.other.call = b.declared, b.kind, b.call
	b.recode(b.buf)
}

// recode passes bytes on to the other reading of the body.
func (b *body) recode(v []byte) {
	var block [1024]byte
	for b.recoder.from != ascii && len(v) > 0 {
		n := min(len(v), len(block)/3) // a byte becomes three at most
		b.other.writeDecoded(b.recoder.append(block[:0], v[:n]))
		v = v[n:]
	}
}

// apparent guesses the format from the first window.
func (b *body) apparent() format {
	switch f := traits(b.buf); {
	case b.declared == grpcFormat || b.declared == protobufFormat:
		return b.declared // binary; any other look is chance
	case looksJSON(b.buf):
		return jsonFormat
	case looksXML(b.buf):
		return xmlFormat
	case looksMultipart(b.buf):
		return multipartFormat
	case looksForm(b.buf, f) && !isBinary(b.buf):
		return formFormat
	case b.declared == graphqlFormat:
		return graphqlFormat
	case b.declared == raw && looksPair(b.buf) && !isBinary(b.buf):
		return formFormat
	}
	return raw
}

func (b *body) open(f format) {
	l := &b.lanes[b.used]
	b.used++
	l.format, l.at, l.before = f, 0, 0
	l.input = b.input
	l.tree.reset(b.visitor, b.limits, b.spent)
	root := l.tree.root(Post, nil, 0)
	if b.wrapped {
		root = l.tree.pushDecoder(root, Gzip)
	}
	if b.recoded {
		root = l.tree.pushDecoder(root, Charset)
	}
	if f == formFormat || f == multipartFormat {
		l.tree.written = b.charset // of values: documents are in it, or not, as a whole
	}
	l.opaque = b.wide()
	l.root = root
	if f == raw && b.used > 1 {
		l.tree.nodes[root].marks |= isSplit
		l.tree.pairs = b.pairing()
	}
	switch f {
	case formFormat:
		l.form = formParser{node: l.tree.pushDecoder(root, Form)}
	case jsonFormat:
		l.json = newJSONParser(&l.tree, l.tree.pushDecoder(root, JSON))
		if l.json.outer = true; b.call.said {
			l.tree.call = &b.call
		}
	case grpcFormat:
		l.grpc = grpcParser{node: l.tree.pushDecoder(root, GRPC), input: b.input}
	case xmlFormat:
		l.xml = newXMLParser(&l.tree, l.tree.pushDecoder(root, XML))
	case multipartFormat:
		l.parts = multipartParser{node: l.tree.pushDecoder(root, Multipart), part: -1}
		l.parts.adopt(&l.tree, b.boundary, b.buf)
	}
}

// pairing says whether the text of the body is declared a form, and begins as one.
func (b *body) pairing() pairing {
	switch {
	case b.declared != formFormat:
		return unpaired
	case beginsPair(b.buf):
		return paired
	}
	return declaredOnly
}

// feed gives a window to the lane's parser and returns how much of it is
// done with.
func (l *lane) feed(buf []byte, last bool) int {
	switch l.format {
	case formFormat:
		return l.form.feed(&l.tree, buf, last)
	case jsonFormat:
		return l.json.feed(&l.tree, buf, last)
	case grpcFormat:
		return l.grpc.feed(&l.tree, buf, last)
	case xmlFormat:
		n := l.xml.feed(&l.tree, buf, last)
		if l.xml.noise {
			l.tree.trouble(l.root, BadXML, nil)
		}
		return n
	case multipartFormat:
		return l.parts.feed(&l.tree, buf, last)
	}
	if l.opaque {
		l.tree.plain(l.root, buf)
		return len(buf)
	}
	if !last {
		n, next := l.tree.limits.piece(buf)
		l.tree.part(l.root, buf[:max(n, next)], l.before, next)
		l.before += next
		return next
	}
	if l.format == protobufFormat {
		l.message(buf)
		return len(buf)
	}
	l.tree.part(l.root, buf, l.before, len(buf))
	return len(buf)
}
