package parse

import "bytes"

// A charset is a way to write text in which parsers for ASCII see nothing.
// Servers that decode a body before they parse it read all of these.
type charset uint8

const (
	ascii charset = iota // and all that spells ASCII as ASCII does
	utf7
	utf16le
	utf16be
	utf32le
	utf32be
	ebcdic
)

// charsetNames are beginnings of the names of charsets, in lower case, as
// MIME and the runtimes of Java and .NET know them.
var charsetNames = [...]struct {
	name string
	is   charset
}{
	{"utf-7", utf7}, {"utf7", utf7}, {"unicode-1-1-utf-7", utf7}, {"csutf7", utf7},
	{"utf-16be", utf16be}, {"utf-16", utf16le}, {"utf16", utf16le}, {"ucs-2", utf16le}, {"unicodefffe", utf16be},
	{"utf-32be", utf32be}, {"utf-32", utf32le}, {"utf32", utf32le}, {"ucs-4", utf32le},
	{"ibm", ebcdic}, {"cp037", ebcdic}, {"cp500", ebcdic}, {"cp1140", ebcdic}, {"cp1047", ebcdic}, {"ebcdic", ebcdic},
}

// namedCharset returns the charset with a name.
func namedCharset(name []byte) charset {
	for _, c := range charsetNames {
		if hasPrefixFold(name, c.name) {
			return c.is
		}
	}
	return ascii
}

// declaredCharset returns the charset that a content type names.
func declaredCharset(v []byte) charset {
	for len(v) > 0 {
		var key, value []byte
		key, value, v = cutParam(v)
		if equalFold(key, "charset") {
			return namedCharset(value)
		}
	}
	return ascii
}

// apparentCharset guesses the charset of a body from its first bytes: from a
// byte order mark, from zeros where the upper bytes of letters stand, from
// the declaration of XML.
func apparentCharset(v []byte) charset {
	switch {
	case hasPrefix(v, "\x4c\x6f\xa7\x94\x93"):
		return ebcdic // <?xml
	case hasPrefix(v, "<?xml"):
		return xmlCharset(v)
	case hasPrefix(v, "\xff\xfe\x00\x00"), hasZeros(v, 4, 0):
		return utf32le
	case hasPrefix(v, "\x00\x00\xfe\xff"), hasZeros(v, 4, 3):
		return utf32be
	case hasPrefix(v, "\xff\xfe"), hasZeros(v, 2, 0):
		return utf16le
	case hasPrefix(v, "\xfe\xff"), hasZeros(v, 2, 1):
		return utf16be
	}
	return ascii
}

// hasZeros reports whether v begins with characters of size bytes that are
// zero but for the one at low.
func hasZeros(v []byte, size, low int) bool {
	if len(v) < 2*size {
		return false
	}
	for i, b := range v[:min(len(v), 32)] {
		if (b != 0) != (i%size == low) {
			return false
		}
	}
	return true
}

// xmlCharset returns the charset that an XML declaration names.
func xmlCharset(v []byte) charset {
	v = v[:max(bytes.IndexByte(v, '>'), 0)]
	_, name, _ := bytes.Cut(v, []byte("encoding"))
	name = bytes.TrimLeft(name, " \t\r\n='\"")
	if c := namedCharset(name); c == utf7 || c == ebcdic {
		return c // the others would not have let the declaration be read
	}
	return ascii
}

// A recoder turns the bytes of a body into UTF-8, piece by piece.
type recoder struct {
	from charset
	unit [4]byte // bytes of an incomplete character
	have int
	high rune // the first of a pair of surrogates

	inside bool // a run of base64 in UTF-7
	acc    uint32
	bits   int
}

// append decodes the next bytes.
func (r *recoder) append(dst, v []byte) []byte {
	for _, b := range v {
		switch r.from {
		case ebcdic:
			dst = appendRune(dst, rune(cp037[b]))
		case utf7:
			dst = r.append7(dst, b)
		default:
			r.unit[r.have] = b
			r.have++
			if r.have == r.size() {
				dst = r.appendUnit(dst)
				r.have = 0
			}
		}
	}
	return dst
}

func (r *recoder) size() int {
	if r.from == utf16le || r.from == utf16be {
		return 2
	}
	return 4
}

