package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// A value that ends the string it stands in and goes on with XPath changes
// which nodes of a document are selected. Conditions as in ' or '1'='1 read
// the same in SQL and are found there; here are the structures that only
// XPath has.

var whenXPathi = []feature{
	hasQuote | hasBracket, hasDQuote | hasBracket, hasQuote | hasPipe | hasSlashSlash, hasDQuote | hasPipe | hasSlashSlash,
	hasBracket | hasPipe | hasSlashSlash, hasXPathWord | hasOpen, hasXPathWord | hasColon,
}

const xpathGateWords = "ancestor attribute child descendant following parent preceding self count name length substring position last text node comment doc uri contains with"

var (
	axes      = lexicon.New("ancestor ancestor-or-self attribute child descendant descendant-or-self following following-sibling parent preceding preceding-sibling self")
	nodeTests = lexicon.New("node text comment processing-instruction")
	// xpathCalls look at the document rather than at a value.
	xpathCalls = lexicon.New("count name local-name string-length substring position last text node comment doc namespace-uri contains starts-with")
)

func (s *Scanner) xpathi(v []byte, w *Where) {
	if w.Container {
		return
	}
	s.predicateClosed(v)
	if s.all(hasPipe | hasSlashSlash) {
		s.unionOpened(v)
	}
	s.axisStep(v)
	s.documentCall(v)
}

// predicateClosed looks for '] | //x and the like.
func (s *Scanner) predicateClosed(v []byte) {
	i := bytes.IndexByte(v, ']')
	if i < 1 || i > maxPrefix || bytes.IndexByte(v[:i], '[') >= 0 {
		return
	}
	if q := bytes.TrimRight(v[:i], " )0123456789="); len(q) == 0 || q[len(q)-1] != '\'' && q[len(q)-1] != '"' {
		return
	}
	rest := bytes.TrimLeft(v[i+1:], " ]")
	switch {
	case len(rest) == 1 && rest[0] == 0:
		s.path(i-1, len(v), 0.6, "The value ends a condition of an XPath expression and cuts off its rest.")
	case len(rest) > 0 && rest[0] == '|' && bytes.HasPrefix(bytes.TrimLeft(rest[1:], " "), []byte("/")):
		s.path(i-1, len(v), 0.9, "The value ends a condition of an XPath expression and selects other nodes.")
	case len(rest) > 1 && rest[0] == '/' && (rest[1] == '/' || rest[1] == '*' || rest[1] == '.' || classOf(rest[1]) == cLetter):
		s.path(i-1, len(v), 0.6, "The value ends a condition of an XPath expression and goes on with a path.")
	}
}

// unionOpened looks for the end of a string or a condition and other nodes of the whole
// document beside those that the expression selects: ' | //user | ' and x]|//*
func (s *Scanner) unionOpened(v []byte) {
	i := bytes.IndexByte(v[:min(len(v), maxPrefix)], '|')
	if i < 1 {
		return
	}
	before := bytes.TrimRight(v[:i], " )")
	rest := bytes.TrimLeft(v[i+1:], " ")
	if len(before) == 0 || len(rest) < 3 || rest[0] != '/' || rest[1] != '/' || rest[2] != '*' && rest[2] != '@' && classOf(rest[2]) != cLetter {
		return
	}
	last := before[len(before)-1]
	switch {
	case (last == '\'' || last == '"') && bytes.Count(before, before[len(before)-1:]) == 1:
		s.path(len(before)-1, len(v), 0.75, "The value ends a string of an XPath expression and selects other nodes.")
	case last == ']' && bytes.IndexByte(before, '[') < 0:
		s.path(len(before)-1, len(v), 0.75, "The value ends a condition of an XPath expression and selects other nodes.")
	}
}

// axisStep looks for an axis with a node test: child::node(), parent::*.
func (s *Scanner) axisStep(v []byte) {
	for i := bytes.Index(v, []byte("::")); i > 0; {
		from := i
		for from > 0 && i-from < 24 && (classOf(v[from-1]) == cLetter || v[from-1] == '-') {
			from--
		}
		if axes.Has(v[from:i]) {
			end := i + 2
			for end < len(v) && end < i+28 && (classOf(v[end]) == cLetter || v[end] == '-') {
				end++
			}
			test := v[i+2 : end]
			path := from > 0 && (v[from-1] == '/' || v[from-1] == '[' || v[from-1] == '(')
			switch {
			case len(test) == 0 && end < len(v) && v[end] == '*', nodeTests.Has(test) && bytes.HasPrefix(v[end:], []byte("()")):
				s.path(from, end, 0.75, "An axis of XPath selects other nodes of the document.")
				return
			case path && len(test) > 0 && !isConstant(test):
				s.path(from, end, 0.55, "An axis of XPath selects other nodes of the document.")
				return
			}
		}
		next := bytes.Index(v[i+2:], []byte("::"))
		if next < 0 {
			return
		}
		i += 2 + next
	}
}

