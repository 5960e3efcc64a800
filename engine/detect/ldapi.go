package detect

import (
	"bytes"
	"strings"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// A search filter of a directory (RFC 4515) is made of parenthesised
// comparisons: (&(uid=NAME)(objectClass=person)). A value that closes the
// comparison it stands in and opens another changes the filter.

var whenLDAPi = []feature{
	hasClose | hasOpen, hasClose | hasControl, hasClose | hasBackslash, hasClose | hasPercent,
	hasOpen | hasPipe, hasOpen | hasAmp, hasOpen | hasBang,
	hasColon | hasEqual | hasDigit, hasClose | hasEqual, hasOpen | hasEqual | hasStar,
}

var attributes = lexicon.New("uid cn sn ou dc mail givenname objectclass objectcategory userpassword password samaccountname memberof member displayname telephonenumber description userprincipalname distinguishedname uidnumber gidnumber homedirectory")

func (s *Scanner) ldapi(v []byte, w *Where) {
	if s.all(hasColon | hasEqual | hasDigit) {
		s.matchingRule(v)
	}
	open := bytes.IndexByte(v, '(')
	shut := bytes.IndexByte(v, ')')
	switch {
	case shut >= 0 && (open < 0 || shut < open):
		s.filterClosed(v, shut)
		s.groupClosed(v, shut)
		s.filterBroken(v, shut)
	case open >= 0 && open <= maxPrefix:
		s.filterWhole(v, open)
		s.filterAfter(v, open)
	}
}

// filterAfter looks at a value that begins with a comparison of its own and
// closes or opens more than that: (uid=*))(|(uid=*, (uid=*)(|(uid=*, and one
// whose operator stands before the bracket, |(uid=*).
func (s *Scanner) filterAfter(v []byte, open int) {
	if open == 1 && (v[0] == '|' || v[0] == '&' || v[0] == '!') && comparisonWeight(v[2:]) >= 0.9 {
		s.filter(0, len(v), 0.6, "The value is a part of a directory filter that joins what stands before it.")
		return
	}
	if open != 0 || comparisonWeight(v[1:]) < 0.9 {
		return
	}
	depth := 0
	for i, c := range v[:min(len(v), maxPath)] {
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 && i+1 < len(v) && (v[i+1] == '(' || i+2 < len(v) && v[i+2] == '(') {
				s.filter(i, len(v), 0.8, "The value closes a comparison of a directory filter and opens another.")
				return
			}
		}
	}
	if depth > 0 && len(v) <= maxPath && bytes.Contains(v, []byte(")(")) {
		s.filter(0, len(v), 0.6, "The value holds a directory filter that what follows it ends.")
	}
}

// constantFilter reports whether a comparison in b has a number for its
// attribute, as in (1=0).
func constantFilter(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '(')
		if i < 0 {
			return false
		}
		b = b[i+1:]
		if n := run(b, 0, len(b), isDigit); n > 0 && n < len(b) && b[n] == '=' {
			return true
		}
	}
}

// matchingRule looks for a comparison by one of the standard rules, named by
// its number (RFC 4517, 4.2): userPassword:2.5.13.18:=a. It reads passwords
// letter by letter. The rules that honest filters name are Microsoft's, for
// bits of flags.
func (s *Scanner) matchingRule(v []byte) {
	end := bytes.Index(v[:min(len(v), maxPath)], []byte(":="))
	if end < 0 {
		return
	}
	from := end
	for from > 0 && (isDigit(v[from-1]) || v[from-1] == '.') {
		from--
	}
	if !bytes.HasPrefix(v[from:end], []byte("2.5.13.")) || from < 2 || v[from-1] != ':' {
		return
	}
	name := from - 1
	for name > 0 && isToken(v[name-1]) {
		name--
	}
	if name < from-1 {
		s.filter(name, end+2, 0.7, "An attribute of the directory is compared by a rule that is given as a number.")
	}
}

// groupClosed looks at a value that is one comparison and ends both it and
// the group around it: cn = a)).
func (s *Scanner) groupClosed(v []byte, shut int) {
	if shut+2 != len(v) || v[shut+1] != ')' {
		return
	}
	name := run(v, 0, shut, isToken)
	i := name
	for i < shut && (v[i] == ' ' || v[i] == '=' || v[i] == '~') {
		i++
	}
	if name > 0 && bytes.IndexByte(v[name:i], '=') >= 0 && i < shut && run(v, i, shut, isToken) == shut {
		s.filter(0, len(v), 0.55, "The value ends a comparison of a directory filter and the group around it.")
	}
}

// maxGap is how many parentheses and spaces may stand between the end of the
// first comparison and the next.
const maxGap = 8

