package detect

import "bytes"

// cutOff reports whether v is a tag or an attribute, cut off before what it
// would hold: "onx=, <a href=, <x:script. Or it is an address of old
// browsers that holds script or markup, spelled so that its scheme ends oddly.
func cutOff(v []byte) bool {
	switch v[0] {
	case '<':
		return cutTag(v)
	case '"', '\'', '`':
		return cutAttribute(v[1:])
	}
	return oddAddress(v)
}

// cutTag reports whether v begins a tag and ends with an attribute's equals
// sign, or is the tag of a script of another namespace.
func cutTag(v []byte) bool {
	if bytes.IndexByte(v, '>') >= 0 {
		return false
	}
	i := gap(v, 1)
	if i < len(v) && (v[i] == '"' || v[i] == '\'') {
		return cutAttribute(v[i+1:])
	}
	name := run(v, i, len(v), isWordASCII)
	space := gap(v, name)
	if space < len(v) && v[space] == ':' {
		if name > i && hasPrefixFold(v[gap(v, space+1):], "script") {
			return true
		}
	} else if name == i || name != space && v[1] == ' ' {
		return false
	}
	return attributeEnd(v) > 0 && (isLetter(v[1]) || v[1] == ':')
}

// cutAttribute reports whether v is the name of an attribute that acts and an
// equals sign.
func cutAttribute(v []byte) bool {
	end := attributeEnd(v)
	i := gap(v, 0)
	if end <= i || run(v, i, end, isAttributeByte) != end {
		return false
	}
	return isHandler(v[i:]) || urlAttribute(v[i:end])
}

// attributeEnd returns where the name before the equals sign at the end of v
// ends, 0 for none. Browsers take a slash for a blank there.
func attributeEnd(v []byte) int {
	if v = bytes.TrimRight(v, " \t\r\n"); len(v) == 0 || v[len(v)-1] != '=' {
		return 0
	}
	v = bytes.TrimRight(v[:len(v)-1], " \t\r\n/")
	if len(v) == 0 || !isAttributeByte(v[len(v)-1]) {
		return 0
	}
	return len(v)
}

func isAttributeByte(c byte) bool { return isWordASCII(c) || c == '-' || c == ':' }

// shortestHandler is the length of onabc.
const shortestHandler = 5

// isHandler reports whether v begins with the attribute of an event and an
// equals sign.
func isHandler(v []byte) bool {
	i := run(v, 0, len(v), isLetter)
	j := gap(v, i)
	return i >= shortestHandler && j < len(v) && v[j] == '=' && hasPrefixFold(v, "on")
}

// scriptedURL is what a property of a style holds that is a script.
const scriptedURL = ":url(javascript"

// oddAddress reports whether v is an address that holds script or markup
// behind a blank, an escape, or the name of a property of a style.
func oddAddress(v []byte) bool {
	switch lower(v[0]) {
	case 'j':
		if !hasPrefixFold(v, "javascript") {
			break
		}
		i := gap(v, len("javascript"))
		return i < len(v) && v[i] == ':' && gap(v, i+1) < len(v) && v[gap(v, i+1)] == '\\'
	case 'd':
		if !hasPrefixFold(v, "data") {
			break
		}
		i := gap(v, len("data"))
		if i >= len(v) || v[i] != ':' {
			return false
		}
		if i = gap(v, i+1); i >= len(v) || v[i] != ',' {
			return false
		}
		i = gap(v, i+1)
		return i < len(v) && v[i] == '<'
	}
	return len(v) >= len(scriptedURL) && hasFold(v, scriptedURL)
}

// sevenBitLetters are those of its escapes.
var sevenBitLetters = lettersOf("xbce")

// sevenBit reports whether v holds a tag in the characters that old browsers
// took for < and > where they dropped the eighth bit, in escapes of a string.
func sevenBit(v []byte) bool {
	i := indexFold(v, `\xbc`)
	if i < 0 || i+4 >= len(v) {
		return false
	}
	j := run(v, i+4, len(v), isLetter)
	rest := v[j:]
	if hasPrefixFold(rest, `\xc2`) || hasPrefixFold(rest, `\xd0`) {
		rest = rest[4:]
	}
	return j > i+4 && hasPrefixFold(rest, `\xbe`)
}

// loneControl reports whether v is nothing but one element that takes input or
// sets the charset of the page. Editors send such only within text.
func loneControl(v []byte) bool {
	if v[0] != '<' || v[len(v)-1] != '>' || bytes.Count(v, []byte("<")) > 1 {
		return false
	}
	end := run(v, 1, len(v), isLetter)
	switch name := v[1:end]; {
	case !isSpace(v[end]):
		return false
	case equalFold(name, "meta"):
		return hasFold(v[end:], "charset")
	default:
		return equalFold(name, "input") || equalFold(name, "keygen") || equalFold(name, "isindex")
	}
}
