package engine

import "github.com/gabionhq/gabion/engine/parse"

// maxPoints is how many bytes of rendered points are kept from request to
// request. Those of a site are few, and all of them short.
const maxPoints = 8 << 10

// points renders points, each once as long as no other takes its slot.
type points struct {
	text  []byte
	slots [256]struct {
		key      uint64
		from, to uint32
	}
}

// of returns the rendering of the point n, arrays folded, whose key is given.
// It is valid until the request ends.
func (p *points) of(t *parse.Tree, n parse.Node, key uint64) []byte {
	s := &p.slots[key%uint64(len(p.slots))]
	if s.key != key || s.to == 0 {
		from := len(p.text)
		p.text = t.AppendFolded(p.text, n)
		s.key, s.from, s.to = key, uint32(from), uint32(len(p.text))
	}
	return p.text[s.from:s.to:s.to]
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