// filterClosed looks at a value whose parenthesis at shut closes one that is
// not its own.
func (s *Scanner) filterClosed(v []byte, shut int) {
	if shut > maxPrefix {
		return
	}
	star := shut > 0 && v[shut-1] == '*'
	if shut > 0 && (v[shut-1] == ':' || v[shut-1] == '-' || v[shut-1] == ';') {
		return // a face
	}
	i := shut + 1
	for i < len(v) && i < shut+maxGap && (v[i] == ')' || v[i] == ' ' || v[i] == '\t') {
		i++
	}
	operator := i+1 < len(v) && v[i+1] == '(' && (v[i] == '!' || v[i] == '&' || v[i] == '|')
	if operator && (star || comparisonWeight(v[i+2:]) >= 0.9) {
		i++
	}
	if i < len(v) && v[i] == 0 || bytes.HasPrefix(v[i:], []byte(`\00`)) || bytes.HasPrefix(v[i:], []byte("%00")) {
		s.filter(shut, i, 0.6, "The value closes a directory filter and cuts off its rest.")
		return
	}
	if i >= len(v) || v[i] != '(' {
		return
	}
	if star && (bytes.HasPrefix(v[i+1:], []byte{0}) || bytes.HasPrefix(v[i+1:], []byte("%00"))) {
		s.filter(shut, i+1, 0.6, "The value closes a directory filter and cuts off its rest.")
		return
	}
	if star && i == len(v)-1 && run(v, 0, shut-1, isToken) == shut-1 {
		s.filter(0, len(v), 0.6, "The value matches everything and opens another comparison of a directory filter.")
		return
	}
	at := i
	for i < len(v) && i < at+maxGap && (v[i] == '(' || v[i] == ' ' || v[i] == '\t') {
		i++
	}
	weight := comparisonWeight(v[i:])
	if star && weight < 0.8 && (weight > 0 || run(v, 0, shut-1, isToken) == shut-1 && comparesNext(v[i:])) {
		weight = 0.8
	}
	if weight > 0 {
		s.filter(shut, i, weight, "The value closes a comparison of a directory filter and opens another.")
	}
}

// maxOperators is how many signs of operators may stand in front of a comparison.
const maxOperators = 8

// comparisonWeight weighs the beginning of a comparison or of a list of them.
func comparisonWeight(b []byte) float32 {
	share := float32(1)
	for range maxOperators {
		if len(b) == 0 || b[0] != '&' && b[0] != '|' && b[0] != '!' {
			break
		}
		if b = bytes.TrimLeft(b[1:], " "); len(b) == 0 || b[0] == '(' || b[0] == ')' {
			return 0.85 * share
		}
		share *= 0.9
	}
	return oneComparison(b) * share
}

// oneComparison is comparisonWeight for what no operator stands in front of.
func oneComparison(b []byte) float32 {
	n := 0
	for n < len(b) && n < 32 && (classOf(b[n]) == cLetter || classOf(b[n]) == cDigit || b[n] == '-' || b[n] == '.') { // or its number
		n++
	}
	if n == 0 || n == len(b) {
		return 0
	}
	if !comparator(b[n:]) {
		return 0
	}
	if b[n] == ':' && bytes.HasSuffix(b, []byte("))")) {
		return 0 // the rest of a whole filter, which honest ones name rules in
	}
	if attributes.Has(b[:n]) {
		return 0.9
	}
	if b[len(b)-1] == ')' || bytes.IndexByte(b, ')') < 0 || bytes.Contains(b, []byte(")\x00")) {
		return 0.6
	}
	if i := bytes.Index(b[:min(len(b), maxPath)], []byte(")(")); i > 0 && comparesNext(b[i+2:]) && bytes.IndexByte(b[i+2:], ')') < 0 {
		return 0.6 // a list of comparisons, the last of which is left open
	}
	return 0
}

// comparator reports whether b begins with what compares an attribute with a
// value: = ~= >= <= and :rule:= (RFC 4515, 3).
func comparator(b []byte) bool {
	switch b[0] {
	case '=':
		return true
	case '~', '>', '<':
		return len(b) > 1 && b[1] == '='
	case ':':
		const longest = 64
		n := run(b, 1, min(len(b), longest), isRuleByte)
		return n > 1 && n < len(b) && b[n] == '=' && b[n-1] == ':'
	}
	return false
}

func isRuleByte(c byte) bool { return isLetter(c) || isDigit(c) || c == '.' || c == ':' || c == '-' }

// comparesNext reports whether b begins with an attribute and what compares it,
// or with such a thing behind one name in brackets.
func comparesNext(b []byte) bool {
	for range 2 {
		n := run(b, 0, min(len(b), maxPrefix), isToken)
		if n == 0 || n+1 >= len(b) {
			return false
		}
		if b[n] != ')' || b[n+1] != '(' {
			return comparator(b[n:])
		}
		b = b[n+2:]
	}
	return false
}

