// Package journal turns what the proxy observes into what the cloud may know: hits without values, and statistics.
//
// A hit is in the spool when Attack returns, its raw request in the evidence
// store. Statistics are counted in memory by endpoint and parameter, and
// spooled as deltas when a quantity has crossed a power of two.
package journal

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/internal/node/evidence"
	"github.com/gabionhq/gabion/internal/node/proxy"
	"github.com/gabionhq/gabion/internal/node/pseudonym"
	"github.com/gabionhq/gabion/internal/node/recorder"
	"github.com/gabionhq/gabion/internal/node/redact"
	"github.com/gabionhq/gabion/internal/node/reveal"
	"github.com/gabionhq/gabion/internal/node/transcript"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// A Spool takes records: each one an encoded wirepb.Batch, so that batches
// are made by joining them.
type Spool interface {
	Put(record []byte) error
}

// Options are what a journal works with. Evidence and Recorder may be nil.
type Options struct {
	Spool      Spool
	Key        *pseudonym.Key
	Names      *reveal.Names
	Evidence   *evidence.Store
	Recorder   *recorder.Recorder
	FullSource bool // hits carry the address, not only its tag
	Log        *slog.Logger
	Now        func() time.Time // nil: time.Now
}

// A Journal implements proxy.Observer.
type Journal struct {
	opts   Options
	labels labels
	ledger ledger
	shed   throttle
	news   throttle // of leaks
	told   texts
	masks  atomic.Pointer[redact.Rules]
	stats  counters
}

type counters struct {
	hits, lostHits, evidenceSkipped, evidenceLost, dropped atomic.Uint64
}

// Stats are totals since the start.
type Stats struct {
	Hits            uint64 // spooled
	LostHits        uint64 // that the spool did not take
	EvidenceSkipped uint64 // requests of a source that already filled its share
	EvidenceLost    uint64 // requests that the store did not take
	Dropped         uint64 // observations that found no room
	Endpoints       int
	Params          int64
}

var _ proxy.Observer = (*Journal)(nil)

// New returns a journal. Call Flush from time to time.
func New(opts Options) *Journal {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	j := &Journal{opts: opts}
	j.labels = labels{names: opts.Names, key: opts.Key}
	j.ledger.init(&j.labels)
	return j
}

// Stats returns the totals.
func (j *Journal) Stats() Stats {
	endpoints := 0
	for i := range j.ledger.shards {
		s := &j.ledger.shards[i]
		s.mu.Lock()
		endpoints += len(s.endpoints)
		s.mu.Unlock()
	}
	return Stats{
		Hits: j.stats.hits.Load(), LostHits: j.stats.lostHits.Load(),
		EvidenceSkipped: j.stats.evidenceSkipped.Load(), EvidenceLost: j.stats.evidenceLost.Load(),
		Dropped: j.stats.dropped.Load(), Endpoints: endpoints, Params: j.ledger.params.Load(),
	}
}

// Mask replaces the points whose values are not kept, not even here.
func (j *Journal) Mask(points []string) { j.masks.Store(redact.Masks(points)) }

// Attack implements proxy.Observer: one hit for each class of attack in the
// request, in the spool before it returns.
func (j *Journal) Attack(r *proxy.Record) { j.tell(r, r.Report.Findings, "") }

// tell spools a hit for each class among findings, confirmed by a leak or "".
func (j *Journal) tell(r *proxy.Record, findings []engine.Finding, leak string) {
	kept := j.keep(r)
	for _, f := range strongest(findings) {
		hit := j.hit(r, f)
		hit.EvidenceId, hit.Leak = kept, leak
		record, err := proto.Marshal(&wirepb.Batch{Hits: []*wirepb.Hit{hit}})
		if err == nil {
			err = j.opts.Spool.Put(record)
		}
		if err != nil {
			j.stats.lostHits.Add(1)
			j.opts.Log.Error("hit lost", "request_id", r.RequestID, "err", err)
			continue
		}
		j.stats.hits.Add(1)
	}
}

// keep puts the request into the evidence store and returns its id there.
func (j *Journal) keep(r *proxy.Record) string {
	if j.opts.Evidence == nil {
		return ""
	}
	if !j.shed.allow(j.opts.Key.Network(r.Source), evidencePerMinute, j.opts.Now()) {
		j.stats.evidenceSkipped.Add(1)
		return ""
	}
	id := ulid.Make().String()
	if err := j.opts.Evidence.Put(evidence.New(id, r, j.masks.Load())); err != nil {
		j.stats.evidenceLost.Add(1)
		j.opts.Log.Error("evidence lost", "request_id", r.RequestID, "err", err)
		return ""
	}
	return id
}

// strongest returns the finding with the most weight of each class. A verdict
// without findings is a hit as well: of no class.
func strongest(findings []engine.Finding) []*engine.Finding {
	var best []*engine.Finding
next:
	for i := range findings {
		f := &findings[i]
		for k, b := range best {
			if b.Class == f.Class {
				if f.Weight > b.Weight {
					best[k] = f
				}
				continue next
			}
		}
		best = append(best, f)
	}
	if best == nil {
		best = append(best, new(engine.Finding))
	}
	return best
}

// maxFragment bounds a fragment: more than a screen of it explains nothing.
const maxFragment = 512

