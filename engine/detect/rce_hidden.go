package detect

import (
	"bytes"
	"strings"

	"github.com/gabionhq/gabion/engine/internal/pair"
)

// Most values that have signs of a shell have no name of a program that the gate knows.
// In those a command is found only where something hides its name, where the gate does not
// know the name, or by what it is handed. Each of that begins with two bytes of shellPairs
// and has more around them, so that values of random signs need not be read.

// shellSigns are those with which all of a value is read.
const shellSigns = hasShellWord | hasLine | hasControl | hasHigh

// longSigns are those with which all of a long value is read.
const longSigns = hasSpace | hasBacktick | hasLess | hasGreater | hasSlash

// shellPairs are what splits and hides ask more of.
var shellPairs = pair.New(
	pair.Of{pair.Letters + "_", `'"^\$`}, pair.Of{`\`, wordBytes}, pair.Of{"$", "iI('[{_"},
	pair.Of{"-", pair.Letters + `'"^\$`}, pair.Of{"cC", "89"}, pair.Of{".~", "/ecbpvmsECBPVMS"}, pair.Of{"fFiInNoO", "oOfFlLdD"},
	pair.Of{":", `\~`}, pair.Of{"%", pair.Letters}, pair.Of{"<`", "<`"},
	pair.Of{"/", pair.Letters + `?*['"$`}, pair.Of{" \t+", "-/"}, pair.Of{" \t12>", ">&"},
	pair.Of{";|&", "$ \t"}, pair.Of{`'")`, ";|&`$<> \t-"}, pair.Of{"|", "'"},
)

// wordBytes are those of words.
const wordBytes = pair.Letters + "0123456789_"

// mayHide reports whether a command may be found in v, which has none of shellSigns. Of
// long values it asks less: that it asks a few times over makes up for that in short ones.
func (s *Scanner) mayHide(v []byte) bool {
	i := shellPairs.Next(v, 0)
	switch {
	case len(v) > maxBreaking:
		return i < len(v) || s.any(longSigns)
	case i == len(v):
		return false
	}
	for away := mayBreakAway(v); i < len(v); i = shellPairs.Next(v, i+1) {
		if wordASCII[v[i]] && splits(v, i, away) || !wordASCII[v[i]] && s.hides(v, i, away) {
			return true
		}
	}
	return false
}

// mayBreakAway reports whether nothing but one piece of data, and the end of a string,
// stands in front of the first sign that puts a word in the position of a command: see
// breaksAway.
func mayBreakAway(v []byte) bool {
	i := skipBlank(v, 0)
	for i < len(v) && isDatum[v[i]] {
		i++
	}
	for i < len(v) && (v[i] == '\'' || v[i] == '"' || v[i] == ')') {
		i++
	}
	return isLead(v, i)
}

// isLead reports whether a sign stands at i, or behind blanks, that puts a word in the
// position of a command.
func isLead(v []byte, i int) bool {
	for i < len(v) && (v[i] == ' ' || v[i] == '\t') {
		i++
	}
	switch byteAt(v, i) {
	case ';', '|', '&', '`':
		return true
	case '$', '<', '>':
		return byteAt(v, i+1) == '('
	}
	return false
}

// splits reports whether the name of a command may be hidden by the sign behind the
// letter at i, or be one that the gate does not know. The two are one of shellPairs.
func splits(v []byte, i int, away bool) bool {
	next := byteAt(v, i+2)
	switch b := v[i+1]; b {
	case '\'', '"':
		return next == b || next == '/' || isLetter(next) && bytes.Count(v, v[i+1:i+2]) > 1
	case '^':
		return next == b || isLetter(next)
	case '\\':
		return isLetter(next)
	case '>':
		return away
	case '$':
		return emptyVariable[next] && splitsName[byteAt(v, i+3)]
	case '8', '9':
		return next == '9' || splitsName[next] && !wordASCII[next]
	}
	return begins(v, i, next)
}

// hides reports whether a command may be found by the sign at i and what stands behind
// it. The two are one of shellPairs.
func (s *Scanner) hides(v []byte, i int, away bool) bool {
	next := byteAt(v, i+2)
	switch a, b := v[i], v[i+1]; a {
	case '-':
		return i > 0 && isLetter(v[i-1])
	case '.', '~':
		return away && (b == '/' || programEndSet.Has(v[i+1:run(v, i+1, min(len(v), i+8), isWordASCII)]))
	case ' ', '\t', '+':
		return b == '>' && away || b == '/' && wordASCII[next] || b == '-' && (isLetter(next) || next == '-')
	case '/':
		if b == '\'' || b == '"' || b == '$' {
			return bytes.ContainsAny(v[i:min(len(v), i+maxWildPath)], "?*[")
		}
		return (away || s.all(hasDollar|hasOpen)) && s.any(hasSpace) && strings.IndexByte(systemDirs, lower(b)) >= 0 || isWildPath(v[i:])
	case '\\':
		return away && bytes.ContainsAny(v[:i], " \t") || i <= skipBlank(v, 0)+1
	case '$':
		return s.expands(v, i)
	case '\'', '"', ')':
		if b == '-' {
			return (isLetter(next) || next == '-') && bytes.ContainsAny(v[:i], " \t+")
		}
		return away && i > 0 && isLead(v, i+1) && (s.all(hasHash|hasSpace) || endsCommand(v))
	case ';', '&', '|':
		if at := skipBlank(v, i+1); byteAt(v, at) == '$' {
			return s.any(hasEqual) // a variable was set
		}
		return b == '\'' && i > 0 && wordASCII[v[i-1]] && bytes.Contains(v[i+2:], []byte("'!"))
	case ':':
		return b == '~' && s.any(hasPercent) || b == '\\' && i > 0 && isLetter(v[i-1])
	case '>':
		return b == '&' && (next == '/' || next == ' ')
	case '<':
		return b == '<' && next == '<'
	case '`':
		return b == '`' && i > 0 && isLetter(v[i-1])
	case '%':
		return away && bytes.Count(v, v[i:i+1]) > 1
	}
	return false
}

// begins reports whether the two letters at i begin a statement of cmd.exe or are the
// name of one of plainReaders.
func begins(v []byte, i int, next byte) bool {
	switch a, b := lower(v[i]), lower(v[i+1]); {
	case a == 'i' && b == 'f':
		return next == ' ' || next == '/'
	case a == 'f' && b == 'o':
		return lower(next) == 'r' && isBatchBlank(byteAt(v, i+3))
	case a == 'n' && b == 'l', a == 'o' && b == 'd':
		return !isLetter(next) && (i == 0 || !isLetter(v[i-1]))
	}
	return false
}

// systemDirs begin the directories of a system that shlex knows as secret.
const systemDirs = "ebdptruw"

// isWildPath reports whether a path with wildcards begins at v.
func isWildPath(v []byte) bool {
	end := run(v, 0, min(len(v), maxWildPath), func(b byte) bool { return !endsPath[b] })
	return bytes.LastIndexByte(v[:end], '/') > 0 && bytes.ContainsAny(v[:end], "?*[]")
}

// maxWildPath is longer than such paths are, and endsPath are the bytes that end one.
const maxWildPath = 64

var endsPath = [256]bool{' ': true, '\t': true, ';': true, '|': true, '&': true, '`': true, '(': true, ')': true, '<': true, '>': true}

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
	for _, b := range []byte(wordBytes + `'"^\$.-/`) {
		splits[b] = true
	}
	return empty, splits
}()

// expands reports whether the dollar sign at i may begin an expansion that counts
// whatever stands around it, or splits a name.
func (s *Scanner) expands(v []byte, i int) bool {
	next := byteAt(v, i+2)
	switch v[i+1] {
	case '(':
		return next == '(' || next == ')' || next == '/'
	case '\'':
		return s.any(hasBackslash)
	case '[':
		return (isSum(next) || next == ']') && bytes.IndexByte(v[i:], ']') > 0
	case '{':
		return isWordASCII(next) || next == '@'
	}
	return v[i+1] == '_' || hasPrefixFold(v[i:], "$ifs")
}

// endsCommand reports whether v ends behind a command: in a separator and at most one
// byte, or in what ends a substitution.
func endsCommand(v []byte) bool {
	v = bytes.TrimSpace(v)
	for _, b := range v[max(0, len(v)-2):] {
		if b == ';' || b == '&' || b == '|' {
			return true
		}
	}
	end := len(v)
	for end > 0 && isCutting(v[end-1]) {
		end--
	}
	return end > 0 && (v[end-1] == '`' || v[end-1] == ')')
}
