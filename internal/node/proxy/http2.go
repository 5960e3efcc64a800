package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/internal/node/blockpage"
	"github.com/gabionhq/gabion/internal/node/h1"
)

// preface is how a client says that it speaks HTTP/2 (RFC 9113 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// http2 serves the connections that speak HTTP/2 with net/http, stream by
// stream.
type http2 struct {
	server  *http.Server
	conns   chan net.Conn
	closed  chan struct{}
	closing sync.Once
	streams sync.Pool
}

func newHTTP2(p *Proxy) *http2 {
	h := &http2{conns: make(chan net.Conn), closed: make(chan struct{})}
	h.streams.New = func() any { return new(stream) }
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	h.server = &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(p, w, r) }),
		Protocols:         protocols,
		ReadHeaderTimeout: p.times.Head,
		IdleTimeout:       p.times.Idle,
		MaxHeaderBytes:    h1.MaxHead,
		ErrorLog:          log.New(io.Discard, "", 0),
		// The upstream gets 200 requests of a client at a time, at most. A
		// client that takes no bytes at all loses its connection; streams that
		// it does not read have deadlines of their own.
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 200, WriteByteTimeout: p.times.Write},
	}
	return h
}

// Accept, Close and Addr make h the listener of its server.
func (h *http2) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

func (h *http2) Close() error {
	h.closing.Do(func() { close(h.closed) })
	return nil
}

func (h *http2) Addr() net.Addr { return &net.TCPAddr{} }

// drain lets open streams come to their end.
func (h *http2) drain(patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if h.server.Shutdown(ctx) != nil {
		h.server.Close()
	}
}

// take hands over a connection that speaks HTTP/2.
func (h *http2) take(c *conn) {
	nc := c.net
	if _, ok := nc.(*tls.Conn); !ok || c.r.Buffered() > 0 {
		nc = &replayed{nc, c.r}
	}
	nc.SetDeadline(time.Time{})
	select {
	case h.conns <- nc:
	case <-h.closed:
		nc.Close()
	}
}

// A replayed connection begins with what was read from it already.
type replayed struct {
	net.Conn
	r *bufio.Reader
}

func (r *replayed) NetConn() net.Conn { return r.Conn }

func (r *replayed) Read(p []byte) (int, error) {
	if r.r.Buffered() > 0 {
		return r.r.Read(p)
	}
	return r.Conn.Read(p)
}

// A stream is the front of an exchange over HTTP/2.
type stream struct {
	p      *Proxy
	w      http.ResponseWriter
	rc     *http.ResponseController
	r      *http.Request
	head   h1.Head
	x      exchange
	eof    bool
	read   int64
	renew  time.Time // when to set the next read deadline
	armed  time.Time // when to set the next write deadline; zero if there is none
	unhook func() bool
	broken bool
}

func (h *http2) serve(p *Proxy, w http.ResponseWriter, r *http.Request) {
	s := h.streams.Get().(*stream)
	*s = stream{p: p, w: w, rc: http.NewResponseController(w), r: r, head: s.head, x: s.x, eof: r.Body == http.NoBody}
	if err := s.translate(); err != nil {
		s.refuse(err)
	} else {
		s.x.run(p, s, &s.head, (*exchange).forward)
	}
	broken := s.broken
	s.w, s.rc, s.r, s.unhook = nil, nil, nil, nil
	h.streams.Put(s)
	if broken {
		panic(http.ErrAbortHandler) // resets the stream
	}
}

// translate makes the head of the request. net/http has lost the order of
// fields of different names, so they are sorted.
func (s *stream) translate() error {
	size := s.r.ContentLength
	if s.eof {
		size = 0
	}
	s.head.NewRequest(s.r.Method, s.r.RequestURI, s.r.Host, s.r.Proto, size)
	for _, name := range slices.Sorted(maps.Keys(s.r.Header)) {
		for _, value := range s.r.Header[name] {
			s.head.Add(name, value)
		}
	}
	return s.head.Check()
}

func (s *stream) refuse(err error) {
	status := http.StatusBadRequest
	var refused *h1.Error
	if errors.As(err, &refused) {
		status = refused.Status
	}
	s.p.none.tally.settle(malformed, false, false, false)
	id := newID(time.Now())
	s.page(blockpage.New(status, id, nil, nil), id)
}