func (j *Journal) hit(r *proxy.Record, f *engine.Finding) *wirepb.Hit {
	id := ulid.Make()
	h := &wirepb.Hit{
		Id: id[:], RequestId: r.RequestID, UnixMs: r.Time.UnixMilli(),
		Class: f.Class.String(), Mode: r.Verdict.Mode.String(), Decision: decision(r.Verdict.Decision),
		Score: r.Verdict.Score, Reason: f.Reason, Fragment: cut(f.Fragment, maxFragment),
		Status: int32(r.Status), Ruleset: r.Ruleset, Rule: f.Rule,
		Source: &wirepb.Source{Tag: j.opts.Key.Source(r.Source), Prefix: pseudonym.Prefix(r.Source)},
	}
	if f.Rule != 0 {
		h.Fragment = "" // what a user's expression finds may be anything
	}
	if unmasked {
		h.Fragment = strings.ToValidUTF8(string(transcript.Append(nil, r.Head, r.Body)), "?")
	}
	if j.opts.FullSource {
		h.Source.Address = r.Source.String()
	}
	h.Endpoint = j.labels.endpoint(r.Report.Endpoint, r.Head)
	h.Point, h.PointKey = j.labels.point(f.Point)
	j.told.put(h.Endpoint.Key, func() string { return hostOf(r.Head) + template(r.Head) })
	j.told.put(h.PointKey, func() string { return f.Point })
	return h
}

// cut shortens text to n bytes. protobuf refuses strings that are not UTF-8,
// and a hit must not be lost for half a letter.
func cut(text string, n int) string { return strings.ToValidUTF8(text[:min(len(text), n)], "?") }

func decision(d engine.Decision) string {
	if d == engine.Block {
		return "block"
	}
	return "pass"
}

// Share implements proxy.Observer: of a source or an endpoint of which much
// was seen, and of all when there is much to do, a sample is measured.
func (j *Journal) Share(r *proxy.Record, endpoint uint64) uint32 {
	return j.ledger.share(identity{endpoint, r.Head.App}, j.opts.Key.Network(r.Source), r.Time)
}

// suspicious is the score from which on a request teaches nothing, although
// it passes: poison is served in small doses.
const suspicious = 0.2

// Done implements proxy.Observer: it tells of leaks and counts benign
// requests.
func (j *Journal) Done(r *proxy.Record) {
	if unmasked {
		j.Attack(r)
	}
	if j.leaks(r) || r.Verdict.Attack || r.Verdict.Decision != engine.Pass || r.Verdict.Score >= suspicious {
		return
	}
	if j.opts.Recorder != nil && r.Status < 400 {
		if err := j.opts.Recorder.Offer(r, j.masks.Load()); err != nil {
			j.stats.dropped.Add(1)
		}
	}
	dropped := j.ledger.count(r, j.opts.Key.Network(r.Source), j.opts.Key.Neighbourhood(r.Source))
	if dropped > 0 {
		j.stats.dropped.Add(dropped)
	}
}

// Flush spools what has changed enough since the last time, little by little;
// with all set, everything that was not spooled yet, and at once.
func (j *Journal) Flush(all bool) error {
	now := j.opts.Now()
	pause := new(pacer).pause
	if all {
		pause = func() {}
	}
	put := func(d *wirepb.EndpointDelta) error {
		record, err := proto.Marshal(&wirepb.Batch{Endpoints: []*wirepb.EndpointDelta{d}})
		if err != nil {
			return err
		}
		return j.opts.Spool.Put(record)
	}
	for i := range j.ledger.shards {
		if err := j.ledger.shards[i].flush(&j.ledger, now, all, put, pause); err != nil {
			return fmt.Errorf("spooling statistics: %w", err)
		}
	}
	return nil
}

// Resolve returns the texts behind keys that the node has sent: host and path
// of an endpoint, or a point. They are for people with permission only.
func (j *Journal) Resolve(keys [][]byte) []*wirepb.Name {
	var names []*wirepb.Name
	for _, k := range keys {
		if len(k) != 8 {
			continue
		}
		text := j.told.get(k)
		if text == "" {
			text = j.ledger.text(j.opts.Key.Open(binary.BigEndian.Uint64(k)))
		}
		if text != "" {
			names = append(names, &wirepb.Name{Key: k, Text: text})
		}
	}
	return names
}

// A throttle allows each key, such as a source, so many events a minute. It
// forgets all keys each minute, and so is bounded by what a minute brings.
type throttle struct {
	mu     sync.Mutex
	minute int64
	seen   map[uint64]int
}

const (
	// evidencePerMinute is what one network may put into the evidence store:
	// a scanner must not push out the evidence of others.
	evidencePerMinute = 300
	// maxThrottled bounds the keys that are told apart in a minute.
	maxThrottled = 1 << 16
)

func (t *throttle) allow(key uint64, most int, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m := now.Unix() / 60; m != t.minute || t.seen == nil {
		t.minute, t.seen = m, map[uint64]int{}
	}
	if len(t.seen) >= maxThrottled && t.seen[key] == 0 {
		return false
	}
	t.seen[key]++
	return t.seen[key] <= most
}

// texts remembers what is behind the keys of hits; the ledger knows only
// endpoints that answered well. When it is full the older half goes.
type texts struct {
	mu         sync.Mutex
	young, old map[string]string
}

// maxTexts bounds each half: some 2 MB in all.
const maxTexts = 4096

func (t *texts) put(key []byte, text func() string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.young[string(key)]; ok || len(key) == 0 {
		return
	}
	if len(t.young) >= maxTexts || t.young == nil {
		t.old, t.young = t.young, map[string]string{}
	}
	t.young[string(key)] = strings.Clone(cut(text(), maxTarget)) // not the 64 KiB that a path may have
}

func (t *texts) get(key []byte) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text, ok := t.young[string(key)]; ok {
		return text
	}
	return t.old[string(key)]
}

// template returns the path of a request with its typed segments named.
func template(head *engine.Head) string {
	return string(profile.AppendTemplate(nil, profile.AppendPath(nil, head.Target)))
}

// hostOf returns the host of a request in lower case.
func hostOf(head *engine.Head) string { return strings.ToLower(string(head.Host)) }
