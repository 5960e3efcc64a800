package parse

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/pair"
)

// hasCharEscape reports whether v holds an HTML character reference or an
// escape of a JavaScript, C or CSS string.
func hasCharEscape(v []byte) bool {
	for i := 0; i+2 < len(v); i++ {
		if !charEscapes.Begin(v[i], v[i+1]) {
			continue
		}
		if _, n := charEscape(v[i:]); n > 0 {
			return true
		}
	}
	return false
}

// charEscapes are what such escapes begin with.
var charEscapes = pair.New(pair.Of{"&", "#" + pair.Letters}, pair.Of{`\`, "xu0123"})

// isCharEscapes reports whether v is nothing but such escapes.
func isCharEscapes(v []byte) bool {
	for len(v) > 0 {
		if v[0] != '&' && v[0] != '\\' {
			return false
		}
		_, n := charEscape(v)
		if n == 0 {
			return false
		}
		v = v[n:]
	}
	return true
}

// isCharRelay reports whether all such escapes in v are of the characters with which
// they begin, as where it was escaped several times, and nothing else is undone.
func isCharRelay(v []byte) bool {
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '<':
			return false
		case '&', '\\':
			if r, n := charEscape(v[i:]); n > 0 {
				if r != '&' && r != '\\' {
					return false
				}
				i += n - 1
			}
		}
	}
	return true
}

// appendCharDecoded undoes one layer of such escapes, and takes out the tags
// inside words.
func appendCharDecoded(dst, v []byte) ([]byte, bool) {
	plain := 0
	for i := charMarks.Next(v, 0); i < len(v); i = charMarks.Next(v, max(i+1, plain)) {
		if v[i] == '<' {
			if n := splitTag(v[max(i-1, 0)], v[i:]); n > 0 {
				dst = append(dst, v[plain:i]...)
				plain = i + n
			}
		} else if r, n := charEscape(v[i:]); n > 0 {
			dst = appendRune(append(dst, v[plain:i]...), r)
			plain = i + n
		}
	}
	return append(dst, v[plain:]...), true
}

// charMarks are what such escapes and tags begin with.
var charMarks = pair.New(pair.Of{"&", "#" + pair.Letters}, pair.Of{`\`, "xu0123"}, pair.Of{"<", "/>" + pair.Letters})

// maxSplit is the longest tag that counts as one inside a word.
const maxSplit = 10

// splitTag returns the length of the tag at the start of v if it stands inside
// a word, prev being the byte before it: o<x>nfocus, sel<>ect. Pages that take
// tags out of what they are given join the word again. Tags that markup has
// join nothing that matters: people make parts of words bold.
func splitTag(prev byte, v []byte) int {
	if !isLetter(prev) {
		return 0
	}
	n := 1
	for n < len(v) && n < maxSplit && (isLetter(v[n]) || v[n] == '/') {
		n++
	}
	if n+1 >= len(v) || v[n] != '>' || !isLetter(v[n+1]) && v[n+1] != '(' {
		return 0
	}
	switch string(v[1:n]) {
	case "b", "i", "u", "s", "a", "em", "strong", "br", "sub", "sup", "small", "big", "mark", "code", "span", "wbr", "p", "q", "tt", "del", "ins", "font",
		"/b", "/i", "/u", "/s", "/a", "/em", "/strong", "br/", "/sub", "/sup", "/small", "/big", "/mark", "/code", "/span", "/p", "/q", "/tt", "/del", "/ins", "/font":
		return 0
	}
	return n + 1
}

// hasSplitWord reports whether a tag stands inside a word of v.
func hasSplitWord(v []byte) bool {
	for at := 1; at < len(v); at++ {
		i := bytes.IndexByte(v[at:], '<')
		if i < 0 {
			return false
		}
		at += i
		if splitTag(v[at-1], v[at:]) > 0 {
			return true
		}
	}
	return false
}

// charEscape reads the escape that v begins with: the character and the
// length of the escape, 0 for none.
func charEscape(v []byte) (rune, int) {
	if v[0] == '&' {
		return htmlReference(v)
	}
	if len(v) < 2 {
		return 0, 0
	}
	switch b := v[1]; {
	case b == 'x' && len(v) >= 4 && hexValue[v[2]]|hexValue[v[3]] < 16:
		return rune(hexValue[v[2]]<<4 | hexValue[v[3]]), 4
	case b == 'u' && len(v) >= 6 && hexValue[v[2]]|hexValue[v[3]]|hexValue[v[4]]|hexValue[v[5]] < 16:
		return hex4(v[2:]), 6
	case b == 'u' && len(v) >= 5 && v[2] == '{':
		r, n := number(v[3:], 16, 6)
		if n > 0 && 3+n < len(v) && v[3+n] == '}' {
			return r, 4 + n
		}
	case '0' <= b && b <= '3' && len(v) >= 4 && isOctal(v[2]) && isOctal(v[3]):
		return rune(b-'0')<<6 | rune(v[2]-'0')<<3 | rune(v[3]-'0'), 4
	}
	return 0, 0
}

func isOctal(b byte) bool { return '0' <= b && b <= '7' }

// htmlReference reads a character reference as browsers do, where the
// semicolon may be missing after a number (HTML, 13.2.5.72).
func htmlReference(v []byte) (rune, int) {
	if len(v) < 3 {
		return 0, 0
	}
	if v[1] != '#' {
		return namedReference(v)
	}
	base, at := 10, 2
	if v[2]|0x20 == 'x' {
		base, at = 16, 3
	}
	r, n := number(v[at:], base, 10)
	if n == 0 {
		return 0, 0
	}
	at += n
	if at < len(v) && v[at] == ';' {
		at++
	}
	return r, at
}

// namedReferences are the ones that markup or code can hide behind.
var namedReferences = [...]struct {
	name string
	r    rune
}{
	{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}, {"LT", '<'}, {"GT", '>'},
	{"AMP", '&'}, {"QUOT", '"'}, {"nbsp", ' '}, {"Tab", '\t'}, {"NewLine", '\n'}, {"colon", ':'},
	{"lpar", '('}, {"rpar", ')'}, {"sol", '/'}, {"bsol", '\\'}, {"lbrace", '{'}, {"rbrace", '}'},
	{"lcub", '{'}, {"rcub", '}'}, {"lsqb", '['}, {"rsqb", ']'}, {"lbrack", '['}, {"rbrack", ']'},
	{"semi", ';'}, {"comma", ','}, {"period", '.'}, {"equals", '='}, {"excl", '!'}, {"dollar", '$'},
	{"num", '#'}, {"percnt", '%'}, {"grave", '`'}, {"DiacriticalGrave", '`'}, {"vert", '|'},
	{"verbar", '|'}, {"ast", '*'}, {"midast", '*'}, {"plus", '+'}, {"quest", '?'}, {"commat", '@'},
	{"lowbar", '_'}, {"UnderBar", '_'}, {"Hat", '^'},
}

func namedReference(v []byte) (rune, int) {
	n := 1
	for n < len(v) && n <= 17 && isLetter(v[n]) {
		n++
	}
	if n == len(v) || v[n] != ';' {
		return 0, 0
	}
	for i := range namedReferences {
		if r := &namedReferences[i]; len(r.name) == n-1 && r.name == string(v[1:n]) {
			return r.r, n + 1
		}
	}
	return 0, 0
}

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

// number reads at most limit digits, leading zeros not counted.
func number(v []byte, base, limit int) (rune, int) {
	var r rune
	i, digits := 0, 0
	for ; i < len(v); i++ {
		d := int(hexValue[v[i]])
		if d >= base {
			break
		}
		if d > 0 || digits > 0 {
			digits++
		}
		if digits > limit || r > 0x10ffff {
			return 0, 0
		}
		r = r*rune(base) + rune(d)
	}
	if r > 0x10ffff {
		return 0, 0
	}
	return r, i
}
