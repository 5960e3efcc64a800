package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestEncode(t *testing.T) {
	f := func(encoding, want string) {
		t.Helper()
		if got, err := encode(encoding, "<a ' €"); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", encoding, got, err, want)
		}
	}
	f("Plain", "<a ' €")
	f("URL", "%3Ca%20%27%20%E2%82%AC")
	f("Base64", "PGEgJyDigqw=")
	f("Base64Flat", "PGEgJyDigqw")
	f("JSUnicode", `\u003c\u0061\u0020\u0027\u0020\u20ac`)
	f("XMLEntity", "<string>&lt;a &#39; €</string>")
	if _, err := encode("ROT13", "a"); err == nil {
		t.Error("an unknown encoder is accepted")
	}
}

func TestScore(t *testing.T) {
	f := func(s score, application, api, overall float64) {
		t.Helper()
		if a, b, c := s.overall(); a != application || b != api || c != overall {
			t.Errorf("%+v: %v, %v, %v; want %v, %v, %v", s, a, b, c, application, api, overall)
		}
	}
	f(score{application: count{blocked: 571, passed: 90}, applicationFalse: count{blocked: 1, passed: 140}, api: count{blocked: 15, passed: 5}}, 92.84, 75, 83.92)
	f(score{application: count{blocked: 1, unresolved: 9, failed: 9}}, 100, -1, 100)
	f(score{application: count{passed: 1}, applicationFalse: count{passed: 1}}, 0, -1, 0)
	f(score{}, -1, -1, -1)
}

func TestCases(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("false-pos/a.yml", "payload:\n  - 'x'\n  - \"\\'y\"\nencoder: [Plain, URL]\nplaceholder:\n  - URLParam\n")
	write("owasp-api/b.yaml", "payload: ['<p>']\nencoder: [URL]\nplaceholder:\n  - RawRequest:\n      method: PUT\n      path: /a/{{payload}}\n      headers:\n        X-A: '{{payload}}'\n      body: 'b={{payload}}'\n")
	sets, err := cases(dir)
	if err != nil || len(sets) != 2 {
		t.Fatalf("%d sets, %v", len(sets), err)
	}
	if a := sets[0]; !a.benign() || a.api() || len(a.tries()) != 4 || a.Payloads[1] != "'y" {
		t.Errorf("got %+v", a)
	}
	r, err := sets[1].Places[0].request("http://h", "<p>")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != "PUT" || r.URL.String() != "http://h/a/%3Cp%3E" || r.Header.Get("X-A") != "<p>" || string(body) != "b=<p>" {
		t.Errorf("%s %s %v %s, %v", r.Method, r.URL, r.Header, body, err)
	}
	if _, err := cases(t.TempDir()); err == nil {
		t.Error("a directory without cases is accepted")
	}
}
