package engine

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/rule"
)

// queries holds the GraphQL documents of a request to the rules. It reads
// them beside the walk, because they may be longer than a window.
type queries struct {
	meters  [3]metered // one for each reading of the body
	seen    bool       // there is a document
	batched uint64     // a bit for each rule whose batch was passed
	early   [4]early   // violations beside a document that is still to come
	waiting int
}

// A metered document is one that is being read, or was read last, in a tree.
type metered struct {
	tree  *parse.Tree
	at    uint64 // its point, 0 for none
	steps int    // that lead there
	told  uint64 // a bit for each limit of each rule that it passed
	meter parse.QueryMeter
}

// An early violation counts when the request turns out to hold a document.
type early struct {
	by      *rule.Active
	finding Finding
}

func (q *queries) reset() {
	for i := range q.meters {
		q.meters[i].tree, q.meters[i].at = nil, 0
	}
	q.seen, q.batched, q.waiting = false, 0, 0
}

// in returns the document of a tree.
func (q *queries) in(t *parse.Tree) *metered {
	for i := range q.meters {
		if m := &q.meters[i]; m.tree == t || m.tree == nil {
			m.tree = t
			return m
		}
	}
	return &q.meters[0]
}

// query holds a value to the limits of GraphQL.
func (tx *Tx) query(t *parse.Tree, n parse.Node, value []byte) {
	if t.IsName(n) || isRendition(t.Kind(n)) {
		return
	}
	part := partOf(t, n)
	before, own := t.Extent(n, value)
	m, key := tx.limited.queries.in(t), t.Keys(n).Exact
	switch {
	case before == 0 && parse.BeginsQuery(value, own == len(value)) && !m.holds(t, n):
		m.at, m.steps, m.told = key, t.Steps(n), 0
		m.meter.Reset()
		tx.documentSeen()
	case before == 0 || m.at != key:
		tx.besideQuery(t, n, value, &part, before)
		return
	}
	m.meter.Feed(value[:own])
	for i, a := range tx.deciding(tx.match.Queries) {
		tx.limitQuery(t, n, value, a, m, i, &part)
	}
}

// isRendition reports whether a value of that kind is what a decoder made of
// one that was visited before: servers read one of both.
func isRendition(k parse.Kind) bool {
	switch k {
	case parse.HTMLJS, parse.Percent, parse.Base64, parse.Hex, parse.JWT, parse.ViewState, parse.Pollution:
		return true
	}
	return false
}

// holds reports whether n is inside the document, such as a text in its
// arguments that looks like another one.
func (m *metered) holds(t *parse.Tree, n parse.Node) bool {
	above := parse.Node(-1)
	if m.at != 0 {
		above = t.Above(t.Parent(n), m.steps)
	}
	return above >= 0 && t.Keys(above).Exact == m.at
}

// The limits of a document, by the bit that says that it was passed.
const (
	passedDocument = iota
	passedValue
	passedDepth
	passedAliases
	passedBatch
	passedIntrospection
	passedDebug
	numPassed
)

// reasons are the violations in words.
var reasons = [numPassed]string{
	passedDocument:      "The GraphQL document is larger than a rule allows.",
	passedValue:         "A value of the GraphQL operation is larger than a rule allows.",
	passedDepth:         "The GraphQL document nests deeper than a rule allows.",
	passedAliases:       "The GraphQL document asks for more fields under other names than a rule allows.",
	passedBatch:         "The request holds more GraphQL operations than a rule allows.",
	passedIntrospection: "The GraphQL document asks for the schema, which a rule denies.",
	passedDebug:         "The GraphQL operation asks how it is executed, which a rule denies.",
}

// limitQuery compares what was read of a document with the limits of a, rule
// number i.
func (tx *Tx) limitQuery(t *parse.Tree, n parse.Node, value []byte, a *rule.Active, m *metered, i int, part *operationPart) {
	l, q := &a.Query, &m.meter
	for limit, passed := range [numPassed]bool{
		passedDocument:      over(q.Size, l.Document),
		passedValue:         over(q.Value, l.Value),
		passedDepth:         l.Depth > 0 && over(q.Depth(), l.Depth),
		passedAliases:       over(q.Aliases, l.Aliases),
		passedBatch:         tx.overBatch(a, i, part),
		passedIntrospection: l.DenyIntrospection && q.Introspection,
		passedDebug:         l.DenyDebug && q.Debug,
	} {
		bit := uint64(1) << ((i*numPassed + limit) % 64)
		if passed && m.told&bit == 0 {
			m.told |= bit
			tx.violate(t, n, value, a, detect.GraphQL, reasons[limit])
		}
	}
}

