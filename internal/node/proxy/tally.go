package proxy

import (
	"maps"
	"slices"
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
	UpgradedBytes       uint64            // relayed after an upgrade
	Relayed             map[string]uint64 // upgraded connections that are not inspected, by reason
	Messages            Messages
}

// Messages are totals of the messages that clients sent over WebSockets.
// All of them are Inspected plus the sum of Bypassed.
type Messages struct {
	Inspected        uint64
	Bypassed         map[string]uint64 // by reason
	Attacks, Blocked uint64            // of those inspected
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
	relayed    [len(relayReasons)]uint64
	messages   [numFates]uint64
	hostile    uint64 // messages
	refused    uint64 // messages
}

// relayReasons are why an upgraded connection is not inspected: inspection
// of its handshake was off or failed, it is no WebSocket, or its server
// chose an extension that the node does not know.
var relayReasons = [...]string{"off", "error", "protocol", "extension"}

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

// message counts one message of a WebSocket.
func (t *tally) message(f fate, attack, blocked bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.messages[f]++
	t.hostile += one(attack)
	t.refused += one(blocked)
}

// relay counts an upgraded connection that is not inspected.
func (t *tally) relay(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.relayed[slices.Index(relayReasons[:], reason)]++
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
		Relayed:        map[string]uint64{},
		Messages:       Messages{Inspected: t.messages[inspected], Bypassed: map[string]uint64{}, Attacks: t.hostile, Blocked: t.refused},
	}
	for f := off; f < numFates; f++ {
		c.Bypassed[fateNames[f]] = t.fates[f]
	}
	for f := off; f <= malformed; f++ {
		c.Messages.Bypassed[fateNames[f]] = t.messages[f]
	}
	for i, reason := range relayReasons {
		c.Relayed[reason] = t.relayed[i]
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
	c.Messages.Inspected += o.Messages.Inspected
	c.Messages.Attacks += o.Messages.Attacks
	c.Messages.Blocked += o.Messages.Blocked
	c.Bypassed = sum(c.Bypassed, o.Bypassed)
	c.Relayed = sum(c.Relayed, o.Relayed)
	c.Messages.Bypassed = sum(c.Messages.Bypassed, o.Messages.Bypassed)
}

// sum adds b to a, which may be nil.
func sum(a, b map[string]uint64) map[string]uint64 {
	if a == nil {
		return maps.Clone(b)
	}
	for reason, n := range b {
		a[reason] += n
	}
	return a
}
