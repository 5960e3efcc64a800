// Package inquiry answers what people ask of the evidence and the recorder of this node.
//
// Counts go back in clear. Requests and names go back sealed to a key that
// was made where the answer is read; an honest cloud relays what it cannot
// open. The node cannot tell whose key it is: a cloud that was taken over can
// send its own, so an operator who does not accept that turns
// cloud_may.evidence off. The node keeps a quota and writes every question
// down.
package inquiry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/node/ceiling"
	"github.com/gabionhq/gabion/internal/node/evidence"
	"github.com/gabionhq/gabion/internal/node/pseudonym"
	"github.com/gabionhq/gabion/internal/node/recorder"
	"github.com/gabionhq/gabion/internal/node/transcript"
	"github.com/gabionhq/gabion/wire"
	"github.com/gabionhq/gabion/wire/wirepb"
)

const (
	// perMinute is the quota of the node. A person reads evidence one by
	// one; whoever takes more is copying it.
	perMinute = 60
	// maxPreview bounds the requests that one preview inspects, and
	// previewTime the time it may take from the traffic.
	maxPreview  = 50_000
	previewTime = 10 * time.Second
	// maxKeys bounds the names of one question.
	maxKeys = 500
)

// Options are what a desk works with. Evidence and Recorder may be nil.
type Options struct {
	May      config.CloudMay
	Evidence *evidence.Store
	Recorder *recorder.Recorder
	Engine   *engine.Engine
	Key      *pseudonym.Key
	Current  func() *rule.Set                   // the ruleset in force
	Resolve  func(keys [][]byte) []*wirepb.Name // texts behind keys
	Log      *slog.Logger
	File     string           // one JSON object per question is appended
	Now      func() time.Time // nil: time.Now
}

// A Desk answers questions. It is safe for concurrent use.
type Desk struct {
	opts Options

	mu     sync.Mutex
	minute int64
	asked  int
}

// New returns a desk.
func New(opts Options) *Desk {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Desk{opts: opts}
}

// refusal is an error that the asker is told.
type refusal string

func (r refusal) Error() string { return string(r) }

// Answer answers one question. It always returns an answer; one that is
// refused says why.
func (d *Desk) Answer(ctx context.Context, ask *wirepb.Ask) *wirepb.AskAnswer {
	a := &wirepb.AskAnswer{AskId: ask.Id}
	err := d.admit(ask)
	if err == nil {
		err = d.answer(ctx, ask, a)
	}
	var told refusal
	switch {
	case errors.As(err, &told):
		a = &wirepb.AskAnswer{AskId: ask.Id, Refused: true, Reason: told.Error()}
	case err != nil:
		d.opts.Log.Error("question not answered", "ask", ask.Id, "kind", ask.Kind, "err", err)
		a = &wirepb.AskAnswer{AskId: ask.Id, Refused: true, Reason: "the node failed; its log says why"}
	}
	if err := d.write(ask, a); err != nil {
		// What cannot be written down is not answered.
		d.opts.Log.Error("question not written down", "ask", ask.Id, "err", err)
		return &wirepb.AskAnswer{AskId: ask.Id, Refused: true, Reason: "the node could not write the question down"}
	}
	return a
}

func (d *Desk) admit(ask *wirepb.Ask) error {
	now := d.opts.Now()
	if ask.ExpiresUnix != 0 && now.Unix() > ask.ExpiresUnix {
		return refusal("the question has expired")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := now.Unix() / 60; m != d.minute {
		d.minute, d.asked = m, 0
	}
	if d.asked++; d.asked > perMinute {
		return refusal(fmt.Sprintf("more than %d questions in a minute", perMinute))
	}
	return nil
}

// answer never panics: a ruleset to try may break on a recorded request what
// none in force does, and traffic must not end with it.
func (d *Desk) answer(ctx context.Context, ask *wirepb.Ask, a *wirepb.AskAnswer) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	switch ask.Kind {
	case "evidence":
		return d.evidence(ask, a)
	case "names":
		return d.names(ask, a)
	case "preview":
		return d.preview(ctx, ask, a)
	}
	return refusal(fmt.Sprintf("this node does not know questions of kind %q", ask.Kind))
}

func (d *Desk) evidence(ask *wirepb.Ask, a *wirepb.AskAnswer) error {
	if !d.opts.May.Evidence {
		return refusal("cloud_may.evidence is off on this node")
	}
	if d.opts.Evidence == nil {
		return refusal("this node keeps no evidence")
	}
	e, err := d.opts.Evidence.Get(ask.EvidenceId)
	if err != nil {
		return refusal("the evidence is " + err.Error())
	}
	a.Matched, a.Examined, a.WindowFrom, a.WindowTo, a.Sampling = 1, 1, e.UnixMs/1000, e.UnixMs/1000, 1
	return seal(ask, a, e)
}

func (d *Desk) names(ask *wirepb.Ask, a *wirepb.AskAnswer) error {
	if !d.opts.May.Evidence {
		return refusal("cloud_may.evidence is off on this node")
	}
	if len(ask.Keys) > maxKeys {
		return refusal(fmt.Sprintf("more than %d names", maxKeys))
	}
	names := d.opts.Resolve(ask.Keys)
	a.Matched, a.Examined, a.Sampling = uint64(len(names)), uint64(len(ask.Keys)), 1
	return seal(ask, a, &wirepb.Names{Names: names})
}

