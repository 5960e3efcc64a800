package proxy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
)

// hasty shortens the waits that these tests need to see end.
func hasty(o *Options) {
	o.Timeouts.Body, o.Timeouts.Write = 300*time.Millisecond, 300*time.Millisecond
}

// frame2 appends an HTTP/2 frame (RFC 9113 4.1).
func frame2(dst []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	dst = append(dst, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), kind, flags)
	return append(binary.BigEndian.AppendUint32(dst, stream), payload...)
}

// get2 is how a client begins that opens its window by so much and asks for /.
func get2(window uint32) []byte {
	settings := binary.BigEndian.AppendUint32([]byte{0, 4}, window) // SETTINGS_INITIAL_WINDOW_SIZE
	b := frame2([]byte(preface), 4, 0, 0, settings)
	b = frame2(b, 8, 0, 0, binary.BigEndian.AppendUint32(nil, 1<<30)) // WINDOW_UPDATE of the connection
	return frame2(b, 1, 5, 1, []byte("\x82\x86\x84\x41\x01a"))        // GET http / of a
}

// A client that asks and then takes nothing, because it opens no window or
// does not read its connection, does not keep an exchange for ever.
func TestHTTP2ClientThatTakesNothing(t *testing.T) {
	large := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for range 1024 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	small := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	f := func(upstream string, window uint32, drains bool) {
		t.Helper()
		p, addr := start(t, upstream, hasty)
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write(get2(window))
		if drains {
			go io.Copy(io.Discard, c)
		}
		until(t, func() bool { return p.Counts().Received == 1 && p.Active() == 0 })
	}
	f(large, 0, true)
	f(small, 0, true)
	f(large, 1<<30, false)
}

// pauses answers in two halves, a second apart.
func pauses(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "a")
	http.NewResponseController(w).Flush()
	select {
	case <-r.Context().Done():
	case <-time.After(time.Second):
	}
	io.WriteString(w, "b")
}

// serveHTTP2 starts an upstream that speaks HTTP/2 without TLS.
func serveHTTP2(t *testing.T, h http.HandlerFunc) *url.URL {
	t.Helper()
	l := listen(t)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	s := &http.Server{Protocols: protocols, Handler: h}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return &url.URL{Scheme: "h2c", Host: l.Addr().String()}
}

// A stream of events may be quiet for longer than a write may take.
func TestHTTP2QuietStreamGoesOn(t *testing.T) {
	for _, framing := range []string{"chunked", "sized"} {
		up := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if framing == "sized" {
				w.Header().Set("Content-Length", "2")
			}
			pauses(w, r)
		})
		_, addr := start(t, up, hasty)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := h2c(t).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		if string(b) != "ab" || err != nil {
			t.Errorf("%s: %q %v", framing, b, err)
		}
	}
}

// An HTTP/2 upstream may be quiet, too, for longer than it may take to answer.
func TestHTTP2UpstreamMayPause(t *testing.T) {
	up := serveHTTP2(t, pauses)
	_, addr := start(t, "http://unused", func(o *Options) {
		o.Timeouts.UpstreamWrite, o.Timeouts.Response = 200*time.Millisecond, 200*time.Millisecond
		o.Sites[0].Upstreams = []*url.URL{up}
	})
	for _, message := range []string{"GET / HTTP/1.0\r\nHost: a\r\n\r\n", "POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"} {
		if got := raw(t, addr, message); !strings.HasSuffix(got, "\r\n\r\nab") {
			t.Errorf("%.1000q", got)
		}
	}
}

// Memory follows what was received, not what was announced.
func TestAnnouncedBodiesReserveLittle(t *testing.T) {
	p, addr := start(t, serve(t, echo), nil)
	const clients = 8
	for range clients {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n")
	}
	until(t, func() bool { return p.Active() == clients && p.buffers.out.Load() > 0 })
	if got := p.buffers.out.Load(); got > clients*readSize {
		t.Errorf("%d clients that sent no body hold %d bytes", clients, got)
	}
}

