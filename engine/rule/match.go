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
	// The same, the most specific one first.
	Headers, Parsers, Shifts []*Active

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
	*m = Match{
		Patches: m.Patches[:0], Ignores: m.Ignores[:0], Masks: m.Masks[:0], Detectors: m.Detectors[:0],
		Headers: m.Headers[:0], Parsers: m.Parsers[:0], Shifts: m.Shifts[:0],
		set: s, request: q, host: appendLower(m.host[:0], q.Host), path: profile.AppendPath(m.path[:0], q.Target),
		literal: m.literal[:0], template: m.template[:0], scratch: m.scratch[:0],
		segments: m.segments[:0], written: m.written[:0],
	}
	m.template = profile.AppendTemplate(m.template, m.path)
	m.Endpoint = profile.Endpoint(m.host, q.Method, m.template)
	if s == nil || len(s.rules) == 0 {
		return
	}
	if _, query, ok := bytes.Cut(q.Target, question); ok {
		m.query, _, _ = bytes.Cut(query, hash)
	}
	m.segments = split(m.segments, m.path)
	if !bytes.HasPrefix(q.Target, m.path) { // normalising changed it
		m.literal = profile.AppendLiteral(m.literal, q.Target)
		if m.written = split(m.written, m.literal); bytes.Equal(m.literal, m.path) {
			m.literal = m.literal[:0]
		}
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
	switch {
	case a == nil || a.Mode <= Default:
		return int(SafeBlocking)*2 + 1
	}
	return int(a.Mode) * 2
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

// A scope is a compiled Scope.
type scope struct {
	app    int32
	method string
	host   segment
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
	if rest, ok := strings.CutPrefix(host, "*."); ok {
		c.host = segment{suffix: true, literal: "." + rest}
	} else {
		var err error
		if c.host, err = parseSegment(host, false); err != nil {
			return fmt.Errorf("host: %w", err)
		}
	}
	c.weight += c.host.weight()
	return nil
}

// holds says whether the request of m, with the path of these components,
// meets all conditions.
func (c *scope) holds(m *Match, path [][]byte) bool {
	q := m.request
	if c.app != 0 && c.app != q.App || c.method != "" && c.method != string(q.Method) {
		return false
	}
	if !c.host.any && !c.host.match(m.host) || !c.path.match(path) {
		return false
	}
	for i := range c.conds {
		if !c.conds[i].holds(m) {
			return false
		}
	}
	return true
}

func (c *cond) holds(m *Match) bool {
	switch c.Part {
	case Scheme:
		return c.meets(m.request.Scheme, true)
	case Proto:
		return c.meets(m.request.Proto, true)
	case Query:
		return c.holdsQuery(m)
	}
	return c.holdsField(m.request.Fields)
}

func (c *cond) holdsQuery(m *Match) bool {
	seen := false
	for query, more := m.query, len(m.query) > 0; more; {
		var pair []byte
		pair, query, more = bytes.Cut(query, ampersand)
		name, value, _ := bytes.Cut(pair, equals)
		if m.scratch = unescapeForm(m.scratch[:0], name); string(m.scratch) != c.Name {
			continue
		}
		seen = true
		if m.scratch = unescapeForm(m.scratch[:0], value); c.meets(m.scratch, true) {
			return true
		}
	}
	return !seen && c.meets(nil, false)
}

// unescapeForm appends s, of application/x-www-form-urlencoded, decoded.
func unescapeForm(dst, s []byte) []byte {
	for len(s) > 0 {
		c, n := profile.Unescape(s)
		if n == 1 && c == '+' {
			c = ' '
		}
		dst = append(dst, c)
		s = s[n:]
	}
	return dst
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
