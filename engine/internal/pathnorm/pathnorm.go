// Package pathnorm reads file paths through the spellings that decoders and file systems accept.
package pathnorm

import "unicode/utf8"

// Symbols other than plain bytes.
const (
	// Junk is a byte sequence that decodes to nothing certain: bad escapes,
	// invalid UTF-8, wildcards. Some reader turns it into a dot or slash.
	Junk = 0
	// Sep is a path separator of any system.
	Sep = '/'
)

// Next reads one symbol at the start of b: its canonical byte, the bytes it
// took, and whether it was spelled in an unusual way. b must not be empty.
func Next(b []byte) (sym byte, n int, odd bool) {
	switch c := b[0]; {
	case c == '\\':
		return Sep, 1, false
	case c == '%':
		return percent(b)
	case c == '0' && len(b) > 3 && b[1]|0x20 == 'x' && b[2] >= '2' && b[2] <= '5':
		if r := Plain(hexByte(b[2], b[3])); r == '.' || r == Sep {
			return r, 4, true
		}
		return c, 1, false
	case c == '?':
		return Junk, 1, false
	case c < ' ' && c != '\n' && c != '\r' && c != '\t':
		return Junk, 1, true
	case c < 0x80:
		return c, 1, false
	}
	return high(b)
}

// Plain folds the separators into Sep.
func Plain(c byte) byte {
	if c == '\\' {
		return Sep
	}
	return c
}

// percent reads an escape that the decoders have left: double, torn or
// malformed ones.
func percent(b []byte) (byte, int, bool) {
	p := 1
	for p+1 < len(b) && b[p] == '2' && b[p+1] == '5' && p+2 < len(b) && (ishex(b[p+2]) || b[p+2] == 'u') {
		p += 2
	}
	switch {
	case p >= len(b):
		return '%', 1, false
	case b[p]|0x20 == 'u' && p+4 < len(b) && ishex(b[p+1]) && ishex(b[p+2]) && ishex(b[p+3]) && ishex(b[p+4]):
		return wide(uint16(hexByte(b[p+1], b[p+2]))<<8 | uint16(hexByte(b[p+3], b[p+4]))), p + 5, true
	case p+1 < len(b) && ishex(b[p]) && ishex(b[p+1]):
		r := Plain(hexByte(b[p], b[p+1]))
		if r == '\n' || r == '\r' || r == '\t' {
			return r, p + 2, false
		}
		if p == 1 && r >= 0xc2 {
			if n := escapedRune(b); n > 0 {
				return r, n, false
			}
		}
		if r >= 0x80 || r < ' ' {
			return Junk, p + 2, true
		}
		return r, p + 2, true
	case p+2 < len(b) && ishex(b[p]) && b[p+1] == '%' && ishex(b[p+2]): // %2%f
		if r := Plain(hexByte(b[p], b[p+2])); r == '.' || r == Sep {
			return r, p + 3, true
		}
	case p+1 < len(b) && alnum(b[p]) && alnum(b[p+1]): // %9v: arithmetic on a bad digit
		return Junk, p + 2, true
	}
	return '%', 1, false
}

// escapedRune returns the length of the escapes of one character beyond ASCII
// (RFC 3986, 2.5) at the start of b, if it stands for no dot or separator.
func escapedRune(b []byte) int {
	var c [utf8.UTFMax]byte
	n := 0
	for n < len(c) && 3*n+2 < len(b) && b[3*n] == '%' && ishex(b[3*n+1]) && ishex(b[3*n+2]) {
		c[n] = hexByte(b[3*n+1], b[3*n+2])
		n++
	}
	r, size := utf8.DecodeRune(c[:n])
	if size < 2 || r == utf8.RuneError || r < 0x10000 && wide(uint16(r)) != Junk {
		return 0
	}
	return 3 * size
}

// wide maps a character of 16 bits to what it becomes where it is narrowed.
func wide(r uint16) byte {
	switch r {
	case 0x2f, 0x5c, 0x2044, 0x2215, 0x2216, 0x29f8, 0xff0f, 0xff3c, 0xf025, 0xefc8:
		return Sep
	case 0x2e, 0x2024, 0xff0e, 0xfe52, 0x3002:
		return '.'
	}
	if r < 0x80 && r >= ' ' {
		return byte(r)
	}
	return Junk
}

// high reads a sequence that begins at 0x80 or above: overlong forms of
// ASCII, full-width forms and broken sequences.
func high(b []byte) (byte, int, bool) {
	c := b[0]
	switch {
	case c == 0xc0 || c == 0xc1:
		if len(b) < 2 || b[1] == '%' {
			return Junk, 1, true
		}
		r := (c&1)<<6 | b[1]&0x3f
		if b[1] == '.' || b[1] == '/' || b[1] == '\\' {
			r = b[1]
		}
		if r = Plain(r); r == '.' || r == Sep {
			return r, 2, true
		}
		return Junk, 2, true
	case c == 0xe0 || c == 0xf0 || c == 0xf8 || c == 0xfc:
		n := 3
		switch c {
		case 0xf0:
			n = 4
		case 0xf8:
			n = 5
		case 0xfc:
			n = 6
		}
		if len(b) < n || c == 0xe0 && b[1] >= 0xa0 || c == 0xf0 && b[1] >= 0x90 {
			return c, 1, false
		}
		r := (b[n-2]&1)<<6 | b[n-1]&0x3f
		if r = Plain(r); r == '.' || r == Sep {
			return r, n, true
		}
		return Junk, n, true
	case len(b) >= 3 && c == 0xef && b[1] == 0xbf && b[2] == 0xbd:
		return Junk, 3, false
	case len(b) >= 3 && (c == 0xef || c == 0xe2 || c == 0xee):
		r := uint16(c&0xf)<<12 | uint16(b[1]&0x3f)<<6 | uint16(b[2]&0x3f)
		if s := wide(r); s != Junk {
			return s, 3, true
		}
		return c, 3, false
	}
	return c, 1, false
}

func hexByte(a, b byte) byte {
	if !ishex(a) || !ishex(b) {
		return Junk
	}
	return digits[a]<<4 | digits[b]
}

// digits are the values of hexadecimal digits, noDigit of other bytes.
var digits = func() (t [256]uint8) {
	for i := range t {
		switch c := byte(i); {
		case c >= '0' && c <= '9':
			t[i] = c - '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			t[i] = c | 0x20 - 'a' + 10
		default:
			t[i] = noDigit
		}
	}
	return t
}()

const noDigit = 0xff

func ishex(c byte) bool { return digits[c] != noDigit }

func alnum(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }
