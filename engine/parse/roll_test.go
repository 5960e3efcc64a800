package parse

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestRollsDoNotMindCuts decodes values in pieces of any size.
func TestRollsDoNotMindCuts(t *testing.T) {
	references := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "&#x%x;", s[i])
		}
		return b.String()
	}
	escapes := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "%%%02x", s[i])
		}
		return b.String()
	}
	digits := func(s string) string { return hex.EncodeToString([]byte(s)) }
	letters := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	open := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, steps := range [][]func(string) string{
		{references}, {escapes}, {references, references}, {digits, references}, {letters, references}, {open, escapes},
		{escapes, digits, references}, {references, letters, digits, references},
	} {
		for n := 200; n < 230; n++ {
			want := strings.Repeat("{\"a\": [1, 'b']} ", n)[:n]
			v := want
			for i := len(steps) - 1; i >= 0; i-- {
				v = steps[i](v)
			}
			r := newRoll([]byte(v))
			if r == nil {
				t.Fatalf("%.60q is not decoded", v)
			}
			for rest := []byte(v); len(rest) > 0; {
				cut := min(len(rest), 1+rnd.IntN(40))
				if !r.add(rest[:cut]) {
					t.Fatalf("%.60q is decoded up to the last %d bytes", v, len(rest))
				}
				rest = rest[cut:]
			}
			for r.finish(); r.used < len(steps); r.finish() {
				if !r.wind() {
					t.Fatalf("what comes of %.60q is not decoded further: %.60q", v, r.out)
				}
			}
			if !bytes.Equal(r.out, []byte(want)) {
				t.Fatalf("%.60q: got %q, want %q", v, r.out, want)
			}
		}
	}
}
