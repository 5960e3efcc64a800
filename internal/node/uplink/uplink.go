// Package uplink is the node's only way to the cloud: it enrols, delivers what is spooled and takes rulesets and questions.
//
// The node dials out; nothing dials in. Everything that leaves goes through
// one client, which writes it into the egress log first. What comes in is not
// believed: rulesets must be signed for this group, be newer than the one in
// force, and are held to the node's ceilings.
package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/node/egress"
	"github.com/gabionhq/gabion/internal/node/pseudonym"
	"github.com/gabionhq/gabion/internal/node/spool"
	"github.com/gabionhq/gabion/wire"
	"github.com/gabionhq/gabion/wire/wirepb"
	"github.com/gabionhq/gabion/wire/wirepb/wirepbconnect"
)

const (
	// DefaultInterval is how often statistics are looked through for what
	// has doubled. Hits do not wait for it.
	DefaultInterval = 10 * time.Second
	// DefaultHeartbeat keeps a quiet node visible in the console.
	DefaultHeartbeat = 15 * time.Second

	callTimeout = 30 * time.Second
	// silence is how long the stream may be quiet: the cloud pings three
	// times as often.
	silence = time.Minute
	// After a refusal (a revoked certificate, a used token) nothing but a
	// person helps; the node still asks now and then.
	refusedRetry = 5 * time.Minute
	// maxOrder bounds what the cloud can make the node hold in memory.
	maxOrder = rule.MaxBlob + 1<<20
	// maxAsks is how many questions wait here; more wait in the stream.
	maxAsks = 32

	minBackoff, maxBackoff = 500 * time.Millisecond, 15 * time.Second
)

// Health is where the uplink says what is wrong with it.
type Health interface {
	Degrade(part, reason string)
	Restore(part string)
}

// Options are what an uplink works with.
type Options struct {
	Dir       string // of identity and last good ruleset, 0700
	URL       string // address of the cloud; "" takes it from the token
	Token     string // used once
	Name      string // label of the node
	Version   string // of the program
	May       config.CloudMay
	Interval  time.Duration // 0: DefaultInterval
	Heartbeat time.Duration // 0: DefaultHeartbeat

	Spool  *spool.Spool
	Egress *egress.Log
	Key    *pseudonym.Key
	Health Health
	Log    *slog.Logger

	Flush   func(all bool) error                                         // spools statistics
	Status  func() *wirepb.Status                                        // of the node; the uplink adds its own part
	Install func(version uint64, set *rule.Set) error                    // puts a ruleset in force
	Names   func(names []string)                                         // told of the names in the rules in force
	Answer  func(ctx context.Context, ask *wirepb.Ask) *wirepb.AskAnswer // answers a question
}

// An Uplink is made by Open and works while Run does.
type Uplink struct {
	opts Options
	poke chan struct{} // something changed that the cloud should hear of now

	mu      sync.Mutex
	id      *identity
	calls   wirepbconnect.CloudClient
	running uint64 // version of the ruleset in force
	refused uint64 // newest version that was not taken
	whyNot  string
	contact time.Time
}

// Open reads the node's identity, if it has one, and puts the last good
// ruleset in force. What is damaged degrades the node and does not stop it.
func Open(opts Options) (*Uplink, error) {
	if opts.Interval == 0 {
		opts.Interval = DefaultInterval
	}
	if opts.Heartbeat == 0 {
		opts.Heartbeat = DefaultHeartbeat
	}
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the uplink: %w", err)
	}
	u := &Uplink{opts: opts, poke: make(chan struct{}, 1)}
	id, err := loadIdentity(opts.Dir)
	switch {
	case err == nil:
		u.become(id)
		u.restore()
	case !errors.Is(err, fs.ErrNotExist):
		opts.Health.Degrade("uplink", err.Error())
		return u, nil
	}
	return u, nil
}

// State is what the uplink says of itself.
type State struct {
	Node, Group, Region string // empty before enrolment
	Ruleset             uint64
	RulesetError        string
	Contact             time.Time // last answer of the cloud
	Expires             time.Time // of the certificate
}

// State returns the present state.
func (u *Uplink) State() State {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := State{Ruleset: u.running, RulesetError: u.whyNot, Contact: u.contact}
	if u.id != nil {
		s.Node, s.Group, s.Region, s.Expires = u.id.Node, u.id.Group, u.id.Region, u.id.expires()
	}
	return s
}

// Run works until ctx ends. Without identity and token the node runs alone
// and Run only spools statistics. It returns nil: whatever is wrong with the
// cloud never ends the node.
func (u *Uplink) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { u.flush(ctx); return nil })
	g.Go(func() error {
		if !u.join(ctx) {
			return nil
		}
		asks := make(chan *wirepb.Ask, maxAsks)
		g.Go(func() error { u.deliver(ctx); return nil })
		g.Go(func() error { u.listen(ctx, asks); return nil })
		g.Go(func() error { u.answer(ctx, asks); return nil })
		g.Go(func() error { u.keepCertificate(ctx); return nil })
		return nil
	})
	return g.Wait()
}

