package rule

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"sort"
	"strings"

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
type Match struct {
	Mode     Mode   // of the most specific rule; Inherit without one
	ModeRule uint64 // that rule
	Endpoint uint64 // see profile.Endpoint
	// Rules that hold for the request, by kind, the most specific first.
	Patches, Ignores, Masks, Detectors, Headers, Parsers, Shifts []*Active

	set      *Set
	path     []byte
	lower    []byte
	template []byte
	segments [][]byte
	request  *Request
	query    []byte
}

// maxPath bounds the components of a path that patterns see. The components
// behind it are one.
const maxPath = 128

// Match fills m with what s decides for q. It allocates nothing once the
// buffers of m have grown.
func (s *Set) Match(m *Match, q *Request) {
	m.reset(s, q)
	if s == nil {
		return
	}
	for i := range s.rules {
		if a := &s.rules[i]; a.scope.holds(m) {
			m.add(a)
		}
	}
}

func (m *Match) reset(s *Set, q *Request) {
	*m = Match{
		Patches: m.Patches[:0], Ignores: m.Ignores[:0], Masks: m.Masks[:0], Detectors: m.Detectors[:0],
		Headers: m.Headers[:0], Parsers: m.Parsers[:0], Shifts: m.Shifts[:0],
		set: s, request: q, lower: m.lower[:0], template: m.template[:0],
		path: profile.AppendPath(m.path[:0], q.Target), segments: m.segments[:0],
	}
	m.lower = appendLower(m.lower, q.Host)
	m.template = profile.AppendTemplate(m.template, m.path)
	m.Endpoint = profile.Endpoint(m.lower, q.Method, m.template)
	if _, query, ok := bytes.Cut(q.Target, question); ok {
		m.query, _, _ = bytes.Cut(query, hash)
	}
	for rest, more := m.path[1:], true; more; {
		var part []byte
		part, rest, more = bytes.Cut(rest, slash)
		if len(m.segments) == maxPath {
			break
		}
		m.segments = append(m.segments, part)
	}
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

func (m *Match) add(a *Active) {
	switch a.Kind {
	case SetMode:
		if m.ModeRule == 0 || a.before(m.set.rule(m.ModeRule)) {
			m.Mode, m.ModeRule = a.Mode, a.ID
		}
	case Patch:
		m.Patches = append(m.Patches, a)
	case Ignore:
		m.Ignores = append(m.Ignores, a)
	case Mask:
		m.Masks = append(m.Masks, a)
	case Detector:
		m.Detectors = append(m.Detectors, a)
	case SetHeader:
		m.Headers = append(m.Headers, a)
	case Parser:
		m.Parsers = insert(m.Parsers, a)
	case Shift:
		m.Shifts = insert(m.Shifts, a)
	}
}

func insert(list []*Active, a *Active) []*Active {
	i := len(list)
	for i > 0 && a.before(list[i-1]) {
		i--
	}
	return slices.Insert(list, i, a)
}

// before says whether a decides rather than b where both hold: the more
// specific one, then the stricter one, then the newer one.
func (a *Active) before(b *Active) bool {
	if a.scope.weight != b.scope.weight {
		return a.scope.weight > b.scope.weight
	}
	if a.Mode != b.Mode {
		return a.Mode > b.Mode
	}
	return a.ID > b.ID
}

// Profile returns the learned profile of the parameter with that folded key
// of the endpoint of the request.
func (m *Match) Profile(point uint64) (Profile, bool) {
	if m.set == nil {
		return Profile{}, false
	}
	return m.set.Profile(m.Endpoint, point)
}

// Profile returns the profile of a parameter.
func (s *Set) Profile(endpoint, point uint64) (Profile, bool) {
	want := Profile{Endpoint: endpoint, Point: point}
	i := sort.Search(len(s.profiles)/profileSize, func(i int) bool {
		p, _ := s.profile(i)
		return compareProfiles(p, want) >= 0
	})
	if i*profileSize == len(s.profiles) {
		return Profile{}, false
	}
	p, end := s.profile(i)
	if p.Endpoint != endpoint || p.Point != point {
		return Profile{}, false
	}
	start := 0
	if i > 0 {
		_, start = s.profile(i - 1)
	}
	p.Model = profile.Model(s.models[start:end])
	return p, true
}

// profile returns entry i of the table, without its model, and the end of
// the model.
func (s *Set) profile(i int) (p Profile, end int) {
	b := s.profiles[i*profileSize:][:profileSize]
	p.Endpoint = binary.LittleEndian.Uint64(b)
	p.Point = binary.LittleEndian.Uint64(b[8:])
	p.ID = binary.LittleEndian.Uint64(b[16:])
	return p, int(binary.LittleEndian.Uint32(b[24:]))
}

// General returns the mode of the whole tenant.
func (s *Set) General() Mode {
	if s == nil {
		return Inherit
	}
	return s.general
}

// Threshold returns the probability from which on a request counts as an
// attack, 0 for the engine's own.
func (s *Set) Threshold() float32 {
	if s == nil {
		return 0
	}
	return float32(s.threshold) / 1000
}

// Rules yields all rules in rising order of their ids.
func (s *Set) Rules() iter.Seq[Rule] {
	return func(yield func(Rule) bool) {
		if s == nil {
			return
		}
		for i := range s.rules {
			if !yield(s.rules[i].Rule) {
				return
			}
		}
	}
}

// Profiles yields all profiles in rising order of endpoint and point.
func (s *Set) Profiles() iter.Seq[Profile] {
	return func(yield func(Profile) bool) {
		if s == nil {
			return
		}
		start := 0
		for i := range len(s.profiles) / profileSize {
			p, end := s.profile(i)
			p.Model = profile.Model(s.models[start:end])
			start = end
			if !yield(p) {
				return
			}
		}
	}
}

// rule returns the rule with that id, which s holds.
func (s *Set) rule(id uint64) *Active {
	i := sort.Search(len(s.rules), func(i int) bool { return s.rules[i].ID >= id })
	return &s.rules[i]
}

// A scope is a compiled Scope.
type scope struct {
	app    int32
	method string
	host   segment // see holdsHost
	suffix bool
	path   glob
	conds  []cond
	weight int
}

type cond struct {
	Cond
	re    *regexp.Regexp
	upper string // Value in upper case
}

func (s Scope) compile() (*scope, error) {
	c := &scope{app: s.App, method: s.Method}
	if s.App != 0 {
		c.weight += weightExact
	}
	if s.Method != "" {
		c.weight += weightExact
	}
	if err := c.setHost(s.Host); err != nil {
		return nil, err
	}
	var err error
	if c.path, err = parseGlob(s.Path); err != nil {
		return nil, err
	}
	c.weight += c.path.weight
	if len(s.Conds) > maxConds {
		return nil, fmt.Errorf("scope: %d conditions are more than %d", len(s.Conds), maxConds)
	}
	for i, d := range s.Conds {
		if err := d.check(); err != nil {
			return nil, err
		}
		if i > 0 && s.Conds[i-1].compare(d) >= 0 {
			return nil, fmt.Errorf("scope: condition %v is not in order", d)
		}
		e := cond{Cond: d, upper: strings.ToUpper(d.Value)}
		if d.Op == Regex {
			e.re = regexp.MustCompile(d.Value)
		}
		c.weight += []int{weightExact, weightIEqual, weightRegex, weightAbsent}[d.Op]
		c.conds = append(c.conds, e)
	}
	return c, nil
}

func (c *scope) setHost(host string) error {
	if host == "" {
		c.host.any = true
		return nil
	}
	var err error
	if rest, ok := bytes.CutPrefix([]byte(host), []byte("*.")); ok {
		c.suffix, c.host.literal = true, "."+string(rest)
		c.weight += weightGlob
		return nil
	}
	if c.host, err = parseSegment(host, false); err != nil {
		return fmt.Errorf("host: %w", err)
	}
	c.weight += c.host.weight()
	return nil
}

// holds says whether the request of m meets all conditions, cheapest first.
func (c *scope) holds(m *Match) bool {
	q := m.request
	if c.app != 0 && c.app != q.App || c.method != "" && c.method != string(q.Method) {
		return false
	}
	if !c.holdsHost(m.lower) || !c.path.match(m.segments) {
		return false
	}
	for i := range c.conds {
		if !c.conds[i].holds(m) {
			return false
		}
	}
	return true
}

func (c *scope) holdsHost(host []byte) bool {
	if c.suffix {
		return bytes.HasSuffix(host, []byte(c.host.literal)) && len(host) > len(c.host.literal)
	}
	return c.host.any || c.host.match(host)
}

func (c *cond) holds(m *Match) bool {
	switch c.Part {
	case Scheme:
		return c.meets(m.request.Scheme, true)
	case Proto:
		return c.meets(m.request.Proto, true)
	case Query:
		return c.holdsQuery(m.query)
	}
	return c.holdsField(m.request.Fields)
}

func (c *cond) holdsQuery(query []byte) bool {
	seen := false
	for more := len(query) > 0; more; {
		var pair []byte
		pair, query, more = bytes.Cut(query, ampersand)
		name, value, _ := bytes.Cut(pair, equals)
		if !equalEscaped(name, c.Name) {
			continue
		}
		if seen = true; c.meets(value, true) {
			return true
		}
	}
	return !seen && c.meets(nil, false)
}

// equalEscaped says whether s, percent-decoded, is want.
func equalEscaped(s []byte, want string) bool {
	i := 0
	for ; i < len(want) && len(s) > 0; i++ {
		c, n := profile.Unescape(s)
		if c != want[i] {
			return false
		}
		s = s[n:]
	}
	return i == len(want) && len(s) == 0
}

func (c *cond) holdsField(fields Fields) bool {
	seen := false
	for i := 0; fields != nil; i++ {
		name, value, ok := fields.Field(i)
		if !ok {
			break
		}
		if !equalUpper(name, c.Name) {
			continue
		}
		if seen = true; c.meets(value, true) {
			return true
		}
	}
	return !seen && c.meets(nil, false)
}

func equalUpper(s []byte, want string) bool {
	if len(s) != len(want) {
		return false
	}
	for i, c := range s {
		if 'a' <= c && c <= 'z' {
			c &^= 0x20
		}
		if c != want[i] {
			return false
		}
	}
	return true
}

func (c *cond) meets(value []byte, present bool) bool {
	switch c.Op {
	case Equal:
		return present && string(value) == c.Value
	case IEqual:
		return present && equalUpper(value, c.upper)
	case Regex:
		return present && c.re.Match(value)
	}
	return !present
}
