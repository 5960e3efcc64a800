package parse

import "bytes"

// A Field is one header field as it stood on the wire.
type Field struct {
	Name, Value []byte
}

// A Walk visits the values of one request: Target, Fields, Write for each
// chunk of the body, and Finish. Its zero value is ready for Reset. It is not
// safe for concurrent use.
type Walk struct {
	tree  Tree
	spent spending
	body  body

	decoders map[string]Opener
	pairs    paramTable // of header names
}

// Reset begins a request. Decoders open content codings beyond gzip and
// deflate, by their names in lower case.
func (w *Walk) Reset(v Visitor, l Limits, decoders map[string]Opener) {
	w.decoders = decoders
	w.body.coder.reset() // which may still hold what was borrowed
	w.spent.reset()
	l = l.fill()
	w.tree.reset(v, l, &w.spent)
	w.body.reset(v, l, &w.spent)
	w.body.purse = w.tree.purse
}

// Lend makes w borrow what decompresses from p, as others do.
func (w *Walk) Lend(p *Inflaters) { w.spent.inflaters = p }

// Points returns how many values were visited.
func (w *Walk) Points() int { return w.spent.points }

// Decoded returns how many bytes decoders produced.
func (w *Walk) Decoded() int { return w.spent.decoded }

// Target visits the request target, as it stood in the request line.
func (w *Walk) Target(target []byte) {
	t := &w.tree
	w.spent.in += len(target)
	n := t.root(URI, nil, 0)
	if bytes.ContainsAny(target, "\r\n\x00") {
		t.trouble(n, BareLine, target)
	}
	t.whole(n, target)
	path, query, found := bytes.Cut(trimAuthority(target), []byte{'?'})
	t.path(n, path, len(path) < len(target))
	if found {
		t.query(query)
	}
}

// trimAuthority cuts the scheme and authority off an absolute-form target.
func trimAuthority(target []byte) []byte {
	if len(target) == 0 || target[0] == '/' {
		return target
	}
	_, rest, found := bytes.Cut(target, []byte("://"))
	if !found || bytes.IndexByte(target, '/') != len(target)-len(rest)-2 {
		return target
	}
	if i := bytes.IndexAny(rest, "/?"); i >= 0 {
		return rest[i:]
	}
	return nil
}

// path visits a path as a whole, unless the target was nothing else, and
// its segments. It drops uri.
func (t *Tree) path(uri Node, path []byte, apart bool) {
	mark := len(t.scratch)
	before := t.purse.reserve
	t.usual = sharedByte
	if bytes.IndexByte(path, '%') >= 0 {
		t.scratch = appendUnescaped(t.scratch, path, false)
		n := t.pushDecoder(uri, Percent)
		t.wholePath(n, t.scratch[mark:])
		t.drop(n)
	} else if apart {
		t.wholePath(uri, path)
	}
	t.scratch = t.scratch[:mark]
	t.drop(uri)
	t.usual = denseByte
	kept, all := t.purse.reserve-before, max(len(path), 1)
	path = bytes.TrimPrefix(path, []byte{'/'})
	escaped := bytes.IndexByte(path, '%') >= 0
	for i := int32(0); ; i++ {
		segment, rest, found := split(path, '/')
		if !found {
			break
		}
		path = rest
		t.purse.reserve = before + kept*len(path)/all
		if len(segment) > 0 {
			t.segment(Path, i, segment, escaped)
		}
	}
	t.purse.reserve = before
	name, ext, found := bytes.Cut(path, []byte{'.'})
	t.segment(ActionName, 0, name, escaped)
	if found {
		t.segment(ActionExt, 0, ext, escaped)
	}
}

// wholePath visits a path. A long one that is all one name is decoded as that.
func (t *Tree) wholePath(n Node, path []byte) {
	if len(path) > maxMarkup && !bytes.ContainsAny(path[1:], "/.") {
		t.whole(n, path)
		return
	}
	if len(path) > maxMarkup && escapesText(path) {
		t.relay = asPercent // its segments are read as they are
	}
	t.parts = true
	t.value(n, path)
}

// escapesText reports whether all escapes in v are of printable ASCII, so that whoever
// reads them reads what stands around them as it is.
func escapesText(v []byte) bool {
	for i := 0; i+2 < len(v); i++ {
		if hi, lo := hexValue[v[i+1]], hexValue[v[i+2]]; v[i] == '%' && hi|lo < 16 && (hi < 2 || hi > 7 || hi == 7 && lo == 15) {
			return false
		}
	}
	return true
}

// segment visits a segment of a path, which may hold escapes if that does.
func (t *Tree) segment(kind Kind, i int32, v []byte, escaped bool) {
	mark := len(t.scratch)
	if escaped && bytes.IndexByte(v, '%') >= 0 {
		t.scratch = appendUnescaped(t.scratch, v, false)
		v = t.scratch[mark:]
	}
	t.leaf(-1, kind, nil, i, v)
	t.scratch = t.scratch[:mark]
}

