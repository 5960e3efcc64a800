package parse

import "unicode/utf8"

// minBinary is the length from which on a value can be told to be data. A few
// bytes may be an attack with a few odd bytes in it.
const minBinary = 64

// isBinary reports whether v is data and no text in any charset: a twentieth
// of it are controls, or a hundredth where a quarter is no UTF-8 either. Of
// random or compressed bytes a tenth are controls. Texts in the charsets of
// Asia are no UTF-8 at all, but hold no controls.
func isBinary(v []byte) bool {
	if len(v) < minBinary {
		return false
	}
	controls := 0
	for _, b := range v {
		if isControl(b) {
			controls++
		}
	}
	if controls*100 <= len(v) || controls*20 > len(v) {
		return controls*20 > len(v)
	}
	odd := 0
	for i := 0; i < len(v); {
		n := runeLen(v[i:])
		if n == 1 && v[i] >= utf8.RuneSelf {
			odd++
		}
		i += n
	}
	return odd*4 > len(v)
}

// runeLen returns how many bytes the character takes that v begins with, 1 for
// none of UTF-8. Random bytes hardly ever begin one.
func runeLen(v []byte) int {
	if v[0] < utf8.RuneSelf || len(v) == 1 || v[1]&0xc0 != 0x80 {
		return 1
	}
	_, n := utf8.DecodeRune(v)
	return n
}

// isControl reports whether texts, with the sequences of terminals, have no
// use for b.
func isControl(b byte) bool {
	return b < ' ' && !isSpace(b) && b != '\f' && b != 0x1b || b == 0x7f
}

// What the bytes of data count for when text is looked for in it: a byte that
// is no text is outweighed by three that are, so that odd bytes hide nothing
// that stands around them. Among random bytes a text of length n is as rare
// as one in 2.5 to the power of n.
const (
	oddByte  = 3
	textEnds = 4 * oddByte // how far the count falls behind the end of a text
	minText  = 12          // the count from which on it is one
	textEdge = 8           // bytes around it that may belong to it, too
)

// nextText returns where the next text in v begins and ends, from being where
// to look for it. There is none if it is empty. Behind its end bytes are read
// twice at most: in less than minText there is no other text.
func nextText(v []byte, from int) (start, end int) {
	start, end = from, from
	for i, count, most := from, 0, 0; ; {
		if i == len(v) && most < minText {
			return i, i
		}
		if i == len(v) {
			return start, end
		}
		n := runeLen(v[i:])
		if n == 1 && !isText(v[i]) {
			count -= oddByte
		} else {
			count++
		}
		i += n
		switch {
		case count > most:
			most, end = count, i
		case count > 0 && most-count < textEnds:
		case most >= minText:
			return start, end
		default:
			start, end, count, most = i, i, 0, 0
		}
	}
}

// widened returns v[start:end] with what is around it up to two odd bytes in a
// row: a short word in front of an odd byte counts for nothing by itself.
func widened(v []byte, start, end int) []byte {
	from, to := start, end
	for i := start - 1; i >= max(0, start-textEdge) && (isText(v[i]) || i > 0 && isText(v[i-1])); i-- {
		from = i
	}
	for i := end; i < min(len(v), end+textEdge) && (isText(v[i]) || i+1 < len(v) && isText(v[i+1])); i++ {
		to = i + 1
	}
	return v[from:to]
}

// isText reports whether b alone is a character of text.
func isText(b byte) bool { return ' ' <= b && b < 0x7f || isSpace(b) }

// holdsData reports whether the value v at n, which has controls, is data: one
// of the body, or that something was decoded to. The parts of a multipart body
// may be.
func (t *Tree) holdsData(n Node, v []byte) bool {
	at := &t.nodes[n]
	return at.excerpt == 0 && at.marks&IsName == 0 && (at.base == Post || at.opaque > 0) && t.written != ebcdic && (isBinary(v) || isArchive(v) || t.continues(n, v)) && !looksMultipart(v)
}

// dataEffort is what it takes per byte to tell data and to find the texts in it.
const dataEffort = 5

// binary visits data: as it is, what it is by its format, and the texts in it
// each by itself, since all the rest of it is chance.
func (t *Tree) binary(n Node, v []byte, f trait) {
	var c coding
	switch {
	case f&hasHigh != 0 && (isGzip(v) || isZlib(v)):
		c = asGzip
	case utf16Order(v) != noOrder:
		c = asCharset
	case isViewState(v):
		c = asViewState
	case t.isSAML(n):
		c = asGzip
	}
	many := t.spent.points > t.limits.Points
	if c != 0 && t.Depth(n) >= t.limits.Depth {
		t.trouble(n, TooDeep, nil)
		c = 0
	}
	t.nodes[n].mark(IsContainer|IsEncoded|IsBinary, IsContainer|IsBinary)
	_, own := t.Extent(n, v)
	took := t.visit(n, v, own)
	if t.purse.inside > 0 {
		t.purse.room -= dataEffort * len(v)
	}
	t.nodes[n].mark(IsBinary, 0)
	if c != 0 && !many {
		t.decodings(n, v, c, took)
	}
	if !many && t.visitor.Decode(t, n, Archive) && t.Depth(n) < t.limits.Depth {
		t.archive(n, v)
		return
	}
	t.excerpts(n, v, len(v))
}

// excerpts visits the texts in v, a part of data of some size at n.
func (t *Tree) excerpts(n Node, v []byte, size int) {
	t.nodes[n].excerpt = int32(min(size, 1<<30))
	for from := 0; from < len(v); {
		start, end := nextText(v, from)
		if start < end {
			t.spent.points-- // they are parts of one
			t.value(n, widened(v, start, end))
		}
		from = end
	}
	t.nodes[n].excerpt = 0
}

// Excerpt returns the length of the data at n if the value at n is one of the
// texts in it, else 0.
func (t *Tree) Excerpt(n Node) int { return int(t.nodes[n].excerpt) }
