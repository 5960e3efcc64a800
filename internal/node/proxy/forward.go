package proxy

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/gabionhq/gabion/internal/node/h1"
)

// maxInline is the longest body that is written before the response is
// read: it fits the buffers of the sockets, so that an upstream which
// answers while it reads cannot block us while we block it.
const maxInline = 32 << 10

// errTwice marks a failure after which the request may be sent again.
var errTwice = errors.New("idle connection had ended")

// forward sends the request to the upstream and relays its response.
func (x *exchange) forward() {
	if u := x.site.group.pick(); u.http2 != nil {
		x.forwardHTTP2(u)
		return
	}
	for {
		l, err := x.exchange()
		if errors.Is(err, errTwice) {
			continue
		}
		if err != nil {
			x.unanswered(err)
			return
		}
		x.relay(l)
		return
	}
}

// exchange sends the request over one connection and reads the head of the
// final response.
func (x *exchange) exchange() (*link, error) {
	l, err := x.site.group.get(idempotent(x.head))
	if err != nil {
		return nil, err
	}
	x.front.watch(&l.cut)
	if err = x.send(l); err == nil {
		err = x.await(l)
	}
	if err == nil {
		return l, nil
	}
	x.front.watch(nil)
	l.reset()
	if x.streaming {
		if perr := x.join(0); perr != nil {
			return nil, perr
		}
		return nil, err
	}
	if l.reused && idempotent(x.head) && !x.begun && !timedOut(err) && noAnswer(l, err) {
		return nil, errTwice
	}
	return nil, err
}

// noAnswer says whether the connection ended before the first byte of an
// answer.
func noAnswer(l *link, err error) bool {
	var refused *h1.Error
	return !errors.As(err, &refused) && !errors.Is(err, io.ErrUnexpectedEOF) && l.head.Status == 0
}

func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// send writes the head and the body. A body that is long or not yet
// received is written by a second goroutine, the pump.
func (x *exchange) send(l *link) error {
	l.head.Status = 0
	x.head.Upgrade = x.upgrade()
	l.w = x.appendHead(l.w[:0])
	first, second := x.held.parts()
	if !x.eof && x.front.left() == 0 {
		x.eof = true
	}
	x.streaming = !x.eof || len(first)+len(second) > maxInline
	if !x.streaming {
		if x.head.Framing == h1.Chunked {
			l.w = h1.AppendLastChunk(h1.AppendChunk(l.w, first), x.front.trailer())
		} else {
			l.w = append(l.w, first...)
		}
	}
	l.writeWithin(x.p.times.UpstreamWrite)
	if _, err := l.Write(l.w); err != nil {
		x.streaming = false
		return x.early(l, err)
	}
	if !x.streaming {
		l.readWithin(x.p.times.Response)
		return nil
	}
	l.reading = deadline{} // it is the pump that sets it
	l.SetReadDeadline(time.Time{})
	if x.pumped == nil {
		x.pumped = make(chan error, 1)
	}
	go func() { x.pumped <- x.pump(l) }()
	return nil
}

// early looks for an answer that an upstream gave before it had read the
// request and closed the connection. It returns nil if there is one.
func (x *exchange) early(l *link, err error) error {
	l.readWithin(x.p.times.Dial)
	if _, perr := l.r.Peek(1); perr != nil {
		return err
	}
	return nil
}

func (x *exchange) upgrade() []byte {
	if x.head.Framing != h1.NoBody || x.head.Minor == 0 {
		return nil
	}
	return x.head.Upgrade
}

