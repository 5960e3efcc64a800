package proxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/internal/node/blockpage"
	"github.com/gabionhq/gabion/internal/node/h1"
	"github.com/gabionhq/gabion/internal/node/proxyproto"
	"github.com/gabionhq/gabion/internal/node/source"
)

// maxLeftover is how much of a request body that nobody wants is read to
// keep the connection.
const maxLeftover = 256 << 10

// linger is how long a connection that is closed with unread input goes on
// reading: closing at once resets it, and the client may lose the response.
const linger = time.Second

// A conn is a client connection that speaks HTTP/1: the front of one
// exchange after the other.
type conn struct {
	p      *Proxy
	net    net.Conn
	r      *bufio.Reader
	w      *bufio.Writer
	remote netip.Addr
	secure bool
	asked  bool // the client asks for a verdict only
	idle   atomic.Bool

	reading, writing deadline
	interrupted      atomic.Bool // nothing more is read for the exchange

	away     atomic.Bool            // the client has closed the connection
	watched  atomic.Pointer[func()] // to call when it does
	watcher  *time.Timer
	watching atomic.Bool // the watcher will look

	head    h1.Head
	body    h1.Body
	x       exchange
	waiting bool // the client awaits 100 Continue
	chunked bool // the response body
	last    bool // close after this response
	broken  bool // close at once
	out     []byte
}

// conns are the open client connections of a proxy.
type conns struct {
	mu       sync.Mutex
	open     map[*conn]struct{}
	draining atomic.Bool
	wg       sync.WaitGroup
}

func (cs *conns) add(c *conn) {
	cs.wg.Add(1)
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.open[c] = struct{}{}
}

func (cs *conns) remove(c *conn) {
	cs.mu.Lock()
	delete(cs.open, c)
	cs.mu.Unlock()
	cs.wg.Done()
}

// each calls f for every open connection.
func (cs *conns) each(f func(*conn)) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for c := range cs.open {
		f(c)
	}
}

// drain closes idle connections, waits for the others and closes what is
// left when time is up.
func (p *Proxy) drain() {
	p.conns.draining.Store(true)
	p.conns.each(func(c *conn) {
		if c.idle.Load() {
			c.net.SetReadDeadline(time.Unix(1, 0))
		}
	})
	done := make(chan struct{})
	go func() {
		p.http2.drain(p.times.Drain)
		p.conns.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(p.times.Drain):
		p.conns.each(func(c *conn) { c.net.Close() })
		<-done
	}
}

func (p *Proxy) serveConn(nc net.Conn, l *Listener) {
	c := &conn{p: p, net: directly(nc), asked: l.Asked}
	c.watcher = time.AfterFunc(time.Hour, c.look)
	defer c.watcher.Stop()
	p.conns.add(c)
	defer p.conns.remove(c)
	defer c.survive()
	switch c.arrive(l) {
	case "h2":
		p.http2.take(c)
		return
	case "http/1":
		c.serve()
	}
	c.net.Close()
}

// survive keeps a panic from ending the process. What was going on is cut.
func (c *conn) survive() {
	if r := recover(); r != nil {
		c.p.fail("connection failed", r, c.x.id)
		c.cut()
	}
}

// arrive finds out who the client is and which protocol it speaks. It
// returns "" if the connection is to be closed.
func (c *conn) arrive(l *Listener) string {
	c.remote = remoteAddr(c.net)
	if l.Proxy && c.p.source.Trusted(c.remote) {
		c.net.SetReadDeadline(time.Now().Add(c.p.times.Head))
		addr, err := proxyproto.Read(c.net)
		if err != nil {
			c.p.warn("connection of a trusted proxy refused", "peer", c.remote, "err", err)
			return ""
		}
		if addr.IsValid() {
			c.remote = addr.Addr()
			c.net = &told{c.net, net.TCPAddrFromAddrPort(addr)}
		}
	}
	if l.TLS != nil {
		c.net, c.secure = tls.Server(c.net, l.TLS), true
	}
	c.r, c.w = bufio.NewReaderSize(c.net, 8<<10), bufio.NewWriterSize(c.net, 8<<10)
	return c.protocol()
}

