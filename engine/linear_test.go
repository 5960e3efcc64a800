//go:build unix

package engine

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/rule"
)

// requestCost returns the processor time that a request takes, in milliseconds, the least
// of several.
func requestCost(t *testing.T, e *Engine, set *rule.Set, r *request) float64 {
	cpu := func() float64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Skip(err)
		}
		return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
	}
	best := math.MaxFloat64
	for range 3 {
		start := cpu()
		inspect(e, set, Env{Mode: rule.Block}, r, whole)
		best = min(best, cpu()-start)
	}
	return best
}

// TestNothingTwice compares requests in which something long could be read again for each
// of many small things with others of about the same bytes in which it cannot.
func TestNothingTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	e := New(Options{})
	with := func(fields ...string) []string { return append(fields, browser...) }
	json := with("Content-Type", "application/json")
	fill := func(unit string, n int) string { return strings.Repeat(unit, n/len(unit)) }
	f := func(what string, set *rule.Set, dear, cheap request) {
		t.Helper()
		a, b := requestCost(t, e, set, &cheap), requestCost(t, e, set, &dear)
		if b > 8*a+8 {
			t.Errorf("%s: %.0f ms, and %.0f ms where nothing is read twice", what, b, a)
		}
	}

	many := slices.Repeat([]string{"A", "b"}, 8<<10)
	f("the fields of a request for each text in a view state", nil,
		request{"POST", "/", with(many...), "\xff\x01" + fill("aaaa\x00", 64<<10)},
		request{"POST", "/", with(many...), "aa" + fill("aaaa\x00", 64<<10)})

	code := "=?base64?" + fill("YWFh", 32<<10) + "?="
	f("a field in base64 for each method of a call", nil,
		request{"POST", "/", with("Content-Type", "application/json", "Mcp-Method", code), "{" + fill(`"method":"a",`, 128<<10)},
		request{"POST", "/", with("Content-Type", "application/json", "Mcp-Method", code), "{" + fill(`"nothing":"a",`, 128<<10)})

	empty := "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + fill("\x00\x00\x00\xff\xff", 16<<20) // blocks without anything in them
	f("what a coding holds that yields nothing", nil,
		request{"POST", "/", with("Content-Encoding", "gzip, gzip"), zipped(empty)},
		request{"POST", "/", with("Content-Encoding", "gzip"), zipped(zipped(empty))})

	tail := fill("PK\x03", 1<<20) + noise(64<<10)
	packed := func(members int) request {
		text := base64.StdEncoding.EncodeToString([]byte(zipped(string(tarOf(t, slices.Repeat([]string{"a", ""}, members)...)) + tail)))
		return request{"POST", "/", json, `{"a":[` + fill(`"words are here",`, 64<<10) + `"` + text[:len(text)/4*4] + `"]}`}
	}
	f("the data behind members of a tar for each of them", nil, packed(1000), packed(1))

	var rules []rule.Rule
	for i := range 20 {
		rules = append(rules, rule.Rule{ID: uint64(i + 1), Kind: rule.Detector, Class: detect.Custom, Expr: "^INTERNAL-", Point: fmt.Sprintf("post.json.a%d", i)})
	}
	f("the containers around each value for each rule", load(t, rule.Writer{Rules: rules}),
		request{"POST", "/", json, fill("[", 500) + fill("1,", 64<<10)},
		request{"POST", "/", json, "[" + fill("1,", 64<<10)})
}