// streaming opens a gRPC request that goes on for as long as the test.
func streaming(t *testing.T, addr, path string, fields http.Header) *io.PipeWriter {
	t.Helper()
	in, out := io.Pipe()
	r := &http.Request{Method: "POST", Host: "a", URL: &url.URL{Scheme: "http", Host: addr, Path: path}, Header: fields, Body: in, ContentLength: -1}
	r.Header.Set("Content-Type", "application/grpc")
	client := h2c(t)
	go func() {
		res, err := client.RoundTrip(r.WithContext(t.Context()))
		if err == nil {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	}()
	t.Cleanup(func() { out.CloseWithError(io.ErrUnexpectedEOF) })
	return out
}

// grpcUpstream accepts any message and counts their bytes.
func grpcUpstream(t *testing.T) (u *url.URL, got *atomic.Int64) {
	t.Helper()
	got = new(atomic.Int64)
	return serveHTTP2(t, func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 4096)
		for {
			n, err := r.Body.Read(buf)
			got.Add(int64(n))
			if err != nil {
				return
			}
		}
	}), got
}

// Half a gRPC message counts as held, so that many of them are bounded.
func TestHeldGRPCMessagesAreCounted(t *testing.T) {
	u, _ := grpcUpstream(t)
	p, addr := start(t, "http://unused", func(o *Options) { o.Sites[0].Upstreams = []*url.URL{u} })
	out := streaming(t, addr, "/a.B/C", http.Header{})
	go out.Write(append([]byte{0, 0, 0x20, 0, 0}, make([]byte, 1<<20)...)) // of 2 MiB
	until(t, func() bool { return p.buffers.out.Load() >= 1<<20 })
	out.CloseWithError(io.ErrUnexpectedEOF)
	waitIdle(t, p)
	if got := p.buffers.out.Load(); got != 0 {
		t.Errorf("%d bytes are held by nobody", got)
	}

	p.buffers.out.Add(maxHeld)
	out = streaming(t, addr, "/a.B/C", http.Header{})
	go out.Write(append([]byte{0, 0, 0x20, 0, 0}, make([]byte, 1<<20)...))
	until(t, func() bool { return p.Counts().Bypassed["overload"] == 1 })
	p.buffers.out.Add(-maxHeld)
}

// What a message costs does not grow with the head before it.
func TestMessagesDontPayForTheHead(t *testing.T) {
	u, got := grpcUpstream(t)
	path := "/" + strings.Repeat("abc/de/", 4000)
	var visited atomic.Int64
	p, addr := start(t, "http://unused", func(o *Options) {
		o.Sites[0].Upstreams = []*url.URL{u}
		begin := o.Begin
		o.Begin = func(s *rule.Set, env engine.Env) Inspection { return &countsNodes{begin(s, env), &visited} }
	})
	out := streaming(t, addr, path, http.Header{"X-Long": {strings.Repeat("a b=c&", 2000)}})
	const messages = 200
	if _, err := out.Write(bytes.Repeat([]byte{0, 0, 0, 0, 2, 10, 0}, messages)); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return got.Load() == messages*7 })
	out.Close()
	waitIdle(t, p)
	if n := visited.Load(); n > 30_000 {
		t.Errorf("%d messages of 7 bytes made %d points", messages, n)
	}
}

// countsNodes adds up the points that transactions visited.
type countsNodes struct {
	Inspection
	n *atomic.Int64
}

func (c *countsNodes) Close() {
	c.n.Add(int64(c.Report().Nodes))
	c.Inspection.Close()
}

// A message of a WebSocket that stops after its first bytes ends in time,
// although some of them wait to be read.
func TestWebSocketUnfinishedMessageEnds(t *testing.T) {
	for _, open := range []string{"\x01\x80\x00\x00\x00\x00\x00", "\x01\x82\x00\x00\x00\x00a"} {
		p, addr := start(t, upgraded(t, "Upgrade: websocket\r\n", func(c net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) }), hasty)
		c, r := upgrade(t, addr, "websocket")
		io.WriteString(c, open)
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		got := make([]byte, 4)
		if _, err := io.ReadFull(r, got); err != nil || got[0] != 0x88 || binary.BigEndian.Uint16(got[2:]) != 1008 {
			t.Errorf("%q: %q %v", open, got, err)
		}
		waitIdle(t, p)
	}
}

