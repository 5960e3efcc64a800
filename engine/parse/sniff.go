package parse

import (
	"bytes"
	"math/bits"
)

// A trait is a set of bytes that occur in a value. One pass collects them;
// they rule out most decoders for most values.
type trait uint16

const (
	hasPercent   trait = 1 << iota
	hasAmp             // &
	hasBackslash       // \
	hasEqual           // =
	hasLess            // <
	hasOpen            // { or [
	hasPlus            // + which forms read as a space
	hasDot             // .
	hasHigh            // 0x80 and up
	hasControl         // controls but tab, CR and LF
	hasSpace           // space, tab, CR, LF
	not64              // outside of both base64 alphabets, padding and white space
	notHex             // outside of 0-9 a-f A-F
	notURL             // bytes that do not occur in a urlencoded form
)

var traitsOf = buildTraits()

func buildTraits() (table [256]trait) {
	for i := range table {
		table[i] = traitOf(byte(i))
	}
	return table
}

func traitOf(b byte) trait {
	var f trait
	switch b {
	case '%':
		f |= hasPercent
	case '&':
		f |= hasAmp
	case '\\':
		f |= hasBackslash
	case '=':
		f |= hasEqual
	case '<':
		f |= hasLess
	case '{', '[':
		f |= hasOpen
	case '+':
		f |= hasPlus
	case '.':
		f |= hasDot
	case ' ', '\t', '\r', '\n':
		f |= hasSpace
	default:
		if b >= 0x80 {
			f |= hasHigh
		}
		if b < ' ' || b == 0x7f {
			f |= hasControl
		}
	}
	if base64Value[b] == 0xff && b != '=' && f&hasSpace == 0 {
		f |= not64
	}
	if hexValue[b] == 0xff {
		f |= notHex
	}
	if b <= ' ' || b >= 0x7f || b == '"' || b == '<' || b == '>' || b == '\\' || b == '^' || b == '`' || b == '{' || b == '|' || b == '}' {
		f |= notURL
	}
	return f
}

// traits returns the traits of v.
func traits(v []byte) trait {
	var f trait
	for _, b := range v {
		f |= traitsOf[b]
	}
	return f
}

// A coding is a set of decoders that may apply to a value.
type coding uint16

const (
	asPercent coding = 1 << iota
	asHTMLJS
	asBase64
	asHex
	asJWT
	asGzip
	asCharset
	asViewState
	asJSON
	asXML
	asMultipart
	asGraphQL
	asForm
	asCalendar
)

// parted are the decoders whose own syntax proves nothing once the parts
// have been visited. XML is not among them: what looks like a document may
// be the markup of an attack. The bytes of compressed data are chance.
const parted = asJSON | asForm | asMultipart | asGraphQL | asGzip | asCalendar

// shortest is the length from which anything but a percent or character
// escape can hold something worth decoding.
const shortest = 6

// sniff returns the decoders that are plausible for the value v at n.
func (t *Tree) sniff(n Node, v []byte, f trait) coding {
	var c coding
	if f&hasPercent != 0 && hasPercentEscape(v) {
		c |= asPercent
	}
	if f&(hasAmp|hasBackslash) != 0 && hasCharEscape(v) {
		c |= asHTMLJS
	}
	if len(v) < shortest {
		return c
	}
	if f&hasHigh != 0 && (isGzip(v) || isZlib(v)) {
		return c | asGzip
	}
	if t.written == ebcdic && t.nodes[n].opaque == 0 || f&(hasHigh|hasControl|hasPlus) != 0 && looksCharset(v, f) {
		c |= asCharset
	}
	if f&hasDot != 0 && looksJWT(v) {
		return c | asJWT
	}
	if f&not64 == 0 && len(v) >= minBase64 && (f&hasSpace == 0 || startsLong(v)) {
		c |= asBase64
	}
	if f&notHex == 0 && len(v) >= minHex {
		c |= asHex
	}
	if f&(hasHigh|hasControl) != 0 && isViewState(v) {
		c |= asViewState
	}
	if f&hasOpen != 0 {
		if looksJSON(v) {
			c |= asJSON
		} else if looksGraphQL(v) {
			return c | asGraphQL
		} else if brokenIntrospection(v) {
			t.trouble(n, Probing, nil)
		}
	}
	if f&hasLess != 0 && looksXML(v) {
		c |= asXML
	} else if f&hasLess != 0 && hasSplitWord(v) {
		c |= asHTMLJS
	}
	if v[0] == '-' && f&hasSpace != 0 && looksMultipart(v) {
		return c | asMultipart
	}
	if v[0]|0x20 == 'b' && f&hasSpace != 0 && looksCalendar(v) {
		return asCalendar
	}
	if f&hasEqual != 0 && (f&hasAmp != 0 || t.nodes[n].bare < maxBare) && looksForm(v, f) && !t.InArchive(n) { // programs look like forms, which nobody packs
		c |= asForm
	}
	return c
}

