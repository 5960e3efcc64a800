package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gabionhq/gabion/engine/profile"
)

// A Scope says which requests a rule holds for: those that meet all of its
// conditions. The zero Scope holds for every request.
//
// Path is a pattern over the normalised path (see profile.AppendPath):
//
//	""                  any path
//	/                   the root and nothing else
//	/api/user.php       exactly that
//	/*/create           * stands for one component, not empty
//	/api/**             ** for any number of components, at least one
//	/**/user            that, with what stands after it; once per pattern
//	/*.*  /*.php        the last component, split at its first dot
//	/user/{{^[0-9]+$}}  a component in which the expression is found
type Scope struct {
	App    int32  // application; 0 for any
	Host   string // example.com, *.example.com, {{expression}}; "" for any
	Method string // upper case; "" for any
	Path   string
	Conds  []Cond // sorted, without duplicates
}

// Part names what of a request a condition reads.
type Part uint8

// The parts. Header and Query need a name.
const (
	Header Part = iota
	Query
	Scheme
	Proto
)

var partNames = [...]string{"header", "query", "scheme", "proto"}

// String returns the name of p as conditions spell it.
func (p Part) String() string { return nameOf(partNames[:], uint8(p)) }

// Op is how a condition compares.
type Op uint8

// The operators. IEqual ignores the case of ASCII letters; Regex searches,
// so ^ and $ are written where they are meant.
const (
	Equal Op = iota
	IEqual
	Regex
	Absent
)

var opNames = [...]string{"equal", "iequal", "regex", "absent"}

// String returns the name of o as conditions spell it.
func (o Op) String() string { return nameOf(opNames[:], uint8(o)) }

// A Cond is a condition on one part of a request beside host, method and
// path. Of a field or parameter that is repeated, one that meets the
// condition is enough; Absent means that there is none.
type Cond struct {
	Part  Part
	Name  string // of a header, in upper case, or of a query parameter
	Op    Op
	Value string // in lower case for IEqual, empty for Absent
}

// String returns c as ParseCond reads it.
func (c Cond) String() string {
	return strings.TrimRight(strings.Join(slices.DeleteFunc(
		[]string{c.Part.String(), c.Name, c.Op.String(), c.Value}, func(s string) bool { return s == "" }), " "), " ")
}

// ParseCond reads a condition: "header X-Api-Version equal 2",
// "query debug absent", "scheme equal https".
func ParseCond(s string) (Cond, error) {
	word, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	part, err := indexOf("part", partNames[:], word)
	if err != nil {
		return Cond{}, fmt.Errorf("condition %q: %w", s, err)
	}
	c := Cond{Part: Part(part)}
	if c.named() {
		c.Name, rest, _ = strings.Cut(strings.TrimSpace(rest), " ")
	}
	word, c.Value, _ = strings.Cut(strings.TrimSpace(rest), " ")
	op, err := indexOf("operator", opNames[:], word)
	if err != nil {
		return Cond{}, fmt.Errorf("condition %q: %w", s, err)
	}
	c.Op = Op(op)
	c = c.normal()
	return c, c.check()
}

func (c Cond) named() bool { return c.Part == Header || c.Part == Query }

func (c Cond) normal() Cond {
	if c.Part == Header {
		c.Name = strings.ToUpper(c.Name)
	}
	if c.Part == Scheme && c.Op == Equal {
		c.Value = strings.ToLower(c.Value)
	}
	if c.Op == IEqual {
		c.Value = strings.ToLower(c.Value)
	}
	return c
}

func (c Cond) check() error {
	switch {
	case int(c.Part) >= len(partNames), int(c.Op) >= len(opNames):
		return fmt.Errorf("condition %v: no such part or operator", c)
	case c.named() != (c.Name != ""):
		return fmt.Errorf("condition %v: header and query need a name, other parts have none", c)
	case c.Op == Absent && c.Value != "":
		return fmt.Errorf("condition %v: absent takes no value", c)
	case c != c.normal():
		return fmt.Errorf("condition %v: not in normal form %v", c, c.normal())
	case c.Op == Regex:
		_, err := compileExpr(c.Value)
		return err
	}
	return nil
}