// flush spools statistics on the clock, and what is left at the end.
func (u *Uplink) flush(ctx context.Context) {
	tick := time.NewTicker(u.opts.Interval)
	defer tick.Stop()
	for {
		all := false
		select {
		case <-ctx.Done():
			all = true
		case <-tick.C:
		}
		if err := u.opts.Flush(all); err != nil {
			u.opts.Log.Warn("statistics wait", "err", err)
		}
		if all {
			return
		}
	}
}

// join enrols the node if it has to, and says whether it belongs to a cloud.
func (u *Uplink) join(ctx context.Context) bool {
	if u.identity() != nil {
		return true
	}
	if u.opts.Token == "" {
		return false // alone, or Open has said why not
	}
	token, err := wire.ParseToken(u.opts.Token)
	if err != nil {
		u.opts.Health.Degrade("uplink", err.Error())
		return false
	}
	for wait := (backoff{}); ; {
		id, err := u.enrol(ctx, token)
		if err == nil {
			u.become(id)
			u.opts.Health.Restore("uplink")
			u.opts.Log.Info("enrolled", "node", id.Node, "region", id.Region)
			return true
		}
		u.fail("enrolling", err)
		if !sleep(ctx, wait.next(err), nil) {
			return false
		}
	}
}

// deliver pushes what is spooled, and a heartbeat when there is nothing.
func (u *Uplink) deliver(ctx context.Context) {
	heartbeat := time.NewTicker(u.opts.Heartbeat)
	defer heartbeat.Stop()
	for wait := (backoff{}); ctx.Err() == nil; {
		if err := u.push(ctx); err != nil {
			u.fail("delivering", err)
			if !sleep(ctx, wait.next(err), u.poke) {
				return
			}
			continue
		}
		wait = backoff{}
		select {
		case <-ctx.Done():
		case <-u.opts.Spool.Ready():
		case <-heartbeat.C:
		case <-u.poke:
		}
	}
}

// push sends one batch.
func (u *Uplink) push(ctx context.Context) error {
	b, err := u.opts.Spool.Take()
	if err != nil {
		return err
	}
	m := &wirepb.Batch{}
	for _, record := range b.Records {
		// Records are encoded batches: reading one after the other into
		// the same message joins them.
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(record, m); err != nil {
			u.opts.Log.Error("a spooled record is left out", "err", err)
		}
	}
	m.Seq, m.Status = b.Seq, u.status()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := u.cloud().Push(ctx, connect.NewRequest(m))
	if connect.CodeOf(err) == connect.CodeInvalidArgument && err != nil && b.Seq != 0 {
		// It would be refused for ever, and everything behind it would wait.
		u.opts.Log.Error("the cloud cannot read a batch, which is dropped", "seq", b.Seq, "records", len(b.Records), "err", err)
		return u.opts.Spool.Ack(b.Seq)
	}
	if err != nil {
		return err
	}
	u.heard()
	if b.Seq == 0 {
		return nil
	}
	if res.Msg.Seq != b.Seq {
		return fmt.Errorf("the cloud acknowledged batch %d instead of %d", res.Msg.Seq, b.Seq)
	}
	return u.opts.Spool.Ack(b.Seq)
}

func (u *Uplink) status() *wirepb.Status {
	s := u.opts.Status()
	spooled, state := u.opts.Spool.Stats(), u.State()
	s.Ruleset, s.RulesetError = state.Ruleset, state.RulesetError
	s.Spooled, s.DroppedHits = spooled.Waiting, spooled.Dropped
	s.CertificateUnix, s.SentUnixMs = state.Expires.Unix(), time.Now().UnixMilli()
	if s.Version == "" {
		s.Version = u.opts.Version
	}
	return s
}

// listen keeps the stream of orders open.
func (u *Uplink) listen(ctx context.Context, asks chan<- *wirepb.Ask) {
	for wait := (backoff{}); ctx.Err() == nil; {
		began := time.Now()
		err := u.watch(ctx, asks)
		if time.Since(began) > silence {
			wait = backoff{}
		}
		if ctx.Err() == nil {
			u.opts.Log.Debug("stream of orders ended", "err", err)
		}
		if !sleep(ctx, wait.next(err), nil) {
			return
		}
	}
}

