package proxy

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/internal/node/h1"
)

// maxMessage is the longest gRPC message that is forwarded: the default
// limit of gRPC servers. Each is held back whole until its verdict.
const maxMessage = 4<<20 + frameHead

// frameHead is the length of what precedes a gRPC message: a flag and the
// length in 4 bytes.
const frameHead = 5

func newHTTP2Transport(config *tls.Config, times *Timeouts) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(config != nil)
	protocols.SetUnencryptedHTTP2(config == nil)
	return &http.Transport{
		Protocols: protocols, TLSClientConfig: config, DisableCompression: true,
		DialContext:     (&net.Dialer{Timeout: times.Dial}).DialContext,
		IdleConnTimeout: times.UpstreamIdle, ResponseHeaderTimeout: times.Response,
	}
}

// isGRPC says whether the body is a stream of messages, each of which may
// await an answer before the next is sent.
func isGRPC(h *h1.Head) bool {
	t := mediaType(h.Get("content-type"))
	return t == "application/grpc" || len(t) > 17 && t[:17] == "application/grpc+"
}

// forwardHTTP2 sends the request to an upstream that speaks HTTP/2 and
// relays its response.
func (x *exchange) forwardHTTP2(u *upstream) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	body := &upstreamBody{x: x}
	body.message.reset(&x.p.buffers, maxMessage)
	body.stall = time.AfterFunc(x.p.times.UpstreamWrite+x.p.times.Response, func() {
		body.stalled.Store(true)
		cancel()
	})
	defer body.stop()
	r := x.requestHTTP2(ctx, u, body)
	body.ended.Store(r.Body == nil)
	cut := func() { cancel() }
	x.front.watch(&cut)
	defer x.front.watch(nil)
	shared := !x.eof // the transport reads the body
	res, err := u.http2.RoundTrip(r)
	body.answer()
	if err != nil && body.stalled.Load() {
		err = os.ErrDeadlineExceeded
	}
	if err != nil {
		x.unanswered(body.stopped(err))
		return
	}
	defer res.Body.Close()
	quiet := time.AfterFunc(x.p.times.ResponseBody, cancel)
	defer quiet.Stop()
	x.relayHTTP2(res, body, shared, quiet)
}

func (x *exchange) requestHTTP2(ctx context.Context, u *upstream, body *upstreamBody) *http.Request {
	scheme := "http"
	if u.tls != nil {
		scheme = "https"
	}
	authority := string(x.head.Host)
	r := &http.Request{
		Method: string(x.head.Method), Host: authority, Header: http.Header{"User-Agent": {""}},
		URL: &url.URL{Scheme: scheme, Host: u.address, Opaque: "//" + authority + string(x.head.Target)},
	}
	if x.head.Framing != h1.NoBody {
		r.Body, r.ContentLength = body, -1
		if x.head.Framing == h1.Length {
			r.ContentLength = x.head.Size
		}
	}
	for name, value := range x.head.ForUpstream() {
		key := http.CanonicalHeaderKey(string(name))
		if key == "User-Agent" && r.Header[key][0] == "" {
			r.Header[key] = nil
		}
		r.Header[key] = append(r.Header[key], string(value))
	}
	r.Header[h1.RequestID] = []string{x.id}
	if x.site.Forwarded {
		if !x.p.source.Trusted(x.peer()) {
			delete(r.Header, "X-Forwarded-For")
		}
		r.Header.Add("X-Forwarded-For", x.peer().String())
	}
	return r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: x.relayInterim}))
}

func (x *exchange) relayInterim(code int, header textproto.MIMEHeader) error {
	if code == http.StatusContinue || x.head.Minor == 0 {
		return nil
	}
	var h h1.Head
	h.NewResponse(code, 0, true)
	addFields(&h, http.Header(header))
	return x.front.interim(&h)
}

func addFields(h *h1.Head, header http.Header) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			h.Add(name, value)
		}
	}
}

