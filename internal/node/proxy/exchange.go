package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/node/blockpage"
	"github.com/gabionhq/gabion/internal/node/h1"
)

// readSize is how much of a body is read and inspected at once.
const readSize = 64 << 10

// prefixSize is how much of a body that was forwarded piece by piece is
// kept for the record.
const prefixSize = 64 << 10

// An Inspection is one transaction of the engine.
type Inspection interface {
	Headers(*engine.Head) engine.Verdict
	Body([]byte) engine.Verdict
	End() engine.Verdict
	Response(status int, header []engine.HeaderField) bool
	ResponseBody(prefix []byte) []engine.Leak
	Report() *engine.Report
	Close()
}

// A front is the client's side of an exchange, in its protocol. Read and
// the other methods may be called from two goroutines.
type front interface {
	Read([]byte) (int, error)      // the request body without framing
	trailer() []engine.HeaderField // of the request, after io.EOF
	left() int64                   // bytes of request body to come, -1 if unknown
	arrived() bool                 // reading the rest of the body waits for nothing
	proceed()                      // the body will be read: 100 Continue if it is awaited
	interrupt()                    // lets a Read that is waiting fail
	watch(*func())                 // calls it when the client goes; nil ends that
	gone() bool                    // the client has lost interest
	peer() (addr netip.Addr, secure bool)

	interim(*h1.Head) error       // relays a 1xx response
	begin(*h1.Head, string) error // starts the final response, adding the request id
	page(blockpage.Page, string) error
	Write([]byte) error // of the response body
	Flush() error
	end([]engine.HeaderField) error // ends the response body
	cut()                           // breaks the response off so that the client notices
	tunnel(*h1.Head, string, *link) (int64, error)
}

// An exchange is one request on its way through the node. It is reused:
// start makes it whole again.
type exchange struct {
	p     *Proxy
	site  *site
	snap  *Snapshot
	front front
	head  *h1.Head

	id      string
	started time.Time
	seen    engine.Head // what the engine borrows
	record  Record
	tx      Inspection
	verdict engine.Verdict
	fate    fate
	told    bool // the observer knows of the attack
	blocked bool
	opened  bool // forwarded although inspection failed
	begun   bool // the final response has begun
	eof     bool // the request body was received to its end
	held    held
	prefix  []byte        // first bytes of a body that was forwarded in pieces
	out     []byte        // scratch for framing
	length  int64         // of the request body so far
	cpu     time.Duration // spent in the engine

	ear       ear
	enough    func(endpoint uint64) bool // unmeasured, made once
	messages  bool                       // the body is a stream of gRPC messages
	continues bool                       // the head was inspected with another message
	streaming bool                       // a pump writes the request
	pumped    chan error
}

var (
	errBlocked  = errors.New("request blocked")
	errClient   = errors.New("reading the request body")
	errOverload = errors.New("held bodies exceed the bound of the node")
)

// run takes one request from its head to the end of its response. then is
// what happens to a request that may pass.
func (x *exchange) run(p *Proxy, f front, h *h1.Head, then func(*exchange)) {
	x.start(p, f, h)
	defer x.finish()
	if x.admit() && x.inspect() {
		then(x)
	}
}

// allow answers a proxy that asked whether to forward a request.
func (x *exchange) allow() {
	for !x.eof {
		x.held.drop(x.held.n)
		if err := x.receive(); err != nil {
			x.unreceived(err)
			return
		}
	}
	x.begun, x.record.Status = true, http.StatusOK
	if err := x.front.page(blockpage.Page{Status: http.StatusOK, Fields: noContent}, x.id); err != nil {
		x.front.cut()
	}
}

var noContent = []engine.HeaderField{{Name: []byte("Content-Length"), Value: []byte("0")}}

func (x *exchange) start(p *Proxy, f front, h *h1.Head) {
	*x = exchange{
		p: p, front: f, head: h, snap: p.snapshot.Load(), started: time.Now(),
		held: x.held, prefix: x.prefix[:0], out: x.out, site: p.none, pumped: x.pumped, enough: x.enough, ear: ear{kind: x.ear.kind},
	}
	x.held.reset(&p.buffers, p.hold)
	x.id = newID(x.started)
	p.active.Add(1)
}

// finish settles what became of the request, whatever happened.
func (x *exchange) finish() {
	if r := recover(); r != nil {
		x.p.fail("exchange failed", r, x.id)
		x.fate = failed
		x.fail(http.StatusInternalServerError)
	}
	if x.verdict.Attack || x.blocked {
		x.tellAttack()
	}
	if x.fate == undecided {
		x.fate = aborted
	}
	took := time.Since(x.started)
	if x.fate == inspected {
		found := x.leaks()
		x.tell(func(o Observer) {
			x.fill()
			x.record.Duration, x.record.Leaks = took, found
			o.Done(&x.record)
		})
	}
	if x.tx != nil {
		x.engine(func() { x.tx.Close() }) // what fails there is logged
		x.tx = nil
	}
	x.deafen()
	x.held.release()
	x.site.active.Add(-1)
	x.site.tally.settle(x.fate, x.verdict.Attack, x.blocked, x.opened)
	x.site.timing.update(took, x.cpu)
	x.p.active.Add(-1)
}

