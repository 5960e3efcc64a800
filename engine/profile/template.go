package profile

import "bytes"

// AppendTemplate appends the template of a normalised path to dst: segments
// that are an instance of a type become its name, all others stay.
//
//	/api/v1/users/42/orders/0b7cbd3a-....json -> /api/v1/users/{int}/orders/{uuid}.json
//
// It looks at one path alone, so that every node makes the same of it. Behind maxTyped
// segments all stay: no endpoint is so deep.
func AppendTemplate(dst, path []byte) []byte {
	if isNamed(path) {
		return append(dst, path...)
	}
	for i := 0; len(path) > 0; i++ {
		if i == maxTyped {
			return append(dst, path...)
		}
		path = path[1:] // the slash
		n := bytes.IndexByte(path, '/')
		if n < 0 {
			n = len(path)
		}
		dst = appendSegment(append(dst, '/'), path[:n])
		path = path[n:]
	}
	return dst
}

// maxTyped is how many segments of a path may become types.
const maxTyped = 32

// isNamed reports whether all segments of a path are so plain that none is an instance
// of a type.
func isNamed(path []byte) bool {
	n := 0 // bytes of the segment
	for _, c := range path {
		if n++; c == '/' {
			n = 0
		}
		if n == longPlain || telling>>(classOf[c]&15)&1 != 0 {
			return false
		}
	}
	return len(path) > 0 && path[0] == '/'
}

func appendSegment(dst, segment []byte) []byte {
	if name := typeName(segment); name != "" {
		return append(dst, name...)
	}
	if i := bytes.LastIndexByte(segment, '.'); i > 0 && len(segment)-i <= maxExt {
		if name := typeName(segment[:i]); name != "" {
			return append(append(dst, name...), segment[i:]...)
		}
	}
	return append(dst, segment...)
}

// maxExt is the longest file extension that is kept apart, with its dot.
const maxExt = 6

// typeName returns the placeholder of a segment that is an instance of a
// type, "" for one that may be a name.
func typeName(segment []byte) string {
	var set uint16
	for _, c := range segment {
		set |= 1 << (classOf[c] & 15)
	}
	if set&telling == 0 && len(segment) < longPlain {
		return ""
	}
	if set&^inIdentifier == 0 && isPrefixed(segment) {
		return "{id}"
	}
	return typeNames[formatOf(segment, set)]
}

// No type is so plain as to have none of the telling classes, unless it is that long.
const (
	telling   = 1<<Digit | 1<<At
	longPlain = 24
)

// typeNames are the placeholders of the formats that no name has.
var typeNames = [numFormats]string{
	Int: "{int}", Float: "{float}", UUID: "{uuid}", Date: "{date}", DateTime: "{date-time}", Email: "{email}",
	IP: "{ip}", Hex: "{hex}", ULID: "{ulid}", Base64: "{token}", JWT: "{jwt}", Phone: "{phone}", List: "{list}",
}

// isPrefixed: an id such as cus_9s6XKzkNRiz8i3, that is a short word, _ and
// at least eight letters and digits that change case or kind.
func isPrefixed(v []byte) bool {
	i := bytes.LastIndexByte(v, '_')
	if i < 2 || len(v)-i-1 < 8 {
		return false
	}
	turns, last := 0, uint8(edge)
	for _, c := range v[i+1:] {
		kind := classOf[c]
		if 'A' <= c && c <= 'Z' {
			kind = edge + 1
		}
		if kind != last {
			turns++
		}
		last = kind
	}
	return turns > 3
}
