// Package agent joins what a node remembers with its way out: spool, evidence, recorder, journal and uplink.
package agent

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/node/egress"
	"github.com/gabionhq/gabion/internal/node/evidence"
	"github.com/gabionhq/gabion/internal/node/inquiry"
	"github.com/gabionhq/gabion/internal/node/journal"
	"github.com/gabionhq/gabion/internal/node/keyfile"
	"github.com/gabionhq/gabion/internal/node/proxy"
	"github.com/gabionhq/gabion/internal/node/pseudonym"
	"github.com/gabionhq/gabion/internal/node/recorder"
	"github.com/gabionhq/gabion/internal/node/reveal"
	"github.com/gabionhq/gabion/internal/node/spool"
	"github.com/gabionhq/gabion/internal/node/uplink"
	"github.com/gabionhq/gabion/internal/node/vault"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// What the data directory of a node holds.
const (
	evidenceKey = "evidence.key"  // opens evidence and recorder; never leaves
	groupKey    = "group.key"     // makes tags; the same on every node of a group
	handedKey   = "group.key.new" // of another node; replaces groupKey at the next start
	deskKey     = "handover.key"  // opens the group key that another node seals
	revealed    = "revealed.jsonl"
	questions   = "questions.jsonl"
)

// Host is the node that the agent works for.
type Host interface {
	Use(version uint64, set *rule.Set) error // puts a ruleset in force
	Set() *rule.Set                          // in force
	Status() *wirepb.Status                  // counters and troubles
}

// Options are what an agent works with.
type Options struct {
	Config  config.Node
	Data    string // directory of the node's state
	Version string // of the program
	Engine  *engine.Engine
	Health  uplink.Health
	Log     *slog.Logger
}

// An Agent owns the node's files. Close it last.
type Agent struct {
	opts     Options
	key      *pseudonym.Key
	names    *reveal.Names
	spool    *spool.Spool
	egress   *egress.Log
	evidence *evidence.Store
	recorder *recorder.Recorder
	journal  *journal.Journal
	uplink   *uplink.Uplink
	open     []func() error
}

// Open opens everything that is on disk.
func Open(opts Options) (*Agent, error) {
	a := &Agent{opts: opts}
	if err := a.openAll(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *Agent) openAll() error {
	cfg, data := a.opts.Config, a.opts.Data
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("making the node's data directory: %w", err)
	}
	secret, err := keyfile.LoadOrMake(filepath.Join(data, evidenceKey))
	if err != nil {
		return err
	}
	if a.key, err = loadGroupKey(cfg.Privacy.GroupKeyFile, data, a.opts.Log); err != nil {
		return err
	}
	if a.names, err = reveal.New(reveal.Options{K: cfg.Privacy.RevealK, Open: cfg.Privacy.Reveal, Log: filepath.Join(data, revealed)}); err != nil {
		return err
	}
	a.closing(a.names.Close)
	if a.spool, err = spool.Open(filepath.Join(data, "spool"), int64(cfg.Spool.MaxBytes), cfg.Spool.MaxAge); err != nil {
		return err
	}
	a.closing(a.spool.Close)
	if a.evidence, err = evidence.Open(data, secret, bounds(cfg.Evidence)); err != nil {
		return err
	}
	a.closing(a.evidence.Close)
	if a.recorder, err = recorder.Open(data, secret, bounds(cfg.Recorder.Store), cfg.Recorder.Sample); err != nil {
		return err
	}
	a.closing(a.recorder.Close)
	room := func() bool { return a.recorder.Shrink() || a.evidence.Shrink() }
	if a.egress, err = egress.Open(filepath.Join(data, "egress"), 0, room); err != nil {
		return err
	}
	a.closing(a.egress.Close)
	if lost := a.evidence.Lost() + a.recorder.Lost(); lost > 0 {
		a.opts.Log.Warn("records cannot be decrypted and are ignored: "+evidenceKey+" is another one, or they were changed", "records", lost)
	}
	a.journal = journal.New(journal.Options{
		Spool: a.spool, Key: a.key, Names: a.names, Evidence: a.evidence, Recorder: a.recorder,
		FullSource: cfg.Privacy.Source == "full", Log: a.opts.Log,
	})
	return nil
}

func bounds(s config.Store) vault.Bounds {
	return vault.Bounds{Bytes: int64(s.MaxBytes), Age: s.MaxAge}
}

func (a *Agent) closing(f func() error) { a.open = append(a.open, f) }

// Close closes all files.
func (a *Agent) Close() error {
	var err error
	for i := len(a.open) - 1; i >= 0; i-- {
		err = errors.Join(err, a.open[i]())
	}
	a.open = nil
	return err
}

