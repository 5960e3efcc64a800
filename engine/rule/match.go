package rule

import (
	"bytes"
	"slices"

	"github.com/gabionhq/gabion/engine/profile"
)

// A Request is the head of a request as scopes see it. Its slices are
// borrowed for the time of Match.
type Request struct {
	App    int32
	Method []byte
	Scheme []byte
	Proto  []byte
	Host   []byte // without port
	Target []byte // as in the request line
	Fields Fields // nil for none
}

// Fields are the header fields of a request.
type Fields interface {
	// Field returns name and value of field i; ok is false behind the last.
	Field(i int) (name, value []byte, ok bool)
}

// A Match is what a set decides for one request. It is reused from request
// to request; what it holds is valid until the next.
//
// Servers disagree about paths with encoded slashes, dot segments and the
// like. Such a request is matched as normalised and as written: what tightens
// holds if it does in either reading, what loosens only in both.
type Match struct {
	Mode     Mode   // of the most specific rule; Inherit without one
	ModeRule uint64 // that rule
	Endpoint uint64 // see profile.Endpoint

	// Rules that hold for the request, by kind.
	Patches, Ignores, Masks, Detectors []*Active
	// The same, the most specific one first: of several that decide the same
	// field, parser or point, the first counts.
	Headers, Parsers, Shifts []*Active
	// Limits, likewise; but all of them count if Ambiguous.
	Queries, Uploads []*Active

	set      *Set
	request  *Request
	host     []byte // in lower case
	query    []byte
	path     []byte
	literal  []byte // empty if it is as path
	template []byte
	scratch  []byte
	segments [][]byte // of path
	written  [][]byte // of literal
	byPath   *Active  // decides the mode
	byText   *Active  // and as written
	profiles span     // of the endpoint
}

// Match fills m with what s decides for q. It allocates nothing once the
// buffers of m have grown.
func (s *Set) Match(m *Match, q *Request) {
	m.reset(s, q)
	if s == nil || len(s.rules) == 0 {
		return
	}
	s.index.visit(m, m.segments, false)
	if len(m.literal) > 0 {
		s.index.visit(m, m.written, true)
	}
	m.decideMode()
}

func (m *Match) reset(s *Set, q *Request) {
	lists := [...]*[]*Active{&m.Patches, &m.Ignores, &m.Masks, &m.Detectors, &m.Headers, &m.Parsers, &m.Shifts, &m.Queries, &m.Uploads}
	for _, list := range lists {
		if m.set != s {
			clear((*list)[:cap(*list)]) // or the set before would stay in memory
		}
		*list = (*list)[:0]
	}
	m.Mode, m.ModeRule, m.byPath, m.byText = Inherit, 0, nil, nil
	m.set, m.request, m.query, m.literal = s, q, nil, m.literal[:0]
	m.host = appendLower(m.host[:0], bytes.TrimSuffix(q.Host, dot))
	m.path = profile.AppendPath(m.path[:0], q.Target)
	m.template = profile.AppendTemplate(m.template[:0], m.path)
	m.Endpoint = profile.Endpoint(m.host, q.Method, m.template)
	m.profiles = s.endpoint(m.Endpoint)
	if s != nil && len(s.rules) > 0 {
		m.readTarget(q.Target)
	}
}

// readTarget splits path and query, and the path as written where it is
// another one.
func (m *Match) readTarget(target []byte) {
	if _, query, ok := bytes.Cut(target, question); ok {
		m.query, _, _ = bytes.Cut(query, hash)
	}
	m.segments = split(m.segments[:0], m.path)
	if rest, ok := bytes.CutPrefix(target, m.path); ok && (len(rest) == 0 || rest[0] == '?' || rest[0] == '#') {
		return
	}
	m.literal = profile.AppendLiteral(m.literal, target)
	if bytes.Equal(m.literal, m.path) {
		m.literal = m.literal[:0]
		return
	}
	m.written = split(m.written[:0], m.literal)
}

var slash, question, hash, ampersand, equals = []byte("/"), []byte("?"), []byte("#"), []byte("&"), []byte("=")

func appendLower(dst, s []byte) []byte {
	for _, c := range s {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// try takes a if its scope holds the request whose path has these
// components, as written or as normalised.
func (m *Match) try(a *Active, path [][]byte, written bool) {
	if !a.scope.holds(m, path) {
		return
	}
	if a.Kind == SetMode {
		by := &m.byPath
		if written {
			by = &m.byText
		}
		if *by == nil || a.before(*by) {
			*by = a
		}
		return
	}
	both := len(m.literal) == 0 || written && a.scope.path.match(m.segments) || !written && a.scope.path.match(m.written)
	if written && both || !both && a.Loosens() {
		return
	}
	m.add(a)
}

func (m *Match) add(a *Active) {
	switch a.Kind {
	case Patch:
		m.Patches = append(m.Patches, a)
	case Ignore:
		m.Ignores = append(m.Ignores, a)
	case Mask:
		m.Masks = append(m.Masks, a)
	case Detector:
		m.Detectors = append(m.Detectors, a)
	case SetHeader:
		m.Headers = insert(m.Headers, a)
	case Parser:
		m.Parsers = insert(m.Parsers, a)
	case Shift:
		m.Shifts = insert(m.Shifts, a)
	case GraphQL:
		m.Queries = insert(m.Queries, a)
	case Upload:
		m.Uploads = insert(m.Uploads, a)
	}
}

func insert(list []*Active, a *Active) []*Active {
	i := len(list)
	for i > 0 && a.before(list[i-1]) {
		i--
	}
	return slices.Insert(list, i, a)
}

// Ambiguous reports whether servers disagree about the path of the request.
// Which scope is the more specific one then says nothing.
func (m *Match) Ambiguous() bool { return len(m.literal) > 0 }

// before says whether a decides rather than b where both hold: the more
// specific one, the one for a point, the stricter one, then the newer one.
func (a *Active) before(b *Active) bool {
	if a.scope.weight != b.scope.weight {
		return a.scope.weight > b.scope.weight
	}
	if (a.Point == "") != (b.Point == "") {
		return a.Point != ""
	}
	if a.Mode != b.Mode {
		return a.Mode > b.Mode
	}
	return a.ID > b.ID
}

// decideMode takes the mode of the most specific rule. Where the readings of
// the path disagree, no reading may make the request pass by a rule that the
// other does not know: the stricter mode counts, and Inherit or Default
// rather than anything but Block.
func (m *Match) decideMode() {
	a := m.byPath
	if b := m.byText; len(m.literal) > 0 && strictness(b) > strictness(a) {
		a = b
	}
	if a != nil {
		m.Mode, m.ModeRule = a.Mode, a.ID
	}
}

func strictness(a *Active) int {
	if a == nil || a.Mode <= Default {
		return int(SafeBlocking)*2 + 1
	}
	return int(a.Mode) * 2
}

// Profile returns the learned profile of the parameter with that folded key
// of the endpoint of the request.
func (m *Match) Profile(point uint64) (Profile, bool) {
	if m.profiles.from == m.profiles.to {
		return Profile{}, false
	}
	return m.set.profileIn(m.profiles, point)
}
