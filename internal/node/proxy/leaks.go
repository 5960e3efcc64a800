package proxy

import (
	"bytes"
	"compress/gzip"
	"io"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/internal/node/h1"
)

// Looking at a response costs more than inspecting the request, above all
// when it is compressed, and what gives something away does so again and
// again: so many of them are looked at in a second, a tenth of a processor at
// worst. Those that may answer an attack, and errors, have a part of their
// own.
const (
	ordinaryPerSecond   = 50
	suspiciousPerSecond = 200
)

// An ear keeps the beginning of a response until it has ended. What it hears
// is on its way to the client already.
type ear struct {
	on      bool
	status  int
	kind    []byte // the Content-Type
	field   [1]engine.HeaderField
	gzipped bool
	buf     []byte // of Proxy.buffers
	n       int
}

// listen decides whether to keep the beginning of the final response. shared
// says that another goroutine may be using the engine.
func (x *exchange) listen(h *h1.Head, shared bool) {
	e := &x.ear
	coding := h.Get("content-encoding")
	e.gzipped = h1.Is(coding, "gzip") || h1.Is(coding, "x-gzip")
	if !x.p.responses || !shared && x.tx == nil || h.Framing == h1.NoBody ||
		len(coding) > 0 && !e.gzipped && !h1.Is(coding, "identity") {
		return
	}
	e.status, e.kind = h.Status, append(e.kind[:0], h.Get("content-type")...)
	if !shared && !x.tx.Response(e.status, e.fields()) {
		return
	}
	now := x.started
	if shared || h.Status >= 500 || len(x.tx.Report().Findings) > 0 {
		e.on = x.p.suspicious.Allows(now, suspiciousPerSecond)
		return
	}
	e.on = x.p.ordinary.Allows(now, ordinaryPerSecond)
}

// fields is what the engine is told of the head. What was gzipped it is
// shown as it was before.
func (e *ear) fields() []engine.HeaderField {
	e.field[0] = engine.HeaderField{Name: contentType, Value: e.kind}
	return e.field[:]
}

var contentType = []byte("Content-Type")

// hear keeps bytes of the response. On a node that holds too many already it
// goes deaf.
func (x *exchange) hear(b []byte) {
	e := &x.ear
	if !e.on || e.n == engine.MaxResponse {
		return
	}
	want := min(e.n+len(b), engine.MaxResponse)
	if want > len(e.buf) {
		more := x.p.buffers.get(want, false)
		if more == nil {
			x.deafen()
			return
		}
		copy(more, e.buf[:e.n])
		x.p.buffers.put(e.buf)
		e.buf = more
	}
	e.n += copy(e.buf[e.n:want], b)
}

// deafen forgets what was heard.
func (x *exchange) deafen() {
	x.p.buffers.put(x.ear.buf)
	x.ear = ear{kind: x.ear.kind}
}

// leaks returns what the response gave away. It is asked when the request
// and the response have ended.
func (x *exchange) leaks() (found []engine.Leak) {
	e := &x.ear
	defer x.deafen()
	if !e.on || e.n == 0 || x.tx == nil {
		return nil
	}
	x.engine(func() { // what fails there is logged
		if !x.tx.Response(e.status, e.fields()) {
			return
		}
		body := e.buf[:e.n]
		if e.gzipped {
			buf := x.p.buffers.get(engine.MaxResponse, false)
			defer x.p.buffers.put(buf)
			body = x.p.gunzip(buf, body)
		}
		found = x.tx.ResponseBody(body)
	})
	return found
}

// gunzip unpacks as much of b as fits into dst, or as is whole.
func (p *Proxy) gunzip(dst, b []byte) []byte {
	z, ok := p.unpackers.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	defer p.unpackers.Put(z)
	if len(dst) == 0 || z.Reset(bytes.NewReader(b)) != nil {
		return nil
	}
	n, _ := io.ReadFull(z, dst) // the beginning of a stream ends unexpectedly
	return dst[:n]
}