// Fields visits the header fields and notes what they say of the body.
func (w *Walk) Fields(fields []Field) {
	t := &w.tree
	w.pairs.reset()
	for i := range fields {
		mark := len(t.scratch)
		w.pairs.add(t.upper(fields[i].Name))
		t.scratch = t.scratch[:mark]
	}
	w.pairs.counted = true
	for i := range fields {
		w.field(&fields[i])
	}
	w.Declare(fields)
}

// Declare notes what the fields say of the body, without a visit. It is to be
// called instead of Fields, or by it.
func (w *Walk) Declare(fields []Field) {
	w.body.declare(fields, w.decoders)
	w.body.purse = w.tree.purse
}

func (w *Walk) field(f *Field) {
	t := &w.tree
	w.spent.in += len(f.Name) + len(f.Value)
	mark := len(t.scratch)
	name := t.upper(f.Name)
	n := t.root(HeaderName, nil, 0)
	t.recurring(n, f.Name)
	t.drop(n)
	n = t.root(Header, name, 0)
	at := n
	if i := w.pairs.next(name); i >= 0 {
		at = t.push(n, Array, nil, i)
	}
	if string(name) == "COOKIE" {
		t.strict(at, f.Value)
		t.whole(at, f.Value)
		t.cookies(at, f.Value)
	} else {
		t.recurring(at, f.Value)
	}
	t.drop(n)
	t.scratch = t.scratch[:mark]
}

// strict reports bytes that no field may hold.
func (t *Tree) strict(n Node, v []byte) {
	if hasBareLine(v) {
		t.trouble(n, BareLine, v)
	}
}

func hasBareLine(v []byte) bool {
	return bytes.IndexByte(v, '\n') >= 0 || bytes.IndexByte(v, '\r') >= 0 || bytes.IndexByte(v, 0) >= 0
}

// upper returns v in upper case, valid until the scratch is cut.
func (t *Tree) upper(v []byte) []byte {
	mark := len(t.scratch)
	for _, b := range v {
		if 'a' <= b && b <= 'z' {
			b -= 'a' - 'A'
		}
		t.scratch = append(t.scratch, b)
	}
	return t.scratch[mark:]
}

// cookies visits the cookies of a Cookie field (RFC 6265, 4.2.1). Quotes
// around a value are not part of it.
func (t *Tree) cookies(at Node, v []byte) {
	n := t.pushDecoder(at, Cookie)
	for len(v) > 0 {
		var pair []byte
		if pair, v, _ = split(v, ';'); len(pair) == 0 {
			continue
		}
		name, value, _ := split(bytes.TrimSpace(pair), '=')
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		}
		t.visitName(n, name)
		t.leaf(n, Hash, name, 0, value)
	}
	t.drop(n)
}

// Describe says what the messages of the body are, if it is one of gRPC or
// protobuf. It is to be called before Fields.
func (w *Walk) Describe(input *Description) { w.body.input = input }

// Close ends a request that may not be finished. It lets go of buffers that few
// requests fill.
func (w *Walk) Close() {
	w.body.coder.reset()
	w.spent.giveBack(0)
	b := &w.body
	b.unfinished()
	held := w.tree.held() + b.held()
	for i := len(b.lanes) - 1; i > 0 && held > maxKept; i-- {
		held -= b.lanes[i].tree.held()
		b.lanes[i].tree = Tree{}
	}
	if ofHead := w.tree.held(); held > maxKept && held < 2*ofHead {
		held -= ofHead
		w.tree = Tree{}
	}
	if held > maxKept {
		w.body = body{}
	}
}

// unfinished lets go of what a body that ended too early left.
func (b *body) unfinished() {
	for i := range b.lanes {
		b.lanes[i].tree.roll = nil
	}
	if b.other != nil {
		b.other.unfinished()
	}
}

// maxKept is how many bytes of buffers wait for the next request: those of a
// request of a browser or an API client, and of a document that nests as deep as
// any is walked, but not of an upload.
const maxKept = 52 << 10

// held returns how many bytes the buffers of t take.
func (t *Tree) held() int {
	const nodeSize, frameSize = 64, 12
	return nodeSize*cap(t.nodes) + frameSize*cap(t.frames) + cap(t.names) + cap(t.scratch)
}

// held returns how many bytes the buffers of b take.
func (b *body) held() int {
	n := cap(b.buf)
	for i := range b.lanes {
		n += b.lanes[i].tree.held()
	}
	if b.other != nil {
		const bodySize = 13 << 10 // about
		n += bodySize + b.other.held()
	}
	return n
}