// appendHead appends the head as the upstream gets it.
func (x *exchange) appendHead(dst []byte) []byte {
	if x.site.Forwarded && !x.p.source.Trusted(x.peer()) {
		x.head.Drop("x-forwarded-for")
	}
	dst = h1.AppendRequest(dst, x.head)
	if x.head.Get("host") == nil {
		// HTTP/1.0 has none, HTTP/1.1 needs one.
		dst = append(append(append(dst, "Host: "...), x.site.Upstreams[0].Host...), "\r\n"...)
	}
	dst = append(dst, h1.RequestID+": "...)
	dst = append(append(dst, x.id...), "\r\n"...)
	if x.site.Forwarded {
		dst = append(dst, "X-Forwarded-For: "...)
		dst = append(x.peer().AppendTo(dst), "\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// pump writes the body to the upstream while the rest of it is received,
// one window behind the inspection. It never writes the last byte or chunk
// of a request that is blocked. Whatever ends it early resets the link, but for
// an upstream that hangs up: what it said before that can still be read.
func (x *exchange) pump(l *link) error {
	err := x.pumpBody(l)
	switch {
	case err == nil:
		l.SetReadDeadline(time.Now().Add(x.p.times.Response))
	case hungUp(err):
		l.SetReadDeadline(time.Now().Add(x.p.times.Dial))
	default:
		l.reset()
	}
	return err
}

// hungUp says whether it was the upstream that ended the connection.
func hungUp(err error) bool {
	return !errors.Is(err, errClient) && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET))
}

func (x *exchange) pumpBody(l *link) (err error) {
	defer x.broke(&err)
	for !x.eof {
		if err := x.step(l); err != nil {
			return err
		}
	}
	first, second := x.held.parts()
	for _, part := range [][]byte{first, second} {
		if err := x.write(l, part); err != nil {
			return err
		}
	}
	if x.head.Framing != h1.Chunked {
		return nil
	}
	x.out = h1.AppendLastChunk(x.out[:0], x.front.trailer())
	_, err = l.Write(x.out)
	return err
}

// step makes room and receives the next bytes. Without inspection nothing
// is held back.
func (x *exchange) step(l *link) error {
	if x.held.full() {
		if err := x.release(l, readSize); err != nil {
			return err
		}
	}
	err := x.tolerate(x.receive())
	if err == nil && x.fate != undecided && x.fate != inspected {
		return x.release(l, x.held.n)
	}
	return err
}

// tolerate turns a failure of the engine into an end of the inspection
// where the site fails open.
func (x *exchange) tolerate(err error) error {
	if errors.As(err, new(*engineError)) && x.site.FailOpen {
		x.fate, x.opened, x.held.forced = failed, true, true
		return nil
	}
	return err
}

// release writes the n oldest bytes that are held, or fewer.
func (x *exchange) release(l *link, n int) error {
	for n > 0 && x.held.n > 0 {
		first, _ := x.held.parts()
		first = first[:min(len(first), n)]
		x.prefix = append(x.prefix, first[:min(len(first), prefixSize-len(x.prefix))]...)
		if err := x.write(l, first); err != nil {
			return err
		}
		x.held.drop(len(first))
		n -= len(first)
	}
	return nil
}

func (x *exchange) write(l *link, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	l.writeWithin(x.p.times.UpstreamWrite)
	if x.head.Framing != h1.Chunked {
		_, err := l.Write(b)
		return err
	}
	x.out = h1.AppendChunkSize(x.out[:0], len(b))
	bufs := net.Buffers{x.out, b, crlf}
	_, err := bufs.WriteTo(l.Conn)
	return err
}

var crlf = []byte("\r\n")

// join waits until the pump has ended. With a patience it first lets the
// pump come to its end by itself.
func (x *exchange) join(patience time.Duration) error {
	if patience > 0 {
		t := time.NewTimer(patience)
		defer t.Stop()
		select {
		case err := <-x.pumped:
			return err
		case <-t.C:
		}
	}
	x.front.interrupt()
	return <-x.pumped
}

// await reads response heads up to that of the final response, relaying
// interim ones.
func (x *exchange) await(l *link) error {
	for {
		if err := l.head.ReadResponse(l.r, x.head.Method); err != nil {
			return err
		}
		switch {
		case l.head.Status == 101:
			if len(x.head.Upgrade) == 0 {
				return errors.New("upstream switched protocols unasked")
			}
			return nil
		case l.head.Status >= 200:
			return nil
		case l.head.Status == 100:
			// Ours to send: the expectation was not forwarded.
		case x.head.Minor == 0:
			// RFC 9110 15.2: none to HTTP/1.0 clients.
		default:
			if err := x.front.interim(&l.head); err != nil {
				return err
			}
		}
	}
}

// unanswered acts on a request that got no response of the upstream.
func (x *exchange) unanswered(err error) {
	switch {
	case errors.Is(err, errBlocked):
		x.block()
		return
	case errors.Is(err, errClient), errors.As(err, new(*engineError)), errors.Is(err, errOverload):
		x.unreceived(err)
		return
	}
	if x.fate == undecided {
		x.fate = aborted
	}
	if x.front.gone() {
		x.front.cut()
		return
	}
	x.site.tally.upstreamError()
	x.p.warn("upstream failed", "site", x.site.name, "request_id", x.id, "err", err)
	if netErr := net.Error(nil); errors.As(err, &netErr) && netErr.Timeout() {
		x.fail(http.StatusGatewayTimeout)
		return
	}
	x.fail(http.StatusBadGateway)
}

// relay sends the final response to the client.
func (x *exchange) relay(l *link) {
	x.record.Status = l.head.Status
	if l.head.Status == http.StatusSwitchingProtocols {
		x.tunnel(l)
		return
	}
	x.begun = true
	x.listen(&l.head, x.streaming)
	err := x.front.begin(&l.head, x.id)
	if err == nil {
		err = x.relayBody(l)
	}
	broken := x.settlePump(err)
	x.front.watch(nil)
	switch {
	case err != nil || broken:
		l.reset()
		x.front.cut()
	case l.body.Done() && !l.head.Close && l.r.Buffered() == 0 && x.eof && !x.front.gone():
		l.up.put(l)
	default:
		l.reset()
	}
}

// relayBody sends the response body as it arrives: what was received is
// flushed before waiting for more.
func (x *exchange) relayBody(l *link) error {
	l.body.Reset(l.r, &l.head)
	buf := x.p.copies.Get().(*[]byte)
	defer x.p.copies.Put(buf)
	for {
		if !l.body.Ready() {
			if err := x.front.Flush(); err != nil {
				return err
			}
			x.awaitMore(l)
		}
		n, err := l.body.Read(*buf)
		x.record.ResponseBytes += int64(n)
		if n > 0 {
			if err := x.front.Write((*buf)[:n]); err != nil {
				return err
			}
			x.hear((*buf)[:n])
		}
		if err == io.EOF {
			return x.front.end(l.body.Trailer)
		}
		if err != nil && x.front.gone() {
			return err
		}
		if err != nil {
			x.site.tally.upstreamError()
			x.p.warn("upstream broke off its response", "site", x.site.name, "request_id", x.id, "err", err)
			return err
		}
	}
}

// awaitMore bounds the wait for the next bytes of a response. While there is
// a pump, it bounds that for an answer on its own.
func (x *exchange) awaitMore(l *link) {
	if x.streaming {
		l.SetReadDeadline(time.Now().Add(x.p.times.ResponseBody))
		return
	}
	l.readWithin(x.p.times.ResponseBody)
}

// patience is how long a pump may go on after the response has ended: an
// upstream that has read the whole request answers a moment before the
// pump knows that its last write is done.
const patience = time.Second

// settlePump waits for the end of the pump after the response. It says
// whether the response has to be broken off: the request turned out
// malicious, or could not be inspected, after the upstream had begun to
// answer.
func (x *exchange) settlePump(relayed error) (broken bool) {
	if !x.streaming {
		return false
	}
	wait := patience
	if relayed != nil {
		wait = 0
	}
	switch err := x.join(wait); {
	case err == nil:
	case errors.Is(err, errBlocked):
		x.block()
		return true
	case errors.As(err, new(*engineError)):
		x.fate = failed
		return true
	case errors.Is(err, errOverload):
		x.fate = overload
		return true
	case x.fate == undecided:
		// The upstream answered without the rest of the request, and the
		// inspection ends where the upstream stopped.
		x.eof = false
		if x.engine(func() { x.verdict = x.tx.End() }) == nil {
			x.fate = inspected
		}
	}
	return false
}

// tunnel relays an upgraded connection.
func (x *exchange) tunnel(l *link) {
	x.begun = true
	x.front.watch(nil)
	n, err := x.front.tunnel(&l.head, x.id, l)
	x.site.tally.upgradedBytes(n)
	l.Close()
	if err != nil {
		x.p.warn("upgraded connection ended", "site", x.site.name, "request_id", x.id, "err", err)
	}
}

// peer is the address at the other end of the client's connection.
func (x *exchange) peer() netip.Addr {
	addr, _ := x.front.peer()
	return addr.Unmap()
}
