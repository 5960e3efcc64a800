// Package rule is the compiled ruleset: its format, reader, writer and matcher.
//
// A Set is immutable. It holds what a tenant decided, by scope: filtration
// mode, virtual patches, ignored attack classes, masks, custom detectors,
// and the learned profiles of parameters.
package rule

// Mode is the filtration mode, from mild to strict.
type Mode uint8

// The modes. Inherit means that a scope decides nothing.
const (
	Inherit Mode = iota
	Off
	Monitoring
	SafeBlocking
	Block
)

// Override says how a mode from the cloud combines with the node's own.
type Override uint8

// OverrideOn lets the cloud's mode win, OverrideStrict only where it is
// stricter, OverrideOff never.
const (
	OverrideOn Override = iota
	OverrideStrict
	OverrideOff
)
