package engine

import (
	"testing"

	"github.com/gabionhq/gabion/engine/rule"
)

// TestReferrer makes sure that a link with a session counts when it stands on
// a page of another site, and is no attack when the site itself put it there,
// whichever of the two was seen first.
func TestReferrer(t *testing.T) {
	e := New(Options{})
	f := func(referer string, want Decision) {
		t.Helper()
		q := request{method: "GET", target: "/login?sessionid=abc123&JSESSIONID=def456"}
		if referer != "" {
			q.fields = append(q.fields, "Referer", referer)
		}
		if v, _ := inspect(e, nil, Env{Mode: rule.Block}, &q, nil); v.Decision != want {
			t.Errorf("from %q: %v, want %v", referer, v.Decision, want)
		}
	}
	for range 2 {
		f("https://shop.example/cart", Pass)
		f("https://evil.example.net/cart", Block)
		f("http://SHOP.example:8080", Pass)
		f("https://www.shop.example/", Pass)
		f("https://shop.example.evil.net/?https://shop.example/", Block)
		f("https://evil.net:443", Block)
		f("", Block) // for the second name
		f("http", Block)
	}
}
