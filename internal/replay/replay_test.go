package replay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got, err := Parse([]byte(`{"method":"POST","target":"/a?b","headers":[["Host","h"],["X","1"],["X","2"]],"body_b64":"aGk=","label":"attack","n":3}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Request{"POST", "/a?b", [][2]string{{"Host", "h"}, {"X", "1"}, {"X", "2"}}, []byte("hi")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, line := range []string{
		``, `{`, `[]`, `null`, `{}`, `"GET /"`,
		`{"method":"GET"}`,
		`{"method":"","target":"/"}`,
		`{"method":"GET","target":""}`,
		`{"method":1,"target":"/"}`,
		`{"method":"GET","target":"/","headers":{"Host":"h"}}`,
		`{"method":"GET","target":"/","headers":["Host"]}`,
		`{"method":"GET","target":"/","body_b64":"%%%"}`,
		`{"method":"GET","target":"/"} {}`,
	} {
		if _, err := Parse([]byte(line)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one of one line", line, err)
		}
	}
}

func TestParseRaw(t *testing.T) {
	f := func(msg string, want *Request) {
		t.Helper()
		got, err := ParseRaw([]byte(msg))
		if want == nil {
			if err == nil {
				t.Errorf("%q: was accepted as %+v", msg, got)
			}
			return
		}
		if err != nil {
			t.Errorf("%q: %v", msg, err)
			return
		}
		if string(got.Body) != string(want.Body) {
			t.Errorf("%q: body %q, want %q", msg, got.Body, want.Body)
		}
		got.Body, want.Body = nil, nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", msg, diff)
		}
	}
	host := [][2]string{{"Host", "h"}}
	f("GET /a HTTP/1.1\r\nHost: h\r\n\r\n", &Request{"GET", "/a", host, nil})
	f("GET /a HTTP/1.1\nHost: h\n\n", &Request{"GET", "/a", host, nil})
	f("GET /a HTTP/1.1\r\nHost:h \r\n\r\nbody\r\n\r\nmore", &Request{"GET", "/a", host, []byte("body\r\n\r\nmore")})
	f("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", &Request{"GET", "/a b", host, nil})
	f("GET /a\r\nHost: h\r\n\r\n", &Request{"GET", "/a", host, nil})
	f("GET /a HTTP/1.1\r\nHost: h", &Request{"GET", "/a", host, nil})
	f("GET / HTTP/1.1\r\n\r\nx", &Request{"GET", "/", nil, []byte("x")})
	f("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1;x=y\r\n!\r\n0\r\n\r\n",
		&Request{"POST", "/", [][2]string{{"Transfer-Encoding", "chunked"}}, []byte("hi!")})
	f("", nil)
	f("hello", nil)
	f(" / HTTP/1.1\r\n\r\n", nil)
	f("GET / HTTP/1.1\r\nno colon\r\n\r\n", nil)
	f("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", nil)
}

func FuzzParseRaw(f *testing.F) {
	f.Add([]byte("POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		if q, err := ParseRaw(msg); err == nil && q.Method == "" {
			t.Error("a request without a method")
		}
	})
}

func TestHostname(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := hostname(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	f("a.example", "a.example")
	f("a.example:80", "a.example")
	f("[::1]:80", "[::1]")
	f("[::1]", "[::1]")
	f("", "")
}

// lines numbers n lines.
func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d\n", i)
	}
	return b.String()
}

func TestEachKeepsOrder(t *testing.T) {
	var got strings.Builder
	want := lines(10_000)
	err := Each(context.Background(), strings.NewReader(want), func(line []byte) (string, error) {
		return string(line), nil
	}, func(s string) error {
		fmt.Fprintln(&got, s)
		return nil
	})
	if err != nil || got.String() != want {
		t.Errorf("lines are lost or out of order: %v", err)
	}
}

func TestEachStopsAtTheFirstError(t *testing.T) {
	boom := errors.New("boom")
	var seen int
	err := Each(context.Background(), strings.NewReader(lines(5000)), func(line []byte) (string, error) {
		if string(line) == "3000" || string(line) == "3001" {
			return "", boom
		}
		return string(line), nil
	}, func(string) error {
		seen++
		return nil
	})
	if !errors.Is(err, boom) || !strings.HasPrefix(err.Error(), "line 3001: ") || seen != 3000 {
		t.Errorf("after %d lines: %v; want all 3000 before the first error", seen, err)
	}
}

func TestEachStopsWithItsReaderOfResults(t *testing.T) {
	gone := errors.New("broken pipe")
	err := Each(context.Background(), strings.NewReader(lines(100_000)), func(line []byte) (int, error) {
		return len(line), nil
	}, func(int) error {
		return gone
	})
	if !errors.Is(err, gone) {
		t.Errorf("got %v, want %v", err, gone)
	}
}

func TestEachCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	err := Each(ctx, strings.NewReader(lines(100_000)), func(line []byte) (int, error) {
		return len(line), nil
	}, func(int) error {
		if n++; n == 10 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v after %d lines, want %v", err, n, context.Canceled)
	}
}

func TestEachRefusesEndlessLines(t *testing.T) {
	err := Each(context.Background(), strings.NewReader("1\n"+strings.Repeat("x", maxLine+1)), func(line []byte) (int, error) {
		return 0, nil
	}, func(int) error { return nil })
	if err == nil || err.Error() != "line 2: longer than 64 MiB" {
		t.Errorf("got %v", err)
	}
}
