package detect

import "strconv"

// AppendFragment appends the value-free rendering of tokens to dst. Known
// tokens stay literal, in lower case; of all others only kind and length are
// left. Nothing that a user typed can be in the result: what a detector
// marks Known comes from its language's shipped vocabulary.
func AppendFragment(dst, value []byte, tokens []Token) []byte {
	end := int32(-1)
	for _, t := range tokens {
		if t.From < 0 || t.To > int32(len(value)) || t.From >= t.To {
			continue
		}
		if end >= 0 && t.From > end {
			dst = append(dst, ' ')
		}
		end = t.To
		if t.Known {
			dst = appendLower(dst, value[t.From:t.To])
			continue
		}
		dst = appendShape(dst, t)
	}
	return dst
}

func appendLower(dst, word []byte) []byte {
	for _, b := range word {
		if 'A' <= b && b <= 'Z' {
			b |= 0x20
		}
		if b < ' ' || b >= 0x7f {
			b = ' '
		}
		dst = append(dst, b)
	}
	return dst
}

func appendShape(dst []byte, t Token) []byte {
	dst = append(dst, '<')
	dst = append(dst, shapeNames[t.Kind]...)
	if t.Kind != Host {
		dst = append(dst, ':')
		dst = strconv.AppendInt(dst, int64(t.To-t.From), 10)
	}
	return append(dst, '>')
}

var shapeNames = [...]string{
	Word: "ident", String: "str", Number: "num", Comment: "comment",
	Operator: "op", Punct: "punct", Space: "space", Variable: "var",
	Host: "host", Other: "text",
}