func (x *exchange) relayHTTP2(res *http.Response, body *upstreamBody, shared bool, quiet *time.Timer) {
	var h h1.Head
	bodyless := string(x.head.Method) == http.MethodHead || res.StatusCode == 204 || res.StatusCode == 304
	h.NewResponse(res.StatusCode, res.ContentLength, bodyless)
	addFields(&h, res.Header)
	for _, name := range slices.Sorted(maps.Keys(res.Trailer)) {
		h.Add("Trailer", name)
	}
	x.record.Status = res.StatusCode
	x.begun = true
	x.listen(&h, shared)
	err := x.front.begin(&h, x.id)
	if err == nil {
		err = x.relayStream(res, quiet)
	}
	switch reason := body.stopped(nil); {
	case errors.Is(reason, errBlocked):
		x.block()
	case errors.As(reason, new(*engineError)):
		x.fate = failed
		x.front.cut()
	case errors.Is(reason, errOverload):
		x.fate = overload
		x.front.cut()
	case err != nil:
		x.front.cut()
	}
	if x.fate == undecided && err == nil {
		x.fate = inspected // the upstream answered without the rest
	}
}

// relayStream sends the response body as it arrives. quiet ends the exchange
// when the upstream has been that for too long.
func (x *exchange) relayStream(res *http.Response, quiet *time.Timer) error {
	if res.ContentLength == 0 && len(res.Trailer) == 0 {
		return x.front.end(nil) // with the head: gRPC insists on it
	}
	buf := x.p.copies.Get().(*[]byte)
	defer x.p.copies.Put(buf)
	for {
		if err := x.front.Flush(); err != nil {
			return err
		}
		quiet.Reset(x.p.times.ResponseBody)
		n, err := res.Body.Read(*buf)
		quiet.Stop()
		x.record.ResponseBytes += int64(n)
		if n > 0 {
			if err := x.front.Write((*buf)[:n]); err != nil {
				return err
			}
			x.hear((*buf)[:n])
		}
		if err == io.EOF {
			return x.front.end(trailerFields(res.Trailer))
		}
		if err != nil {
			if !x.front.gone() {
				x.site.tally.upstreamError()
			}
			return err
		}
	}
}

func trailerFields(trailer http.Header) (list []engine.HeaderField) {
	for _, name := range slices.Sorted(maps.Keys(trailer)) {
		for _, value := range trailer[name] {
			list = append(list, engine.HeaderField{Name: []byte(name), Value: []byte(value)})
		}
	}
	return list
}

// An upstreamBody is the request body as an HTTP/2 upstream gets it: one
// window, or one gRPC message, behind the inspection. An error of Read
// resets the stream, so that the request never ends for the upstream.
type upstreamBody struct {
	x *exchange

	mu      sync.Mutex // held by Read: the exchange is used by one at a time
	done    bool
	err     error
	message held   // counts as held, like the bodies of other requests
	ready   []byte // of the message that may be forwarded

	// stall ends the exchange when the upstream takes no more of the body, or
	// all of it and does not answer. While a Read waits for the client it rests.
	stall                    *time.Timer
	stalled, answered, ended atomic.Bool
}

// answer notes that the upstream has answered, or never will.
func (b *upstreamBody) answer() {
	b.answered.Store(true)
	if b.ended.Load() {
		b.stall.Stop()
	}
}

// given bounds the time until the next Read.
func (b *upstreamBody) given(last bool) {
	times := &b.x.p.times
	if !last {
		b.stall.Reset(times.UpstreamWrite)
		return
	}
	b.ended.Store(true)
	b.stall.Reset(times.UpstreamWrite + times.Response)
	if b.answered.Load() {
		b.stall.Stop()
	}
}

func (b *upstreamBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return 0, errClient
	}
	b.stall.Stop()
	n, err := b.read(p)
	b.given(err != nil || b.ended.Load())
	if err != nil {
		b.done = true
		if err != io.EOF {
			b.err = err
		}
	}
	return n, err
}

// Close is called when the transport wants no more of the body.
func (b *upstreamBody) Close() error {
	b.ended.Store(true)
	b.stall.Stop()
	return nil
}