// A told connection comes from an address that a proxy tells.
type told struct {
	net.Conn
	remote net.Addr
}

func (t *told) RemoteAddr() net.Addr { return t.remote }
func (t *told) NetConn() net.Conn    { return t.Conn }
func (t *told) CloseWrite() error    { return tcpOf(t.Conn).CloseWrite() }

// serve serves one request after the other.
func (c *conn) serve() {
	for c.next() {
		c.chunked, c.last = false, c.head.Close || c.p.conns.draining.Load()
		c.body.Reset(c.r, &c.head)
		c.waiting = c.head.Expect && !c.body.Done()
		then := (*exchange).forward
		if c.asked {
			then = (*exchange).allow
		}
		c.x.run(c.p, c, &c.head, then)
		if c.broken || !c.leave() {
			return
		}
	}
}

func remoteAddr(nc net.Conn) netip.Addr {
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// protocol finds out what the client speaks: over TLS what was negotiated,
// else what its first bytes show. It returns "" if there is no client.
func (c *conn) protocol() string {
	if t, ok := c.net.(*tls.Conn); ok {
		t.SetDeadline(time.Now().Add(c.p.times.Head))
		if t.Handshake() != nil {
			return ""
		}
		if t.ConnectionState().NegotiatedProtocol == "h2" {
			return "h2"
		}
	}
	if !c.await() {
		return ""
	}
	c.readWithin(c.p.times.Head)
	for n := 1; n <= len(preface); n++ {
		if b, err := c.r.Peek(n); err != nil || string(b) != preface[:n] {
			return "http/1"
		}
	}
	return "h2"
}

// next reads the head of the next request. What is no request is counted
// and answered.
func (c *conn) next() bool {
	if c.r.Buffered() == 0 && !c.await() {
		return false
	}
	if !c.whole() {
		c.readWithin(c.p.times.Head)
	}
	err := c.head.ReadRequest(c.r)
	if err == nil && c.asked {
		c.remote = remoteAddr(c.net)
		err = c.head.Unwrap()
		if told, ok := source.Told(c.head.Fields); ok {
			c.remote = told
		}
	}
	if err == nil {
		return true
	}
	var refused *h1.Error
	if !errors.As(err, &refused) {
		return false
	}
	c.p.none.tally.settle(malformed, false, false, false)
	c.head.Method, c.last = nil, true
	id := newID(time.Now())
	if c.page(blockpage.New(refused.Status, id, nil, nil), id) == nil {
		c.leave()
	}
	return false
}

// whole says whether the head of the next request was received, so that
// reading it waits for nothing.
func (c *conn) whole() bool {
	b, _ := c.r.Peek(c.r.Buffered())
	return bytes.Contains(b, headEnd)
}

var headEnd = []byte("\r\n\r\n")

// await waits for the first byte of a request.
func (c *conn) await() bool {
	c.readWithin(c.p.times.Idle)
	c.idle.Store(true)
	defer c.idle.Store(false)
	if c.p.conns.draining.Load() {
		return false
	}
	_, err := c.r.Peek(1)
	return err == nil
}

// leave brings the connection behind the request. It says whether another
// request may follow.
func (c *conn) leave() bool {
	if !c.last && c.body.Done() {
		return true
	}
	if !c.last && c.skip() {
		return true
	}
	if !c.body.Done() || c.r.Buffered() > 0 {
		c.linger()
	}
	return false
}

// skip reads a short rest of the request body.
func (c *conn) skip() bool {
	if left := c.body.Left(); left < 0 || left > maxLeftover {
		return false
	}
	c.readWithin(linger)
	_, err := io.Copy(io.Discard, &c.body)
	return err == nil && c.body.Done()
}

func (c *conn) linger() {
	half, ok := c.net.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	c.readWithin(linger)
	io.Copy(io.Discard, io.LimitReader(c.net, 4<<20))
}

func (c *conn) Read(p []byte) (int, error) {
	if !c.body.Ready() {
		c.readWithin(c.p.times.Body)
		if c.interrupted.Load() {
			c.net.SetReadDeadline(time.Unix(1, 0)) // which may just have been moved
		}
	}
	return c.body.Read(p)
}

func (c *conn) trailer() []engine.HeaderField { return c.body.Trailer }
func (c *conn) left() int64                   { return c.body.Left() }
func (c *conn) arrived() bool {
	left := c.body.Left()
	return left >= 0 && left <= int64(c.r.Buffered())
}
func (c *conn) gone() bool               { return c.away.Load() }
func (c *conn) peer() (netip.Addr, bool) { return c.remote, c.secure }

// watchEvery is how often it is looked whether the client is still there
// while the upstream takes its time.
const watchEvery = time.Second

func (c *conn) watch(f *func()) {
	c.watched.Store(f)
	if f != nil && !c.watching.Swap(true) {
		c.watcher.Reset(watchEvery)
	}
}

// look calls what is watched for if the client has closed its connection.
func (c *conn) look() {
	c.watching.Store(false)
	f := c.watched.Load()
	tcp := tcpOf(c.net)
	if f == nil || tcp == nil {
		return
	}
	if n, err := peeker(tcp)(); n == 0 && err != syscall.EAGAIN {
		c.away.Store(true)
		if c.watched.CompareAndSwap(f, nil) {
			(*f)()
		}
		return
	}
	if c.watched.Load() != nil && !c.watching.Swap(true) {
		c.watcher.Reset(watchEvery)
	}
}

// tcpOf returns the TCP connection under nc, nil if there is none.
func tcpOf(nc net.Conn) *net.TCPConn {
	for {
		outer, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			tcp, _ := nc.(*net.TCPConn)
			return tcp
		}
		nc = outer.NetConn()
	}
}