// broke turns a panic into an error, in goroutines where nobody else would.
func (x *exchange) broke(err *error) {
	if r := recover(); r != nil {
		x.p.fail("exchange failed", r, x.id)
		*err = &engineError{r}
	}
}

// admit finds the site and refuses what is beyond the node's bounds.
func (x *exchange) admit() bool {
	name := hostname(x.head.Host)
	if s := x.p.router.find(name); s != nil {
		x.site = s
	}
	active := x.site.active.Add(1)
	peer, secure := x.front.peer()
	x.seen = engine.Head{
		Method: x.head.Method, Target: x.head.Target, Host: name, Scheme: scheme(secure),
		Proto: x.head.Proto, Header: x.head.Fields, App: x.site.Application,
	}
	x.record.Source = x.p.source.Find(peer, x.head.Fields)
	x.record.TLS = secure
	if x.site == x.p.none {
		x.fate = unrouted
		x.fail(http.StatusMisdirectedRequest)
		return false
	}
	if active > x.p.maxActive {
		return x.shed()
	}
	return true
}

func scheme(secure bool) []byte {
	if secure {
		return overTLS
	}
	return plain
}

var plain, overTLS = []byte("http"), []byte("https")

// shed refuses a request past a bound of the node, however the site fails:
// else whoever can fill the node could pass attacks by it.
func (x *exchange) shed() bool {
	x.fate = overload
	x.fail(http.StatusServiceUnavailable)
	return false
}

// surrender ends an inspection that failed: the request is forwarded
// without it where the site fails open, and refused where it fails closed.
func (x *exchange) surrender() bool {
	x.fate = failed
	if x.site.FailOpen {
		x.opened, x.held.forced = true, true
		return true
	}
	x.fail(http.StatusInternalServerError)
	return false
}

// inspect has the engine read the request as far as it may be held back. It
// says whether to forward.
func (x *exchange) inspect() bool {
	if err := x.engine(x.beginInspection); err != nil {
		return x.surrender() && x.proceed()
	}
	if x.verdict.Mode == rule.Off {
		x.tx.Close()
		x.tx, x.verdict = nil, engine.Verdict{}
		x.fate, x.held.forced = off, true
		return x.proceed()
	}
	if x.verdict.Decision == engine.Block {
		x.eof = x.front.left() == 0 // a head without a body is the whole request
		return x.block()
	}
	x.front.proceed()
	if x.messages = isGRPC(x.head); x.messages {
		return true // held back message by message
	}
	for !x.eof && !x.held.full() {
		if err := x.receive(); err != nil {
			return x.unreceived(err)
		}
	}
	if x.verdict.Attack {
		x.tellAttack()
	}
	return true
}

// proceed goes on without inspection. A body that has arrived with its head
// is taken along: it needs no pump.
func (x *exchange) proceed() bool {
	x.front.proceed()
	for !x.eof && x.front.arrived() {
		if err := x.receive(); err != nil {
			return x.unreceived(err)
		}
	}
	return true
}

func (x *exchange) beginInspection() {
	x.tx = x.p.begin(x.snap.Set, x.env())
	x.verdict = x.tx.Headers(&x.seen)
}

// env is what the engine is told of the request beside its bytes.
func (x *exchange) env() engine.Env {
	if x.enough == nil {
		x.enough = x.unmeasured
	}
	return engine.Env{Mode: x.site.Mode, Override: x.site.Override, Observe: x.p.observer != nil, Enough: x.enough, Schema: x.site.Schema, Continues: x.continues}
}

// unmeasured says whether the observer needs no values of this request.
func (x *exchange) unmeasured(endpoint uint64) bool {
	x.record.Share = 0
	x.identify()
	x.tell(func(o Observer) { x.record.Share = o.Share(&x.record, endpoint) })
	return x.record.Share == 0
}

// receive reads and inspects the next bytes of the body. At its end it asks
// for the final verdict.
func (x *exchange) receive() error {
	if x.front.left() != 0 {
		space := x.held.space(x.front.left())
		if space == nil {
			return errOverload
		}
		space = space[:min(len(space), readSize)]
		n, err := x.front.Read(space)
		x.held.add(n)
		x.length += int64(n)
		x.eof = err == io.EOF
		if err != nil && err != io.EOF {
			return fmt.Errorf("%w: %w", errClient, err)
		}
		if err := x.ask(space[:n]); err != nil {
			return err
		}
	} else {
		x.eof = true
	}
	if x.eof {
		return x.conclude()
	}
	return nil
}

