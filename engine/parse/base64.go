package parse

import (
	"bytes"
	"unicode/utf8"
)

// Shorter text is left alone: nothing harmful fits, and words look like it.
const (
	minBase64 = 8
	minHex    = 12
)

// base64Value maps the standard and the URL alphabet (RFC 4648, 4 and 5).
var base64Value = buildBase64Value()

func buildBase64Value() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for i, b := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		table[b] = byte(i)
	}
	table['-'], table['_'] = 62, 63
	return table
}

// startsLong tells base64 in lines from words with spaces between.
func startsLong(v []byte) bool {
	i := 0
	for i < len(v) && !isSpace(v[i]) {
		i++
	}
	if i >= 2*minBase64 {
		return true
	}
	for i < len(v) && isSpace(v[i]) { // the first line of a piece may be the end of one
		i++
	}
	v = v[i:]
	for i = 0; i < len(v) && !isSpace(v[i]); {
		i++
	}
	return i >= 4*minBase64
}

// appendBase64Decoded decodes either alphabet, padded or not, across white
// space. It reports false when the result is no text and nothing that is
// decoded further, as of words that happen to fit the alphabet. Where white
// space cannot be left out, it is what forms make of +.
func appendBase64Decoded(dst, v []byte) ([]byte, bool) {
	mark := len(dst)
	dst, ok := appendBase64(dst, v, 0xff)
	if !ok && bytes.IndexByte(v, ' ') > 0 {
		dst, ok = appendBase64(dst[:mark], v, base64Value['+'])
	}
	return dst, ok
}

// appendAnyBase64 is appendBase64Decoded for what holds data whatever it looks like.
func appendAnyBase64(dst, v []byte) ([]byte, bool) {
	mark := len(dst)
	dst, _ = appendBase64Decoded(dst, v)
	return dst, len(dst) > mark
}

// appendBase64 decodes v with space for the value of a space, 0xff for none.
func appendBase64(dst, v []byte, space byte) ([]byte, bool) {
	mark := len(dst)
	for len(v) > 4 {
		a, b, c, d := base64Value[v[0]], base64Value[v[1]], base64Value[v[2]], base64Value[v[3]]
		if a|b|c|d > 63 {
			break
		}
		dst = append(dst, a<<2|b>>4, b<<4|c>>2, c<<6|d)
		v = v[4:]
	}
	var acc uint32
	n := 0
	for _, b := range v {
		x := base64Value[b]
		if b == ' ' {
			x = space
		}
		if x == 0xff {
			continue // padding and white space; sniff let nothing else through
		}
		acc = acc<<6 | uint32(x)
		n++
		if n&3 == 0 {
			dst = append(dst, byte(acc>>16), byte(acc>>8), byte(acc))
		}
	}
	switch n & 3 {
	case 1:
		return dst[:mark], false
	case 2:
		dst = append(dst, byte(acc>>4))
	case 3:
		dst = append(dst, byte(acc>>10), byte(acc>>2))
	}
	return dst, isMeaningful(dst[mark:])
}

// appendHexDecoded decodes pairs of hexadecimal digits under the same
// condition.
func appendHexDecoded(dst, v []byte) ([]byte, bool) {
	mark := len(dst)
	if len(v)&1 != 0 {
		return dst, false
	}
	for i := 0; i+1 < len(v); i += 2 {
		dst = append(dst, hexValue[v[i]]<<4|hexValue[v[i+1]])
	}
	return dst, isMeaningful(dst[mark:])
}

// shortText is the length up to which all of a decoded text must be printed
// ASCII: among few random bytes most may be letters by chance, and some
// characters of several bytes.
const shortText = 12

// textStart is how many bytes of text at the start are proof enough: of 16
// random ones all are printable once in five million times.
const textStart = 16

// isMeaningful reports whether decoded bytes are likely to be meant: text for
// the most part, or a format that is decoded further. Of random bytes 38 in
// 100 are printable ASCII.
func isMeaningful(v []byte) bool {
	if len(v) == 0 {
		return false
	}
	if looksBinary(v) {
		return true
	}
	most := len(v) * 3 / 10 // bytes that are no text
	if len(v) <= shortText {
		most = 0
	}
	text := 0
	for i := 0; i < len(v) && i-text <= most; {
		if text == textStart && i == textStart {
			return true
		}
		if b := v[i]; b < utf8.RuneSelf {
			if b >= ' ' && b != 0x7f || b == '\t' || b == '\n' || b == '\r' {
				text++
			}
			i++
			continue
		}
		if len(v) <= shortText {
			return false
		}
		if i+1 == len(v) || v[i+1]&0xc0 != 0x80 { // no UTF-8, as random bytes are
			i++
			continue
		}
		r, n := utf8.DecodeRune(v[i:])
		if r != utf8.RuneError && n >= 2 {
			text += n
		}
		i += n
	}
	return len(v)-text <= most
}

// looksBinary reports whether v begins like a compressed or serialised
// format.
func looksBinary(v []byte) bool {
	if len(v) < 4 {
		return false
	}
	switch {
	case v[0] == 0x1f && v[1] == 0x8b && v[2] == 8: // gzip
	case v[0]&0x8f == 8 && (uint(v[0])<<8|uint(v[1]))%31 == 0 && v[1]&0x20 == 0 && len(v) >= 8: // zlib, RFC 1950, 2.2
	case v[0] == 0xac && v[1] == 0xed && v[2] == 0: // Java serialisation
	case v[0] == 0 && v[1] == 1 && v[2] == 0 && v[3] == 0 && len(v) >= 17: // .NET BinaryFormatter
	case v[0] == 0xff && v[1] == 1 && len(v) >= 16: // ASP.NET view state
	case v[0] == 0x80 && 2 <= v[1] && v[1] <= 5: // Python pickle
	case v[0] == 0xff && v[1] == 0xfe, v[0] == 0xfe && v[1] == 0xff: // UTF-16
	case hasPrefix(v, "\x89PNG\r\n"), hasPrefix(v, "\xff\xd8\xff"):
	case isArchive(v):
	default:
		return false
	}
	return true
}
