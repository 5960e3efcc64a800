package replay

import (
	"unicode/utf8"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
)

// chunk is how much of a body the engine is given at once: what a proxy
// reads from a socket at once.
const chunk = 64 << 10

// The verdicts.
const (
	Pass  = "pass"
	Block = "block"
)

// A Verdict is what the engine says of one request, as a line of output.
type Verdict struct {
	Verdict  string    `json:"verdict"` // Pass or Block: what a node in mode block does
	Score    float32   `json:"score"`   // 0 to 1
	Findings []Finding `json:"findings"`
	NS       int64     `json:"ns"` // processor time spent in the engine, nanoseconds
}

// A Finding is one reason of a verdict.
type Finding struct {
	Class  string   `json:"class"`
	Point  string   `json:"point"`
	Value  string   `json:"value"`
	Bytes  []byte   `json:"value_b64,omitempty"` // the value, where it is not UTF-8
	Spans  [][2]int `json:"spans"`               // half-open, in bytes of the value
	Reason string   `json:"reason"`
}

// An Inspector runs requests through an engine in mode block. Several
// goroutines may share it.
type Inspector struct {
	engine *engine.Engine
	set    *rule.Set
}

// NewInspector returns an Inspector. A nil set stands for no rules at all.
func NewInspector(e *engine.Engine, set *rule.Set) *Inspector {
	return &Inspector{e, set}
}

// Inspect runs one request through the engine, and stops where a node would:
// at the first decision to block.
func (in *Inspector) Inspect(q *Request) Verdict {
	head := q.head()
	var tx *engine.Tx
	var v engine.Verdict
	ns := cpuTime(func() {
		tx = in.engine.Begin(in.set, engine.Env{Mode: rule.Block})
		v = push(tx, head, q.Body)
	})
	defer tx.Close()

	out := Verdict{Verdict: Pass, Score: v.Score, Findings: []Finding{}, NS: ns}
	if v.Decision == engine.Block {
		out.Verdict = Block
	}
	for _, f := range tx.Report().Findings {
		out.Findings = append(out.Findings, finding(&f))
	}
	return out
}

func push(tx *engine.Tx, head *engine.Head, body []byte) engine.Verdict {
	if v := tx.Headers(head); v.Decision == engine.Block {
		return v
	}
	for len(body) > 0 {
		n := min(chunk, len(body))
		if v := tx.Body(body[:n]); v.Decision == engine.Block {
			return v
		}
		body = body[n:]
	}
	return tx.End()
}

func finding(f *engine.Finding) Finding {
	out := Finding{
		Class:  f.Class.String(),
		Point:  f.Point,
		Value:  string(f.Value),
		Spans:  [][2]int{{int(f.From), int(f.To)}},
		Reason: f.Reason,
	}
	if !utf8.Valid(f.Value) {
		out.Bytes = append(out.Bytes, f.Value...)
	}
	return out
}
