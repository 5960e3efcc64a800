package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gabionhq/gabion/internal/node/h1"
)

// maxIdle bounds the idle connections kept per upstream: enough for bursts,
// few enough not to occupy a process-per-connection server.
const maxIdle = 128

// fresh is how long an idle connection is trusted with a request that may
// not be sent twice: servers close idle ones after seconds, and a request
// on its way meanwhile is lost with an unknown fate.
const fresh = time.Second

// An upstream is a pool of connections to one server.
type upstream struct {
	address string
	tls     *tls.Config     // nil for plain TCP
	http2   *http.Transport // nil for HTTP/1.1
	times   *Timeouts

	down atomic.Int64 // Unix nanoseconds until which it is avoided
	sick atomic.Bool  // the last health check failed

	mu     sync.Mutex
	idle   []*link // the last one was used last
	closed bool
}

// A link is one connection to an upstream.
type link struct {
	net.Conn
	up     *upstream
	tcp    *net.TCPConn
	r      *bufio.Reader
	w      []byte // scratch for a head and a short body
	head   h1.Head
	body   h1.Body
	since  time.Time // idle since
	reused bool
	cut    func() // reset, made once
	peek   func() (int, error)

	reading, writing deadline
}

func newUpstream(u *url.URL, roots *tls.Config, times *Timeouts) (*upstream, error) {
	up := &upstream{times: times}
	port := u.Port()
	switch u.Scheme {
	case "http":
		port = orDefault(port, "80")
	case "https":
		port = orDefault(port, "443")
		up.tls = roots.Clone()
		up.tls.ServerName = u.Hostname()
		up.tls.NextProtos = []string{"http/1.1"}
	case "h2c":
		port = orDefault(port, "80")
		up.http2 = newHTTP2Transport(nil, times)
	case "h2":
		port = orDefault(port, "443")
		up.tls = roots.Clone()
		up.tls.ServerName = u.Hostname()
		up.http2 = newHTTP2Transport(up.tls, times)
	default:
		return nil, fmt.Errorf("upstream %q: scheme is none of http, https, h2c and h2", u.Redacted())
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("upstream %q: no host", u.Redacted())
	}
	up.address = net.JoinHostPort(u.Hostname(), port)
	return up, nil
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// get returns a connection: the idle one used last, or a new one.
func (u *upstream) get(twice bool) (*link, error) {
	now := time.Now()
	for {
		l := u.pop()
		if l == nil {
			return u.dial()
		}
		age := now.Sub(l.since)
		if age < u.times.UpstreamIdle && (twice || age < fresh) && l.quiet() {
			l.reused = true
			return l, nil
		}
		l.Close()
	}
}

func (u *upstream) pop() *link {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := len(u.idle)
	if n == 0 {
		return nil
	}
	l := u.idle[n-1]
	u.idle[n-1] = nil
	u.idle = u.idle[:n-1]
	return l
}

func (u *upstream) put(l *link) {
	l.since = time.Now()
	u.mu.Lock()
	if !u.closed && len(u.idle) < maxIdle {
		u.idle = append(u.idle, l)
		l = nil
	}
	u.mu.Unlock()
	if l != nil {
		l.Close()
	}
}

// prune closes the connections that were idle for too long.
func (u *upstream) prune(now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := 0
	for n < len(u.idle) && now.Sub(u.idle[n].since) > u.times.UpstreamIdle {
		u.idle[n].Close()
		n++
	}
	u.idle = append(u.idle[:0], u.idle[n:]...)
}

func (u *upstream) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	for _, l := range u.idle {
		l.Close()
	}
	u.idle = nil
	if u.http2 != nil {
		u.http2.CloseIdleConnections()
	}
}

func (u *upstream) dial() (*link, error) {
	ctx, cancel := context.WithTimeout(context.Background(), u.times.Dial)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.address)
	if err != nil {
		return nil, fmt.Errorf("connecting to upstream %s: %w", u.address, err)
	}
	l := &link{Conn: directly(conn), up: u, tcp: conn.(*net.TCPConn)}
	l.cut, l.peek = l.reset, peeker(l.tcp)
	if u.tls != nil {
		t := tls.Client(l.Conn, u.tls)
		if err := t.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, fmt.Errorf("TLS handshake with upstream %s: %w", u.address, err)
		}
		l.Conn = t
	}
	l.r = bufio.NewReaderSize(l.Conn, 16<<10)
	return l, nil
}

// quiet says whether an idle connection is still open and has sent nothing
// on its own: bytes that no request asked for would be taken as the answer
// to the next one. A TLS connection may hold session tickets.
func (l *link) quiet() bool {
	if l.r.Buffered() > 0 {
		return false
	}
	n, err := l.peek()
	if err == syscall.EAGAIN {
		return true
	}
	_, encrypted := l.Conn.(*tls.Conn)
	return err == nil && n > 0 && encrypted
}

// peeker returns a function that looks at what a socket has received without
// waiting or taking it. It returns EAGAIN if there is nothing and 0 at the end
// of the stream, and may be called by one goroutine at a time.
func peeker(c *net.TCPConn) func() (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return func() (int, error) { return 0, err }
	}
	var n int
	var found error
	look := func(fd uintptr) { n, found = received(fd) }
	return func() (int, error) {
		// Not raw.Read: it would heed a deadline and wait for other readers.
		if err := raw.Control(look); err != nil {
			return 0, err
		}
		return n, found
	}
}

// reset closes the connection so that the upstream reads an error, not the
// end of a message: some servers take a body cut short for a whole one.
func (l *link) reset() {
	l.tcp.SetLinger(0)
	l.tcp.Close()
}
