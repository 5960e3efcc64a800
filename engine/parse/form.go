package parse

import "bytes"

// looksForm reports whether v reads like name=value pairs of a form.
func looksForm(v []byte, f trait) bool {
	if f&notURL != 0 && f&hasAmp == 0 {
		return false
	}
	eq := 0
	for eq < len(v) && isNameByte(v[eq]) {
		eq++
	}
	if eq == 0 || eq > maxName || eq+1 >= len(v) || v[eq] != '=' || v[eq+1] == '=' {
		return false
	}
	amp := bytes.IndexByte(v, '&')
	return amp < 0 || amp > eq && bytes.IndexByte(v[amp:], '=') > 0
}

// beginsPair reports whether v begins with a name in which nothing is escaped and
// an equals sign.
func beginsPair(v []byte) bool {
	eq := 0
	for eq < len(v) && isNameByte(v[eq]) && v[eq] != '%' {
		eq++
	}
	return eq > 0 && eq <= maxName && eq < len(v) && v[eq] == '='
}

// maxBare is how many forms are read in each other where nothing is escaped and
// one pair is all of each: a=b=c. What is a form more often has escapes.
const maxBare = 2

// maxPair bounds a body that is taken for one pair of a form although it has
// bytes that forms escape.
const maxPair = 1024

// looksPair reports whether v is one line that begins with a name and an
// equals sign, as programs write forms that escape nothing.
func looksPair(v []byte) bool {
	eq := 0
	for eq < len(v) && isBareByte(v[eq]) {
		eq++
	}
	return eq > 0 && eq <= maxName && eq+1 < len(v) && v[eq] == '=' && v[eq+1] != '=' && len(v) <= maxPair &&
		bytes.IndexByte(bytes.TrimRight(v, "\r\n"), '\n') < 0
}

func isNameByte(b byte) bool { return isBareByte(b) || b == '.' || b == '[' || b == ']' || b == '%' }

// form visits the pairs of a nested form.
func (t *Tree) form(n Node, v []byte) {
	p := formParser{node: t.pushDecoder(n, Form)}
	p.feed(t, v, true)
	t.drop(p.node)
}

// query visits the parameters of a request target.
func (t *Tree) query(v []byte) {
	p := formParser{node: -1}
	p.feed(t, v, true)
}

// A formParser reads name=value pairs that are joined by &: a query when node
// is negative, else a form.
type formParser struct {
	node   Node
	fed    bool // there was input before
	params paramTable

	joinable int // bytes of values that are joined whatever the others took

	// Of a value that is longer than a window:
	inValue bool
	name    [maxName]byte
	nameLen int
	index   int32
	before  int // bytes that were visited of it
}

// feed visits the pairs in buf and returns how much of it is done with. It
// leaves at most half a window, unless last is set.
func (p *formParser) feed(t *Tree, buf []byte, last bool) int {
	p.params.reset()
	if !p.fed && last {
		p.count(t, buf)
	}
	p.fed = true
	at := 0
	for at < len(buf) {
		end := bytes.IndexByte(buf[at:], '&')
		if end < 0 && !last {
			return p.partial(t, buf, at)
		}
		pair := buf[at:]
		if end >= 0 {
			pair = buf[at : at+end]
			at++
		}
		at += len(pair)
		p.pair(t, pair)
	}
	if p.params.repeated {
		p.pollute(t, buf)
	}
	return at
}

// split is bytes.Cut for one byte, which often is near.
func split(v []byte, sep byte) (before, after []byte, found bool) {
	for i, b := range v[:min(len(v), splitNear)] {
		if b == sep {
			return v[:i], v[i+1:], true
		}
	}
	if i := bytes.IndexByte(v, sep); i >= 0 {
		return v[:i], v[i+1:], true
	}
	return v, nil, false
}

// splitNear is how far bytes are looked at one by one.
const splitNear = 8

