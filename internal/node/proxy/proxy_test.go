package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
)

// attack is what the engine has to find in any value.
const attack = `<script>alert(document.cookie)</script>`

// start runs a proxy with the real engine in front of the upstream until
// the test ends.
func start(t testing.TB, upstream string, change func(*Options)) (*Proxy, string) {
	t.Helper()
	u, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	e := engine.New(engine.Options{})
	times := DefaultTimeouts()
	times.Drain = 5 * time.Second
	o := Options{
		Sites:    []Site{{Upstreams: []*url.URL{u}, Mode: rule.Block}},
		Timeouts: &times,
		Begin:    func(s *rule.Set, env engine.Env) Inspection { return e.Begin(s, env) },
		Log:      slog.New(slog.NewTextHandler(testLog{t}, nil)),
	}
	if change != nil {
		change(&o)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, Listener{Listener: l}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p, l.Addr().String()
}

type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serve runs an HTTP server until the test ends.
func serve(t testing.TB, h http.HandlerFunc) string {
	l := listen(t)
	s := &http.Server{Handler: h}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return "http://" + l.Addr().String()
}

// raw sends bytes and returns everything that comes back until the
// connection ends.
func raw(t testing.TB, addr, message string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, message); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil {
		t.Logf("after %d bytes: %v", len(b), err)
	}
	return string(b)
}

func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Method", r.Method)
	w.Header().Set("X-Target", r.RequestURI)
	w.Write(b)
}

func TestForwardAndBlock(t *testing.T) {
	p, addr := start(t, serve(t, echo), nil)
	f := func(message, wantStatus, wantPart string) {
		t.Helper()
		got := raw(t, addr, message)
		status, _, _ := strings.Cut(got, "\r\n")
		if status != wantStatus || !strings.Contains(got, wantPart) {
			t.Errorf("%q:\n%s", message[:min(len(message), 80)], got)
		}
	}
	f("GET /a?b=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK", "X-Target: /a?b=1\r\n")
	f("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK", "\r\n\r\nhello")
	f("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", "HTTP/1.1 200 OK", "\r\n\r\nhello")
	f("GET /?id="+url.QueryEscape(attack)+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 Forbidden", "Request blocked")
	body := "id=" + url.QueryEscape(attack)
	f(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(body), body), "HTTP/1.1 403 Forbidden", "X-Gabion-Request-Id: ")
	f("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400 Bad Request", "Bad Request")
	waitIdle(t, p)
	c := p.Counts()
	if c.Received != 6 || c.Inspected != 5 || c.Blocked != 2 || c.Bypassed["malformed"] != 1 {
		t.Errorf("%+v", c)
	}
}

func TestKeepAliveReusesBothConnections(t *testing.T) {
	conns := make(chan string, 100)
	up := serve(t, func(w http.ResponseWriter, r *http.Request) { conns <- r.RemoteAddr; echo(w, r) })
	_, addr := start(t, up, nil)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	first := ""
	for i := range 20 {
		fmt.Fprintf(c, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", i)
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		if got := <-conns; i == 0 {
			first = got
		} else if got != first {
			t.Fatalf("request %d came over another upstream connection", i)
		}
	}
}

// waitIdle waits until every exchange is settled: that happens a moment
// after its client has the response.
func waitIdle(t testing.TB, p *Proxy) {
	t.Helper()
	until(t, func() bool { return p.Active() == 0 })
}

func until(t testing.TB, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited 10 s in vain")
		}
	}
}
