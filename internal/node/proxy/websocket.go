package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/node/h1"
	"github.com/gabionhq/gabion/internal/node/ws"
)

// A socket inspects the messages that a client sends over a WebSocket, each
// as the body of a request to the endpoint of the handshake. The frames of
// a message are held until its verdict and sent on as they arrived; of a
// message longer than the hold, all but the last bytes of that many.
type socket struct {
	c    *conn
	up   *link
	in   *ws.Reader
	m    exchange // of the message
	down downstream
	held held // frames of the message
	sent bool // a part of the message was sent
	n    int64

	mu     sync.Mutex
	ending bool // deadlines are no longer the socket's to set
}

// relayed says why the content of an upgraded connection is not inspected,
// "" if it is.
func (x *exchange) relayed(answer *h1.Head) (ws.Deflate, string) {
	protocol := answer.Get("upgrade")
	if protocol == nil {
		protocol = x.head.Upgrade
	}
	var extensions [][]byte
	for _, f := range answer.Fields {
		if h1.Is(f.Name, "sec-websocket-extensions") {
			extensions = append(extensions, f.Value)
		}
	}
	deflate, known := ws.Negotiated(extensions)
	switch {
	case x.fate != inspected:
		return deflate, fateNames[x.fate]
	case !bytes.EqualFold(protocol, []byte("websocket")):
		return deflate, "protocol"
	case !known:
		return deflate, "extension"
	}
	return deflate, ""
}

func newSocket(c *conn, up *link, d ws.Deflate) *socket {
	s := &socket{c: c, up: up, down: downstream{to: c.net, within: c.p.times.Write}}
	s.in = ws.NewReader(c.r, s, d)
	s.held.reset(&c.p.buffers, c.p.hold)
	return s
}

// run relays what the client sends until that ends, and returns how many
// bytes that was.
func (s *socket) run() int64 {
	defer s.held.release()
	for {
		s.patience(0)
		err := s.in.Next()
		if err == nil {
			err = s.message()
		} else if errors.As(err, new(*ws.Error)) {
			s.begin()
			err = s.settle(err)
		}
		if err != nil {
			s.close(err)
			return s.n
		}
	}
}

// message inspects one message and sends it on.
func (s *socket) message() error {
	s.begin()
	err := s.inspect()
	if err == nil {
		// A hit is durable before what it is about has effects.
		if s.m.verdict.Attack {
			s.m.tellAttack()
		}
		err = s.release(s.held.n)
		s.sent = false
	}
	return s.settle(err)
}

// begin starts the exchange of a message.
func (s *socket) begin() {
	p, x := s.c.p, &s.c.x
	s.m = exchange{
		p: p, site: x.site, snap: p.snapshot.Load(), front: s.c, head: x.head, started: time.Now(), prefix: s.m.prefix[:0], enough: s.m.enough,
		continues: true,
		record:    Record{Source: x.record.Source, TLS: x.record.TLS, Status: http.StatusSwitchingProtocols},
	}
	s.m.id = newID(s.m.started)
	s.m.seen = x.seen
	// All of the head was inspected with the handshake.
	s.m.seen.Target, _, _ = bytes.Cut(x.seen.Target, []byte("?"))
	s.m.seen.Header = nil
}

func (s *socket) inspect() error {
	m := &s.m
	if err := m.tolerate(m.engine(m.beginInspection)); err != nil {
		return err
	}
	if m.fate == undecided && m.verdict.Mode == rule.Off {
		m.tx.Close()
		m.tx, m.verdict, m.fate = nil, engine.Verdict{}, off
	}
	buf := s.c.p.copies.Get().(*[]byte)
	defer s.c.p.copies.Put(buf)
	for {
		s.patience(s.c.p.times.Body)
		n, err := s.in.Read(*buf)
		m.length += int64(n)
		m.prefix = append(m.prefix, (*buf)[:min(n, prefixSize-len(m.prefix))]...)
		if err := m.tolerate(m.ask((*buf)[:n])); err != nil {
			return err
		}
		if err == io.EOF {
			m.eof = true
			return m.tolerate(m.conclude())
		}
		if err != nil {
			return err
		}
	}
}

