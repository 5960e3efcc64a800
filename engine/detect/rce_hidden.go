package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/pair"
)

// shellSigns are those without which a command is found by its name only, which the
// gate knows, or by what shellPairs begin.
const shellSigns = hasShellWord | hasSpace | hasBacktick | hasLess | hasGreater | hasSlash | hasLine | hasControl | hasHigh

// shellPairs are what splits the name of a command, or what it is handed from it; what
// stands in names that the gate does not know (see oneWord); and what is found whatever
// the name is. Most of those in a value of random signs lead nowhere: see hides.
var shellPairs = pair.New(
	pair.Of{pair.Letters + "_", `'"^\$+`}, pair.Of{"-", pair.Letters + `'"^\$`}, pair.Of{".", "ecbpvmsECBPVMS"}, pair.Of{"cC", "89"},
	pair.Of{"$", "iI('[{"}, pair.Of{";|&", "$"}, // see dollar and runsVariable
	pair.Of{`'")`, ";|&"}, pair.Of{":", `\`}, // see breaksAway and programPoints
	pair.Of{`\`, "nNrR"}, pair.Of{"|", "'"}, // see escapedLine and exchange
)

// mayHide reports whether a command may be found in v, which has none of shellSigns.
func (s *Scanner) mayHide(v []byte) bool {
	for i := shellPairs.Next(v, 0); i < len(v); i = shellPairs.Next(v, i+1) {
		if s.hides(v, i) {
			return true
		}
	}
	return false
}

// hides reports whether a command may be found by the pair at i, which is one of
// shellPairs.
func (s *Scanner) hides(v []byte, i int) bool {
	next := byteAt(v, i+2)
	switch a, b := v[i], v[i+1]; {
	case a == '.':
		return programEndSet.Has(v[i+1 : run(v, i+1, min(len(v), i+8), isWordASCII)])
	case a == '-':
		return i > 0 && isLetter(v[i-1])
	case a == '$':
		return s.expands(v[i:])
	case a == ')' || a == '\'' || a == '"':
		return i > 0 && endsCommand(v[i+2:])
	case a == ';' || a == '&' || a == '|' && b == '$':
		return s.any(hasEqual) // a variable was set
	case a == '|':
		return s.any(hasBang)
	case a == ':' || a == '\\' || b == '+' || b == '\\':
		return true
	case isDigit(b):
		return next == '9'
	case b == '^':
		return next == b || isLetter(next)
	case b == '$':
		return emptyVariable[next] && splitsName[byteAt(v, i+3)]
	default: // a quote
		return next == b || isLetter(next) && bytes.Count(v, v[i+1:i+2]) > 1
	}
}

// byteAt returns the byte at i of v, 0 behind its end.
func byteAt(v []byte, i int) byte {
	if i < len(v) {
		return v[i]
	}
	return 0
}

// emptyVariable are the bytes that make a variable of a dollar sign which is most
// often empty, and splitsName those with which the name that it splits goes on.
var emptyVariable, splitsName = func() (empty, splits [256]bool) {
	for _, b := range []byte("@*!?$_-0123456789") {
		empty[b] = true
	}
	for b := range splits {
		splits[b] = isWordASCII(byte(b))
	}
	for _, b := range []byte(`'"^\$.-`) {
		splits[b] = true
	}
	return empty, splits
}()

// expands reports whether v, which begins with a dollar sign, may be an expansion that
// counts whatever stands around it, or splits a name.
func (s *Scanner) expands(v []byte) bool {
	next := byteAt(v, 2)
	switch v[1] {
	case '(':
		return next == '(' || next == ')'
	case '\'':
		return s.any(hasBackslash)
	case '[':
		return bytes.IndexByte(v, ']') > 0
	case '{':
		return isWordASCII(next) || next == '@'
	}
	return hasPrefixFold(v, "$ifs")
}

// endsCommand reports whether a separator is the last or the last but one byte of v.
func endsCommand(v []byte) bool {
	for _, b := range v[max(0, len(v)-2):] {
		if b == ';' || b == '&' || b == '|' {
			return true
		}
	}
	return false
}
