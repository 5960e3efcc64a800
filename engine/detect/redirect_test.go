package detect

import "testing"

func FuzzRedirect(f *testing.F) { fuzz(f, Redirect) }

// TestRedirect checks that what only may be an attack stays a hint.
func TestRedirect(t *testing.T) {
	hinted := func(v string, want bool) {
		t.Helper()
		w := weightOf(Redirect, v, Where{Place: InQuery})
		if w >= suffices || (w > 0) != want {
			t.Errorf("%q: weight %v, want a hint: %v", v, w, want)
		}
	}
	hinted("///evil.example/x", true)
	hinted(`/\\evil.example`, true)
	hinted("https://good.example@evil.example/", true)
	hinted("https://example.com/", false)
	hinted("/local/path", false)
	hinted("a/b//c", false)
	hinted("", false)
}
