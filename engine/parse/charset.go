package parse

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// looksCharset reports whether v spells ASCII in a way that a lenient
// decoder reads: UTF-16, UTF-7, UTF-8 longer than needed, full-width forms.
func looksCharset(v []byte, f trait) bool {
	return f&(hasHigh|hasControl) != 0 && utf16Order(v) != noOrder || f&hasHigh != 0 && !hasBinary(v) && hasLongForm(v) || f&hasPlus != 0 && hasUTF7(v)
}

// isUTF7 reports whether of the charsets v may be in, which looksCharset knows, it is
// UTF-7. Its runs decode by themselves wherever they stand.
func (t *Tree) isUTF7(v []byte) bool {
	return t.written != ebcdic && utf16Order(v) == noOrder && !hasLongForm(v)
}

// charset visits v as UTF-8.
func (t *Tree) charset(n Node, v []byte) {
	switch {
	case t.written == ebcdic:
		t.transform(n, Charset, v, appendEBCDIC)
	case utf16Order(v) != noOrder:
		t.transform(n, Charset, v, appendUTF16)
	case hasLongForm(v):
		if hasOverlong(v) {
			t.trouble(n, Overlong, v)
		}
		t.transform(n, Charset, v, appendShortForms)
	default:
		t.transform(n, Charset, v, appendUTF7)
	}
}

type byteOrder uint8

const (
	noOrder byteOrder = iota
	littleEndian
	bigEndian
)

// utf16Order guesses whether v is UTF-16: from its byte order mark, or from
// zeros in every other of its first bytes.
func utf16Order(v []byte) byteOrder {
	switch {
	case len(v) < 4 || len(v)&1 != 0:
		return noOrder
	case v[0] == 0xff && v[1] == 0xfe, v[0] != 0 && v[1] == 0 && v[2] != 0 && v[3] == 0:
		return littleEndian
	case v[0] == 0xfe && v[1] == 0xff, v[0] == 0 && v[1] != 0 && v[2] == 0 && v[3] != 0:
		return bigEndian
	}
	return noOrder
}

func appendUTF16(dst, v []byte) ([]byte, bool) {
	order := utf16Order(v)
	unit := func(i int) rune {
		if order == littleEndian {
			return rune(v[i]) | rune(v[i+1])<<8
		}
		return rune(v[i])<<8 | rune(v[i+1])
	}
	for i := 0; i+1 < len(v); i += 2 {
		r := unit(i)
		if r == 0xfeff && i == 0 {
			continue
		}
		if utf16.IsSurrogate(r) && i+3 < len(v) {
			if pair := utf16.DecodeRune(r, unit(i+2)); pair != utf8.RuneError {
				r = pair
				i += 2
			}
		}
		dst = appendRune(dst, r)
	}
	return dst, true
}

// hasLongForm reports whether v spells a character of ASCII longer than
// needed or in full width.
func hasLongForm(v []byte) bool {
	for i := range v {
		if v[i] >= 0xc0 {
			if _, n := longForm(v[i:]); n > 0 {
				return true
			}
		}
	}
	return false
}

func hasOverlong(v []byte) bool {
	for i := range v {
		if v[i] >= 0xc0 && v[i] != 0xef {
			if _, n := longForm(v[i:]); n > 0 {
				return true
			}
		}
	}
	return false
}

// longForm reads a character of ASCII in an overlong form (RFC 3629, 3) or
// from U+FF01 to U+FF5E, which best-fit conversions map to ASCII. It returns
// its length, 0 for none.
func longForm(v []byte) (byte, int) {
	tail := func(n int) bool {
		if len(v) < n {
			return false
		}
		for _, b := range v[1:n] {
			if b&0xc0 != 0x80 {
				return false
			}
		}
		return true
	}
	switch {
	case v[0] <= 0xc1 && tail(2):
		return v[0]<<6 | v[1]&0x3f, 2
	case v[0] == 0xe0 && tail(3) && v[1] <= 0x81:
		return v[1]<<6 | v[2]&0x3f, 3
	case v[0] == 0xf0 && tail(4) && v[1] == 0x80 && v[2] <= 0x81:
		return v[2]<<6 | v[3]&0x3f, 4
	case v[0] == 0xef && tail(3) && (v[1] == 0xbc && v[2] >= 0x81 || v[1] == 0xbd && v[2] <= 0x9e):
		return (v[1]-0xbc)<<6 + v[2]&0x3f + 0x20, 3
	}
	return 0, 0
}

func appendShortForms(dst, v []byte) ([]byte, bool) {
	for i := 0; i < len(v); i++ {
		if v[i] >= 0xc0 {
			if b, n := longForm(v[i:]); n > 0 {
				dst = append(dst, b)
				i += n - 1
				continue
			}
		}
		dst = append(dst, v[i])
	}
	return dst, true
}

// hasUTF7 reports whether v holds a character of ASCII as UTF-7 spells it
// (RFC 2152): the upper byte is zero, so that + is followed by A and a
// letter up to H, and so is what follows in the same run. Base64 in itself
// holds the first of them once in thirty thousand bytes.
func hasUTF7(v []byte) bool {
	for {
		i := bytes.IndexByte(v, '+')
		if i < 0 || i+4 > len(v) {
			return false
		}
		v = v[i+1:]
		if v[0] != 'A' || v[1] < 'A' || v[1] > 'H' {
			continue
		}
		if n := utf7End(v[:min(len(v), 5)]); n >= 3 && base64Value[v[2]]&3 == 0 && (n == 3 || v[3] == 'A' && (n == 4 || v[4] <= 'H')) {
			return true
		}
	}
}

// utf7End returns the length of the base64 that v begins with.
func utf7End(v []byte) int {
	for i, b := range v {
		if base64Value[b] == 0xff || b == '-' || b == '_' {
			return i
		}
	}
	return len(v)
}

func appendUTF7(dst, v []byte) ([]byte, bool) {
	for i := 0; i < len(v); i++ {
		if v[i] != '+' {
			dst = append(dst, v[i])
			continue
		}
		n := utf7End(v[i+1:])
		var acc uint32
		bits := 0
		for _, b := range v[i+1 : i+1+n] {
			acc = acc<<6 | uint32(base64Value[b])
			if bits += 6; bits >= 16 {
				bits -= 16
				dst = appendRune(dst, rune(acc>>bits&0xffff))
			}
		}
		i += n
		if i+1 < len(v) && v[i+1] == '-' {
			i++
		}
	}
	return dst, true
}
