package proxy

import (
	"net/netip"
	"time"

	"github.com/gabionhq/gabion/engine"
)

// An Observer is told of every inspected request. Its methods are called
// on the goroutine of the request and may be called concurrently for
// different requests. A panic in them is logged and does not change what
// the client gets.
type Observer interface {
	// Share is asked once the endpoint of a request is known, and returns
	// how many requests its values stand for: 0 if they need not be measured.
	// What is known from the start of the record is filled in.
	Share(r *Record, endpoint uint64) uint32
	// Attack is called for each request whose verdict is an attack or a
	// block, before the first byte of the final response is sent, and
	// before Done. What it makes durable is durable before the client
	// knows. Status is 0 unless the request is blocked.
	Attack(*Record)
	// Done is called once for every inspected request, after its response
	// was sent or the exchange failed.
	Done(*Record)
}

// A Record is one inspected request and what became of it. It and
// everything it points to is valid during the call only: copy what you keep.
type Record struct {
	RequestID string     // as in X-Gabion-Request-Id
	Time      time.Time  // when the head was complete
	Site      string     // label of the site: its first host, or "default"
	Source    netip.Addr // after trusted proxies; unmapped
	TLS       bool       // the client spoke TLS to the node
	Ruleset   uint64     // version of the ruleset in force, 0 for none

	Head    *engine.Head
	Verdict engine.Verdict
	Report  *engine.Report
	Share   uint32 // what Observer.Share said; Report.Values is empty if 0

	Body    []byte // the request body as received, de-chunked; its first bytes if Partial
	BodyLen int64  // bytes of body received so far
	Partial bool   // Body is not all of it

	Status        int           // answered to the client; 0 in Attack for passed requests and when nothing was answered
	Leaks         []engine.Leak // what the response gives away, as far as it was looked at; in Done only
	ResponseBytes int64         // bytes of response body relayed
	Duration      time.Duration
}