// interrupt makes the pump's Read fail. The deadline stays past: nothing
// more is read from this connection but by linger.
func (c *conn) interrupt() {
	c.last = true
	c.interrupted.Store(true)
	c.net.SetReadDeadline(time.Unix(1, 0))
}

func (c *conn) proceed() {
	if !c.waiting {
		return
	}
	c.waiting = false
	c.writeWithin(c.p.times.Write)
	c.w.WriteString("HTTP/1.1 100 Continue\r\n\r\n")
	c.w.Flush()
}

func (c *conn) interim(h *h1.Head) error {
	c.out = append(h1.AppendResponse(c.out[:0], h), "\r\n"...)
	c.w.Write(c.out)
	return c.Flush()
}

// begin writes the head of the final response, with the framing of this
// connection.
func (c *conn) begin(h *h1.Head, id string) error {
	c.out = appendID(h1.AppendResponse(c.out[:0], h), id)
	c.chunked = false
	switch {
	case h.Framing == h1.NoBody || h.Framing == h1.Length:
	case c.head.Minor == 1:
		c.chunked = true
		c.out = append(c.out, "Transfer-Encoding: chunked\r\n"...)
	default:
		c.last = true
	}
	return c.finishHead()
}

func appendID(dst []byte, id string) []byte {
	dst = append(append(dst, h1.RequestID...), ": "...)
	return append(append(dst, id...), "\r\n"...)
}

// finishHead adds Connection: close when the connection is about to be
// closed. While a pump reads the body that cannot be known.
func (c *conn) finishHead() error {
	c.last = c.last || c.p.conns.draining.Load()
	if !c.x.streaming && !c.body.Done() && (c.waiting || c.body.Left() < 0 || c.body.Left() > maxLeftover) {
		c.last = true
	}
	if c.last {
		c.out = append(c.out, "Connection: close\r\n"...)
	}
	c.out = append(c.out, "\r\n"...)
	c.writeWithin(c.p.times.Write)
	_, err := c.w.Write(c.out)
	return err
}