// partial deals with a pair whose end is not in sight.
func (p *formParser) partial(t *Tree, buf []byte, at int) int {
	if at > len(buf)/2 {
		return at
	}
	cut := cutBefore(buf, '%', 6)
	if !p.inValue {
		name, _, found := split(buf[at:cut], '=')
		p.begin(t, name)
		p.inValue = true
		if !found {
			return max(at, cut-t.limits.Overlap)
		}
		if at += len(name) + 1; at == cut {
			return at
		}
	}
	n, next := t.limits.piece(buf[at:cut])
	p.visit(t, p.name[:p.nameLen], buf[at:at+max(n, next)], next, p.index)
	return at + next
}

// cutBefore returns a length of buf that does not end in an escape that
// begins with mark and is at most n bytes long.
func cutBefore(buf []byte, mark byte, n int) int {
	tail := max(0, len(buf)-n+1)
	if i := bytes.LastIndexByte(buf[tail:], mark); i >= 0 {
		return tail + i
	}
	return len(buf)
}

func (p *formParser) pair(t *Tree, pair []byte) {
	if p.inValue {
		p.visit(t, p.name[:p.nameLen], pair, len(pair), p.index)
		p.inValue, p.before = false, 0
		return
	}
	if len(pair) == 0 {
		return
	}
	name, value, found := split(pair, '=')
	p.begin(t, name)
	if found {
		p.visit(t, p.name[:p.nameLen], value, len(value), p.index)
	}
}

// begin visits a name and keeps it for the value that comes next.
func (p *formParser) begin(t *Tree, name []byte) {
	mark := len(t.scratch)
	name = t.unescape(name)
	t.visitName(p.node, name)
	p.keep(name)
	p.index = p.params.next(name)
	t.scratch = t.scratch[:mark]
}

// keep copies the name of the value that comes next.
func (p *formParser) keep(name []byte) { p.nameLen = copy(p.name[:], name) }

// visitName visits the name of a parameter or member under parent.
func (t *Tree) visitName(parent Node, name []byte) {
	kind := HashName
	if parent < 0 {
		kind = GetName
	}
	n := t.push(parent, kind, nil, 0)
	t.recurring(n, name)
	t.drop(n)
}

// visit visits a value, or a part of which own bytes are not repeated, at the
// point that its name stands for. Of a repeated name, index counts; it is
// negative for a name that occurs once.
func (p *formParser) visit(t *Tree, name, value []byte, own int, index int32) {
	mark := len(t.scratch)
	raw := value
	if own < len(value) {
		own = len(t.unescape(value[:own]))
		t.scratch = t.scratch[:mark]
	}
	value = t.unescape(value)
	escapes := len(raw) - len(value)
	t.spare(escapes)
	bare, brackets := cutBrackets(name)
	n := p.push(t, bare)
	if t.nodes[n].bare++; escapes > 0 {
		t.nodes[n].bare = 0
	}
	at := n
	for len(brackets) > 0 {
		var sub []byte
		sub, brackets = nextBracket(brackets)
		if len(sub) > 0 {
			at = t.push(at, Hash, sub, 0)
			continue
		}
		at = t.push(at, Array, nil, max(index, 0))
		index = -1
	}
	if index >= 0 {
		at = t.push(at, Array, nil, index)
	}
	if p.inValue {
		own = min(own, len(value))
		t.part(at, value, p.before, own)
		p.before += own
	} else {
		t.value(at, value)
	}
	if hasUTF7(raw) {
		t.unescapedUTF7(at, raw)
	}
	t.drop(n)
	t.scratch = t.scratch[:mark]
}

// unescapedUTF7 visits a value whose + is that of UTF-7 and not a space.
func (t *Tree) unescapedUTF7(at Node, raw []byte) {
	if t.Depth(at) >= t.limits.Depth || !t.afford(at, len(raw), readEffort*len(raw)) {
		return
	}
	mark := len(t.scratch)
	t.scratch = appendUnescaped(t.scratch, raw, false)
	t.transform(at, Charset, t.scratch[mark:], appendUTF7)
	t.scratch = t.scratch[:mark]
}

