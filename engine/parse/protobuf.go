package parse

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// protobuf visits the fields of a message, by their names where d describes
// them. Without, field 2 of a nested message in field 1 is protobuf.1.2, and
// what could be text or a message is read as both, but inside another that is.
func (t *Tree) protobuf(n Node, v []byte, d *Description) {
	at := t.pushDecoder(n, Protobuf)
	t.message(at, v, d, false)
	t.drop(at)
}

// message visits buf, the last of a body that is declared a message, by its fields.
// One of which three quarters are texts is nothing else, if it is none itself; others
// could be text to whoever does not go by what is declared.
func (l *lane) message(buf []byte) {
	if n, ok := texts(buf); !ok || n*4 < len(buf)*3 || l.before > 0 || mayBeText(buf) {
		l.tree.part(l.root, buf, l.before, len(buf))
	}
	l.tree.protobuf(l.root, buf, l.input)
}

// A wireField is a field of a message.
type wireField struct {
	number uint64
	bytes  []byte // of length-delimited fields
	scalar uint64
	width  int // of a number of fixed length, 0 for others
	size   int // of the whole field
}

// nextField reads the field that v begins with (protobuf encoding, "Message
// structure"). ok is false when there is none.
func nextField(v []byte) (f wireField, ok bool) {
	tag, n := binary.Uvarint(v)
	f.number = tag >> 3
	if n <= 0 || f.number == 0 || f.number > 1<<29 {
		return f, false
	}
	rest := v[n:]
	switch tag & 7 {
	case 0:
		x, m := binary.Uvarint(rest)
		f.scalar, f.size = x, n+m
		return f, m > 0
	case 1:
		f.scalar, f.width, f.size = fixed(rest, 8), 8, n+8
		return f, len(rest) >= 8
	case 2:
		length, m := binary.Uvarint(rest)
		if m <= 0 || length > uint64(len(rest)-m) {
			return f, false
		}
		f.bytes, f.size = rest[m:m+int(length)], n+m+int(length)
		return f, true
	case 5:
		f.scalar, f.width, f.size = fixed(rest, 4), 4, n+4
		return f, len(rest) >= 4
	}
	return f, false
}

// isMessage reports whether v is made of whole fields.
func isMessage(v []byte) bool {
	_, ok := texts(v)
	return ok
}

// texts returns how many bytes of v are values of fields that have a length. ok is false
// when v is not made of whole fields.
func texts(v []byte) (n int, ok bool) {
	for rest := v; len(rest) > 0; {
		f, ok := nextField(rest)
		if !ok {
			return 0, false
		}
		n += len(f.bytes)
		rest = rest[f.size:]
	}
	return n, len(v) > 0
}

// mayBeText reports whether buf is text, or begins as a document or form does.
func mayBeText(buf []byte) bool {
	v := trimLeft(buf)
	return utf8.Valid(buf) && !hasBinary(buf) || looksJSON(v) || looksXML(v) || looksMultipart(v) || looksForm(v, traits(v))
}

// message visits the fields of v, within which there is another message if inner is
// set. What is left when v is no message is visited as it is.
func (t *Tree) message(at Node, v []byte, d *Description, inner bool) {
	for len(v) > 0 {
		f, ok := nextField(v)
		if !ok {
			t.value(at, v)
			return
		}
		if known := d.field(f.number); known != nil {
			n := t.push(at, Hash, known.name, 0)
			if !t.described(n, f, known) {
				t.wireValue(n, f, inner)
			}
			t.drop(n)
		} else {
			var name [10]byte
			n := t.push(at, Hash, strconv.AppendUint(name[:0], f.number, 10), 0)
			t.wireValue(n, f, inner)
			t.drop(n)
		}
		v = v[f.size:]
	}
}

// wireValue visits a field of a message that nothing describes. What could be a message
// is visited as it is, too, but for one inside another, which was visited with that.
func (t *Tree) wireValue(n Node, f wireField, inner bool) {
	if f.bytes == nil {
		var digits [20]byte
		t.value(n, strconv.AppendUint(digits[:0], f.scalar, 10))
		return
	}
	if utf8.Valid(f.bytes) && !hasBinary(f.bytes) || !isMessage(f.bytes) {
		t.value(n, f.bytes)
		return
	}
	before := t.purse.room
	if !inner {
		t.value(n, f.bytes)
	}
	each := max(0, before-t.purse.room) + readEffort*len(f.bytes)
	if t.Depth(n) >= t.limits.Depth {
		t.trouble(n, TooDeep, nil)
		return
	}
	if !t.afford(n, len(f.bytes), each) {
		return
	}
	t.nodes[n].depth++
	t.purse.inside++
	t.message(n, f.bytes, nil, true)
	t.purse.inside--
}

// hasBinary reports whether v holds controls that text does not.
func hasBinary(v []byte) bool {
	for _, b := range v {
		if b < ' ' && !isSpace(b) {
			return true
		}
	}
	return false
}

// A grpcParser reads the length-prefixed messages of a gRPC body.
type grpcParser struct {
	node Node
	next int32
	left int // bytes of a message that is too long to be read whole

	input *Description // of the messages
}

// grpcPrefix is the length of what stands before a message: a flag for
// compression and a length of four bytes.
const grpcPrefix = 5

// feed visits the messages in buf and returns how much of it is done with.
func (p *grpcParser) feed(t *Tree, buf []byte, last bool) int {
	at := 0
	for at < len(buf) {
		if p.left > 0 {
			n := min(p.left, len(buf)-at)
			t.leaf(p.node, Array, nil, p.next-1, buf[at:at+n])
			p.left -= n
			at += n
			continue
		}
		rest := buf[at:]
		if len(rest) < grpcPrefix && !last {
			return at
		}
		size := len(rest)
		if len(rest) >= grpcPrefix {
			size = grpcPrefix + int(binary.BigEndian.Uint32(rest[1:]))
		}
		if size > len(rest) && !last {
			if at > len(buf)/2 {
				return at
			}
			p.left = size - grpcPrefix
			p.next++
			at += grpcPrefix
			continue
		}
		p.message(t, rest[:min(size, len(rest))])
		at += min(size, len(rest))
	}
	return at
}

func (p *grpcParser) message(t *Tree, v []byte) {
	n := p.node
	if p.next > 0 {
		n = t.push(n, Array, nil, p.next)
	}
	p.next++
	switch {
	case len(v) <= grpcPrefix || v[0] > 1 || int(binary.BigEndian.Uint32(v[1:])) != len(v)-grpcPrefix:
		t.value(n, v)
	case v[0] == 1:
		t.value(n, v[grpcPrefix:])
	default:
		t.protobuf(n, v[grpcPrefix:], p.input)
	}
	if n != p.node {
		t.drop(n)
	}
}
