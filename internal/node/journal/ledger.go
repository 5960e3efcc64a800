package journal

import (
	"encoding/binary"
	"maps"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/internal/node/pace"
	"github.com/gabionhq/gabion/internal/node/proxy"
	"github.com/gabionhq/gabion/wire/wirepb"
)

const (
	shards = 16 // locks, so that requests to different endpoints do not wait for each other
	// maxEndpoints bounds the endpoints of a shard: 8192 in all, some 10 MB
	// without parameters. Those of a scanner answer 404 and never enter.
	maxEndpoints = 512
	// maxParams bounds the parameters of all endpoints: a sketch that is not
	// spooled yet has 2.7 KB, a crowd 0.3 KB, so 50 MB at worst.
	maxParams = 16384
	// maxParamsOf bounds those of one endpoint, whose names a client invents.
	maxParamsOf = 256
	// maxPoint bounds a point, maxTarget a path and maxHost a name (RFC 1035
	// 2.3.4) that is remembered. Where any host will do, clients invent them.
	maxPoint, maxTarget, maxHost = 512, 1024, 255
	// chunk is how many parameters one record of the spool holds: as many as
	// are made in a stint.
	chunk = 8
	// idle is how long an endpoint is remembered that nobody calls, and
	// after which counts leave although they have not doubled.
	idle = 24 * time.Hour
	slot = 5 * 60 // seconds; times leave rounded down to five minutes
	// plenty is how many requests to an endpoint are looked at for their
	// parameters before a sample will do: four times what a profile needs,
	// so that those in every fourth request are known by then.
	plenty = 2048
	// perSecond is how many requests to all endpoints are looked at before a
	// sample will do: 1 % of a processor.
	perSecond = 500
	// oneIn is the sample. What it shows counts so many times.
	oneIn = 16
)

// A ledger counts benign requests by endpoint.
type ledger struct {
	labels *labels
	shards [shards]shard
	params atomic.Int64
	pace   pace.Pace
}

type shard struct {
	mu        sync.Mutex
	endpoints map[identity]*account
}

type identity struct {
	endpoint uint64
	app      int32
}

// An account is what is known of one endpoint.
type account struct {
	host, method, template string
	hidden                 []string // names that are not public
	network                uint64   // of the last source, whose names were counted
	sources                profile.Cardinality
	count                  quantity
	status                 [5]quantity
	first, last            int64
	sent                   time.Time
	told                   string // host and path as they were spooled last
	params                 map[uint64]*entry
	crowd                  crowd // who sent the requests that were looked at
}

// An entry is what is known of one parameter.
type entry struct {
	point   string
	hidden  []string
	network uint64
	count   quantity
	crowd   crowd
	sketch  *profile.Sketch // of what is not spooled; nil when there is nothing
	told    string
}

// A quantity is a total and the part of it that was not spooled yet.
type quantity struct{ total, fresh uint64 }

func (q *quantity) add(n uint64) { q.total += n; q.fresh += n }

// changed says whether the total has reached another power of two since the
// last time it left.
func (q quantity) changed() bool { return bits.Len64(q.total) != bits.Len64(q.total-q.fresh) }

func (l *ledger) init(labels *labels) {
	l.labels = labels
	for i := range l.shards {
		l.shards[i].endpoints = map[identity]*account{}
	}
}

// share returns for how many requests this one shall be looked at for its
// parameters, 0 for not at all.
func (l *ledger) share(id identity, network uint64, now time.Time) uint32 {
	if !l.shards[id.endpoint%shards].samples(id, network) && l.pace.Allows(now, perSecond) {
		return 1
	}
	if rand.Uint32N(oneIn) == 0 {
		return oneIn
	}
	return 0
}

func (s *shard) samples(id identity, network uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.endpoints[id]
	return a != nil && a.sampled(network)
}

// sampled says whether few of the requests of a source are looked at: it has
// shown its share, or all sources together have shown plenty. A second source
// is news.
func (a *account) sampled(network uint64) bool {
	c := &a.crowd
	if !c.several {
		return c.first == network && c.total >= plenty
	}
	return c.total >= plenty || !c.heeds(network)
}

// look notes that a request of a source was looked at.
func (a *account) look(network uint64) {
	if a.sampled(network) {
		return
	}
	if a.crowd.joins(network) {
		a.crowd.total = 0 // what one source alone has shown is forgotten
	}
	if !a.crowd.several {
		a.crowd.total++
		return
	}
	a.crowd.vote(network)
}