// overBatch reports whether the operation is beyond the batch that a, rule
// number i, allows, the first time that there is one.
func (tx *Tx) overBatch(a *rule.Active, i int, part *operationPart) bool {
	bit := uint64(1) << (i % 64)
	if !over(part.number, a.Query.Batch) || tx.limited.queries.batched&bit != 0 {
		return false
	}
	tx.limited.queries.batched |= bit
	return true
}

func over(n int, limit uint32) bool { return limit > 0 && uint64(n) > uint64(limit) }

// besideQuery holds what comes with a document to the limits: its variables,
// what else asks for more than data, and operations that name a document
// which the server knows.
func (tx *Tx) besideQuery(t *parse.Tree, n parse.Node, value []byte, part *operationPart, before int) {
	size := 0
	if part.name == variables && !t.IsContainer(n) {
		size = before + len(value)
	}
	debug := part.name == debugging && isOn(value)
	persisted := part.name == persistedQuery
	if persisted {
		tx.documentSeen()
	}
	for i, a := range tx.deciding(tx.match.Queries) {
		switch {
		case over(size, a.Query.Value):
			tx.violateOperation(t, n, value, a, reasons[passedValue])
		case debug && a.Query.DenyDebug:
			tx.violateOperation(t, n, value, a, reasons[passedDebug])
		case persisted && tx.overBatch(a, i, part):
			tx.violateOperation(t, n, value, a, reasons[passedBatch])
		}
	}
}

// violateOperation records a violation beside a document, which counts when
// there is one.
func (tx *Tx) violateOperation(t *parse.Tree, n parse.Node, value []byte, a *rule.Active, reason string) {
	q := &tx.limited.queries
	switch {
	case q.seen:
		tx.violate(t, n, value, a, detect.GraphQL, reason)
	case q.waiting < len(q.early) && !tx.ignored(t, n, detect.GraphQL, a.ID):
		f := detect.Finding{Class: detect.GraphQL, Weight: customWeight, Reason: reason, To: int32(len(value))}
		q.early[q.waiting] = early{a, tx.render(t, n, value, &f, a.ID)}
		q.waiting++
	}
}

// documentSeen lets violations count that came before the document.
func (tx *Tx) documentSeen() {
	q := &tx.limited.queries
	q.seen = true
	for _, e := range q.early[:q.waiting] {
		if tx.enforce(e.by) && len(tx.report.Findings) < MaxFindings {
			tx.report.Findings = append(tx.report.Findings, e.finding)
		}
	}
	q.waiting = 0
}

// An operationName says which part of an operation a value is.
type operationName uint8

const (
	noOperation operationName = iota
	variables
	debugging
	persistedQuery
)

// An operationPart is the place of a value in a request for operations.
type operationPart struct {
	name   operationName
	number int // of the operation in its batch, from 1
}

// maxEnvelope is how many steps of a point say which part of an operation it
// is: post.multipart.operations.json[0].payload.extensions.tracing.
const maxEnvelope = 9

// partOf finds out which part of an operation the value at n is (GraphQL over
// HTTP, and the multipart and WebSocket forms of it):
//
//	get.variables.json.x   post.json.query   post.json[2].extensions.tracing
func partOf(t *parse.Tree, n parse.Node) operationPart {
	n = t.Above(n, min(t.Steps(n), maxEnvelope))
	var steps [maxEnvelope]parse.Node
	first := maxEnvelope
	for ; n >= 0; n = t.Parent(n) {
		first--
		steps[first] = n
	}
	p := operationPart{number: 1}
	for _, n := range steps[first:] {
		switch key := t.Key(n); t.Kind(n) {
		case parse.Header:
			if isTraceField(key) {
				p.name = debugging
			}
			return p
		case parse.Array:
			if parent := t.Parent(n); parent >= 0 && t.Kind(parent) == parse.JSON {
				p.number = t.Index(n) + 1
			}
		case parse.Get, parse.Hash:
			switch string(key) {
			case "operations", "payload", "extensions":
				continue // what is in it says more
			case "variables":
				p.name = variables
			case "debug", "_debug", "tracing":
				p.name = debugging
			case "persistedQuery":
				p.name = persistedQuery
			}
			return p
		}
	}
	return p
}

// isTraceField reports whether a header field asks for a trace.
func isTraceField(name []byte) bool {
	switch string(name) {
	case "X-APOLLO-TRACING", "APOLLO-FEDERATION-INCLUDE-TRACE", "APOLLO-QUERY-PLAN-EXPERIMENTAL":
		return true
	}
	return false
}

// isOn reports whether the value of a switch turns it on.
func isOn(value []byte) bool {
	switch string(bytes.TrimSpace(value)) {
	case "", "0", "false", "null", "off", "no":
		return false
	}
	return true
}
