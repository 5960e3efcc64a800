package rule

import "bytes"

// An index finds the rules whose scope may hold a request: a tree whose
// first level is hosts and whose further levels are components of paths.
// What the tree does not decide, scope.holds does.
type index struct {
	nodes []node // the first is the root
}

type node struct {
	literals map[string]int32
	any      int32 // node behind *, 0 for none
	wild     []edge
	ends     []*Active // rules of the path that ends here
	deep     []*Active // rules with any number of components from here on
}

// An edge leads to a node by anything but a literal or *.
type edge struct {
	text string // of the pattern
	by   segment
	to   int32
}

func newIndex(rules []Active) index {
	x := index{nodes: make([]node, 1, len(rules)+1)}
	for i := range rules {
		a := &rules[i]
		host := a.scope.host
		at := x.step(0, a.Scope.Host, host)
		g := &a.scope.path
		for j, s := range g.front {
			at = x.step(at, g.texts[j], s)
		}
		if n := &x.nodes[at]; g.deep {
			n.deep = append(n.deep, a)
		} else {
			n.ends = append(n.ends, a)
		}
	}
	return x
}

// step returns the node behind a segment of a pattern, a new one if need be.
func (x *index) step(at int32, text string, s segment) int32 {
	n, next := &x.nodes[at], int32(len(x.nodes))
	switch {
	case s.any && s.ext == nil:
		if n.any != 0 {
			return n.any
		}
		n.any = next
	case s.isLiteral():
		if to, ok := n.literals[s.literal]; ok {
			return to
		}
		if n.literals == nil {
			n.literals = map[string]int32{}
		}
		n.literals[s.literal] = next
	default:
		for _, e := range n.wild {
			if e.text == text {
				return e.to
			}
		}
		n.wild = append(n.wild, edge{text, s, next})
	}
	x.nodes = append(x.nodes, node{})
	return next
}

// visit hands m each rule that its host and the components of a path lead
// to. It comes to each node at most once.
func (x *index) visit(m *Match, path [][]byte, literal bool) {
	root := &x.nodes[0]
	if to, ok := root.literals[string(m.host)]; ok {
		x.descend(m, to, path, 0, literal)
	}
	for i := range root.wild {
		if root.wild[i].by.match(m.host) {
			x.descend(m, root.wild[i].to, path, 0, literal)
		}
	}
	if root.any != 0 {
		x.descend(m, root.any, path, 0, literal)
	}
}

func (x *index) descend(m *Match, at int32, path [][]byte, i int, literal bool) {
	n := &x.nodes[at]
	for _, a := range n.deep {
		m.try(a, path, literal)
	}
	if i == len(path) {
		for _, a := range n.ends {
			m.try(a, path, literal)
		}
		return
	}
	if to, ok := n.literals[string(path[i])]; ok {
		x.descend(m, to, path, i+1, literal)
	}
	if n.any != 0 && len(path[i]) > 0 {
		x.descend(m, n.any, path, i+1, literal)
	}
	for j := range n.wild {
		if n.wild[j].by.match(path[i]) {
			x.descend(m, n.wild[j].to, path, i+1, literal)
		}
	}
}

// split appends the components of a path to dst: of a path of more than
// maxPath the first and the last, which is all that patterns look at.
func split(dst [][]byte, path []byte) [][]byte {
	skip := max(0, bytes.Count(path, slash)-maxPath)
	for rest, more := path[1:], true; more; {
		var part []byte
		part, rest, more = bytes.Cut(rest, slash)
		if len(dst) >= maxPath/2 && skip > 0 {
			skip--
			continue
		}
		dst = append(dst, part)
	}
	return dst
}

// maxPath bounds the components of a path that are kept.
const maxPath = 2 * (maxSegments + 4)