// count enters a benign request and returns how many observations found no
// room. Requests that were refused by the upstream count for endpoints that
// are known from others, and teach nothing else.
func (l *ledger) count(r *proxy.Record, network, neighbourhood uint64) (dropped uint64) {
	class := r.Status/100 - 1
	if class < 0 || class > 4 {
		return 0
	}
	served := r.Status < 400 && len(r.Report.Limits) == 0
	id := identity{r.Report.Endpoint, r.Head.App}
	s := &l.shards[id.endpoint%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.endpoints[id]
	if a == nil {
		if !served {
			return 0
		}
		if len(s.endpoints) >= maxEndpoints || len(r.Head.Target) > maxTarget || len(r.Head.Host) > maxHost {
			return 1
		}
		a = l.newAccount(r.Head)
		s.endpoints[id] = a
	}
	unix := r.Time.Unix()
	if a.count.fresh == 0 {
		a.first = unix - unix%slot
	}
	a.last = max(a.last, unix-unix%slot)
	a.count.add(1)
	a.status[class].add(1)
	if !served {
		return 0
	}
	a.sources.Add(network)
	if a.network != network {
		a.network = network
		a.hidden = l.saw(a.hidden, network, neighbourhood)
	}
	if r.Share == 0 {
		return 0
	}
	a.look(network)
	for i := range r.Report.Values {
		if !l.observe(a, &r.Report.Values[i], uint64(r.Share), network, neighbourhood) {
			dropped++
		}
	}
	return dropped
}

func (l *ledger) newAccount(head *engine.Head) *account {
	a := &account{
		host: hostOf(head), method: method(string(head.Method)),
		template: template(head), params: map[uint64]*entry{},
	}
	a.hidden = l.labels.hidden(nil, a.host, a.template)
	return a
}

// saw counts a source for names and returns those that are still hidden.
func (l *ledger) saw(hidden []string, network, neighbourhood uint64) []string {
	kept := hidden[:0]
	for _, name := range hidden {
		if !l.labels.names.Saw(name, network, neighbourhood) {
			kept = append(kept, name)
		}
	}
	return kept
}

// observe enters a value that stands for weight of them. Its sketch counts
// it once: as many as are counted are known.
func (l *ledger) observe(a *account, v *engine.Value, weight, network, neighbourhood uint64) bool {
	e := a.params[v.Key]
	if e == nil {
		if len(a.params) >= maxParamsOf || len(v.Point) > maxPoint || l.params.Load() >= maxParams {
			return false
		}
		steps, err := parse.ParsePoint(string(v.Point))
		if err != nil {
			return false
		}
		e = &entry{point: string(v.Point), hidden: l.labels.hiddenIn(steps)}
		a.params[v.Key] = e
		l.params.Add(1)
	}
	e.count.add(weight)
	if e.crowd.joins(network) {
		e.sketch = nil // what one source alone has shown says little of others
	}
	if e.crowd.admit(&v.Stat, network) {
		if e.sketch == nil {
			e.sketch = new(profile.Sketch)
		}
		e.sketch.Add(&v.Stat, l.labels.key.Tag(v.Hash), network)
	}
	if e.network != network && len(e.hidden) > 0 {
		e.network = network
		e.hidden = l.saw(e.hidden, network, neighbourhood)
	}
	return true
}

// known returns the endpoints of a shard.
func (s *shard) known() []identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.endpoints))
}

// A pacer keeps work in the background from holding up requests. On one
// processor it would do so without a lock, too.
type pacer struct{ since time.Time }

const (
	// stint is how long the background works at a time, or a record longer.
	stint = 200 * time.Microsecond
	// breath is how long it pauses then.
	breath = time.Millisecond
)

func (p *pacer) pause() {
	if time.Since(p.since) > stint {
		time.Sleep(breath)
		p.since = time.Now()
	}
}

// flush hands out the deltas of a shard. What put does not take stays. Between
// two of them it pauses. Requests have the shard meanwhile, and while put works.
func (s *shard) flush(l *ledger, now time.Time, all bool, put func(*wirepb.EndpointDelta) error, pause func()) error {
	for _, id := range s.known() {
		if err := s.flushOne(l, id, now, all, put, pause); err != nil {
			return err
		}
		pause()
	}
	return nil
}

// flushOne spools one account. Its own counts go with the first record.
func (s *shard) flushOne(l *ledger, id identity, now time.Time, all bool, put func(*wirepb.EndpointDelta) error, pause func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.endpoints[id]
	if a == nil {
		return nil
	}
	d, params := l.delta(id, a, all || now.Sub(a.sent) >= idle)
	for d != nil {
		p := l.take(d, a, params[:min(len(params), chunk)])
		s.mu.Unlock()
		err := p.send(put)
		pause()
		s.mu.Lock()
		if err != nil {
			p.giveBack(a)
			return err
		}
		p.settle(a, now)
		if params = params[len(p.keys):]; len(params) == 0 {
			break
		}
		d = &wirepb.EndpointDelta{Endpoint: d.Endpoint, FirstUnix: a.first, LastUnix: a.last}
	}
	if now.Unix()-a.last > int64(idle/time.Second) && a.count.fresh == 0 && s.endpoints[id] == a {
		l.params.Add(-int64(len(a.params)))
		delete(s.endpoints, id)
	}
	return nil
}

