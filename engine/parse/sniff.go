package parse

import "math/bits"

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
	if f&hasEqual != 0 && looksForm(v, f) && !t.InArchive(n) { // programs look like forms, which nobody packs
		c |= asForm
	}
	return c
}

// codings lists the decoders in the order in which they are tried: bit i of
// a coding is the one at i.
var codings = [...]Kind{
	Percent, HTMLJS, Base64, Hex, JWT, Gzip, Charset, ViewState, JSON, XML, Multipart, GraphQL, Form, Calendar,
}

// decode visits what one decoder makes of the value v at n.
func (t *Tree) decode(n Node, v []byte, kind Kind) {
	switch kind {
	case Percent:
		t.transform(n, Percent, v, appendPercentDecoded)
	case HTMLJS:
		t.transform(n, HTMLJS, v, appendCharDecoded)
	case Base64:
		t.transform(n, Base64, v, appendBase64Decoded)
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
	t.nodes[n].container, t.nodes[n].encoded = false, false
	t.visitor.Visit(t, n, v)
}

// whole visits a value that is visited in parts too.
func (t *Tree) whole(n Node, v []byte) {
	t.spent.points++
	t.nodes[n].container = true
	t.visitor.Visit(t, n, v)
}

// value visits the value v at n: as it is, and all that it decodes to.
func (t *Tree) value(n Node, v []byte) {
	t.spent.points++
	if t.spent.points > t.limits.Points {
		t.trouble(n, TooMany, nil)
		t.visitor.Visit(t, n, v)
		return
	}
	f := traits(v)
	if t.holdsData(n, v, f) {
		t.binary(n, v, f)
		return
	}
	c := t.sniff(n, v, f)
	if c != 0 && t.Depth(n) >= t.limits.Depth {
		t.trouble(n, TooDeep, nil)
		c = 0
	}
	if c&(parted|asXML) != 0 {
		c &^= asHTMLJS // each part is decoded by itself
		switch {
		case c&parted == asForm && f&hasAmp == 0: // one pair may be an escaped text
		case c&asXML == 0 || !hasEscapedTag(v):
			c &^= asPercent
		}
	}
	// The & and ; of character references separate nothing.
	references := c&asHTMLJS != 0 && f&hasAmp != 0
	t.nodes[n].container = c&parted != 0 || references || t.nodes[n].split
	t.nodes[n].encoded = c&asHTMLJS != 0 && isCharEscapes(v)
	took := t.visitor.Visit(t, n, v)
	t.spent.effort += took
	if c != 0 {
		t.decodings(n, v, c, took)
	}
}

// maxRecurring is the length up to which names and header fields are worth
// remembering.
const maxRecurring = 512

// recurringEffort is what a byte of a value that may be remembered counts for,
// remembered or not.
const recurringEffort = 16

// recurring is value for a name or a header field. One that is known is not
// visited again, if nothing depends on it: it decodes to nothing and takes from
// no limit. Whether it is known changes neither verdict nor report.
func (t *Tree) recurring(n Node, v []byte) {
	s := t.spent
	if t.memory == nil || len(v) > maxRecurring || s.slack > 0 || s.decoded > growthSlack/2 || s.points >= t.limits.Points || t.nodes[n].opaque > 0 {
		t.anew(n, v)
		return
	}
	effort := s.effort + recurringEffort*len(v)
	if t.memory.Known(t, n, v) {
		s.points++
		s.effort = effort
		return
	}
	points, decoded, trouble := s.points, s.decoded, s.trouble
	t.anew(n, v)
	if s.points == points+1 && s.trouble == trouble && s.slack == 0 && t.memory.Remember(t, n, v) {
		s.decoded, s.effort = decoded, effort
	}
}

// anew visits a name or a header field that is not known.
func (t *Tree) anew(n Node, v []byte) {
	if base := t.nodes[n].base; base == Header || base == HeaderName {
		t.strict(n, v)
	}
	t.value(n, v)
}

// readEffort is what a decoder takes per byte, and finding out which apply.
const readEffort = 4

// decodings visits what the decoders in c make of the value v at n, which
// took some effort to visit. They share what is left of the effort for n, so
// that what one value holds, however it is encoded, takes nothing from others.
// What one of them takes beyond its share and the slack, the next one lacks.
func (t *Tree) decodings(n Node, v []byte, c coding, took int) {
	each := int32(took/len(v)) + readEffort
	whole := t.nodes[n].effort
	together := c & inPlace
	if together&(together-1) == 0 || together&asCharset != 0 && utf16Order(v) != noOrder {
		together = 0
	}
	shares := bits.OnesCount16(uint16(c))
	if together != 0 {
		shares -= bits.OnesCount16(uint16(together)) - 1
	}
	left := whole - each
	even := left / int32(shares)
	for ; c != 0; c &= c - 1 {
		bit := c & -c
		kind := codings[bits.TrailingZeros16(uint16(bit))]
		share := min(left/int32(shares), even)
		shares = max(shares-1, 1)
		if !t.visitor.Decode(t, n, kind) || !t.afford(n, len(v), share, each) {
			continue
		}
		t.nodes[n].effort = share
		before := t.spent.effort - t.spent.slack
		if bit&together != 0 {
			t.unescapeAll(n, v, together)
			c &^= together
			c |= bit // which the loop takes out
		} else {
			t.decode(n, v, kind)
		}
		t.nodes[n].effort = whole
		took := max(t.spent.effort-t.spent.slack-before, 0) / len(v)
		left -= int32(min(took, maxEffort)) + readEffort
	}
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
		kind := codings[bits.TrailingZeros16(uint16(c&-c))]
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
		t.spend(child, v, out)
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
	if ok {
		t.decoded(n, kind, v, out[mark:])
	}
	t.scratch = t.scratch[:mark]
}

// decoded visits what a decoder made of the value v at n.
func (t *Tree) decoded(n Node, kind Kind, v, out []byte) {
	child := t.pushDecoder(n, kind)
	t.spend(child, v, out)
	t.value(child, out)
	t.drop(child)
}

// spend gives the effort that is left for the bytes of v to those of out,
// which a decoder made of them. Where more came, they count as received,
// within maxGrowth.
func (t *Tree) spend(n Node, v, out []byte) {
	c := &t.nodes[n]
	if c.effort > 0 && len(out) < len(v) {
		c.effort = int32(min(int(c.effort)*len(v)/max(len(out), 1), maxEffort))
	}
}

// maxEffort is more than any byte takes.
const maxEffort = 1 << 16

// afford reports whether n bytes at a point may be decoded, left being the
// effort that is left for each of them, and each what it took to visit them
// once: what is in them is about as dear to visit again. Beyond that there is
// the slack of the request.
func (t *Tree) afford(at Node, n int, left, each int32) bool {
	s := t.spent
	if s.decoded+n > min(t.limits.Decoded, maxGrowth*s.in+growthSlack) {
		t.trouble(at, TooLong, nil)
		return false
	}
	if left < each/2 {
		if s.slack+n*int(each) > effortSlack {
			t.trouble(at, TooDear, nil)
			return false
		}
		s.slack += n * int(each)
	}
	s.decoded += n
	return true
}
