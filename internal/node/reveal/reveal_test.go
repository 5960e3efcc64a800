package reveal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func names(t *testing.T, o Options) *Names {
	t.Helper()
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func TestText(t *testing.T) {
	n := names(t, Options{Open: []string{"Frobnicate", "shop.example"}})
	f := func(name, want string) {
		t.Helper()
		if got := n.Text(name); got != want {
			t.Errorf("Text(%q) = %q, want %q", name, got, want)
		}
	}
	for _, public := range []string{"id", "login", "user_name", "userName", "UserID", "order-items", "USER-AGENT", "X-FORWARDED-FOR",
		"CONTENT-TYPE", "v1", "V2", "report.pdf", "_id", "__type", "created_at", "api", "frobnicate", "shop.example"} {
		f(public, public)
	}
	f("", "<empty>")
	f("jane", "<word:4-8>")
	f("jane-doe", "<slug:8-16>")
	f("jane_doe@example.com", "<text:16-32>")
	f("user jane", "<text:8-16>")
	f("4711", "<num:4-8>")
	f("ü", "<text:2-4>")
	f("user7", "<slug:4-8>")
	f("v123", "<slug:4-8>")
	f("user_jane", "<slug:8-16>")
	f("userJane", "<word:8-16>")
	f("id_", "<slug:2-4>")
	f("a-b-c-d-e-f", "<slug:8-16>")
	f(strings.Repeat("user-", 20), "<slug:64->")
	f("x\x00", "<text:2-4>")
}

func TestRevealByK(t *testing.T) {
	f := func(k, sources, spread int, want bool) {
		t.Helper()
		n := names(t, Options{K: k})
		public := false
		for i := range sources {
			public = n.Saw("frobnicate", uint64(i), uint64(i%spread))
			n.Saw("frobnicate", uint64(i), uint64(i%spread)) // asks twice, counts once
		}
		if public != want || n.Public("frobnicate") != want {
			t.Errorf("k %d, %d sources in %d neighbourhoods: public is %v", k, sources, spread, public)
		}
	}
	f(3, 2, 1, false)
	f(3, 3, 1, true)
	f(20, 19, 19, false)
	f(20, 20, 4, true)
	f(20, 100, 3, false)
	f(0, 100, 100, false)
}

func TestPersonalNamesAreNeverRevealed(t *testing.T) {
	f := func(want bool, all ...string) {
		t.Helper()
		n := names(t, Options{K: 3})
		for _, name := range all {
			for i := range uint64(10) {
				n.Saw(name, i, i)
			}
			if n.Public(name) != want {
				t.Errorf("%q: public is %v", name, n.Public(name))
			}
		}
	}
	f(false, "jane@example.com", "jane doe", "555123456", "order4711", "a1b2c3d4", "xkcdqwrtz", "aBcDeFgH", "jürgen", "ж", "100%",
		"a-b-c-d", strings.Repeat("ab", 21), "0b7cbd3a", "dGhpcyBpcyBh", "name=jane")
	f(true, "frobnicate", "frobnicateWidget", "xyzzy_level", "line2frob", "some.frob", "PLUGH")
}

func TestLogSurvives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "revealed.jsonl")
	n := names(t, Options{K: 2, Log: path})
	for i := range uint64(2) {
		n.Saw("frobnicate", i, i)
	}
	n.Close()
	b, err := os.ReadFile(path)
	if err != nil || strings.Count(string(b), "\n") != 1 || !strings.Contains(string(b), `"name":"frobnicate","sources":2`) {
		t.Fatalf("%q, %v", b, err)
	}
	torn := string(b) + "not json\n" + `{"name":"jane@example.com"}` + "\n" + `{"name":"to`
	if err := os.WriteFile(path, []byte(torn), 0o600); err != nil {
		t.Fatal(err)
	}
	n = names(t, Options{K: 2, Log: path})
	if !n.Public("frobnicate") || n.Count() != 1 {
		t.Errorf("after a restart %d names are public", n.Count())
	}
	for i := range uint64(2) {
		n.Saw("plugh", i, i)
	}
	n.Close()
	n = names(t, Options{K: 2, Log: path})
	if !n.Public("frobnicate") || !n.Public("plugh") || n.Count() != 2 {
		t.Errorf("after a second restart %d names are public", n.Count())
	}
}

func TestBounds(t *testing.T) {
	now := time.Unix(0, 0)
	n := names(t, Options{K: 2, Now: func() time.Time { return now }})
	n.Saw("frobnicate", 1, 1)
	n.Saw("frobnicate", 1, 1)
	word := func(i int) string { // letters only, in syllables
		b := []byte("zu")
		for ; i > 0; i /= 20 {
			b = append(b, "bdfglmnprstvkhjwzxcq"[i%20], 'o')
		}
		return string(b)
	}
	for i := range 3 * maxCandidates {
		n.Saw(word(i), uint64(i), 1)
	}
	if len(n.candidates) > maxCandidates {
		t.Errorf("%d candidates, bound is %d", len(n.candidates), maxCandidates)
	}
	revealed := 0
	for i := range 2 * perHour {
		for s := range uint64(2) {
			if n.Saw("te"+word(i), s, s) {
				revealed++
			}
		}
	}
	if revealed != perHour {
		t.Errorf("%d names were revealed in an hour, bound is %d", revealed, perHour)
	}
	now = now.Add(time.Hour)
	if !n.Saw("te"+word(2*perHour-1), 7, 7) {
		t.Error("the next hour reveals nothing")
	}
}

func TestRuleNames(t *testing.T) {
	n := names(t, Options{})
	n.Rule([]string{"Jane"})
	if n.Text("jane") != "jane" {
		t.Error("a name that a rule holds is hidden")
	}
	n.Rule(nil)
	if n.Text("jane") == "jane" {
		t.Error("the rule is gone and its name still public")
	}
}

func BenchmarkText(b *testing.B) {
	n, _ := New(Options{})
	for _, name := range []string{"user_name", "jane-doe-frob"} {
		b.Run(fmt.Sprint(name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n.Public(name)
			}
		})
	}
}