// settle counts the message and tells the observer of it.
func (s *socket) settle(err error) error {
	m := &s.m
	var refused *ws.Error
	var broken *engineError
	switch {
	case errors.Is(err, errBlocked):
		m.fate, m.blocked = inspected, true
		m.record.Status = http.StatusForbidden
	case m.fate != undecided:
	case errors.Is(err, errOverload), errors.As(err, &refused) && refused.Code == ws.TooBig:
		m.fate = overload
	case refused != nil:
		m.fate = malformed
	case errors.As(err, &broken):
		m.fate = failed
	default:
		m.fate = aborted
	}
	if m.fate == inspected {
		if m.verdict.Attack || m.blocked {
			m.tellAttack()
		}
		m.tell(func(o Observer) {
			m.fill()
			m.record.Duration = time.Since(m.started)
			o.Done(&m.record)
		})
	}
	if m.tx != nil {
		m.tx.Close()
		m.tx = nil
	}
	m.site.tally.message(m.fate, m.verdict.Attack, m.blocked)
	return err
}

// close ends both directions if it is the node that ends them.
func (s *socket) close(err error) {
	var refused *ws.Error
	code, reason := uint16(0), ""
	switch {
	case errors.Is(err, errBlocked):
		code, reason = ws.PolicyViolation, "message blocked, "+s.m.id
	case errors.Is(err, errOverload):
		code, reason = ws.TryAgainLater, "too many bytes held"
	case errors.As(err, new(*engineError)):
		code, reason = ws.InternalError, "message could not be inspected"
	case errors.As(err, &refused):
		code, reason = refused.Code, refused.Reason
	case s.m.fate == aborted && errors.Is(err, os.ErrDeadlineExceeded):
		code, reason = ws.PolicyViolation, "message did not end in time"
	default:
		return
	}
	s.down.close(ws.AppendClose(nil, code, reason, false))
	if s.sent {
		s.up.reset() // in the middle of a frame nothing else can be said
		return
	}
	s.up.SetWriteDeadline(time.Now().Add(linger))
	s.up.Write(ws.AppendClose(nil, code, reason, true))
	s.up.SetReadDeadline(time.Now().Add(linger))
}

// patience bounds the wait for the client; 0 is for ever.
func (s *socket) patience(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ending:
	case d == 0:
		s.c.net.SetReadDeadline(time.Time{})
	default:
		s.c.net.SetReadDeadline(time.Now().Add(d))
	}
}

// end is called when the upstream has ended: the client gets a moment to
// end as well.
func (s *socket) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending = true
}

// Data holds bytes of data frames.
func (s *socket) Data(b []byte) error {
	for len(b) > 0 {
		if s.held.full() {
			if err := s.release(min(readSize, s.held.n)); err != nil {
				return err
			}
			s.sent = true
		}
		space := s.held.space(int64(len(b)))
		if space == nil {
			return errOverload
		}
		n := copy(space, b)
		s.held.add(n)
		b = b[n:]
	}
	return nil
}

// Control sends a control frame on: before the message that is held, as
// clients may send it between two fragments, unless that message is on its
// way already.
func (s *socket) Control(frame []byte) error {
	if s.sent {
		return s.Data(frame)
	}
	return s.write(frame)
}

// release sends the n oldest bytes that are held.
func (s *socket) release(n int) error {
	for n > 0 {
		first, _ := s.held.parts()
		first = first[:min(len(first), n)]
		if err := s.write(first); err != nil {
			return err
		}
		s.held.drop(len(first))
		n -= len(first)
	}
	return nil
}

func (s *socket) write(b []byte) error {
	s.up.SetWriteDeadline(time.Now().Add(s.c.p.times.UpstreamWrite))
	n, err := s.up.Write(b)
	s.n += int64(n)
	return err
}

// A downstream relays what the server of a WebSocket sends and can end that
// between two frames.
type downstream struct {
	to      net.Conn
	within  time.Duration // for a write: a client that reads nothing is left
	closing atomic.Bool

	mu   sync.Mutex
	at   ws.Cursor
	last []byte // to send at the end of the frame
	over bool
}

func (d *downstream) Write(b []byte) (n int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n < len(b) && (d.last == nil || !d.at.Between()) {
		n += d.at.Next(b[n:])
	}
	if !d.over {
		if !d.closing.Load() {
			d.to.SetWriteDeadline(time.Now().Add(d.within))
		}
		n, err = d.to.Write(b[:n])
	}
	if err == nil && d.last != nil && d.at.Between() {
		err = d.finish()
	}
	return n, err
}

// close sends the Close frame of the node, now or at the end of the frame
// that is on its way.
func (d *downstream) close(frame []byte) {
	d.closing.Store(true)
	d.to.SetWriteDeadline(time.Now().Add(linger)) // for a Write that waits as well
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = frame
	if d.at.Between() {
		d.finish()
	}
}

// finish sends the last frame, once.
func (d *downstream) finish() error {
	if !d.over {
		d.over = true
		d.to.Write(d.last)
	}
	return net.ErrClosed
}