// seal gives the answer in protobuf's JSON, which a page opens without a
// decoder of its own.
func seal(ask *wirepb.Ask, a *wirepb.AskAnswer, m proto.Message) error {
	plain, err := protojson.Marshal(m)
	if err != nil {
		return err
	}
	if a.Sealed, err = wire.Seal(ask.ReplyKey, ask.Id, plain); err != nil {
		return refusal("the reply key is not a point of P-256")
	}
	return nil
}

// preview counts the recorded requests whose verdict the ruleset in the
// question would change.
func (d *Desk) preview(ctx context.Context, ask *wirepb.Ask, a *wirepb.AskAnswer) error {
	if !d.opts.May.Preview {
		return refusal("cloud_may.preview is off on this node")
	}
	set, err := rule.Load(ask.Rule)
	if err != nil {
		return refusal("the ruleset to try: " + err.Error())
	}
	set, refused, err := ceiling.Hold(set, d.opts.May)
	if err != nil || len(refused) > 0 {
		return refusal("the ruleset to try asks for what cloud_may forbids")
	}
	set = set.Rekey(func(endpoint, point uint64) (uint64, uint64) {
		return d.opts.Key.Open(endpoint), d.opts.Key.Open(point)
	})
	ctx, cancel := context.WithTimeout(ctx, previewTime)
	defer cancel()
	p := preview{desk: d, set: set, now: d.opts.Current(), answer: a}
	a.Sampling = 1
	if d.opts.Recorder != nil {
		a.Sampling = d.opts.Recorder.Sampling()
		d.opts.Recorder.Each(func(e *wirepb.Evidence) bool { return p.try(ctx, e) })
	}
	if d.opts.Evidence != nil {
		d.opts.Evidence.Each(func(e *wirepb.Evidence) bool { return p.try(ctx, e) })
	}
	return nil
}

type preview struct {
	desk     *Desk
	set, now *rule.Set
	answer   *wirepb.AskAnswer
}

// try inspects one request under both rulesets and says whether to go on.
func (p *preview) try(ctx context.Context, e *wirepb.Evidence) bool {
	if ctx.Err() != nil || p.answer.Examined >= maxPreview {
		return false
	}
	then, ok := Decide(p.desk.opts.Engine, p.set, e)
	if !ok {
		return true
	}
	a := p.answer
	a.Examined++
	at := e.UnixMs / 1000
	if a.WindowTo == 0 {
		a.WindowFrom, a.WindowTo = at, at
	}
	a.WindowFrom, a.WindowTo = min(a.WindowFrom, at), max(a.WindowTo, at)
	if now, _ := Decide(p.desk.opts.Engine, p.now, e); now != then {
		a.Matched++
	}
	return true
}

// Decide returns what would become of a recorded request under a ruleset, in
// block mode. It is not ok for a request of which only a part was kept: the
// verdict would not be that of the request.
func Decide(e *engine.Engine, set *rule.Set, r *wirepb.Evidence) (d engine.Decision, ok bool) {
	head, body, err := transcript.Read(r.Request)
	if err != nil || r.Truncated {
		return engine.Pass, false
	}
	head.App, head.Scheme = r.Application, []byte(r.Scheme)
	tx := e.Begin(set, engine.Env{Mode: rule.Block})
	defer tx.Close()
	tx.Headers(&head)
	tx.Body(body)
	return tx.End().Decision, true
}

// write appends the question and its outcome to the file.
func (d *Desk) write(ask *wirepb.Ask, a *wirepb.AskAnswer) error {
	d.opts.Log.Info("question from the cloud", "ask", ask.Id, "kind", ask.Kind, "by", ask.AskedBy, "refused", a.Refused, "reason", a.Reason)
	if d.opts.File == "" {
		return nil
	}
	line, err := json.Marshal(struct {
		Time     time.Time `json:"time"`
		Ask      string    `json:"ask"`
		Kind     string    `json:"kind"`
		By       string    `json:"by"`
		Evidence string    `json:"evidence_id,omitempty"`
		Keys     int       `json:"keys,omitempty"`
		Refused  bool      `json:"refused"`
		Reason   string    `json:"reason,omitempty"`
		Matched  uint64    `json:"matched"`
		Examined uint64    `json:"examined"`
	}{d.opts.Now().UTC(), ask.Id, ask.Kind, ask.AskedBy, ask.EvidenceId, len(ask.Keys), a.Refused, a.Reason, a.Matched, a.Examined})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.rotate(); err != nil {
		return err
	}
	f, err := os.OpenFile(d.opts.File, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// maxFile is when the file of questions is put aside, in place of the one
// that was put aside before.
const maxFile = 16 << 20

func (d *Desk) rotate() error {
	info, err := os.Stat(d.opts.File)
	if err != nil || info.Size() < maxFile {
		return nil
	}
	return os.Rename(d.opts.File, d.opts.File+".1")
}
