// Package httpwaf is net/http middleware that inspects requests with an engine.
//
// It is the reference for embedding the engine in a server: a request is
// passed on only once it has been inspected, a body longer than Options.Hold
// flows behind its inspection and breaks off where an attack shows. What could
// not be inspected, because the engine failed, is not passed on.
package httpwaf

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
)

// Options say how to inspect and what to do then.
type Options struct {
	// Engine inspects; nil stands for one with default options.
	Engine *engine.Engine
	// Rules returns the ruleset in force, which may be nil. A nil Rules
	// stands for none.
	Rules func() *rule.Set
	// Mode is the mode of the site; Inherit stands for Block.
	Mode rule.Mode
	// Hold is how much of a body is inspected before the next handler is
	// called, in bytes; 0 stands for 1 MiB.
	Hold int
	// Blocked answers requests that are blocked; nil stands for 403.
	Blocked http.Handler
	// Inspected is called for each request once it is decided; the report
	// is valid during the call. It may be nil.
	Inspected func(*http.Request, engine.Verdict, *engine.Report)
	// Failed is called when the engine panics, with what it said; the request
	// is not passed on. Nil stands for a line in the log with the stack.
	Failed func(r *http.Request, reason any)
}

const defaultHold = 1 << 20

// ErrBlocked is what reading the body of a request returns once an attack
// shows in it.
var ErrBlocked = errors.New("httpwaf: the request was blocked")

// ErrFailed is what reading the body of a request returns once its inspection
// has failed.
var ErrFailed = errors.New("httpwaf: the request could not be inspected")

// Wrap returns a handler that calls next for the requests that pass.
func Wrap(next http.Handler, o Options) http.Handler {
	if o.Engine == nil {
		o.Engine = engine.New(engine.Options{})
	}
	if o.Rules == nil {
		o.Rules = func() *rule.Set { return nil }
	}
	if o.Mode == rule.Inherit {
		o.Mode = rule.Block
	}
	if o.Hold <= 0 {
		o.Hold = defaultHold
	}
	if o.Failed == nil {
		o.Failed = logged
	}
	if o.Blocked == nil {
		o.Blocked = http.HandlerFunc(forbidden)
	}
	return &handler{next, o}
}

func forbidden(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "The request was blocked.", http.StatusForbidden)
}

func logged(r *http.Request, reason any) {
	log.Printf("httpwaf: inspecting a request of %s failed: %v\n%s", r.RemoteAddr, reason, debug.Stack())
}

type handler struct {
	next http.Handler
	Options
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b := &body{in: r.Body, failed: func(reason any) { h.Failed(r, reason) }}
	defer b.end(h, r)
	seen := head(r)
	b.inspect(func() {
		b.tx = h.Engine.Begin(h.Rules(), engine.Env{Mode: h.Mode})
		b.verdict = b.tx.Headers(seen)
	})
	err := b.hold(h.Hold)
	switch {
	case b.blocked():
		h.Blocked.ServeHTTP(w, r)
	case errors.Is(err, ErrFailed):
		http.Error(w, "The request could not be inspected.", http.StatusInternalServerError)
	case err != nil:
		http.Error(w, "The body could not be read.", http.StatusBadRequest)
	default:
		r.Body = b
		h.next.ServeHTTP(w, r)
	}
}

// head returns a request up to its body as the engine takes it. net/http
// keeps no order of fields; they are sorted, so that reports are the same.
func head(r *http.Request) *engine.Head {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	h := &engine.Head{
		Method: []byte(r.Method), Target: []byte(r.RequestURI), Host: []byte(host),
		Scheme: []byte(scheme), Proto: []byte(r.Proto),
	}
	add := func(name, value string) {
		h.Header = append(h.Header, engine.HeaderField{Name: []byte(name), Value: []byte(value)})
	}
	add("Host", r.Host)
	for _, coding := range r.TransferEncoding {
		add("Transfer-Encoding", coding)
	}
	from := len(h.Header)
	for name, values := range r.Header {
		for _, v := range values {
			add(name, v)
		}
	}
	slices.SortStableFunc(h.Header[from:], func(a, b engine.HeaderField) int { return bytes.Compare(a.Name, b.Name) })
	return h
}

// A body hands a request's body on behind its inspection. Of what it has
// read, the last chunk is kept back until the engine has seen what follows,
// so that no handler ever reads the end of an attack.
type body struct {
	mu sync.Mutex // held while tx is used
	tx *engine.Tx // nil before and after, and when it has failed

	failed func(reason any)

	in      io.ReadCloser
	verdict engine.Verdict
	ready   []byte // inspected, for the handler
	kept    []byte // inspected, not to be handed on yet
	next    []byte // the buffer that is free
	err     error  // from in, at last
}

// chunk is how much is read at a time.
const chunk = 32 << 10

// inspect runs a step of the inspection. A handler may read the body in
// another goroutine, as transports do: a panic there would end the process, and
// reads may go on after ServeHTTP has returned and the transaction is another's.
func (b *body) inspect(step func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() {
		if reason := recover(); reason != nil {
			b.tx = nil // in what state it is, nobody knows
			b.err, b.ready, b.kept = ErrFailed, nil, nil
			b.failed(reason)
		}
	}()
	step()
}

// end gives the transaction back. Reads from now on fail.
func (b *body) end(h *handler, r *http.Request) {
	b.mu.Lock()
	tx, verdict := b.tx, b.verdict
	b.tx = nil
	b.mu.Unlock()
	if tx == nil {
		return
	}
	defer tx.Close()
	if h.Inspected != nil {
		h.Inspected(r, verdict, tx.Report())
	}
}

func (b *body) blocked() bool { return b.verdict.Decision == engine.Block }

// hold reads and inspects the first n bytes, or all if there are fewer.
func (b *body) hold(n int) error {
	var held bytes.Buffer
	for b.err == nil && held.Len() < n && !b.blocked() {
		b.fill()
		held.Write(b.kept)
		b.kept = b.kept[:0]
	}
	b.ready = held.Bytes()
	if b.err != nil && !errors.Is(b.err, io.EOF) {
		return b.err
	}
	return nil
}

// fill reads and inspects a chunk. What was kept becomes ready.
func (b *body) fill() {
	b.ready, b.next = b.kept, b.ready[:0]
	if cap(b.next) < chunk {
		b.next = make([]byte, 0, chunk)
	}
	n, err := b.in.Read(b.next[:chunk])
	b.kept, b.err = b.next[:n], err
	b.inspect(func() {
		if b.tx == nil {
			b.err, b.kept = http.ErrBodyReadAfterClose, nil
			return
		}
		b.verdict = b.tx.Body(b.kept)
		if errors.Is(err, io.EOF) {
			b.verdict = b.tx.End()
		}
	})
}

// Read hands on what has been inspected.
func (b *body) Read(p []byte) (int, error) {
	for len(b.ready) == 0 {
		switch {
		case b.blocked():
			return 0, ErrBlocked
		case b.err != nil && len(b.kept) > 0:
			b.ready, b.kept = b.kept, nil
		case b.err != nil:
			return 0, b.err
		default:
			b.fill()
			if b.blocked() {
				return 0, ErrBlocked
			}
		}
	}
	n := copy(p, b.ready)
	b.ready = b.ready[n:]
	return n, nil
}

// Close closes the request's own body.
func (b *body) Close() error { return b.in.Close() }
