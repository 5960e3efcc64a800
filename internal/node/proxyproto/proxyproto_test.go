package proxyproto

import (
	"io"
	"strings"
	"testing"
)

const v2 = "\r\n\r\n\x00\r\nQUIT\n"

func TestRead(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		r := strings.NewReader(in + "GET")
		got, err := Read(r)
		rest, _ := io.ReadAll(r)
		if err != nil || got.String() != want || string(rest) != "GET" {
			t.Errorf("%q: %v %v, rest %q", in, got, err, rest)
		}
	}
	f("PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n", "192.0.2.1:4711")
	f("PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n", "[2001:db8::1]:4711")
	f("PROXY UNKNOWN\r\n", "invalid AddrPort")
	f("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "invalid AddrPort")
	f(v2+"\x21\x11\x00\x0c\xc0\x00\x02\x01\x0a\x00\x00\x01\x12\x67\x00\x50", "192.0.2.1:4711")
	f(v2+"\x21\x11\x00\x0f\xc0\x00\x02\x01\x0a\x00\x00\x01\x12\x67\x00\x50\x04\x00\x00", "192.0.2.1:4711")
	f(v2+"\x21\x21\x00\x24"+strings.Repeat("\x20", 32)+"\x12\x67\x00\x50", "[2020:2020:2020:2020:2020:2020:2020:2020]:4711")
	f(v2+"\x20\x00\x00\x00", "invalid AddrPort")
	f(v2+"\x21\x31\x00\x02ab", "invalid AddrPort")
}

func TestRefused(t *testing.T) {
	for _, in := range []string{
		"", "PROX", "GET / HTTP/1.1\r\n\r\n", "PROXY ", "PROXY TCP4 192.0.2.1 10.0.0.1 4711\r\n", "PROXY TCP4 a b 1 2\r\n",
		"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 70000 80\r\n", "PROXY TCP5 a b 1 2\r\n",
		"PROXY TCP4 " + strings.Repeat("1", 200) + "\r\n",
		v2, v2 + "\x11\x11\x00\x00", v2 + "\x22\x11\x00\x00", v2 + "\x21\x11\x00\x04abcd", v2 + "\x21\x11\xff\xff", v2 + "\x21\x11\x00\x0cab",
		"\r\n\r\n\x00\r\nQUIX\n\x21\x11\x00\x00",
	} {
		if got, err := Read(strings.NewReader(in)); err == nil {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n")
	f.Add(v2 + "\x21\x11\x00\x0c\xc0\x00\x02\x01\x0a\x00\x00\x01\x12\x67\x00\x50")
	f.Fuzz(func(t *testing.T, in string) {
		if got, err := Read(strings.NewReader(in)); err != nil && got.IsValid() {
			t.Errorf("%q: %v with %v", in, got, err)
		}
	})
}
