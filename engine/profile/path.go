package profile

import (
	"encoding/binary"
	"math/bits"
)

// AppendPath appends the normalised path of a request target to dst: without
// scheme, host, query and fragment; percent-encoding undone once, a backslash
// read as a slash, empty and dot segments removed (RFC 3986 section 5.2.4),
// parameters behind ; cut off. It always begins with a slash. Scopes and
// templates see this form, so that no spelling of a path leads around a rule.
func AppendPath(dst, target []byte) []byte {
	path := cutTarget(target)
	if isPlain(path) {
		return append(dst, path...)
	}
	start := len(dst)
	dst = append(dst, '/')
	for i := 0; i < len(path); {
		c, n := Unescape(path[i:])
		i += n
		if c == ';' {
			for i < len(path) && path[i] != '/' {
				i++
			}
			continue
		}
		if c != '/' && c != '\\' {
			dst = append(dst, c)
			continue
		}
		if dst = closeSegment(dst, start); dst[len(dst)-1] != '/' {
			dst = append(dst, '/')
		}
	}
	return closeSegment(dst, start)
}

// AppendLiteral appends the path of a target to dst as servers read it that
// normalise nothing: percent-encoding undone once, but for slashes. Where it
// differs from what AppendPath appends, servers differ about the path.
func AppendLiteral(dst, target []byte) []byte {
	path := cutTarget(target)
	if len(path) == 0 || path[0] != '/' {
		dst = append(dst, '/')
	}
	for i := 0; i < len(path); {
		c, n := Unescape(path[i:])
		if n > 1 && (c == '/' || c == '\\') {
			c, n = path[i], 1
		}
		dst = append(dst, c)
		i += n
	}
	return dst
}

// isPlain says whether all servers read the path as it is written.
func isPlain(path []byte) bool {
	last := byte(0)
	for _, c := range path {
		if c == '%' || c == ';' || c == '\\' || last == '/' && (c == '/' || c == '.') {
			return false
		}
		last = c
	}
	return len(path) > 0 && path[0] == '/'
}

// closeSegment removes the last segment of the path dst[start:] if it is a
// dot segment, and the one before it if it is two dots.
func closeSegment(dst []byte, start int) []byte {
	slash := len(dst) - 1
	for dst[slash] != '/' {
		slash--
	}
	switch string(dst[slash+1:]) {
	case ".":
		return dst[:slash+1]
	case "..":
		for slash > start && dst[slash-1] != '/' {
			slash--
		}
		return dst[:max(slash, start+1)]
	}
	return dst
}

// cutTarget returns the path within a target in origin or absolute form.
func cutTarget(target []byte) []byte {
	for i, c := range target {
		if c == '?' || c == '#' {
			target = target[:i]
			break
		}
	}
	if len(target) > 0 && target[0] == '/' {
		return target
	}
	for i := 0; i+2 < len(target); i++ {
		if target[i] == ':' && target[i+1] == '/' && target[i+2] == '/' {
			for i += 3; i < len(target) && target[i] != '/'; i++ {
			}
			return target[i:]
		}
	}
	return target
}

// Unescape returns the first byte of s, percent-decoded, and how many bytes
// of s it took.
func Unescape(s []byte) (c byte, n int) {
	if s[0] == '%' && len(s) > 2 && hexVal[s[1]] < 16 && hexVal[s[2]] < 16 {
		return hexVal[s[1]]<<4 | hexVal[s[2]], 3
	}
	return s[0], 1
}

// hexVal is the value of each hexadecimal digit, 16 of all other bytes.
var hexVal = func() (t [256]byte) {
	for i := range t {
		t[i] = 16
	}
	for i := range 10 {
		t['0'+i] = byte(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = byte(10+i), byte(10+i)
	}
	return t
}()

// Hash is a 64-bit hash of parts that is the same on every machine and in
// every version. It is not keyed: whoever knows the hash can test guesses of
// the text.
type Hash uint64

// Add returns the hash of what h has seen and part.
func (h Hash) Add(part []byte) Hash {
	h = h.mix(uint64(len(part)))
	for len(part) >= 8 {
		h = h.mix(binary.LittleEndian.Uint64(part))
		part = part[8:]
	}
	var tail uint64
	for i, c := range part {
		tail |= uint64(c) << (8 * i)
	}
	return h.mix(tail).mix(0) // once more, so that every bit depends on all
}

// mix multiplies to 128 bits and folds, as wyhash does.
func (h Hash) mix(x uint64) Hash {
	const k0, k1 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	hi, lo := bits.Mul64(uint64(h)^k0, x^k1)
	return Hash(hi^lo) ^ Hash(bits.RotateLeft64(uint64(h), 29))
}

// Endpoint returns the key of an endpoint: the hash of its host, without
// port and in lower case, its method, and its path template, as
// AppendTemplate makes it of a normalised path.
func Endpoint(host, method, template []byte) uint64 {
	return uint64(Hash(0).Add(host).Add(method).Add(template))
}
