package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
)

// mixtures is how many cases are made at random, from a fixed seed.
const mixtures = 400

// randomCases returns values of shapes that nobody thought of: units that are
// drawn anew all along, a few that alternate, one that fills what another one
// began, and any of them escaped or encoded several times over.
func randomCases() []*testCase {
	r := rand.New(rand.NewPCG(5, 8))
	places := carriers()
	var out []*testCase
	for i := range mixtures {
		c := places[r.IntN(len(places))]
		shape, value := mixture(r)
		var names []string
		var layers []layer
		for range max(0, r.IntN(6)-2) {
			l := wraps[r.IntN(len(wraps))]
			names, layers = append(names, l.name), append(layers, l)
		}
		name := fmt.Sprintf("%s random %d: %s", c.name, i, strings.Join(append(names, shape), " of "))
		out = append(out, &testCase{name, c.most, func(size int) request { return c.put(layered(layers, value, size)) }})
	}
	return out
}

// mixture returns a way to fill a size.
func mixture(r *rand.Rand) (shape string, value func(size int) string) {
	draw := func() string { return units[r.IntN(len(units))] }
	switch r.IntN(3) {
	case 0:
		seed := r.Uint64()
		return "soup", func(size int) string {
			r := rand.New(rand.NewPCG(seed, 0))
			var b strings.Builder
			for b.Len() < size {
				b.WriteString(units[r.IntN(len(units))])
			}
			return b.String()[:size]
		}
	case 1:
		u := draw()
		for range 1 + r.IntN(3) {
			u += strings.Repeat(draw(), 1+r.IntN(3))
		}
		return strconv.Quote(u), func(size int) string { return fill(u, size) }
	}
	first, rest, last := draw(), draw(), draw()
	return strconv.Quote(first + rest + "..." + last), func(size int) string { return first + fill(rest, size) + last }
}

// A layer is an encoding that a value is wrapped in.
type layer struct {
	name string
	wrap func(string) string
}

// wraps leave compression out: what repeats unpacks to hundreds of times its
// size, which is a case of its own.
var wraps = []layer{
	{"base64", func(v string) string { return base64.StdEncoding.EncodeToString([]byte(v)) }},
	{"hex", func(v string) string { return hex.EncodeToString([]byte(v)) }},
	{"percent", url.QueryEscape},
	{"json", func(v string) string { return `{"a":` + strconv.Quote(v) + `}` }},
	{"array", func(v string) string { return `["a",` + strconv.Quote(v) + `]` }},
	{"xml", func(v string) string { return "<a><b>" + html.EscapeString(v) + "</b></a>" }},
	{"form", func(v string) string { return "a=1&b=" + url.QueryEscape(v) }},
	{"references", func(v string) string {
		var b strings.Builder
		for i := range len(v) {
			fmt.Fprintf(&b, "&#%d;", v[i])
		}
		return b.String()
	}},
}

// layered returns a value in layers that is about as long as size. What layers add
// depends on the value.
func layered(layers []layer, value func(int) string, size int) string {
	v := ""
	for inner, tries := size, 0; tries < 4; tries++ {
		v = value(max(inner, 16))
		for _, l := range layers {
			v = l.wrap(v)
		}
		inner = inner * size / len(v)
	}
	return v
}
