package engine

import (
	"hash/maphash"
	"sync"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/rule"
)

// Bounds of a report, so that a hostile request cannot make it large.
const (
	MaxFindings     = 64   // per request; the strongest are kept
	MaxHints        = 32   // of them, of one class, that alone decide nothing and get no stronger
	MaxFindingValue = 1024 // bytes of Finding.Value, around its span
	MaxValues       = 192  // statistics per request; the first are kept
	MaxListed       = 16   // of them, of one list in a row: a longer one tells nothing more of its values
)

// threshold is the probability from which on a request counts as an attack
// when the ruleset says nothing.
const threshold = 0.5

// Options configure an Engine. The zero value is ready to use.
type Options struct {
	// Limits bound the work per request; zero fields take their defaults.
	Limits parse.Limits
	// Decoders open readers of content codings beyond gzip and deflate, by
	// their names in lower case: br, zstd.
	Decoders map[string]parse.Opener
}

// An Engine inspects requests. It is safe for concurrent use.
type Engine struct {
	options Options
	seed    maphash.Seed
	clean   memory
	pool    sync.Pool

	inflaters parse.Inflaters
}

// New returns an Engine.
func New(o Options) *Engine {
	return &Engine{options: o, seed: maphash.MakeSeed()}
}

// Begin starts the inspection of one request under set, which may be nil for
// no rules. The Tx is not safe for concurrent use; its Close gives it back.
func (e *Engine) Begin(set *rule.Set, env Env) *Tx {
	tx, _ := e.pool.Get().(*Tx)
	if tx == nil {
		tx = new(Tx)
	}
	tx.begin(e, set, env)
	return tx
}

// numClasses is the number of attack classes.
const numClasses = int(detect.Anomaly) + 1

// A Tx is the inspection of one request: Headers once, Body for each chunk,
// End, and then Report until Close.
type Tx struct {
	engine  *Engine
	set     *rule.Set
	env     Env
	walk    parse.Walk
	scanner detect.Scanner
	report  Report
	match   rule.Match
	request rule.Request
	fields  fields

	strongest [numClasses]float32 // weight of the strongest finding per class
	hints     [numClasses]uint8   // kept per class
	weakest   int                 // the index of the weakest finding once the report is full, -1 where nobody asked
	patched   bool                // a virtual patch matched
	enough    float32             // weight of a finding that settles the verdict, 0 for none
	work      work                // so far
	profiled  bool                // the ruleset holds profiles
	list      uint64              // the key of the last value that was measured
	listed    int                 // how many in a row had it
	points    points              // rendered, of Report.Values
	place     headerPlace
	from      detect.Referrer // once it was asked for
	typed     bool            // somebody asked what the body is declared to be
	script    bool            // it is a script
	lines     uint64          // the point of the array that holds a text line by line
	limited   limited
	verdict   Verdict

	asked   uint64 // the hash that Known looked for last
	took    int    // effort until then
	doubted bool   // detectors found something since

	leaky  bool // the response may hold text
	failed bool // its status says so
}

func (tx *Tx) begin(e *Engine, set *rule.Set, env Env) {
	tx.engine, tx.set, tx.env = e, set, env
	tx.walk.Lend(&e.inflaters)
	tx.walk.Reset(tx, e.options.Limits, e.options.Decoders)
	tx.strongest, tx.hints = [numClasses]float32{}, [numClasses]uint8{}
	tx.patched, tx.weakest, tx.profiled, tx.work = false, -1, false, work{}
	tx.limited.reset()
	tx.leaky, tx.failed = false, false
	tx.lines, tx.from, tx.typed = 0, detect.Unread, false
	tx.list, tx.listed = 0, 0
	tx.verdict = Verdict{Mode: env.Mode}
	tx.report = Report{Findings: tx.report.Findings[:0], Values: tx.report.Values[:0], Limits: tx.report.Limits[:0]}
}

// Headers inspects a request up to its body. In mode Off it only finds out
// that this is the mode; neither do Body and End inspect anything then.
func (tx *Tx) Headers(h *Head) Verdict {
	tx.scope(h)
	if tx.verdict.Mode == rule.Off {
		return tx.verdict
	}
	if len(tx.match.Uploads) > 0 {
		tx.announce(h)
	}
	tx.walk.Describe(tx.env.Schema.Input(h.Target))
	if tx.env.Continues {
		tx.walk.Declare(h.Header)
		return tx.decide()
	}
	tx.walk.Target(h.Target)
	tx.walk.Fields(h.Header)
	return tx.decide()
}

// Body inspects the next bytes of the body. The chunk is borrowed only
// during the call. How the body is cut into chunks changes neither verdict
// nor report.
func (tx *Tx) Body(chunk []byte) Verdict {
	if tx.verdict.Mode == rule.Off {
		return tx.verdict
	}
	if len(tx.match.Uploads) > 0 {
		tx.receive(len(chunk))
	}
	tx.walk.Write(chunk)
	return tx.decide()
}

// End inspects what is left and returns the decision.
func (tx *Tx) End() Verdict {
	if tx.verdict.Mode == rule.Off {
		return tx.verdict
	}
	tx.walk.Finish()
	return tx.decide()
}

// Report returns what was found so far. It is valid until Close.
func (tx *Tx) Report() *Report {
	tx.report.Nodes = tx.walk.Points()
	tx.report.Decoded = tx.walk.Decoded()
	tx.report.Shape = tx.walk.Shape().String()
	return &tx.report
}

// Close ends the inspection and gives its buffers back, but for those that
// few requests fill.
func (tx *Tx) Close() {
	e := tx.engine
	tx.walk.Close()
	tx.scanner.Close()
	tx.points.reset()
	tx.engine, tx.set = nil, nil
	tx.request, tx.fields = rule.Request{}, nil
	e.pool.Put(tx)
}