// badlyEnding panics where nobody expects it: not in a step of the inspection.
type badlyEnding struct{ Inspection }

func (badlyEnding) Close() { panic("broken") }

// A panic ends its connection at worst, not the process.
func TestPanicsEndOneConnection(t *testing.T) {
	u, _ := grpcUpstream(t)
	for _, upstream := range []string{upgraded(t, "Upgrade: websocket\r\n", func(c net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) }), u.String()} {
		p, addr := start(t, "http://unused", func(o *Options) {
			o.Sites[0].Upstreams[0], _ = url.Parse(upstream)
			begin := o.Begin
			o.Begin = func(s *rule.Set, env engine.Env) Inspection { return badlyEnding{begin(s, env)} }
		})
		if upstream == u.String() {
			out := streaming(t, addr, "/a.B/C", http.Header{})
			go func() {
				out.Write(bytes.Repeat([]byte{0, 0, 0, 0, 2, 10, 0}, 3))
				out.Close()
			}()
			until(t, func() bool { return p.Counts().Received == 1 })
		} else {
			c, r := upgrade(t, addr, "websocket")
			c.Write(appendFrame(nil, 0x81, 1, []byte("hello")))
			io.Copy(io.Discard, r)
		}
		raw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		waitIdle(t, p)
	}
}

// An interrupted exchange reads nothing more, also if the wait for the next
// bytes begins a moment later.
func TestInterruptLasts(t *testing.T) {
	times := DefaultTimeouts()
	here, there := net.Pipe()
	defer there.Close()
	c := &conn{p: &Proxy{times: times}, net: here, r: bufio.NewReader(here)}
	c.head.NewRequest("POST", "/", "a", "HTTP/1.1", 10)
	c.body.Reset(c.r, &c.head)
	c.interrupt()
	done := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 10))
		done <- err
	}()
	select {
	case err := <-done:
		if !timedOut(err) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the exchange goes on reading")
	}
}

// A client that does not read what the server of a WebSocket sends does not
// keep the connection to that server for ever.
func TestWebSocketClientThatTakesNothing(t *testing.T) {
	ended := make(chan struct{})
	p, addr := start(t, upgraded(t, "Upgrade: websocket\r\n", func(c net.Conn, r *bufio.Reader) {
		defer close(ended)
		frame := append([]byte{0x82, 126, 0x80, 0}, make([]byte, 1<<15)...)
		for {
			if _, err := c.Write(frame); err != nil {
				return
			}
		}
	}), hasty)
	upgrade(t, addr, "websocket")
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the server goes on sending")
	}
	waitIdle(t, p)
}

// An HTTP/2 upstream that takes no more of a body and does not answer is given
// up, as one that speaks HTTP/1.1 is.
func TestHTTP2UpstreamThatTakesNothing(t *testing.T) {
	l := listen(t)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write(frame2(nil, 4, 0, 0, nil)) // SETTINGS
			go io.Copy(io.Discard, c)
		}
	}()
	p, addr := start(t, "http://unused", func(o *Options) {
		o.Timeouts.UpstreamWrite, o.Timeouts.Response = 300*time.Millisecond, 300*time.Millisecond
		o.Sites[0].Upstreams = []*url.URL{{Scheme: "h2c", Host: l.Addr().String()}}
	})
	f := func(message string) {
		t.Helper()
		if got := raw(t, addr, message); !strings.HasPrefix(got, "HTTP/1.1 504 ") {
			t.Errorf("%.100q", got)
		}
	}
	f("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n" + strings.Repeat("hello ", 40000)[:200000])
	f("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	waitIdle(t, p)
}