func (s *stream) Read(p []byte) (int, error) {
	if now := time.Now(); now.After(s.renew) {
		// Setting it costs a message to the connection's loop.
		s.renew = now.Add(s.p.times.Body / 4)
		s.rc.SetReadDeadline(now.Add(s.p.times.Body))
	}
	n, err := s.r.Body.Read(p)
	s.read += int64(n)
	s.eof = err == io.EOF
	return n, err
}

func (s *stream) left() int64 {
	switch {
	case s.eof:
		return 0
	case s.head.Framing == h1.Length:
		return s.head.Size - s.read
	}
	return -1
}

func (s *stream) trailer() []engine.HeaderField {
	var list []engine.HeaderField
	for _, name := range slices.Sorted(maps.Keys(s.r.Trailer)) {
		for _, value := range s.r.Trailer[name] {
			list = append(list, engine.HeaderField{Name: []byte(name), Value: []byte(value)})
		}
	}
	return list
}

func (s *stream) arrived() bool { return s.eof }
func (s *stream) proceed()      {} // net/http does, on the first Read
func (s *stream) interrupt()    { s.rc.SetReadDeadline(time.Unix(1, 0)) }
func (s *stream) gone() bool    { return s.r.Context().Err() != nil }
func (s *stream) cut()          { s.broken = true }

func (s *stream) watch(f *func()) {
	if s.unhook != nil {
		s.unhook()
		s.unhook = nil
	}
	if f != nil {
		s.unhook = context.AfterFunc(s.r.Context(), *f)
	}
}

func (s *stream) peer() (netip.Addr, bool) {
	ap, _ := netip.ParseAddrPort(s.r.RemoteAddr)
	return ap.Addr().Unmap(), s.r.TLS != nil
}

func (s *stream) interim(h *h1.Head) error {
	s.copyFields(h)
	s.w.WriteHeader(h.Status)
	clear(s.w.Header())
	return nil
}

// arm bounds the writes to come. A client need not open the window of a
// stream, and would keep the exchange for ever with what it holds.
func (s *stream) arm() {
	if now := time.Now(); now.After(s.armed) {
		s.armed = now.Add(s.p.times.Write / 4)
		s.rc.SetWriteDeadline(now.Add(s.p.times.Write))
	}
}

// disarm lets the stream be quiet. Without writes a deadline would end it too.
func (s *stream) disarm() {
	if !s.armed.IsZero() {
		s.armed = time.Time{}
		s.rc.SetWriteDeadline(time.Time{})
	}
}

func (s *stream) begin(h *h1.Head, id string) error {
	s.arm()
	s.copyFields(h)
	header := s.w.Header()
	header[h1.RequestID] = []string{id}
	// A nil value keeps net/http from adding its own.
	for _, name := range []string{"Date", "Content-Type"} {
		if _, ok := header[name]; !ok {
			header[name] = nil
		}
	}
	s.w.WriteHeader(h.Status)
	if h.Framing == h1.Chunked {
		return s.rc.Flush() // or it would add a Content-Length to a short body
	}
	return nil
}

func (s *stream) copyFields(h *h1.Head) {
	header := s.w.Header()
	for i, f := range h.Fields {
		if h.ForClient(i) {
			name := http.CanonicalHeaderKey(string(f.Name))
			header[name] = append(header[name], string(f.Value))
		}
	}
}

func (s *stream) page(page blockpage.Page, id string) error {
	s.arm()
	header := s.w.Header()
	for _, f := range page.Fields {
		header.Set(string(f.Name), string(f.Value))
	}
	header[h1.RequestID] = []string{id}
	s.w.WriteHeader(page.Status)
	if s.r.Method == http.MethodHead {
		return nil
	}
	_, err := io.Copy(s.w, bytes.NewReader(page.Body))
	return err
}

func (s *stream) Write(p []byte) error {
	s.arm()
	_, err := s.w.Write(p)
	return err
}

// Flush comes before a wait for the upstream.
func (s *stream) Flush() error {
	s.arm()
	err := s.rc.Flush()
	s.disarm()
	return err
}

// end leaves the last flush to net/http, within the deadline.
func (s *stream) end(trailer []engine.HeaderField) error {
	s.arm()
	for _, f := range trailer {
		s.w.Header().Add(http.TrailerPrefix+http.CanonicalHeaderKey(string(f.Name)), string(f.Value))
	}
	return nil
}

func (s *stream) tunnel(*h1.Head, string, *link) (int64, error) {
	return 0, errors.New("HTTP/2 has no upgrades")
}
