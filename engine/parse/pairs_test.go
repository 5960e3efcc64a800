package parse

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestPairsLoseNothing compares what looks for escapes by two bytes in a row with what
// tries each byte.
func TestPairsLoseNothing(t *testing.T) {
	pieces := []string{"a", "&", "#", "x", `\`, "u", "0", "3", "7", "&lt;", "&#x41;", `\x41`, `\u0041`, `\u{41}`, `\101`, "<x>", "<", ">", "b", ";", "%", "%41", "%u0041", " ", "&amp", "(", "</b>", "a<y>b"}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200000 {
		var v []byte
		for range rng.IntN(12) {
			v = append(v, pieces[rng.IntN(len(pieces))]...)
		}
		char, percent := false, false
		var decoded []byte
		for i := 0; i < len(v); i++ {
			percent = percent || v[i] == '%' && percentEscape(v[i:]) > 0
			if v[i] == '&' || v[i] == '\\' {
				if _, n := charEscape(v[i:]); n > 0 {
					char = true
				}
			}
		}
		for i := 0; i < len(v); i++ {
			if v[i] == '<' && i > 0 {
				if n := splitTag(v[i-1], v[i:]); n > 0 {
					i += n - 1
					continue
				}
			}
			if v[i] == '&' || v[i] == '\\' {
				if r, n := charEscape(v[i:]); n > 0 {
					decoded = appendRune(decoded, r)
					i += n - 1
					continue
				}
			}
			decoded = append(decoded, v[i])
		}
		if got, _ := appendCharDecoded(nil, v); hasCharEscape(v) != char || hasPercentEscape(v) != percent || !bytes.Equal(got, decoded) {
			t.Fatalf("%q: %v, %v, %q; want %v, %v, %q", v, hasCharEscape(v), hasPercentEscape(v), got, char, percent, decoded)
		}
	}
}
