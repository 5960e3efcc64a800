package rule

import (
	"fmt"
	"strings"

	"github.com/gabionhq/gabion/engine/parse"
)

// anywhere stands for every point. No kind of parse has this number.
const anywhere parse.Kind = 255

// parsePoint reads the point of a rule: what parse.ParsePoint reads; with
// [*] for every element of every array in it; a word such as get, header or
// path alone, for all parameters, fields or segments; or "" for every point. Where it
// has a key, it has so many steps.
func parsePoint(s string) (base parse.Kind, key uint64, count int, err error) {
	if s == "" {
		return anywhere, 0, 0, nil
	}
	for _, k := range []parse.Kind{parse.Path, parse.Get, parse.GetName, parse.Header, parse.HeaderName, parse.Post} {
		if s == k.String() {
			return k, 0, 0, nil
		}
	}
	plain := strings.ReplaceAll(s, "[*]", "[0]")
	steps, err := parse.ParsePoint(plain)
	if err != nil {
		return 0, 0, 0, err
	}
	if text := string(parse.AppendSteps(nil, steps)); text != plain {
		return 0, 0, 0, fmt.Errorf("point %q: write it as %q", s, text)
	}
	if plain != s {
		return parse.None, parse.Key(steps).Folded, len(steps), nil
	}
	return parse.None, parse.Key(steps).Exact, len(steps), nil
}