func (p *formParser) push(t *Tree, name []byte) Node {
	if p.node < 0 {
		return t.root(Get, name, 0)
	}
	return t.push(p.node, Hash, name, 0)
}

// cutBrackets splits p[x][] into p and [x][].
func cutBrackets(name []byte) (bare, brackets []byte) {
	i := bytes.IndexByte(name, '[')
	if i <= 0 || name[len(name)-1] != ']' {
		return name, nil
	}
	return name[:i], name[i:]
}

// nextBracket splits [x][y] into x and [y].
func nextBracket(b []byte) (sub, rest []byte) {
	end := bytes.IndexByte(b, ']')
	if end < 0 || b[0] != '[' {
		return b, nil
	}
	return b[1:end], b[end+1:]
}

// unescape undoes urlencoding; the result is valid until the scratch is cut.
func (t *Tree) unescape(v []byte) []byte {
	for _, b := range v {
		if b == '%' || b == '+' {
			mark := len(t.scratch)
			t.scratch = appendUnescaped(t.scratch, v, true)
			return t.scratch[mark:]
		}
	}
	return v
}

// count fills the table of names, so that the first of several values is
// known to be one.
func (p *formParser) count(t *Tree, buf []byte) {
	for len(buf) > 0 {
		var pair []byte
		pair, buf, _ = split(buf, '&')
		if len(pair) == 0 {
			continue
		}
		name, _, _ := split(pair, '=')
		mark := len(t.scratch)
		p.params.add(t.unescape(name))
		t.scratch = t.scratch[:mark]
	}
	p.params.counted = true
}

// maxPolluted is how many repeated names per form are read joined. Each
// costs one more look at the form.
const maxPolluted = 4

// pollute visits the values of a repeated name joined by commas, as ASP and
// some proxies read them. Names with brackets are arrays and not joined.
func (p *formParser) pollute(t *Tree, buf []byte) {
	done := 0
	p.joinable = maxJoinable
	for i := range p.params.slots {
		s := &p.params.slots[i]
		if s.total < 2 || done == maxPolluted {
			continue
		}
		done++
		mark := len(t.scratch)
		name := t.appendJoined(buf, s.hash)
		joined := t.scratch[mark:]
		if len(name) > 0 && name[len(name)-1] != ']' {
			p.keep(t.unescape(name))
			p.joined(t, joined)
		}
		t.scratch = t.scratch[:mark]
	}
}

// joined visits the values of the name that is kept once more, joined to v: long ones
// unless other values took what the request may take, but for the part of deep layers.
func (p *formParser) joined(t *Tree, v []byte) {
	n := p.push(t, p.name[:p.nameLen])
	each := joinedEffort * len(v)
	switch {
	case t.Depth(n) > 1:
	case len(v) <= p.joinable:
		each = 0
		p.joinable -= len(v)
	default:
		each = readEffort * len(v)
	}
	if t.afford(n, len(v), each) {
		t.purse.inside++
		t.leaf(n, Pollution, nil, 0, v)
		t.purse.inside--
	}
	t.drop(n)
}

// maxJoinable is how many bytes of values are joined whatever the others took: what is
// spread over the values of a name is short, and what hides it need not be.
const maxJoinable = 512

// joinedEffort is what it takes to visit a byte of ordinary values.
const joinedEffort = 16

// appendJoined appends the values of the name with that hash to the scratch
// and returns the name, which is valid as long as p.name was not overwritten.
func (t *Tree) appendJoined(buf []byte, hash uint64) (found []byte) {
	first := true
	for len(buf) > 0 {
		var pair []byte
		pair, buf, _ = split(buf, '&')
		name, value, _ := split(pair, '=')
		mark := len(t.scratch)
		if hashName(t.unescape(name))|1 != hash {
			t.scratch = t.scratch[:mark]
			continue
		}
		t.scratch = t.scratch[:mark]
		if !first {
			t.scratch = append(t.scratch, ',')
		}
		first, found = false, name
		t.scratch = appendUnescaped(t.scratch, value, true)
	}
	return found
}