// stop waits until the transport no longer uses the exchange.
func (b *upstreamBody) stop() {
	if !b.mu.TryLock() {
		b.x.front.interrupt()
		b.mu.Lock()
	}
	b.done = true
	b.stall.Stop()
	b.ready = nil
	b.message.release()
	b.mu.Unlock()
}

// stopped stops the body and returns why it ended, or else.
func (b *upstreamBody) stopped(otherwise error) error {
	b.stop()
	if b.err != nil {
		return b.err
	}
	return otherwise
}

func (b *upstreamBody) read(p []byte) (n int, err error) {
	defer b.x.broke(&err)
	if b.x.messages && b.x.fate == undecided || len(b.ready) > 0 {
		return b.readMessage(p)
	}
	return b.readWindow(p)
}

// readWindow gives what is held once there is more than a window of it, or
// all of it after the final verdict.
func (b *upstreamBody) readWindow(p []byte) (int, error) {
	x := b.x
	for !x.eof && !x.held.full() && (x.fate == undecided || x.held.n == 0) {
		if err := x.tolerate(x.receive()); err != nil {
			return 0, err
		}
	}
	first, _ := x.held.parts()
	n := copy(p, first)
	x.prefix = append(x.prefix, first[:min(n, prefixSize-len(x.prefix))]...)
	x.held.drop(n)
	if x.eof && x.held.n == 0 {
		return n, io.EOF
	}
	return n, nil
}

// readMessage gives one message after the other, each after its verdict.
func (b *upstreamBody) readMessage(p []byte) (int, error) {
	if len(b.ready) == 0 {
		if err := b.nextMessage(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.ready)
	b.ready = b.ready[n:]
	return n, nil
}

func (b *upstreamBody) nextMessage() error {
	x := b.x
	b.message.drop(b.message.n)
	if err := b.fill(frameHead); err != nil {
		if errors.Is(err, io.EOF) && b.message.n == 0 {
			x.eof, x.fate = true, inspected
			return io.EOF
		}
		return err
	}
	head, _ := b.message.parts()
	size := int(binary.BigEndian.Uint32(head[1:]))
	if size > maxMessage-frameHead {
		return &h1.Error{Status: http.StatusRequestEntityTooLarge, Reason: "gRPC message exceeds 4 MiB"}
	}
	if err := b.fill(frameHead + size); err != nil {
		return err
	}
	b.ready, _ = b.message.parts() // one part: each message begins an empty ring
	return x.tolerate(x.inspectMessage(b.ready))
}

// fill reads until n bytes of the message are there.
func (b *upstreamBody) fill(n int) error {
	x := b.x
	for b.message.n < n {
		want := n - b.message.n
		space := b.message.space(int64(want))
		if space == nil {
			return errOverload
		}
		space = space[:min(len(space), want)]
		got, err := x.front.Read(space)
		b.message.add(got)
		x.length += int64(got)
		if room := prefixSize - len(x.prefix); room > 0 {
			x.prefix = append(x.prefix, space[:min(got, room)]...)
		}
		if err == io.EOF && b.message.n < n {
			if b.message.n > 0 {
				return errors.Join(errClient, io.ErrUnexpectedEOF)
			}
			return io.EOF
		}
		if err != nil && err != io.EOF {
			return errors.Join(errClient, err)
		}
	}
	return nil
}

// inspectMessage inspects a message as the whole body of the request. The
// head goes with the first: it may be 10,000 times as long as a message.
func (x *exchange) inspectMessage(message []byte) error {
	err := x.engine(func() {
		if !x.continues {
			x.continues = true
			x.tx.Body(message)
			x.verdict = x.tx.End()
			return
		}
		tx := x.p.begin(x.snap.Set, x.env())
		tx.Headers(&x.seen)
		tx.Body(message)
		v := tx.End()
		if x.verdict.Attack && !v.Attack {
			tx.Close() // keep the report of the attack
			return
		}
		x.tx.Close()
		x.tx, x.verdict = tx, v
	})
	if err != nil {
		return err
	}
	return x.obey()
}
