package main

import "testing"

func TestPrintable(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	f("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n")
	f("tab\tkept, Straße kept", "tab\tkept, Straße kept")
	f("\x1b[2J\x1b]0;title\x07", `\x1b[2J\x1b]0;title\a`)
	f("\x9b31m", `\x9b31m`)     // CSI in Latin-1, not UTF-8
	f("\u009b31m", `\u009b31m`) // CSI in UTF-8
	f("\u202etxt.exe", `\u202etxt.exe`)
	f("\xff\x00", `\xff\x00`)
}