func (c Cond) compare(d Cond) int {
	return strings.Compare(c.String(), d.String())
}

// limits of a Scope. A scope that a person writes has a handful of
// conditions and segments.
const (
	maxConds    = 60
	maxSegments = 60
)

// ParseScope reads a scope as users write it. A pattern may begin with a
// scheme, which is ignored, and a host, when host is empty; conds are as
// ParseCond reads them. "" and "*" mean any host or method.
func ParseScope(host, method, pattern string, conds ...string) (Scope, error) {
	_, rest, ok := strings.Cut(pattern, "://")
	if ok && !strings.Contains(pattern[:len(pattern)-len(rest)], "{{") {
		pattern = rest
	}
	if pattern != "" && pattern[0] != '/' {
		head, path, slash := cutOutside(pattern, '/')
		if host != "" && host != "*" && !strings.EqualFold(host, head) {
			return Scope{}, fmt.Errorf("scope: host %q and pattern %q name different hosts", host, pattern)
		}
		host, pattern = head, ""
		if slash {
			pattern = "/" + path
		}
	}
	s := Scope{Host: host, Method: method, Path: decodePattern(pattern)}
	for _, text := range conds {
		c, err := ParseCond(text)
		if err != nil {
			return Scope{}, err
		}
		s.Conds = append(s.Conds, c)
	}
	s = s.normal()
	_, err := s.compile()
	return s, err
}

// decodePattern undoes percent-encoding of what stands outside of {{ }} and
// before the query, as users copy it from their browser. An encoded slash
// stays: it is no slash.
func decodePattern(s string) string {
	var b []byte
	for len(s) > 0 && s[0] != '?' {
		if strings.HasPrefix(s, "{{") {
			n := exprEnd(s)
			b, s = append(b, s[:n]...), s[n:]
			continue
		}
		c, n := profile.Unescape([]byte(s[:min(3, len(s))]))
		if n > 1 && strings.IndexByte("/\\?*{}", c) >= 0 {
			c, n = s[0], 1
		}
		b, s = append(b, c), s[n:]
	}
	return string(b) + s
}

// normal returns s in the one form in which a set holds it.
func (s Scope) normal() Scope {
	path, query, ok := cutOutside(s.Path, '?')
	s.Path = path
	s.Conds = slices.Clone(s.Conds)
	for pair := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); ok && name != "" {
			s.Conds = append(s.Conds, Cond{Part: Query, Name: name, Op: Equal, Value: value})
		}
	}
	for i, c := range s.Conds {
		s.Conds[i] = c.normal()
	}
	slices.SortFunc(s.Conds, Cond.compare)
	s.Conds = slices.Compact(s.Conds)
	if len(s.Conds) == 0 {
		s.Conds = nil
	}
	s.Method = strings.ToUpper(strings.TrimLeft(s.Method, "*"))
	if !strings.HasPrefix(s.Host, "{{") {
		s.Host = strings.TrimRight(strings.ToLower(s.Host), ".")
	}
	if s.Host == "*" {
		s.Host = ""
	}
	if s.Path == "/**" {
		s.Path = ""
	}
	return s
}

// String returns s in one line for people.
func (s Scope) String() string {
	var b strings.Builder
	word := func(w string) {
		if w != "" && b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	word(s.Method)
	word(s.Host + s.Path)
	if s.App != 0 {
		word(fmt.Sprintf("application %d", s.App))
	}
	for i, c := range s.Conds {
		if i > 0 || b.Len() > 0 {
			b.WriteByte(',')
		}
		word(c.String())
	}
	if b.Len() == 0 {
		return "every request"
	}
	return b.String()
}

// cutOutside is strings.Cut at a byte outside of {{ }}.
func cutOutside(s string, sep byte) (before, after string, found bool) {
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], "{{") {
			i += exprEnd(s[i:]) - 1
			continue
		}
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// exprEnd returns the length of the {{expression}} that s begins with; the
// whole of s when it isn't closed.
func exprEnd(s string) int {
	end := strings.Index(s, "}}")
	if end < 0 {
		return len(s)
	}
	for end += 2; end < len(s) && s[end] == '}'; end++ { // {{a{2}}} ends last
	}
	return end
}
