package engine

import (
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/rule"
)

func responded(status int, contentType, body string) []Leak {
	tx := New(Options{}).Begin(nil, Env{Mode: rule.Block})
	defer tx.Close()
	if !tx.Response(status, []HeaderField{{Name: []byte("content-type"), Value: []byte(contentType)}}) {
		return nil
	}
	return tx.ResponseBody([]byte(body))
}

func TestLeaks(t *testing.T) {
	f := func(body string, kinds ...LeakKind) {
		t.Helper()
		leaks := responded(200, "text/html; charset=utf-8", body)
		if len(leaks) != len(kinds) {
			t.Fatalf("%.80q: %+v, want %v", body, leaks, kinds)
		}
		for i, l := range leaks {
			if l.Kind != kinds[i] || l.Weight <= 0 || l.Reason == "" || l.Offset >= len(body) {
				t.Errorf("%.80q: %+v, want %v", body, l, kinds[i])
			}
		}
	}
	f("<p>Welcome to the shop.</p>")
	f("<p>You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax</p>", SQLError)
	f(`{"error":"SQLSTATE[42000]: Syntax error or access violation"}`, SQLError)
	f("ERROR:  unterminated quoted string at or near \"'\"", SQLError)
	f("Traceback (most recent call last):\n  File \"app.py\", line 3, in f\nKeyError: 1", StackTrace)
	f("java.lang.NullPointerException\n\tat org.example.Shop.find(Shop.java:12)", StackTrace)
	f("TypeError: x is not a function\n    at Object.<anonymous> (/srv/app.js:3:1)", StackTrace)
	f("<br />\n<b>Warning</b>:  include(x): failed to open stream in <b>/srv/a.php</b> on line <b>3</b>", StackTrace)
	f("<html><head><title>Index of /backup</title></head><body><h1>Index of /backup</h1><a href=\"../\">../</a>", DirectoryListing)
	f("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAA", PrivateKey)
	f("root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/bin/false", SystemFile)
	f("<?php\n$db = connect('localhost');", SourceCode)
	f("Traceback (most recent call last):\n  File \"app.py\"\nsqlite3.OperationalError: near \"'\": syntax error", SQLError, StackTrace)
	f(strings.Repeat(" ", MaxResponse) + "root:x:0:0:root:/root:/bin/bash")
	f("We met at the station.java: an island. ORA is a prefix; goroutine leaks are explained in chapter 3.")
	f("-----BEGIN PUBLIC KEY-----\nMFkw")
}

func TestResponsesThatHoldNoText(t *testing.T) {
	const passwd = "root:x:0:0:root:/root:/bin/bash"
	for kind, leaks := range map[string]int{"image/png": 0, "font/woff2": 0, "text/css": 0, "text/plain": 1, "": 1, "APPLICATION/JSON": 1, "application/problem+xml": 1} {
		if got := responded(200, kind, passwd); len(got) != leaks {
			t.Errorf("%q: %+v", kind, got)
		}
	}
}

func TestSignsFit(t *testing.T) {
	for _, s := range signs {
		if len(s.text) < anchor || len(s.text) > maxSign || len(s.then) > maxSign {
			t.Errorf("%q must not be shorter than %d, nor it or %q longer than %d", s.text, anchor, s.then, maxSign)
		}
	}
}

// Each sign is found wherever it begins, alone and behind the beginnings of
// others.
func TestEachSign(t *testing.T) {
	for i, s := range signs {
		for shift := range 2 * anchor {
			for _, filler := range []string{"x", " ", s.text[:1], s.text[:anchor-1]} {
				body := strings.Repeat(filler, shift) + s.text + " .. " + s.then
				found := responded(200, "", body)
				if len(found) == 0 || found[0].Kind != s.kind && len(found) == 1 {
					t.Fatalf("sign %d in %q: %+v", i, body, found)
				}
			}
		}
	}
}

func TestFailuresWeighMore(t *testing.T) {
	const body = "Incorrect syntax near 'x'"
	ok, failed := responded(200, "", body), responded(500, "", body)
	if len(ok) != 1 || len(failed) != 1 || ok[0].Weight >= failed[0].Weight {
		t.Errorf("%+v and %+v", ok, failed)
	}
}

func TestResponsesAllocateNothing(t *testing.T) {
	tx := New(Options{}).Begin(nil, Env{Mode: rule.Block})
	defer tx.Close()
	body := []byte(strings.Repeat("<li>An ordinary page, at 12:30, of a shop.</li>\n", 1500))
	header := []HeaderField{{Name: []byte("Content-Type"), Value: []byte("Text/HTML; charset=utf-8")}}
	if n := testing.AllocsPerRun(50, func() {
		tx.Response(200, header)
		tx.ResponseBody(body)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkResponse(b *testing.B) {
	tx := New(Options{}).Begin(nil, Env{Mode: rule.Block})
	defer tx.Close()
	body := []byte(strings.Repeat("<li>An ordinary page, at 12:30, of a shop.</li>\n", 1500))
	b.SetBytes(MaxResponse)
	b.ReportAllocs()
	for b.Loop() {
		tx.Response(200, nil)
		tx.ResponseBody(body)
	}
}

func FuzzResponse(f *testing.F) {
	for i := range signs {
		f.Add([]byte(signs[i].text + signs[i].then))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, l := range responded(500, "", string(body)) {
			if l.Offset < 0 || l.Offset >= len(body) || l.Weight > 1 || l.Kind == NoLeak {
				t.Errorf("%+v", l)
			}
		}
	})
}