// appendUnit decodes the complete character in unit.
func (r *recoder) appendUnit(dst []byte) []byte {
	u, n := r.unit, r.size()
	if r.from == utf16le || r.from == utf32le {
		for i := range n / 2 {
			u[i], u[n-1-i] = u[n-1-i], u[i]
		}
	}
	var c rune
	for _, b := range u[:n] {
		c = c<<8 | rune(b)
	}
	switch high := r.high; {
	case c == 0xfeff: // a byte order mark
		return dst
	case n == 2 && c>>10 == 0xd800>>10:
		r.high = c
		return dst
	case high != 0:
		r.high = 0
		if c>>10 == 0xdc00>>10 {
			return appendRune(dst, 0x10000+(high&0x3ff)<<10+c&0x3ff)
		}
		dst = appendRune(dst, high)
	}
	return appendRune(dst, c)
}

// append7 decodes a byte of UTF-7 (RFC 2152).
func (r *recoder) append7(dst []byte, b byte) []byte {
	x := base64Value[b]
	switch {
	case !r.inside && b == '+':
		r.inside, r.acc, r.bits = true, 0, 0
		return dst
	case !r.inside:
		return append(dst, b)
	case x == 0xff || b == '-' || b == '_':
		r.inside = false
		if b == '-' {
			return dst
		}
		return append(dst, b)
	}
	r.acc = r.acc<<6 | uint32(x)
	if r.bits += 6; r.bits >= 16 {
		r.bits -= 16
		dst = appendRune(dst, rune(r.acc>>r.bits&0xffff))
	}
	return dst
}

// appendEBCDIC decodes a value in code page 37.
func appendEBCDIC(dst, v []byte) ([]byte, bool) {
	for _, b := range v {
		dst = appendRune(dst, rune(cp037[b]))
	}
	return dst, true
}

// cp037 maps code page 37 to Latin-1. The other EBCDIC pages that servers
// accept differ from it in punctuation that few attacks need.
const cp037 = "" +
	"\x00\x01\x02\x03\x9c\x09\x86\x7f\x97\x8d\x8e\x0b\x0c\x0d\x0e\x0f" +
	"\x10\x11\x12\x13\x9d\x85\x08\x87\x18\x19\x92\x8f\x1c\x1d\x1e\x1f" +
	"\x80\x81\x82\x83\x84\x0a\x17\x1b\x88\x89\x8a\x8b\x8c\x05\x06\x07" +
	"\x90\x91\x16\x93\x94\x95\x96\x04\x98\x99\x9a\x9b\x14\x15\x9e\x1a" +
	" \xa0\xe2\xe4\xe0\xe1\xe3\xe5\xe7\xf1\xa2.<(+|" +
	"&\xe9\xea\xeb\xe8\xed\xee\xef\xec\xdf!$*);\xac" +
	"-/\xc2\xc4\xc0\xc1\xc3\xc5\xc7\xd1\xa6,%_>?" +
	"\xf8\xc9\xca\xcb\xc8\xcd\xce\xcf\xcc`:#@'=\"" +
	"\xd8abcdefghi\xab\xbb\xf0\xfd\xfe\xb1" +
	"\xb0jklmnopqr\xaa\xba\xe6\xb8\xc6\xa4" +
	"\xb5~stuvwxyz\xa1\xbf\xd0\xdd\xde\xae" +
	"^\xa3\xa5\xb7\xa9\xa7\xb6\xbc\xbd\xbe[]\xaf\xa8\xb4\xd7" +
	"{ABCDEFGHI\xad\xf4\xf6\xf2\xf3\xf5" +
	"}JKLMNOPQR\xb9\xfb\xfc\xf9\xfa\xff" +
	"\\\xf7STUVWXYZ\xb2\xd4\xd6\xd2\xd3\xd5" +
	"0123456789\xb3\xdb\xdc\xd9\xda\x9f"

// appendQuotedPrintable decodes RFC 2045, 6.7.
func appendQuotedPrintable(dst, v []byte) ([]byte, bool) {
	for i := 0; i < len(v); i++ {
		if v[i] != '=' {
			dst = append(dst, v[i])
			continue
		}
		rest := v[i+1:]
		switch {
		case hasPrefix(rest, "\r\n"):
			i += 2
		case hasPrefix(rest, "\n"):
			i++
		case len(rest) >= 2 && hexValue[rest[0]]|hexValue[rest[1]] < 16:
			dst = append(dst, hexValue[rest[0]]<<4|hexValue[rest[1]])
			i += 2
		default:
			dst = append(dst, '=')
		}
	}
	return dst, true
}
