package main

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestMessage(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		var in struct {
			Tests []struct {
				Stages []struct {
					Input input `yaml:"input"`
				} `yaml:"stages"`
			} `yaml:"tests"`
		}
		text = "tests:\n  - stages:\n      - input:\n          " + strings.ReplaceAll(text, "\n", "\n          ")
		if err := yaml.Unmarshal([]byte(text), &in); err != nil {
			t.Fatal(err)
		}
		got, err := in.Tests[0].Stages[0].Input.message()
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s\ngot  %q\nwant %q", text, got, want)
		}
	}
	f("uri: /a?b", "GET /a?b HTTP/1.1\r\nConnection: close\r\n\r\n")
	f("method: POST\nheaders:\n  Host: h\n  B: 1", "POST / HTTP/1.1\r\nHost: h\r\nB: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	f("method: POST\ndata: a=b c&d", "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: 7\r\n\r\na=b+c&d")
	f("method: POST\ndata: a=b%20c'", "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: 8\r\n\r\na=b%20c'")
	f("method: POST\nautocomplete_headers: false\ndata: a b", "POST / HTTP/1.1\r\n\r\na b")
	f("method: PUT\nheaders:\n  Content-Type: text/plain\ndata: '{{ \"ab\" | repeat 2 }}'", "PUT / HTTP/1.1\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 4\r\n\r\nabab")
	f("method: PUT\nheaders:\n  Content-Type: text/plain\ndata: '{{x(1)}}'", "PUT / HTTP/1.1\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 8\r\n\r\n{{x(1)}}")
	f("encoded_request: R0VUIC8K", "GET /\n")
}

func TestLevels(t *testing.T) {
	levels, err := levels()
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[int]int{942100: 1, 942200: 2, 920420: 1, 942251: 3, 942421: 4, 1: 0} {
		if levels[id] != want {
			t.Errorf("rule %d is of level %d, want %d", id, levels[id], want)
		}
	}
	if got := lowest(levels, []int{942421, 942200, 1}); got != 2 {
		t.Errorf("the lowest level is %d, want 2", got)
	}
}

// TestSuite holds the harness to the rule set itself: what its authors say
// matches must match our requests, too.
func TestSuite(t *testing.T) {
	stages, err := suite([]string{"930", "943"})
	if err != nil {
		t.Fatal(err)
	}
	levels, err := levels()
	if err != nil {
		t.Fatal(err)
	}
	results, err := inspect(stages, levels)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) < 100 {
		t.Fatalf("only %d tests", len(results))
	}
	for i := range results {
		if r := &results[i]; r.unusable != nil || !r.faithful() {
			t.Errorf("%s: rules %v match, want %v and not %v; %v", r.name, r.crs.rules, r.expect, r.refuse, r.unusable)
		}
	}
}