// ask pushes body bytes to the engine.
func (x *exchange) ask(b []byte) error {
	if len(b) == 0 || x.fate != undecided {
		return nil
	}
	if err := x.engine(func() { x.verdict = x.tx.Body(b) }); err != nil {
		return err
	}
	return x.obey()
}

// conclude asks for the verdict on the whole request. Trailer fields are
// inspected as the fields of a request of their own.
func (x *exchange) conclude() error {
	if x.fate != undecided {
		return nil
	}
	if err := x.engine(func() { x.verdict = x.tx.End() }); err != nil {
		return err
	}
	if err := x.obey(); err != nil {
		return err
	}
	if trailer := x.front.trailer(); len(trailer) > 0 {
		if err := x.inspectTrailer(trailer); err != nil {
			return err
		}
	}
	x.fate = inspected
	return nil
}

func (x *exchange) inspectTrailer(trailer []engine.HeaderField) error {
	seen := x.seen
	seen.Header = trailer
	whole, verdict := x.tx, x.verdict
	err := x.engine(func() {
		x.tx = x.p.begin(x.snap.Set, engine.Env{Mode: x.site.Mode, Override: x.site.Override})
		x.tx.Headers(&seen)
		x.verdict = x.tx.End()
	})
	if err != nil {
		x.tx, x.verdict = whole, verdict
		return err
	}
	if x.verdict.Attack && !verdict.Attack {
		whole.Close()
		return x.obey()
	}
	x.tx.Close()
	x.tx, x.verdict = whole, verdict
	return nil
}

func (x *exchange) obey() error {
	if x.verdict.Decision == engine.Block {
		return errBlocked
	}
	return nil
}

// An engineError is a panic inside the engine.
type engineError struct{ reason any }

func (e *engineError) Error() string { return fmt.Sprintf("inspecting: %v", e.reason) }

// engine runs a step of the inspection and turns its panic into an error.
func (x *exchange) engine(step func()) (err error) {
	start := time.Now()
	defer func() {
		x.cpu += time.Since(start)
		if r := recover(); r != nil {
			err = &engineError{r}
			x.tx = nil // in what state it is, nobody knows
			x.p.fail("engine failed", r, x.id)
		}
	}()
	step()
	return nil
}

// unreceived acts on a request whose body could not be received or
// inspected. It says whether to forward.
func (x *exchange) unreceived(err error) bool {
	var refused *h1.Error
	var broken *engineError
	switch {
	case errors.Is(err, errBlocked):
		return x.block()
	case errors.As(err, &broken):
		return x.surrender()
	case errors.Is(err, errOverload):
		return x.shed()
	case errors.As(err, &refused):
		x.fate = malformed
		x.fail(refused.Status)
	case errors.Is(err, os.ErrDeadlineExceeded):
		x.fate = aborted
		x.fail(http.StatusRequestTimeout)
	default:
		x.fate = aborted
		x.front.cut()
	}
	return false
}

// block answers instead of the upstream.
func (x *exchange) block() bool {
	x.fate, x.blocked = inspected, true
	x.record.Status = http.StatusForbidden
	x.tellAttack()
	x.fail(http.StatusForbidden)
	return false
}

// fail answers with a page of the node, if no response has begun; else it
// breaks the response off.
func (x *exchange) fail(status int) {
	if x.begun {
		x.front.cut()
		return
	}
	x.begun = true
	x.record.Status = status
	first, _ := x.held.parts()
	if err := x.front.page(blockpage.New(status, x.id, x.head, first), x.id); err != nil {
		x.front.cut()
	}
}

// tellAttack tells the observer of an attack, once.
func (x *exchange) tellAttack() {
	if x.told || x.tx == nil {
		return
	}
	x.told = true
	x.tell(func(o Observer) {
		x.fill()
		o.Attack(&x.record)
	})
}

func (x *exchange) tell(f func(Observer)) {
	defer func() {
		if r := recover(); r != nil {
			x.p.fail("observer failed", r, x.id)
		}
	}()
	if x.p.observer != nil {
		f(x.p.observer)
	}
}

// identify fills the record with what is known from the start.
func (x *exchange) identify() {
	r := &x.record
	r.RequestID, r.Time, r.Site, r.Ruleset, r.Head = x.id, x.started, x.site.name, x.snap.Version, &x.seen
}

// fill completes the record with what is known now.
func (x *exchange) fill() {
	r := &x.record
	x.identify()
	r.Verdict = x.verdict
	r.Report = x.tx.Report()
	r.BodyLen = x.length
	r.Body, _ = x.held.parts()
	if int64(len(r.Body)) != x.length {
		r.Body = x.prefix
	}
	r.Partial = !x.eof || int64(len(r.Body)) != x.length
}

// mediaType returns the type of a Content-Type value.
func mediaType(value []byte) string {
	t, _, _ := strings.Cut(string(value), ";")
	return strings.TrimSpace(t)
}
