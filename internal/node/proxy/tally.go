package proxy

import (
	"maps"
	"sync"
)

// A fate is what became of a request on its way through the node: it was
// inspected, or it bypassed inspection for one reason.
type fate uint8

const (
	undecided fate = iota
	inspected
	off       // the effective mode is off
	failed    // the engine failed
	overload  // more requests or held bytes than the node's bound
	aborted   // the client went away or stalled before the verdict
	malformed // refused as a message, before inspection
	unrouted  // no site has the host

	numFates
)

var fateNames = [numFates]string{"", "inspected", "off", "error", "overload", "aborted", "malformed", "unrouted"}

// Counts are totals since the start. Received is always exactly Inspected
// plus the sum of Bypassed: a request is counted when its fate is known.
type Counts struct {
	Received, Inspected uint64
	Bypassed            map[string]uint64 // by reason
	Attacks, Blocked    uint64            // of those inspected
	FailedOpen          uint64            // forwarded uninspected because of an error
	UpstreamErrors      uint64
	UpgradedBytes       uint64 // relayed after an upgrade, not inspected
}

// A tally counts the requests of one site.
type tally struct {
	mu         sync.Mutex
	fates      [numFates]uint64
	received   uint64
	attacks    uint64
	blocked    uint64
	failedOpen uint64
	upstream   uint64
	upgraded   uint64
}

// settle counts one request.
func (t *tally) settle(f fate, attack, blocked, failedOpen bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.received++
	t.fates[f]++
	t.attacks += one(attack)
	t.blocked += one(blocked)
	t.failedOpen += one(failedOpen)
}

func (t *tally) upstreamError() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.upstream++
}

func (t *tally) upgradedBytes(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.upgraded += uint64(n)
}

func one(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func (t *tally) counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := Counts{
		Received:       t.received,
		Inspected:      t.fates[inspected],
		Bypassed:       map[string]uint64{},
		Attacks:        t.attacks,
		Blocked:        t.blocked,
		FailedOpen:     t.failedOpen,
		UpstreamErrors: t.upstream,
		UpgradedBytes:  t.upgraded,
	}
	for f := off; f < numFates; f++ {
		c.Bypassed[fateNames[f]] = t.fates[f]
	}
	return c
}

func (c *Counts) add(o Counts) {
	c.Received += o.Received
	c.Inspected += o.Inspected
	c.Attacks += o.Attacks
	c.Blocked += o.Blocked
	c.FailedOpen += o.FailedOpen
	c.UpstreamErrors += o.UpstreamErrors
	c.UpgradedBytes += o.UpgradedBytes
	if c.Bypassed == nil {
		c.Bypassed = maps.Clone(o.Bypassed)
		return
	}
	for reason, n := range o.Bypassed {
		c.Bypassed[reason] += n
	}
}
