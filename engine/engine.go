// Package engine inspects HTTP requests: bytes in, a verdict and its reasons out.
//
// The engine does no I/O, starts no goroutine and reads no clock; the host
// pushes what it received and acts on what it is told:
//
//	tx := e.Begin(set, engine.Env{Mode: rule.Block})
//	defer tx.Close()
//	if v := tx.Headers(&head); v.Decision == engine.Block { ... }
//	for each chunk { if v := tx.Body(chunk); v.Decision == engine.Block { ... } }
//	v := tx.End()
//
// The verdict is a pure function of the bytes, the Env and the rule.Set.
package engine

import (
	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/engine/rule"
)

// A HeaderField is one field as it stood on the wire.
type HeaderField = parse.Field

// A Head is a request up to its body. The engine borrows all slices until
// Tx.Close; the host must not change them before.
type Head struct {
	Method []byte
	Target []byte // as in the request line; origin form for HTTP/2
	Host   []byte // the effective host, without port
	Scheme []byte
	Proto  []byte
	Header []HeaderField // in wire order, Host included
	App    int32         // application of the tenant, 0 for the default
}

// An Env is what the host knows of a request that its bytes do not show.
type Env struct {
	Mode     rule.Mode     // the node's own mode for this site; never Inherit
	Override rule.Override // how a mode of the ruleset combines with it
	Gray     bool          // the source is on a graylist
	Observe  bool          // fill Report.Values, for learning
	Schema   *parse.Schema // of the site's gRPC services; nil names their fields by number
	// Continues says that the head was inspected already, with the request of
	// which this is a further message: it says what holds and how to read the
	// body, and is not looked at again.
	Continues bool
	// Enough may end Observe once the endpoint is known; nil for never.
	Enough func(endpoint uint64) bool
}

// Decision is what the host shall do with a request.
type Decision uint8

// The decisions.
const (
	Pass Decision = iota
	Block
)

// A Verdict is the decision on one request so far.
type Verdict struct {
	Decision Decision
	Attack   bool      // the evidence passes the threshold, whatever the mode
	Mode     rule.Mode // the mode that was effective
	Score    float32   // calibrated probability of an attack, 0 to 1
}

// A Finding is a detector's finding with the place where it was made.
type Finding struct {
	detect.Finding
	Point    string // rendered, as in post.json.user
	Value    []byte // the value at the point, bounded by MaxFindingValue
	Fragment string // the value-free rendering of Tokens
	Rule     uint64 // the rule that made it, 0 for the engine's detectors
}

// A Value is the statistics of one value. It holds none of its bytes; the
// names in Point are for the host to map to tokens before they leave.
type Value struct {
	Key   uint64 // hash of the point, array indexes folded
	Point []byte // rendered, array indexes folded; valid until Close
	Hash  uint64 // of the bytes of the value, not keyed: the host turns it into a tag before it counts distinct ones
	profile.Stat
}

// A Report is what the engine says of one request. It is valid until
// Tx.Close.
type Report struct {
	Findings []Finding
	Values   []Value  // only with Env.Observe; at most MaxValues, of an attack those before it showed
	Endpoint uint64   // hash of the endpoint; see profile
	Nodes    int      // values visited
	Decoded  int      // bytes that decoders produced
	Shape    string   // the protocol of the body: json-rpc, mcp, chat, responses, completion, contents; empty for others
	Limits   []string // names of the budgets that were spent
	Dropped  int      // findings beyond MaxFindings and MaxHints, each no stronger than those kept
}
