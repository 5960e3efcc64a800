package engine

import "github.com/gabionhq/gabion/engine/parse"

// maxPoints is how many bytes of rendered points are kept from request to
// request. Those of a site are few, and all of them short.
const maxPoints = 8 << 10

// points renders points, each once as long as no other takes its slot.
type points struct {
	text  []byte
	slots [256]rendered
	above rendered // that in front of the last step of the point rendered last
}

// rendered is where the rendering of the point with a key stands; to is 0 for none.
type rendered struct {
	key      uint64
	from, to uint32
}

// of returns the rendering of the point n, arrays folded, whose key is given.
// It is valid until the request ends.
func (p *points) of(t *parse.Tree, n parse.Node, key uint64) []byte {
	s := &p.slots[key%uint64(len(p.slots))]
	if s.key != key || s.to == 0 {
		*s = p.render(t, n, key)
	}
	return p.text[s.from:s.to:s.to]
}

// render renders the point n behind what stands in front of its last step, which its
// siblings share.
func (p *points) render(t *parse.Tree, n parse.Node, key uint64) rendered {
	up := t.Parent(n)
	if up < 0 || t.Steps(n) > parse.MaxRendered {
		return p.appended(key, t.AppendFolded(p.text, n))
	}
	if above := t.Keys(up).Folded; !p.find(above) {
		p.above = p.appended(above, p.descend(t, up))
	}
	return p.appended(key, t.AppendFoldedBehind(p.text, n, p.text[p.above.from:p.above.to]))
}

// descend appends the point n to the text. Documents that nest go down step by step.
func (p *points) descend(t *parse.Tree, n parse.Node) []byte {
	if up := t.Parent(n); up >= 0 && p.find(t.Keys(up).Folded) {
		return t.AppendFoldedBehind(p.text, n, p.text[p.above.from:p.above.to])
	}
	return t.AppendFolded(p.text, n)
}

// find makes the point with a key the one above, and reports whether it is rendered.
func (p *points) find(key uint64) bool {
	if p.above.key == key && p.above.to > 0 {
		return true
	}
	s := p.slots[key%uint64(len(p.slots))]
	if s.key != key || s.to == 0 {
		return false
	}
	p.above = s
	return true
}

// appended says where what text has more than before stands, which is the point with
// a key.
func (p *points) appended(key uint64, text []byte) rendered {
	from := len(p.text)
	p.text = text
	return rendered{key, uint32(from), uint32(len(text))}
}

// reset makes room for the points of the next request, if there is none.
func (p *points) reset() {
	switch {
	case cap(p.text) > 2*maxPoints:
		*p = points{}
	case len(p.text) > maxPoints:
		*p = points{text: p.text[:0]}
	}
}