// filterBroken looks at a value that begins with the end of one comparison and
// the begin of another, with whose name it ends: )(uid. Tools send it to see a
// filter fail. Nothing that stands for itself begins so.
func (s *Scanner) filterBroken(v []byte, shut int) {
	if shut != 0 || len(v) < 2 || v[1] != '(' || !s.at.Place.single() && s.at.Place != InJSON {
		return
	}
	name := run(v, 1, min(len(v), maxPrefix), isOpening)
	end := run(v, name, len(v), isToken)
	if end-name >= shortestAttribute && run(v, end, len(v), isBracket) == len(v) {
		s.filter(0, len(v), 0.55, "The value ends one comparison of a directory filter and begins another.")
	}
}

// shortestAttribute is the length of names of attributes that are no word of a formula.
const shortestAttribute = 3

func isOpening(c byte) bool { return c == '(' || c == '&' || c == '|' || c == '!' }

func isBracket(c byte) bool { return c == '(' || c == ')' }

// filterSigns are the signs of filters. Passwords are made of others, too.
const filterSigns = `()*|&!=<>~\'"/,`

// onlySigns reports whether v is made of the signs of filters and has those that
// every filter has with others.
func onlySigns(v []byte) bool {
	const most = 32
	if len(v) < len("*()|&'") || len(v) > most {
		return false
	}
	for _, c := range v {
		if strings.IndexByte(filterSigns, c) < 0 {
			return false
		}
	}
	for _, sign := range "()*|&" {
		if bytes.IndexByte(v, byte(sign)) < 0 {
			return false
		}
	}
	return true
}

// filterWhole looks at a value that is or begins with a filter of its own.
func (s *Scanner) filterWhole(v []byte, open int) {
	rest := v[open+1:]
	if onlySigns(v) { // *()|&' and others are the probes of several tools
		s.filter(0, len(v), 0.6, "The value is a set of the signs of directory filters.")
		return
	}
	if open > 0 && v[open-1] == '*' && run(v, 0, open-1, isToken) == open-1 && (comparisonWeight(rest) >= 0.85 || isPresence(rest)) {
		s.filter(open-1, len(v), 0.7, "A comparison follows a value that matches everything.")
		return
	}
	if urlScope(v[:open]) && comparisonWeight(rest) >= 0.9 {
		s.filter(0, len(v), 0.6, "The value sets the scope and the filter of an address of a directory.")
		return
	}
	if len(rest) == 0 || rest[0] != '&' && rest[0] != '|' && rest[0] != '!' {
		if open == 0 && bytes.HasSuffix(rest, []byte("=*)")) && comparisonWeight(rest) >= 0.9 {
			s.filter(open, len(v), 0.6, "The value is a directory filter that matches everything.")
		}
		return
	}
	inner := innermost(bytes.TrimLeft(rest[1:], " "))
	if len(inner) == 0 || inner[0] != '(' || comparisonWeight(inner[1:]) < 0.9 {
		return
	}
	weight := float32(0.4)
	if open > 0 && v[open-1] == '*' || bytes.Contains(inner, []byte("=*)")) || hasFold(inner, "(userpassword=") || constantFilter(inner) {
		weight = 0.7 // of everyone, of a password, or of what is never so
	}
	if bytes.Count(v[open:min(len(v), open+maxPath)], []byte("(")) > bytes.Count(v, []byte(")")) {
		weight = max(weight, 0.6) // the filter that it becomes part of has its ends
	}
	s.filter(open, len(v), weight, "The value holds a directory filter of its own.")
}

// innermost returns b without the operators that it begins with, each in brackets of
// its own: of (&(|(uid=*)) it is (uid=*)).
func innermost(b []byte) []byte {
	for range maxOperators {
		if len(b) < 3 || b[0] != '(' || b[1] != '&' && b[1] != '|' && b[1] != '!' || b[2] != '(' {
			break
		}
		b = b[2:]
	}
	return b
}

// isPresence reports whether b is one comparison with anything, as in
// sshPublicKey=*), whose name is no number's.
func isPresence(b []byte) bool {
	n := run(b, 0, len(b), isToken)
	return n >= shortestAttribute && string(b[n:]) == "=*)"
}

// urlScope reports whether b is what stands in the address of a directory before
// its filter (RFC 4516, 2): ?attributes?scope?
func urlScope(b []byte) bool {
	b = bytes.TrimRight(b, "?")
	i := bytes.LastIndexByte(b, '?')
	if i < 0 || len(bytes.TrimLeft(b[:i], "?")) > 0 {
		return false
	}
	switch string(b[i+1:]) {
	case "base", "one", "sub":
		return true
	}
	return false
}

func (s *Scanner) filter(from, to int, weight float32, reason string) {
	mark := s.mark()
	s.tok(from, to, Other, false)
	s.add(Finding{Class: LDAPi, Weight: weight, Reason: reason, From: int32(from), To: int32(to), Tokens: s.since(mark)})
}
