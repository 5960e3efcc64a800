package parse

import (
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// AppendSteps appends the rendering of a point to dst:
//
//	get.id   header.USER-AGENT   path[0]   post.json.user[2].name
//	post.json.user.base64.xml.tag[2]@attr   post.form."a b"
//
// Members and XML elements are rendered as .name, elements of arrays as [n]
// and attributes as @name. A name is quoted when it holds anything but ASCII
// letters, digits, _ and -, or could be taken for a word of this notation.
func AppendSteps(dst []byte, steps []Step) []byte {
	for i, s := range steps {
		dst = appendStep(dst, s, i == 0)
	}
	return dst
}

func appendStep(dst []byte, s Step, first bool) []byte {
	switch s.Kind {
	case Array:
		return appendIndex(dst, s.Index)
	case Attr:
		return appendName(append(dst, '@'), s.Key)
	case Hash, Tag:
		return appendName(append(dst, '.'), s.Key)
	}
	if !first {
		dst = append(dst, '.')
	}
	dst = append(dst, kindNames[s.Kind]...)
	if s.Kind.keyed() {
		return appendName(append(dst, '.'), s.Key)
	}
	if s.Kind.indexed() {
		return appendIndex(dst, s.Index)
	}
	return dst
}

func appendIndex(dst []byte, i int32) []byte {
	dst = strconv.AppendInt(append(dst, '['), int64(i), 10)
	return append(dst, ']')
}

func appendName(dst, name []byte) []byte {
	if isBare(name) {
		return append(dst, name...)
	}
	dst = append(dst, '"')
	for len(name) > 0 {
		n := 1
		switch b := name[0]; {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case ' ' <= b && b < 0x7f:
			dst = append(dst, b)
		case b < ' ' || !utf8.RuneStart(b):
			dst = appendHex(dst, name[:1])
		default:
			var r rune
			if r, n = utf8.DecodeRune(name); r == utf8.RuneError && n == 1 || !unicode.IsPrint(r) {
				dst = appendHex(dst, name[:n])
			} else {
				dst = append(dst, name[:n]...)
			}
		}
		name = name[n:]
	}
	return append(dst, '"')
}

func appendHex(dst, v []byte) []byte {
	for _, b := range v {
		dst = append(dst, '\\', 'x', hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}

const hexDigits = "0123456789abcdef"

func isBare(name []byte) bool {
	for _, b := range name {
		if !isBareByte(b) {
			return false
		}
	}
	return len(name) > 0 && (kindLengths[name[0]]>>len(name)&1 == 0 || kindOf(name) == None)
}

// kindLengths are the lengths of the names of kinds by their first byte, bit n
// for n bytes: most names of parameters are told from them by that.
var kindLengths = func() (t [256]uint32) {
	for _, name := range kindNames {
		if len(name) > 0 {
			t[name[0]] |= 1 << len(name)
		}
	}
	return t
}()

func isBareByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '_' || b == '-'
}

// kindOf returns the kind of that name, None for none.
func kindOf(word []byte) Kind { return kinds[string(word)] }

var kinds = func() map[string]Kind {
	t := make(map[string]Kind, numKinds)
	for k := range numKinds {
		if len(kindNames[k]) > 0 {
			t[kindNames[k]] = k
		}
	}
	return t
}()

// ParsePoint reads what AppendSteps writes. The error names the byte offset.
func ParsePoint(point string) ([]Step, error) {
	r := pointReader{in: point}
	var steps []Step
	inXML := false
	for r.at < len(r.in) {
		s, err := r.step(len(steps) == 0, inXML)
		if err != nil {
			return nil, fmt.Errorf("reading point %q at byte %d: %w", point, r.at, err)
		}
		if s.Kind.container() {
			inXML = s.Kind == XML
		}
		steps = append(steps, s)
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("reading point %q: it is empty", point)
	}
	return steps, nil
}

type pointReader struct {
	in string
	at int
}

func (r *pointReader) step(first, inXML bool) (Step, error) {
	if !first {
		switch {
		case r.skip('['):
			i, err := r.index()
			return Step{Kind: Array, Index: i}, err
		case r.skip('@'):
			name, _, err := r.name()
			return Step{Kind: Attr, Key: name}, err
		case !r.skip('.'):
			return Step{}, fmt.Errorf("want one of . [ @")
		}
	}
	name, quoted, err := r.name()
	if err != nil {
		return Step{}, err
	}
	kind := None
	if !quoted {
		kind = kindOf(name)
	}
	if kind == None {
		if first {
			return Step{}, fmt.Errorf("%q is not a part of a request", name)
		}
		return Step{Kind: member(inXML), Key: name}, nil
	}
	if first != kind.base() && (first || kind != Header) {
		return Step{}, fmt.Errorf("%s cannot stand here", kind)
	}
	return r.operand(kind)
}

func (r *pointReader) operand(kind Kind) (Step, error) {
	s := Step{Kind: kind}
	var err error
	switch {
	case kind.keyed():
		if !r.skip('.') {
			return s, fmt.Errorf("%s wants a name", kind)
		}
		s.Key, _, err = r.name()
	case kind.indexed():
		if !r.skip('[') {
			return s, fmt.Errorf("%s wants an index", kind)
		}
		s.Index, err = r.index()
	}
	return s, err
}

func member(inXML bool) Kind {
	if inXML {
		return Tag
	}
	return Hash
}

// base reports whether k is a part of the request, the first step of a point.
func (k Kind) base() bool { return None < k && k < Form }

func (r *pointReader) skip(b byte) bool {
	if r.at < len(r.in) && r.in[r.at] == b {
		r.at++
		return true
	}
	return false
}

func (r *pointReader) index() (int32, error) {
	from := r.at
	for r.at < len(r.in) && r.in[r.at] != ']' {
		r.at++
	}
	i, err := strconv.ParseUint(r.in[from:r.at], 10, 31)
	if err != nil || !r.skip(']') {
		return 0, fmt.Errorf("want an index like [2]")
	}
	return int32(i), nil
}

func (r *pointReader) name() (name []byte, quoted bool, err error) {
	if r.skip('"') {
		name, err = r.quoted()
		return name, true, err
	}
	from := r.at
	for r.at < len(r.in) && isBareByte(r.in[r.at]) {
		r.at++
	}
	if from == r.at {
		return nil, false, fmt.Errorf("want a name")
	}
	return []byte(r.in[from:r.at]), false, nil
}

func (r *pointReader) quoted() ([]byte, error) {
	name := []byte{}
	for r.at < len(r.in) {
		b := r.in[r.at]
		r.at++
		switch b {
		case '"':
			return name, nil
		case '\\':
			c, err := r.escape()
			if err != nil {
				return nil, err
			}
			b = c
		}
		name = append(name, b)
	}
	return nil, fmt.Errorf("the quote is not closed")
}

func (r *pointReader) escape() (byte, error) {
	if r.at+2 < len(r.in) && r.in[r.at] == 'x' {
		v, err := strconv.ParseUint(r.in[r.at+1:r.at+3], 16, 8)
		r.at += 3
		return byte(v), err
	}
	if r.at < len(r.in) && (r.in[r.at] == '"' || r.in[r.at] == '\\') {
		r.at++
		return r.in[r.at-1], nil
	}
	return 0, fmt.Errorf("unknown escape")
}
