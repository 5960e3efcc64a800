package transcript

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/engine"
)

func TestRoundTrip(t *testing.T) {
	f := func(host string, body string, target string, fields ...string) {
		t.Helper()
		want := engine.Head{Method: []byte("PUT"), Target: []byte(target), Proto: []byte("HTTP/1.1")}
		if host != "" {
			want.Host = []byte(host)
		}
		for i := 0; i < len(fields); i += 2 {
			want.Header = append(want.Header, engine.HeaderField{Name: []byte(fields[i]), Value: []byte(fields[i+1])})
		}
		got, gotBody, err := Read(Append(nil, &want, []byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" || string(gotBody) != body {
			t.Errorf("body %q, head %s", gotBody, diff)
		}
	}
	f("", "", "/")
	f("a.example", "x=1\r\n\r\n", "/a b?c", "Host", "a.example:80", "X", "", "x", ": ")
	f("[::1]", "\x00\xff", "*", "HOST", "[::1]:80", "Host", "second")
	f("[::1]", "", "*", "host", "[::1]")
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\nbody"))
	f.Fuzz(func(t *testing.T, b []byte) {
		head, body, err := Read(b)
		if err != nil {
			return
		}
		again, againBody, err := Read(Append(nil, &head, body))
		if diff := cmp.Diff(head, again); err != nil || diff != "" || string(body) != string(againBody) {
			t.Fatal(err, diff)
		}
	})
}
