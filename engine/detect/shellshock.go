package detect

import "github.com/gabionhq/gabion/engine/internal/lexicon"

// whenShellshock: a function needs its brackets and its braces.
var whenShellshock = []feature{hasOpen | hasClose | hasBrace}

var shellshockVocabulary = lexicon.New(`bin bash sh echo ping curl wget cat env etc passwd ignored test true rm chmod nc id uname sleep perl python`)

// shellshock finds the function definition that old versions of Bash import
// from a variable's value and run past (CVE-2014-6271, -6278). The value
// begins with it; a shell function in a text has a name first.
func (s *Scanner) shellshock(v []byte, w *Where) {
	s.reads(v, readFunctions)
	for i := 0; i < len(v); i++ {
		if v[i] != '(' {
			continue
		}
		j := skipDots(v, i+1)
		if j >= len(v) || v[j] != ')' {
			continue
		}
		if j = skipDots(v, j+1); j >= len(v) || v[j] != '{' {
			continue
		}
		var best lead
		judgeFunction(&best, v, i, j)
		if i == 0 && j+1 == len(v) && w.Place != InOther && !w.Place.holdsText() {
			best.offer(0.6, 0, len(v), "The value is the beginning of a function that old versions of Bash import.")
		}
		if best.weight > 0 {
			s.follow(Shellshock, v, best, shellshockVocabulary)
			return
		}
	}
}

// maxBody bounds the function body that is read; attacks keep it empty.
const maxBody = 64

func judgeFunction(best *lead, v []byte, from, brace int) {
	named := from > 0 && (isWord(v[from-1]) || v[from-1] == ' ' && from > 1 && isWord(v[from-2]))
	if named {
		return
	}
	j := brace + 1
	for j < len(v) && j < brace+maxBody && v[j] != '}' {
		j++
	}
	if j >= len(v) || v[j] != '}' {
		return
	}
	k := skipDots(v, j+1)
	if k >= len(v) || v[k] != ';' && v[k] != '>' {
		return
	}
	if isBlank(v[:from]) {
		best.certain(0.97, from, min(len(v), k+40), "The value begins with a function that old versions of Bash import and run past.")
		return
	}
	best.offer(0.8, from, min(len(v), k+40), "The value holds a function that old versions of Bash import and run past.")
}

// skipBlank returns the index of the first byte from i that is neither space
// nor NUL.
func skipBlank(v []byte, i int) int {
	for i < len(v) && (isSpace(v[i]) || v[i] == 0) {
		i++
	}
	return i
}

// skipDots also skips the dots that some proxies leave for spaces.
func skipDots(v []byte, i int) int {
	for i < len(v) && (isSpace(v[i]) || v[i] == 0 || v[i] == '.') {
		i++
	}
	return i
}

func isBlank(v []byte) bool { return skipBlank(v, 0) == len(v) }
