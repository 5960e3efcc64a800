package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// script runs an upstream on raw connections.
func script(t *testing.T, f func(c net.Conn, r *bufio.Reader)) string {
	l := listen(t)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				f(c, bufio.NewReader(c))
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func dial(t *testing.T, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return c, bufio.NewReader(c)
}

func expectLine(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	lines, err := readLines(r)
	if err != nil || lines[0] != want {
		t.Fatalf("%q %v, want %q", lines, err, want)
	}
}

func TestExpectContinue(t *testing.T) {
	_, addr := start(t, serve(t, echo), nil)
	c, r := dial(t, addr)
	fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
	expectLine(t, r, "HTTP/1.1 100 Continue")
	fmt.Fprint(c, "abc")
	m, err := readMessage(r, bodylessStatus)
	if err != nil || string(m.Body) != "abc" {
		t.Fatalf("%+v %v", m, err)
	}
	// Blocked by its head, a request is not asked for its body.
	fmt.Fprint(c, "POST /?q="+url.QueryEscape(attack)+" HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
	m, err = readMessage(r, bodylessStatus)
	if err != nil || m.Line != "HTTP/1.1 403 Forbidden" || len(without(m.Fields, "connection")) == len(m.Fields) {
		t.Fatalf("%+v %v", m, err)
	}
}

// Bytes of a response are at the client before the next ones are at the
// node: event streams work.
func TestResponseIsNotHeldBack(t *testing.T) {
	next := make(chan string)
	_, addr := start(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for s := range next {
			io.WriteString(w, s)
			w.(http.Flusher).Flush()
		}
	}), nil)
	c, r := dial(t, addr)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	next <- "" // the head alone
	expectLine(t, r, "HTTP/1.1 200 OK")
	for _, s := range []string{"data: 1\n\n", "data: 2\n\n"} {
		next <- s
		want := fmt.Sprintf("%x\r\n%s\r\n", len(s), s)
		b := make([]byte, len(want))
		if _, err := io.ReadFull(r, b); err != nil || string(b) != want {
			t.Fatalf("%q %v, want %q", b, err, want)
		}
	}
	close(next)
	if line, err := r.ReadString('\n'); line != "0\r\n" {
		t.Errorf("%q %v", line, err)
	}
}

func TestPipelining(t *testing.T) {
	_, addr := start(t, serve(t, echo), nil)
	got := raw(t, addr, "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nxPOST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ny\r\n0\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	at := 0
	for _, want := range []string{"X-Target: /1", "\r\n\r\nx", "X-Target: /2", "\r\n\r\ny", "X-Target: /3"} {
		i := strings.Index(got[at:], want)
		if i < 0 {
			t.Fatalf("no %q after byte %d of %s", want, at, got)
		}
		at += i
	}
}

func TestHTTP10Client(t *testing.T) {
	_, addr := start(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		io.WriteString(w, r.Host+"b")
	}), nil)
	got := raw(t, addr, "GET / HTTP/1.0\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || !strings.Contains(got, "\r\n\r\na127.0.0.1:") || strings.Contains(got, "chunked") {
		t.Errorf("%s", got)
	}
}