// codings lists the decoders in the order in which they are tried: bit i of
// a coding is the one at i.
var codings = [...]Kind{
	Percent, HTMLJS, Base64, Hex, JWT, Gzip, Charset, ViewState, JSON, XML, Multipart, GraphQL, Form, Calendar,
}

// first returns the decoder in c that is tried first.
func (c coding) first() Kind { return codings[bits.TrailingZeros16(uint16(c))] }

// decode visits what one decoder makes of the value v at n.
func (t *Tree) decode(n Node, v []byte, kind Kind) {
	switch kind {
	case Percent:
		if isRelay(v) {
			t.relay = asPercent
		}
		t.transform(n, Percent, v, appendPercentDecoded)
	case HTMLJS:
		if isCharRelay(v) {
			t.relay = asHTMLJS
		}
		t.transform(n, HTMLJS, v, appendCharDecoded)
	case Base64:
		decode := transformer(appendBase64Decoded)
		if t.isSAML(n) {
			decode = appendAnyBase64
		}
		t.transform(n, Base64, v, decode)
	case Hex:
		t.transform(n, Hex, v, appendHexDecoded)
	case JWT:
		t.jwt(n, v)
	case Gzip:
		t.inflate(n, v)
	case Charset:
		t.charset(n, v)
	case ViewState:
		t.viewState(n, v)
	case JSON:
		t.json(n, v)
	case XML:
		t.xml(n, v)
	case Multipart:
		t.multipart(n, v)
	case GraphQL:
		t.graphql(n, v)
	case Form:
		t.form(n, v)
	case Calendar:
		t.calendar(n, v)
	}
}

// plain visits the value v at n without looking into it.
func (t *Tree) plain(n Node, v []byte) {
	t.spent.points++
	t.nodes[n].mark(IsContainer|IsEncoded, 0)
	t.visit(n, v, 0)
}

// whole visits a value that is visited in parts too.
func (t *Tree) whole(n Node, v []byte) {
	t.spent.points++
	t.nodes[n].marks |= IsContainer
	t.visit(n, v, 0)
}

// value visits the value v at n: as it is, and all that it decodes to.
func (t *Tree) value(n Node, v []byte) {
	relay, parts := t.relay, t.parts
	t.relay, t.parts = 0, false
	if t.overdrawn() {
		t.trouble(n, TooDear, nil)
		return
	}
	t.spent.points++
	many := t.spent.points > t.limits.Points
	if many {
		t.trouble(n, TooMany, nil)
	}
	f := traits(v)
	if f&hasControl != 0 && t.holdsData(n, v) {
		t.binary(n, v, f)
		return
	}
	if many {
		t.visit(n, v, 0)
		return
	}
	if len(v) < shortest && f&(hasPercent|hasAmp|hasBackslash) == 0 {
		t.short(n, v)
		return
	}
	c := t.sniff(n, v, f)
	if t.namesMarkup(n) {
		c = 0
	}
	if c != 0 && t.Depth(n) >= t.limits.Depth {
		t.trouble(n, TooDeep, nil)
		c = 0
	}
	// The & and ; of character references separate nothing.
	references := c&asHTMLJS != 0 && f&hasAmp != 0
	if c&(parted|asXML) != 0 {
		c &^= asHTMLJS // each part is decoded by itself
		switch {
		case c&parted == asForm && f&hasAmp == 0: // one pair may be an escaped text
		case c&asXML == 0 || !hasEscapedTag(v):
			c &^= asPercent
		}
		if c&asJSON != 0 && c&asCharset != 0 && t.isUTF7(v) {
			c &^= asCharset
		}
	}
	at := &t.nodes[n]
	if t.pairs == paired && at.marks&isSplit != 0 && len(v) > maxMarkup {
		c &^= asPercent
	}
	var marks Marks
	if c&asXML != 0 && (references || len(v) > maxMarkup) {
		marks |= IsMarkup
	}
	if c&parted != 0 || marks != 0 || references || at.marks&isSplit != 0 {
		marks |= IsContainer
	}
	if c&asHTMLJS != 0 && isCharEscapes(v) {
		marks |= IsEncoded
	}
	at.mark(IsMarkup|IsContainer|IsEncoded, marks)
	took := 0
	if c&relay == 0 || !t.goesOn(n, v, relay) {
		_, own := t.Extent(n, v)
		t.decodes = c != 0
		took = t.visit(n, v, own)
	}
	if parts {
		t.purse.reserve += partsEffort * took
	}
	if c == asPercent && t.pairs == declaredOnly && at.marks&isSplit != 0 {
		v = seam(v)
	}
	if c != 0 {
		t.decodings(n, v, c, took)
	}
}

