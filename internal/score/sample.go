package score

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/gabionhq/gabion/internal/replay"
)

// The labels of a corpus.
const (
	Attack = "attack"
	Benign = "benign"
)

// A Sample is one labelled request.
type Sample struct {
	replay.Request
	ID     string `json:"id"`
	Source string `json:"source"` // where the request comes from
	Label  string `json:"label"`  // attack, benign
	Class  string `json:"class"`  // of the attack, or kind of benign traffic
	Ctx    string `json:"ctx"`    // where the payload sits
	Tier   string `json:"tier"`   // how far the label is trusted
	Family string `json:"family"` // near-duplicates share it
}

// ParseSample reads a line of a corpus.
func ParseSample(line []byte) (*Sample, error) {
	s := &Sample{}
	if err := json.Unmarshal(line, s); err != nil {
		return nil, fmt.Errorf("parsing a labelled request: %w", err)
	}
	if s.Label != Attack && s.Label != Benign {
		return nil, fmt.Errorf("parsing a labelled request: label %q is neither attack nor benign", s.Label)
	}
	return s, s.Check()
}

// Sealed reports whether s belongs to the fifth of the families that nobody
// looks at while working on detection: sha256 of the family, read as a
// number, is divisible by 5.
func (s *Sample) Sealed() bool {
	sum := 0
	// 256 leaves 1 when divided by 5, so the digits can simply be added.
	for _, b := range sha256.Sum256([]byte(s.Family)) {
		sum += int(b)
	}
	return sum%5 == 0
}

// headline reports whether the label is trusted enough to judge a release by.
func (s *Sample) headline() bool {
	if s.Label == Attack {
		return s.Tier == "gold" || s.Tier == "silver"
	}
	return s.Tier == "real" || s.Tier == "synth"
}

// An outcome is a sample with its verdict, as a Tally counts it.
type outcome struct {
	*Sample
	verdict replay.Verdict
	leftOut bool // the sample is sealed and was not inspected
}

func newOutcome(s *Sample, v replay.Verdict) *outcome {
	return &outcome{Sample: s, verdict: v}
}

func (o *outcome) attack() bool { return o.Label == Attack }

// right reports whether verdict and label agree.
func (o *outcome) right() bool { return (o.verdict.Verdict == replay.Block) == o.attack() }

// maxText bounds how much of a request a Miss shows: what fits on a screen.
const maxText = 400

func (o *outcome) miss() Miss {
	text := o.Method + " " + o.Target
	if len(o.Body) > 0 {
		text += " | " + string(o.Body)
	}
	return Miss{
		Label: o.Label, Class: o.Class, Source: o.Source, Tier: o.Tier, Ctx: o.Ctx, ID: o.ID,
		Score: o.verdict.Score, Text: text[:min(maxText, len(text))], Findings: o.verdict.Findings,
	}
}