// Observer is what the proxy tells of requests.
func (a *Agent) Observer() proxy.Observer { return a.journal }

// Evidence is the store of raw requests behind hits.
func (a *Agent) Evidence() *evidence.Store { return a.evidence }

// Journal counts hits and statistics.
func (a *Agent) Journal() *journal.Journal { return a.journal }

// Uplink is the way to the cloud; nil before Join.
func (a *Agent) Uplink() *uplink.Uplink { return a.uplink }

// Join binds the agent to its node and puts the last good ruleset in force.
func (a *Agent) Join(host Host) error {
	cfg := a.opts.Config
	desk := inquiry.New(inquiry.Options{
		May: cfg.CloudMay, Evidence: a.evidence, Recorder: a.recorder, Engine: a.opts.Engine, Key: a.key,
		Current: host.Set, Resolve: a.journal.Resolve, Log: a.opts.Log, File: filepath.Join(a.opts.Data, questions),
	})
	name := cfg.Name
	if name == "" {
		name, _ = os.Hostname()
	}
	var err error
	a.uplink, err = uplink.Open(uplink.Options{
		Dir: filepath.Join(a.opts.Data, "uplink"), URL: cfg.Uplink.URL, Token: cfg.Uplink.Token, Interval: cfg.Uplink.Interval,
		Name: name, Version: a.opts.Version, May: cfg.CloudMay,
		Spool: a.spool, Egress: a.egress, Key: a.key, Health: a.opts.Health, Log: a.opts.Log,
		Flush: a.journal.Flush, Install: func(version uint64, set *rule.Set) error { return a.install(host, version, set) }, Names: a.names.Rule, Answer: desk.Answer,
		Status: func() *wirepb.Status { return a.status(host) },
	})
	return err
}

// trial bounds what a new ruleset may do to the benign requests of the last
// hours: whoever takes the cloud over shall not be able to block everything
// either, by whatever kind of rule or profile.
const (
	trialRequests = 500
	trialLeast    = 50  // recorded requests that say something
	trialShare    = 0.2 // of them that may be blocked
)

// install puts a ruleset in force that lets recorded traffic pass.
func (a *Agent) install(host Host, version uint64, set *rule.Set) error {
	tried, blocked := 0, 0
	a.recorder.Each(func(r *wirepb.Evidence) bool {
		if d, ok := inquiry.Decide(a.opts.Engine, set, r); ok {
			tried++
			if d == engine.Block {
				blocked++
			}
		}
		return tried < trialRequests
	})
	if tried >= trialLeast && float64(blocked) > trialShare*float64(tried) {
		return fmt.Errorf("ruleset %d would block %d of the %d benign requests recorded last", version, blocked, tried)
	}
	if err := host.Use(version, set); err != nil {
		return err
	}
	var masks []string
	for r := range set.Rules() {
		if r.Kind == rule.Mask {
			masks = append(masks, r.Point)
		}
	}
	a.journal.Mask(masks)
	return nil
}

// status adds to the node's own status what the agent knows.
func (a *Agent) status(host Host) *wirepb.Status {
	s, j := host.Status(), a.journal.Stats()
	s.DroppedMetrics, s.Revealed = j.Dropped, uint64(a.names.Count())
	s.RevealK = uint32(a.opts.Config.Privacy.RevealK)
	s.GroupKeyTag = binary.BigEndian.AppendUint64(nil, a.key.Seal(0))
	return s
}

// Run works until ctx ends; what is not delivered then waits on disk. It
// never returns an error: a node does not end because of its cloud.
func (a *Agent) Run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { return a.uplink.Run(ctx) })
	g.Go(func() error { a.look(ctx); return nil })
	return g.Wait()
}

// look checks the stores once a second, and lets old records go.
func (a *Agent) look(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var lost, missed uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		why := text(a.spool.Expire())
		if problem := a.spool.Stats().Problem; problem != "" {
			why = problem
		}
		a.say("spool", why)
		a.say("recorder", text(a.recorder.Expire()))
		why = text(a.evidence.Expire())
		st := a.journal.Stats()
		if st.EvidenceLost > lost {
			why = fmt.Sprintf("the requests behind %d hits could not be kept; the log says why", st.EvidenceLost)
		}
		a.say("evidence", why)
		why = ""
		if st.Dropped > missed {
			why = fmt.Sprintf("%d observations found no room: more endpoints or parameters than a node counts", st.Dropped)
		}
		a.say("statistics", why)
		lost, missed = st.EvidenceLost, st.Dropped
	}
}

// say degrades a part for a reason, or restores it without one.
func (a *Agent) say(part, reason string) {
	if reason == "" {
		a.opts.Health.Restore(part)
		return
	}
	a.opts.Health.Degrade(part, reason)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