// isConstant reports whether a name is in capitals, as constants of classes are
// that programs read as self::NAME.
func isConstant(name []byte) bool {
	return bytes.IndexFunc(name, func(r rune) bool { return r >= 'a' && r <= 'z' }) < 0
}

// documentCall looks for a call of a function over the document that a
// condition compares: count(/x)=1, string-length(name(/*[1]))=3.
func (s *Scanner) documentCall(v []byte) {
	for i := bytes.IndexByte(v, '('); i > 0; {
		from := i
		for from > 0 && i-from < 24 && (classOf(v[from-1]) == cLetter || v[from-1] == '-') {
			from--
		}
		if xpathCalls.Has(v[from:i]) && joined(v[:from]) {
			if documentArgument(v[i+1:]) || relativeArgument(v[i+1:]) && endsString(v[:from]) {
				s.path(from, i+1, 0.75, "A function of XPath reads the document.")
				return
			}
			if equalFold(v[from:i], "doc") && loadedArgument(v[i+1:]) {
				s.path(from, i+1, 0.75, "A function of XPath loads another document.")
				return
			}
		}
		next := bytes.IndexByte(v[i+1:], '(')
		if next < 0 {
			return
		}
		i += 1 + next
	}
}

// documentArgument reports whether an argument is a path from the root, or
// another such call.
func documentArgument(b []byte) bool {
	b = bytes.TrimLeft(b, " ")
	if len(b) > 1 && b[0] == '/' {
		return b[1] == '/' || b[1] == '*' || b[1] == '@' || classOf(b[1]) == cLetter
	}
	n := bytes.IndexByte(b[:min(len(b), 24)], '(')
	return n > 0 && xpathCalls.Has(b[:n]) && len(b) > n+1 && (b[n+1] == '/' || b[n+1] == ')')
}

// relativeArgument reports whether an argument is a path from the node at hand: of the
// one above it, an attribute, or that node's text.
func relativeArgument(b []byte) bool {
	return bytes.HasPrefix(b, []byte("../")) || bytes.HasPrefix(b, []byte(".,")) || len(b) > 1 && b[0] == '@' && classOf(b[1]) == cLetter
}

// endsString reports whether b, in front of a condition, is the end of a string that
// does not begin in it, and of brackets around it: ') and
func endsString(b []byte) bool {
	if len(b) > maxPrefix {
		return false
	}
	b = bytes.TrimRight(b, " ")
	switch {
	case len(b) > 3 && equalFold(b[len(b)-3:], "and"):
		b = b[:len(b)-3]
	case len(b) > 2 && equalFold(b[len(b)-2:], "or"):
		b = b[:len(b)-2]
	}
	b = bytes.TrimRight(b, " )]")
	return len(b) > 0 && (b[len(b)-1] == '\'' || b[len(b)-1] == '"') && bytes.IndexByte(b, ' ') < 0 && bytes.Count(b, b[len(b)-1:])&1 == 1
}

// loadedArgument reports whether an argument is a string with the address of a
// document on another host.
func loadedArgument(b []byte) bool {
	if len(b) < 4 || b[0] != '\'' && b[0] != '"' {
		return false
	}
	b = b[1:]
	return bytes.HasPrefix(b, []byte("//")) || hasPrefixFold(b, "http://") || hasPrefixFold(b, "https://") || hasPrefixFold(b, "file:")
}

// joined reports whether what precedes a call ends in and, or, an operator
// or another call, or is empty.
func joined(b []byte) bool {
	b = bytes.TrimRight(b, " ")
	if len(b) == 0 {
		return true
	}
	switch b[len(b)-1] {
	case '=', '<', '>', '[', '(', '|', '+':
		return true
	}
	return len(b) > 2 && (equalFold(b[len(b)-3:], "and") || equalFold(b[len(b)-2:], "or") || equalFold(b[len(b)-3:], "not"))
}

func (s *Scanner) path(from, to int, weight float32, reason string) {
	mark := s.mark()
	s.tok(from, to, Other, false)
	s.add(Finding{Class: XPathi, Weight: weight, Reason: reason, From: int32(from), To: int32(to), Tokens: s.since(mark)})
}
