package parse

import "bytes"

// jwtSchemes may stand before a token.
var jwtSchemes = [...]string{"bearer ", "jwt ", "token ", "lsapi2 ", "mobapp2 "}

// cutJWT returns the parts of a JSON web token (RFC 7519, 3) and the scheme
// before it. The header of one always begins with {" in base64: eyJ.
func cutJWT(v []byte) (scheme []byte, parts [3][]byte, ok bool) {
	for _, s := range jwtSchemes {
		if hasPrefixFold(v, s) {
			scheme, v = v[:len(s)-1], bytes.TrimSpace(v[len(s):])
			break
		}
	}
	if len(v) < 16 || !hasPrefix(v, "eyJ") && !hasPrefix(v, "eyA") && !hasPrefix(v, "ewo") {
		return nil, parts, false
	}
	for i := range parts {
		part, rest, found := bytes.Cut(v, []byte{'.'})
		if found != (i < 2) || !isBase64(part) {
			return nil, parts, false
		}
		parts[i], v = part, rest
	}
	return scheme, parts, true
}

func isBase64(v []byte) bool {
	for _, b := range v {
		if base64Value[b] == 0xff && b != '=' {
			return false
		}
	}
	return true
}

// looksJWT reports whether v is a token, alone or behind its scheme.
func looksJWT(v []byte) bool {
	_, _, ok := cutJWT(v)
	return ok
}

// jwt visits the parts of a token.
func (t *Tree) jwt(n Node, v []byte) {
	scheme, parts, _ := cutJWT(v)
	child := t.pushDecoder(n, JWT)
	if len(scheme) > 0 {
		t.leaf(child, Hash, []byte("jwt_prefix"), 0, scheme)
	}
	t.leaf(child, Hash, []byte("jwt_header"), 0, parts[0])
	t.leaf(child, Hash, []byte("jwt_payload"), 0, parts[1])
	t.drop(child)
}
