package parse

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/pair"
)

var hexValue = buildHexValue()

func buildHexValue() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for i := range byte(10) {
		table['0'+i] = i
	}
	for i := range byte(6) {
		table['a'+i] = 10 + i
		table['A'+i] = 10 + i
	}
	return table
}

// hasPercentEscape reports whether v holds %XX or %uXXXX.
func hasPercentEscape(v []byte) bool {
	for i := 0; i+2 < len(v); i++ {
		if percentEscapes.Begin(v[i], v[i+1]) && percentEscape(v[i:]) > 0 {
			return true
		}
	}
	return false
}

// percentEscapes are what such escapes begin with.
var percentEscapes = pair.New(pair.Of{"%", "0123456789abcdefABCDEFuU"})

// isRelay reports whether all escapes in v are of the percent sign, as where it was
// encoded several times. What comes of it says nothing that v does not, or what
// comes of that.
func isRelay(v []byte) bool {
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && percentEscape(v[i:]) > 0 && (v[i+1] != '2' || v[i+2] != '5') {
			return false
		}
	}
	return !joinsWords(v)
}

// percentEscape returns the length of the escape that v begins with, 0 for
// none. %uXXXX is what IIS and the escape function of JavaScript write.
func percentEscape(v []byte) int {
	if len(v) >= 3 && hexValue[v[1]]|hexValue[v[2]] < 16 {
		return 3
	}
	if len(v) >= 6 && v[1]|0x20 == 'u' && hexValue[v[2]]|hexValue[v[3]]|hexValue[v[4]]|hexValue[v[5]] < 16 {
		return 6
	}
	return 0
}

// appendPercentDecoded undoes one layer of percent-encoding (RFC 3986, 2.1).
// What is not an escape stays as it is.
func appendPercentDecoded(dst, v []byte) ([]byte, bool) {
	return appendUnescaped(dst, v, joinsWords(v)), true
}

// maxWords is the length up to which a value may have been encoded twice.
const maxWords = 512

// joinsWords reports whether + stands for a space in v, as where a form was
// encoded twice: it joins words, more than once, and v is no base64 and no
// address, whose query says itself how it is encoded.
func joinsWords(v []byte) bool {
	if len(v) > maxWords || bytes.Contains(v, []byte("://")) {
		return false
	}
	joints, data := 0, true
	for i, b := range v {
		switch {
		case b == ' ':
			return false
		case b == '+':
			if i > 0 && i+1 < len(v) && isAlnum(v[i-1]) && isAlnum(v[i+1]) {
				joints++
			}
		case !isAlnum(b) && b != '/' && b != '=' && !(b == '%' && i+2 < len(v) && v[i+1] == '2' && (v[i+2]|0x20 == 'f' || v[i+2]|0x20 == 'b') || b == '%' && i+2 < len(v) && v[i+1] == '3' && v[i+2]|0x20 == 'd'):
			data = false
		}
	}
	return joints > 1 && !data
}

func isAlnum(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9' }

// appendUnescaped is appendPercentDecoded, and with plus reads + as a space.
func appendUnescaped(dst, v []byte, plus bool) []byte {
	for i := 0; i < len(v); {
		plain := i
		for i < len(v) && v[i] != '%' && (v[i] != '+' || !plus) {
			i++
		}
		dst = append(dst, v[plain:i]...)
		if i == len(v) {
			break
		}
		if v[i] == '+' {
			dst = append(dst, ' ')
			i++
			continue
		}
		switch n := percentEscape(v[i:]); n {
		case 3:
			dst = append(dst, hexValue[v[i+1]]<<4|hexValue[v[i+2]])
			i += n
		case 6:
			dst = appendRune(dst, hex4(v[i+2:]))
			i += n
		default:
			dst = append(dst, '%')
			i++
		}
	}
	return dst
}

// hex4 reads four hexadecimal digits.
func hex4(v []byte) rune {
	return rune(hexValue[v[0]])<<12 | rune(hexValue[v[1]])<<8 | rune(hexValue[v[2]])<<4 | rune(hexValue[v[3]])
}

// appendRune appends r as UTF-8, surrogates included: what a lenient server
// lets through must not vanish here.
func appendRune(dst []byte, r rune) []byte {
	switch {
	case r < 0x80:
		return append(dst, byte(r))
	case r < 0x800:
		return append(dst, 0xc0|byte(r>>6), 0x80|byte(r&0x3f))
	case r < 0x10000:
		return append(dst, 0xe0|byte(r>>12), 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
	}
	return append(dst, 0xf0|byte(r>>18&7), 0x80|byte(r>>12&0x3f), 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
}