// short visits a value at n that is too short to decode to anything.
func (t *Tree) short(n Node, v []byte) {
	at := &t.nodes[n]
	var marks Marks
	if at.marks&isSplit != 0 {
		marks = IsContainer
	}
	at.mark(IsMarkup|IsContainer|IsEncoded, marks)
	_, own := t.Extent(n, v)
	t.visit(n, v, own)
}

// namesMarkup reports whether the value at n is a name in a body of XML. Nobody encodes
// those; of what may only look like XML they are parts of a text.
func (t *Tree) namesMarkup(n Node) bool {
	at := &t.nodes[n]
	return at.marks&IsName != 0 && at.format == XML && at.base == Post && at.depth == 1
}

// maxSeam is how far from the sign that parts a pair a text is read across it.
const maxSeam = 256

// seam returns what of a text stands around the first equals sign. As a form the
// text is two values, which are decoded by themselves.
func seam(v []byte) []byte {
	eq := bytes.IndexByte(v, '=')
	if eq < 0 {
		return v
	}
	return v[max(0, eq-maxSeam):min(len(v), eq+maxSeam)]
}

// goesOn reports whether what a decoder makes of the value v at n is going to be visited.
func (t *Tree) goesOn(n Node, v []byte, by coding) bool {
	each := readEffort * len(v)
	return t.visitor.Decode(t, n, by.first()) && t.roomToDecode(len(v)) && t.purse.room-t.kept(n, len(v), each) >= 2*each
}

// maxMarkup is the length up to which a value that is a document of markup is
// taken for a text as well: attacks that only look like one are short.
const maxMarkup = 256

// maxRecurring is the length up to which names and header fields are worth
// remembering.
const maxRecurring = 512

// What looking at a value that may be remembered counts for, remembered or not,
// and what it may take to be remembered, both per byte.
const (
	recurringEffort = 16
	mostRecurring   = 64
)

// recurring is value for a name or a header field. One that is known is not
// visited again, if nothing depends on it: it decodes to nothing, and there is
// room to find that out. Whether it is known changes neither verdict nor report.
func (t *Tree) recurring(n Node, v []byte) {
	s := t.spent
	if t.memory == nil || len(v) > maxRecurring || t.nodes[n].opaque > 0 {
		t.anew(n, v)
		return
	}
	if s.points >= t.limits.Points && t.purse.inside == 0 && t.memory.Known(t, n, v) {
		s.points++ // what is too many is not decoded, and counts for nothing
		t.trouble(n, TooMany, nil)
		return
	}
	most := mostRecurring*len(v) + growthSlack/256
	if t.purse.room-t.purse.reserve < 2*most || s.decoded > growthSlack/2 || s.points >= t.limits.Points {
		t.anew(n, v)
		return
	}
	points, decoded, trouble, before := s.points, s.decoded, s.trouble, t.purse
	if t.memory.Known(t, n, v) {
		s.points++
		t.count(len(v), recurringEffort*len(v))
		return
	}
	t.anew(n, v)
	if s.points != points+1 || s.trouble != trouble || t.purse.since(before) > most || !t.memory.Remember(t, n, v) {
		return
	}
	s.decoded, t.purse = decoded, before
	t.count(len(v), recurringEffort*len(v))
}

// anew visits a name or a header field that is not known.
func (t *Tree) anew(n Node, v []byte) {
	if base := t.nodes[n].base; base == Header || base == HeaderName {
		t.strict(n, v)
	}
	t.value(n, v)
}

// partsEffort is how often the parts of a value take what it took to visit it as a
// whole: each of them takes some more, however short it is.
const partsEffort = 2

// readEffort is what a decoder takes per byte, and finding out which apply.
const readEffort = 4

