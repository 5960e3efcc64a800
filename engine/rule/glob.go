package rule

import (
	"bytes"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// limits of expressions that users write. RE2 is linear in the text but not
// in the size of the expression, which repetition multiplies.
const (
	maxExprLen  = 1024
	maxExprCost = 2000 // instructions, about; each may run once per byte of a value
)

// compileExpr compiles an expression of a user, if it is small enough.
func compileExpr(s string) (*regexp.Regexp, error) {
	if _, err := costOf(s); err != nil {
		return nil, err
	}
	return regexp.Compile(s)
}

// costOf returns about how many instructions the expression compiles to,
// without compiling it.
func costOf(s string) (int, error) {
	if len(s) > maxExprLen {
		return 0, fmt.Errorf("expression of %d bytes: more than %d", len(s), maxExprLen)
	}
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return 0, fmt.Errorf("expression %q: %w", s, err)
	}
	cost := exprCost(tree)
	if cost > maxExprCost {
		return 0, fmt.Errorf("expression %q: costs %d, more than %d", s, cost, maxExprCost)
	}
	return cost, nil
}

// exprCost bounds the number of instructions that re compiles to.
func exprCost(re *syntax.Regexp) int {
	cost := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		cost += exprCost(sub)
	}
	if re.Op == syntax.OpRepeat {
		cost *= max(re.Min, re.Max, 1)
	}
	return min(cost, 1<<30)
}

// weights of conditions. A scope that adds a condition to another weighs
// more than it; what is exact weighs more than what is not. The sum orders
// the scopes that hold one request.
const (
	weightExact  = 6
	weightIEqual = 5
	weightRegex  = 4
	weightGlob   = 3 // name and extension apart
	weightAbsent = 2
	weightAny    = 1 // some component, or no further one
)

// A segment matches one component of a path, or one part of it.
type segment struct {
	literal string
	suffix  bool // literal stands behind at least one byte
	any     bool // any text but the empty one
	re      *regexp.Regexp
	ext     *segment // what stands behind the first dot
}

func (s *segment) isLiteral() bool { return !s.any && !s.suffix && s.re == nil && s.ext == nil }

func (s *segment) match(text []byte) bool {
	if s.ext != nil {
		name, ext, ok := bytes.Cut(text, dot)
		return ok && s.matchName(name) && s.ext.match(ext)
	}
	return s.matchName(text)
}

func (s *segment) matchName(text []byte) bool {
	switch {
	case s.any:
		return len(text) > 0
	case s.re != nil:
		return s.re.Match(text)
	case s.suffix:
		n := len(text) - len(s.literal)
		return n > 0 && string(text[n:]) == s.literal
	}
	return string(text) == s.literal
}

var dot = []byte(".")

func (s *segment) weight() int {
	switch {
	case s.ext != nil, s.suffix:
		return weightGlob
	case s.any:
		return weightAny
	case s.re != nil:
		return weightRegex
	}
	return weightExact
}

// parseSegment reads a component of a pattern; last says that it is the last
// one, which may be split into name and extension.
func parseSegment(text string, last bool) (segment, error) {
	if name, ext, ok := cutOutside(text, '.'); ok && last && (isWild(name) || isWild(ext)) {
		s, err := parseSegment(name, false)
		if err != nil {
			return s, err
		}
		e, err := parseSegment(ext, false)
		s.ext = &e
		return s, err
	}
	if text == "*" {
		return segment{any: true}, nil
	}
	if isWild(text) {
		if exprEnd(text) != len(text) || !strings.HasSuffix(text, "}}") {
			return segment{}, fmt.Errorf("component %q: {{ }} must be a whole component", text)
		}
		re, err := compileExpr(text[2 : len(text)-2])
		return segment{re: re}, err
	}
	if strings.Contains(text, "*") || strings.Contains(text, "{{") {
		return segment{}, fmt.Errorf("component %q: * and {{ }} must be a whole component", text)
	}
	return segment{literal: text}, nil
}

func isWild(text string) bool { return text == "*" || strings.HasPrefix(text, "{{") }

// A glob is a compiled path pattern: the components before ** from the left,
// those after it from the right. Without ** all stand in front.
type glob struct {
	front, back []segment
	texts       []string // of front, as the pattern spells them
	deep        bool
	weight      int
}

func parseGlob(pattern string) (glob, error) {
	if pattern == "" {
		return glob{deep: true}, nil
	}
	if pattern[0] != '/' {
		return glob{}, fmt.Errorf("path pattern %q does not begin with /", pattern)
	}
	g := glob{weight: weightAny}
	for rest, more := pattern[1:], true; more; {
		var text string
		text, rest, more = cutOutside(rest, '/')
		if text == "**" && g.deep {
			return glob{}, fmt.Errorf("path pattern %q: ** may stand once", pattern)
		}
		if text == "**" {
			g.deep = true
			continue
		}
		if text == "." || text == ".." || text == "" && more {
			return glob{}, fmt.Errorf("path pattern %q: no path has the component %q: it is normalised first", pattern, text)
		}
		s, err := parseSegment(text, !more)
		if err != nil {
			return glob{}, fmt.Errorf("path pattern %q: %w", pattern, err)
		}
		g.weight += s.weight()
		if g.deep {
			g.back = append(g.back, s)
		} else {
			g.front, g.texts = append(g.front, s), append(g.texts, text)
		}
	}
	if len(g.front)+len(g.back) > maxSegments {
		return glob{}, fmt.Errorf("path pattern %q: more than %d components", pattern, maxSegments)
	}
	return g, nil
}

// match says whether the components of a path fit. The pattern "" fits any.
func (g *glob) match(path [][]byte) bool {
	if !g.deep && len(path) != len(g.front) {
		return false
	}
	if g.deep && g.weight > 0 && len(path) <= len(g.front)+len(g.back) {
		return false
	}
	for i := range g.front {
		if !g.front[i].match(path[i]) {
			return false
		}
	}
	tail := path[len(path)-len(g.back):]
	for i := range g.back {
		if !g.back[i].match(tail[i]) {
			return false
		}
	}
	return true
}