// delta returns the first record of an account, nil if there is nothing to
// spool, and the keys of the parameters that are.
func (l *ledger) delta(id identity, a *account, all bool) (*wirepb.EndpointDelta, []uint64) {
	named := &wirepb.Endpoint{
		Application: id.app, Host: l.labels.host(a.host), Method: a.method, Path: l.labels.path(a.template),
		Key: binary.BigEndian.AppendUint64(nil, l.labels.key.Seal(id.endpoint)),
	}
	params := l.changed(a, all)
	if len(params) == 0 && a.told == named.Host+named.Path && !a.changed() && !(all && a.count.fresh > 0) {
		return nil, nil
	}
	d := &wirepb.EndpointDelta{Endpoint: named, Count: a.count.fresh, FirstUnix: a.first, LastUnix: a.last}
	for _, q := range a.status {
		d.StatusClass = append(d.StatusClass, q.fresh)
	}
	d.Sources, _ = a.sources.MarshalBinary() // never fails
	return d, params
}

// A parcel is what one record takes from an account: requests that come while
// it is on its way to the disk count for the next.
type parcel struct {
	delta    *wirepb.EndpointDelta
	keys     []uint64
	sketches []*profile.Sketch // of the parameters; nil where there is nothing
}

// take makes what is in d and fresh of some parameters a parcel.
func (l *ledger) take(d *wirepb.EndpointDelta, a *account, keys []uint64) *parcel {
	a.count.fresh -= d.Count
	for i, n := range d.StatusClass {
		a.status[i].fresh -= n
	}
	p := &parcel{delta: d, keys: keys}
	for _, key := range keys {
		e := a.params[key]
		d.Params = append(d.Params, &wirepb.ParamDelta{Point: l.tell(e), Count: e.count.fresh, Key: l.labels.key.Seal(key)})
		p.sketches = append(p.sketches, e.sketch)
		e.count.fresh, e.sketch = 0, nil
	}
	return p
}

func (p *parcel) send(put func(*wirepb.EndpointDelta) error) error {
	for i, sketch := range p.sketches {
		if sketch == nil {
			continue
		}
		b, err := sketch.MarshalBinary()
		if err != nil {
			return err
		}
		p.delta.Params[i].Sketch = b
	}
	return put(p.delta)
}

// settle notes what the cloud will know of the account.
func (p *parcel) settle(a *account, now time.Time) {
	a.told, a.sent = p.delta.Endpoint.Host+p.delta.Endpoint.Path, now
	for i, key := range p.keys {
		a.params[key].told = p.delta.Params[i].Point
	}
}

// giveBack makes what was not spooled fresh again.
func (p *parcel) giveBack(a *account) {
	if p.delta.Count > 0 {
		a.first = min(a.first, p.delta.FirstUnix)
	}
	a.count.fresh += p.delta.Count
	for i, n := range p.delta.StatusClass {
		a.status[i].fresh += n
	}
	for i, key := range p.keys {
		e := a.params[key]
		e.count.fresh += p.delta.Params[i].Count
		switch old := p.sketches[i]; {
		case e.sketch == nil:
			e.sketch = old
		case old != nil:
			e.sketch.Merge(old)
		}
	}
}

func (a *account) changed() bool {
	for _, q := range a.status {
		if q.changed() {
			return true
		}
	}
	return a.count.changed()
}

// changed returns the keys of the parameters that are to be spooled.
func (l *ledger) changed(a *account, all bool) (keys []uint64) {
	for key, e := range a.params {
		if e.count.changed() || all && e.count.fresh > 0 || l.tell(e) != e.told {
			keys = append(keys, key)
		}
	}
	return keys
}

// tell returns the point of e with the names that may leave.
func (l *ledger) tell(e *entry) string {
	if len(e.hidden) == 0 && e.told == e.point {
		return e.point
	}
	text, _ := l.labels.point(e.point)
	return text
}

// text returns the full text of an endpoint or point by the engine's hash.
func (l *ledger) text(hash uint64) string {
	for i := range l.shards {
		if text := l.shards[i].text(hash); text != "" {
			return text
		}
	}
	return ""
}

func (s *shard) text(hash uint64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, a := range s.endpoints {
		if id.endpoint == hash {
			return a.host + a.template
		}
		if e := a.params[hash]; e != nil {
			return e.point
		}
	}
	return ""
}