// page writes a whole response of the node's own.
func (c *conn) page(page blockpage.Page, id string) error {
	c.out = append(c.out[:0], "HTTP/1.1 "...)
	c.out = strconv.AppendInt(c.out, int64(page.Status), 10)
	c.out = append(append(append(c.out, ' '), http.StatusText(page.Status)...), "\r\n"...)
	for _, f := range page.Fields {
		c.out = h1.AppendField(c.out, f)
	}
	c.out = appendID(c.out, id)
	if err := c.finishHead(); err != nil {
		return err
	}
	if string(c.head.Method) != http.MethodHead {
		c.w.Write(page.Body)
	}
	return c.Flush()
}

func (c *conn) Write(p []byte) error {
	if len(p) > c.w.Available() {
		c.writeWithin(c.p.times.Write)
	}
	if !c.chunked {
		_, err := c.w.Write(p)
		return err
	}
	c.out = h1.AppendChunkSize(c.out[:0], len(p))
	c.w.Write(c.out)
	c.w.Write(p)
	_, err := c.w.WriteString("\r\n")
	return err
}

func (c *conn) Flush() error {
	c.writeWithin(c.p.times.Write)
	return c.w.Flush()
}

func (c *conn) end(trailer []engine.HeaderField) error {
	if c.chunked {
		c.out = h1.AppendLastChunk(c.out[:0], trailer)
		c.w.Write(c.out)
	}
	return c.Flush()
}

// cut closes the connection before the end of the response. A response
// that ends with the connection would look whole without a reset.
func (c *conn) cut() {
	c.broken = true
	if tcp := tcpOf(c.net); tcp != nil {
		tcp.SetLinger(0)
		tcp.Close()
		return
	}
	c.net.Close()
}

// tunnel relays both directions of an upgraded connection until both have
// ended, and returns how many bytes it relayed.
func (c *conn) tunnel(h *h1.Head, id string, l *link) (int64, error) {
	c.last = true
	c.out = h1.AppendResponse(c.out[:0], h)
	c.out = append(appendID(c.out, id), "Connection: Upgrade\r\n\r\n"...)
	c.net.SetDeadline(time.Time{})
	l.SetDeadline(time.Time{})
	c.w.Write(c.out)
	if err := c.w.Flush(); err != nil {
		return 0, err
	}
	deflate, reason := c.x.relayed(h)
	if reason != "" {
		c.x.site.tally.relay(reason)
		return c.join(l, c.net, func() int64 { n, _ := c.r.WriteTo(l.Conn); return n }, func() {})
	}
	s := newSocket(c, l, deflate)
	return c.join(l, &s.down, s.run, s.end)
}

// join runs both directions of a tunnel: up is that to the upstream, and
// ended is called when the other one has ended.
func (c *conn) join(l *link, down io.Writer, up func() int64, ended func()) (int64, error) {
	sent := make(chan int64, 1)
	go func() {
		n := int64(0)
		defer func() { sent <- n }()
		defer func() {
			if r := recover(); r != nil {
				c.p.fail("connection failed", r, c.x.id)
				l.reset()
			}
		}()
		n = up()
		closeWrite(l.Conn)
	}()
	n, err := l.r.WriteTo(down)
	ended()
	closeWrite(c.net)
	// The other direction gets as long as it would between two requests.
	c.net.SetReadDeadline(time.Now().Add(linger))
	return n + <-sent, ignoreClosed(err)
}

func closeWrite(nc net.Conn) {
	if half, ok := nc.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}

func ignoreClosed(err error) error {
	// Only the node's own end of a tunnel sets the upstream a deadline.
	if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}
