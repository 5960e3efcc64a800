package rule

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/gabionhq/gabion/engine/profile"
)

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
		if strings.Contains(rest, "*") || strings.Contains(rest, "{{") {
			return fmt.Errorf("host %q: * and {{ }} must be the whole of it, or *. its beginning", host)
		}
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