// decodings visits what the decoders in c make of the value v at n, which
// took some effort to visit. What one of them takes it leaves to the others,
// but for a look at what each makes, or an even share where that is less.
func (t *Tree) decodings(n Node, v []byte, c coding, took int) {
	p := &t.purse
	each := took + readEffort*len(v)
	together := c & inPlace
	if together&(together-1) == 0 || together&asCharset != 0 && utf16Order(v) != noOrder {
		together = 0
	}
	reserve := p.reserve
	p.inside++
	for ; c != 0; c &= c - 1 {
		bit := c & -c
		kind := bit.first()
		if bit&together != 0 {
			c = c&^together | bit // which the loop takes out
		}
		others := bits.OnesCount16(uint16(c)) - 1
		p.reserve = reserve + max(0, min(others*each, (p.room-reserve)*others/(others+1)))
		switch {
		case !t.visitor.Decode(t, n, kind) || !t.afford(n, len(v), each):
		case bit&together != 0:
			t.unescapeAll(n, v, together)
		default:
			t.decode(n, v, kind)
		}
	}
	p.inside--
	p.reserve = reserve
}

// inPlace are the decoders of single characters. What several of them make of
// a value is the same in every order, but for escapes of escapes, which the
// next round finds.
const inPlace = asPercent | asHTMLJS | asCharset

// unescapeAll visits what the decoders of single characters in c make of the
// value v at n together.
func (t *Tree) unescapeAll(n Node, v []byte, c coding) {
	mark, child := len(t.scratch), n
	out := v
	for ; c != 0; c &= c - 1 {
		kind := c.first()
		if !t.visitor.Decode(t, n, kind) {
			continue
		}
		decode := appendPercentDecoded
		switch {
		case kind == HTMLJS:
			decode = appendCharDecoded
		case kind == Charset && hasLongForm(out):
			if hasOverlong(out) {
				t.trouble(n, Overlong, out)
			}
			decode = appendShortForms
		case kind == Charset:
			decode = appendUTF7
		}
		from := len(t.scratch)
		t.scratch, _ = decode(t.scratch, out)
		out = t.scratch[from:]
		child = t.pushDecoder(child, kind)
	}
	if child != n {
		t.spend(v, out)
		t.value(child, out)
		t.drop(n + 1)
	}
	t.scratch = t.scratch[:mark]
}

// A transformer appends what it decodes from v to dst. It reports false when
// v does not hold what the decoder is for.
type transformer func(dst, v []byte) ([]byte, bool)

// transform visits what a decoder that never expands makes of v.
func (t *Tree) transform(n Node, kind Kind, v []byte, decode transformer) {
	mark := len(t.scratch)
	out, ok := decode(t.scratch, v)
	t.scratch = out
	if !ok {
		out = out[:mark]
	}
	t.spent.decoded -= len(v) - (len(out) - mark) // it was counted as not shrinking
	if ok {
		t.decoded(n, kind, v, out[mark:])
	}
	t.scratch = t.scratch[:mark]
}

// decoded visits what a decoder made of the value v at n.
func (t *Tree) decoded(n Node, kind Kind, v, out []byte) {
	child := t.pushDecoder(n, kind)
	t.spend(v, out)
	t.purse.inside++
	t.value(child, out)
	t.purse.inside--
	t.drop(child)
}

// spend counts what a decoder made of v beyond what v has as received.
func (t *Tree) spend(v, out []byte) {
	more := max(0, len(out)-len(v))
	t.purse.grown += more
	t.purse.room += t.allow(more)
}

// overdrawn reports whether decoders took all that they may. Then what they go on
// to find is not visited.
func (t *Tree) overdrawn() bool { return t.purse.inside > 0 && t.purse.room < 0 }

// kept returns the effort that waits for others than n bytes at a point, each being
// what it took to visit and read them.
func (t *Tree) kept(at Node, n, each int) int {
	if t.Depth(at) < shallow || each > encodedEffort*n+encodedValue {
		return t.purse.reserve + t.purse.deep
	}
	return t.purse.reserve
}

// afford reports whether n bytes at a point may be decoded, each being what it
// took to visit and read them: what is in them is about as dear to visit again.
// It is 0 for what is always worth it.
func (t *Tree) afford(at Node, n, each int) bool {
	if !t.roomToDecode(n) {
		t.trouble(at, TooLong, nil)
		return false
	}
	if each > 0 && t.purse.room-t.kept(at, n, each) < each/2 {
		t.trouble(at, TooDear, nil)
		return false
	}
	t.spent.decoded += n
	t.purse.room -= readEffort * n
	return true
}

// roomToDecode reports whether decoders may produce n bytes more.
func (t *Tree) roomToDecode(n int) bool {
	s := t.spent
	return s.decoded+n <= min(t.limits.Decoded, maxGrowth*s.in+growthSlack)
}