func (u *Uplink) watch(ctx context.Context, asks chan<- *wirepb.Ask) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	stream, err := u.cloud().Watch(ctx, connect.NewRequest(&wirepb.WatchRequest{Ruleset: u.State().Ruleset}))
	if err != nil {
		return err
	}
	defer stream.Close()
	for first := true; stream.Receive(); first = false {
		watchdog.Reset(silence)
		u.heard()
		if first {
			u.nudge() // the cloud is back: what waits need not wait longer
		}
		switch order := stream.Msg().Order.(type) {
		case *wirepb.Order_Ruleset:
			u.take(order.Ruleset)
		case *wirepb.Order_Ask:
			select {
			case asks <- order.Ask:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return stream.Err()
}

// answer answers questions one by one, so that they cost the traffic little.
func (u *Uplink) answer(ctx context.Context, asks <-chan *wirepb.Ask) {
	for {
		select {
		case <-ctx.Done():
			return
		case ask := <-asks:
			a := u.opts.Answer(ctx, ask)
			if a.Refused {
				u.report(&wirepb.Refusal{Ask: ask.Id, Ceiling: "ask", What: a.Reason, Unix: time.Now().Unix()})
			}
			if err := u.send(ctx, a); err != nil {
				u.opts.Log.Warn("answer not delivered", "ask", ask.Id, "err", err)
			}
		}
	}
}

func (u *Uplink) send(ctx context.Context, a *wirepb.AskAnswer) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := u.cloud().Answer(ctx, connect.NewRequest(a))
	return err
}

// report spools refusals.
func (u *Uplink) report(refusals ...*wirepb.Refusal) {
	if len(refusals) == 0 {
		return
	}
	record, err := proto.Marshal(&wirepb.Batch{Refusals: refusals})
	if err == nil {
		err = u.opts.Spool.Put(record)
	}
	if err != nil {
		u.opts.Log.Error("refusals not reported", "count", len(refusals), "err", err)
	}
}

// keepCertificate renews the certificate when a third of its life is left.
func (u *Uplink) keepCertificate(ctx context.Context) {
	for wait := (backoff{}); ctx.Err() == nil; {
		id := u.identity()
		if until := time.Until(id.renewAt()); until > 0 {
			// Not longer than an hour: clocks jump, machines sleep.
			sleep(ctx, min(until, time.Hour), nil)
			continue
		}
		next, err := u.renew(ctx, id)
		if err == nil {
			u.become(next)
			u.opts.Health.Restore("certificate")
			u.opts.Log.Info("certificate renewed", "expires", next.expires())
			wait = backoff{}
			continue
		}
		u.opts.Health.Degrade("certificate", fmt.Sprintf("the node's certificate ends %s and could not be renewed: %v", id.expires().Format(time.RFC3339), err))
		sleep(ctx, max(wait.next(err), time.Second), nil)
	}
}

// fail tells the operator in one line.
func (u *Uplink) fail(doing string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	reason := fmt.Sprintf("%s: %v", doing, err)
	var c *connect.Error
	if errors.As(err, &c) {
		reason = fmt.Sprintf("%s: %s: %v", doing, c.Code(), c.Unwrap())
	}
	u.opts.Health.Degrade("uplink", reason)
	u.opts.Log.Warn("cloud not reached", "err", reason)
}

func (u *Uplink) heard() {
	u.mu.Lock()
	u.contact = time.Now()
	u.mu.Unlock()
	u.opts.Health.Restore("uplink")
}

func (u *Uplink) nudge() {
	select {
	case u.poke <- struct{}{}:
	default:
	}
}

func (u *Uplink) identity() *identity {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.id
}

func (u *Uplink) cloud() wirepbconnect.CloudClient {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.calls
}

// become makes id the node's identity.
func (u *Uplink) become(id *identity) {
	address, err := u.address(id.Address)
	if err != nil { // of the configuration; said where it is checked
		address = id.Address
	}
	client := u.client(address, &tls.Config{RootCAs: id.ca, Certificates: []tls.Certificate{id.certificate}, MinVersion: tls.VersionTLS13})
	u.mu.Lock()
	defer u.mu.Unlock()
	u.id, u.calls = id, client
}

// address returns host and port of the cloud: as configured, or as the token
// says.
func (u *Uplink) address(token string) (string, error) {
	if u.opts.URL == "" {
		return token, nil
	}
	v, err := url.Parse(u.opts.URL)
	if err != nil || v.Host == "" {
		return "", fmt.Errorf("reading uplink.url %q: it is not a URL such as https://cloud.example:9001", u.opts.URL)
	}
	if v.Port() == "" {
		return net.JoinHostPort(v.Hostname(), "443"), nil
	}
	return v.Host, nil
}

func (u *Uplink) client(address string, trust *tls.Config) wirepbconnect.CloudClient {
	transport := &http.Transport{
		TLSClientConfig: trust, ForceAttemptHTTP2: true, Proxy: http.ProxyFromEnvironment,
		TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 2 * time.Minute,
		DialContext: (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
	}
	return wirepbconnect.NewCloudClient(&http.Client{Transport: transport}, "https://"+address,
		connect.WithInterceptors(u.opts.Egress.Interceptor()), connect.WithSendGzip(), connect.WithReadMaxBytes(maxOrder))
}

// A backoff doubles from minBackoff to maxBackoff, with jitter so that the
// nodes of a cloud that comes back do not all come at once.
type backoff struct{ last time.Duration }

func (b *backoff) next(err error) time.Duration {
	if connect.CodeOf(err) == connect.CodeUnauthenticated && err != nil {
		return refusedRetry
	}
	b.last = min(max(2*b.last, minBackoff), maxBackoff)
	return b.last/2 + rand.N(b.last/2)
}

// sleep waits for d or until wake receives, and says whether ctx goes on.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-wake:
	}
	return ctx.Err() == nil
}
