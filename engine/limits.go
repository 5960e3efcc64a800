package engine

import (
	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/rule"
)

// A limited holds a request to the limits that rules set. What passes one is
// a violation, whatever the evidence of the detectors is.
type limited struct {
	violated bool // a violation is to be reported
	enforced bool // one is to be blocked
	queries  queries
	files    files
}

func (l *limited) reset() {
	l.violated, l.enforced, l.files = false, false, files{}
	l.queries.reset()
}

// deciding returns which of the rules in order of precedence count: the first
// of those that hold at a point, and all of them where servers disagree which
// that is.
func (tx *Tx) deciding(rules []*rule.Active) []*rule.Active {
	if len(rules) > 1 && !tx.match.Ambiguous() {
		return rules[:1]
	}
	return rules
}

// violationMode returns the mode in which a limit is kept: that of its rule as
// if it were set for the request.
func (tx *Tx) violationMode(a *rule.Active) rule.Mode {
	scoped := a.Mode
	if scoped == rule.Inherit {
		scoped = tx.match.Mode
	}
	return rule.Resolve(tx.env.Mode, tx.env.Override, scoped, tx.set.General())
}

// violate records that the value at n passes a limit of a.
func (tx *Tx) violate(t *parse.Tree, n parse.Node, value []byte, a *rule.Active, c detect.Class, reason string) {
	f := detect.Finding{Class: c, Weight: customWeight, Reason: reason, To: int32(len(value))}
	if tx.ignored(t, n, c, a.ID) || !tx.enforce(a) {
		return
	}
	tx.keep(t, n, value, &f, a.ID)
	tx.patch(t, n, value, &f)
}

// enforce notes a violation of a, and reports whether it counts.
func (tx *Tx) enforce(a *rule.Active) bool {
	mode := tx.violationMode(a)
	if mode == rule.Off {
		return false
	}
	tx.limited.violated = true
	if mode == rule.Block || mode == rule.SafeBlocking && tx.env.Gray {
		tx.limited.enforced = true
	}
	return true
}