// An idle upstream connection that ended while it was not looked at costs
// no request that may be sent twice.
func TestStaleConnectionIsRetried(t *testing.T) {
	served := new(atomic.Int64)
	up := script(t, func(c net.Conn, r *bufio.Reader) {
		for range 2 {
			m, err := readMessage(r, func(string) bool { return false })
			if err != nil {
				return
			}
			if served.Add(1) == 2 {
				return // after it has read the request: too late for a look at the socket
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(m.Line), m.Line)
		}
	})
	_, addr := start(t, up, nil)
	c, r := dial(t, addr)
	for i := range 2 {
		fmt.Fprintf(c, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
		m, err := readMessage(r, bodylessStatus)
		if err != nil || string(m.Body) != fmt.Sprintf("GET /%d HTTP/1.1", i) {
			t.Fatalf("%+v %v", m, err)
		}
	}
	if served.Load() != 3 {
		t.Errorf("%d requests at the upstream, want 3", served.Load())
	}
}

// A request that may not be sent twice is not.
func TestPostIsNotRetried(t *testing.T) {
	served := new(atomic.Int64)
	up := script(t, func(c net.Conn, r *bufio.Reader) {
		for {
			if _, err := readMessage(r, func(string) bool { return false }); err != nil || served.Add(1) == 2 {
				return
			}
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	_, addr := start(t, up, nil)
	c, r := dial(t, addr)
	for _, want := range []string{"HTTP/1.1 200 OK", "HTTP/1.1 502 Bad Gateway"} {
		fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
		if m, err := readMessage(r, bodylessStatus); err != nil || m.Line != want {
			t.Fatalf("%+v %v", m, err)
		}
	}
	if served.Load() != 2 {
		t.Errorf("%d requests at the upstream, want 2", served.Load())
	}
}

func TestUpstreamFailures(t *testing.T) {
	f := func(reply string, want string) {
		t.Helper()
		up := script(t, func(c net.Conn, r *bufio.Reader) {
			readMessage(r, func(string) bool { return false })
			io.WriteString(c, reply)
		})
		p, addr := start(t, up, nil)
		got := raw(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
		if !strings.HasPrefix(got, want) || strings.HasPrefix(want, "HTTP/1.1 502") && !strings.Contains(got, "request_id") {
			t.Errorf("%q: %q", reply, got)
		}
		waitIdle(t, p)
		if c := p.Counts(); c.UpstreamErrors != 1 || c.Inspected != 1 {
			t.Errorf("%q: %+v", reply, c)
		}
	}
	f("", "HTTP/1.1 502 Bad Gateway")
	f("HTTP/1.1 200", "HTTP/1.1 502 Bad Gateway")
	f("garbage\r\n\r\n", "HTTP/1.1 502 Bad Gateway")
	f("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 502 Bad Gateway")
	f("HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 502 Bad Gateway")
	f("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("a", 70<<10)+"\r\n\r\n", "HTTP/1.1 502 Bad Gateway")
	// Cut short, the response must not look whole.
	f("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", "")
}

func TestCutResponseLooksCut(t *testing.T) {
	up := script(t, func(c net.Conn, r *bufio.Reader) {
		readMessage(r, func(string) bool { return false })
		io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
	})
	_, addr := start(t, up, nil)
	res, err := http.Get("http://" + addr)
	if err != nil {
		return // noticed with the head already
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("a response cut short was read as whole: %q", b)
	}
}

func TestUpstreamTimeout(t *testing.T) {
	up := script(t, func(c net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) })
	_, addr := start(t, up, func(o *Options) { o.Timeouts.Response = 50 * time.Millisecond })
	if got := raw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 504 Gateway Timeout") {
		t.Errorf("%s", got)
	}
}

func TestSlowClient(t *testing.T) {
	p, addr := start(t, serve(t, echo), func(o *Options) {
		o.Timeouts.Head, o.Timeouts.Body = 50*time.Millisecond, 50*time.Millisecond
	})
	if got := raw(t, addr, "GET / HTTP/1.1\r\nHost"); got != "" {
		t.Errorf("%s", got)
	}
	if got := raw(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"); !strings.HasPrefix(got, "HTTP/1.1 408 ") {
		t.Errorf("%s", got)
	}
	waitIdle(t, p)
	if c := p.Counts(); c.Received != 1 || c.Bypassed["aborted"] != 1 {
		t.Errorf("%+v", c)
	}
}

// An upstream may answer before it has read the body, and hang up.
func TestEarlyResponse(t *testing.T) {
	up := script(t, func(c net.Conn, r *bufio.Reader) {
		readLines(r)
		io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, io.LimitReader(r, 1<<20))
	})
	p, addr := start(t, up, nil)
	c, r := dial(t, addr)
	go func() {
		fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
		for {
			if _, err := fmt.Fprintf(c, "400\r\n%s\r\n", prose()[:1024]); err != nil {
				return
			}
		}
	}()
	m, err := readMessage(r, bodylessStatus)
	if err != nil || m.Line != "HTTP/1.1 413 Content Too Large" || string(m.Body) != "big" {
		t.Errorf("%+v %v", m, err)
	}
	c.Close()
	waitIdle(t, p)
}

// The upstream learns that the client has gone.
func TestClientGoesAway(t *testing.T) {
	reached, noticed := make(chan struct{}), make(chan struct{})
	up := script(t, func(c net.Conn, r *bufio.Reader) {
		readLines(r)
		close(reached)
		r.ReadByte()
		close(noticed)
	})
	p, addr := start(t, up, nil)
	c, _ := dial(t, addr)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-reached
	c.Close()
	select {
	case <-noticed:
	case <-time.After(5 * time.Second):
		t.Error("the upstream still works for nobody")
	}
	waitIdle(t, p)
	if c := p.Counts(); c.UpstreamErrors != 0 || c.Inspected != 1 {
		t.Errorf("%+v", c)
	}
}

func TestForwardedFor(t *testing.T) {
	_, addr := start(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Join(r.Header["X-Forwarded-For"], "|"), " ", len(r.Header["X-Gabion-Request-Id"]), " ", len(r.Header.Get("X-Gabion-Request-Id")))
	}), func(o *Options) { o.Sites[0].Forwarded = true })
	got := raw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 1.2.3.4\r\nX-Gabion-Request-Id: mine\r\n\r\n")
	if !strings.HasSuffix(got, "\r\n\r\n127.0.0.1 1 26") {
		t.Errorf("%s", got)
	}
}

func TestRouting(t *testing.T) {
	sites := []*site{}
	for _, hosts := range [][]string{{"a.example", "B.example"}, {"*.example"}, {"*.deep.example"}, {}} {
		sites = append(sites, &site{Site: Site{Hosts: hosts}, name: (&Site{Hosts: hosts}).label()})
	}
	f := func(host, want string) {
		t.Helper()
		if got := newRouter(sites).find(hostname([]byte(host))); got == nil || got.name != want {
			t.Errorf("%s: %+v", host, got)
		}
	}
	f("a.example", "a.example")
	f("A.Example:8080", "a.example")
	f("a.example.", "a.example")
	f("b.example", "a.example")
	f("c.example", "*.example")
	f("x.deep.example", "*.deep.example")
	f("x.y.deep.example", "*.deep.example")
	f("example", "default")
	f("[::1]:80", "default")
	f("", "default")
	f(strings.Repeat("a.", 200)+"example", "default")
	if s := newRouter(sites[:3]).find([]byte("other")); s != nil {
		t.Errorf("other: %+v", s)
	}
}
