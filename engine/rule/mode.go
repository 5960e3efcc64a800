// Package rule is the compiled ruleset: its format, reader, writer and matcher.
//
// A Set is immutable. It holds what a tenant decided, by scope: filtration
// mode, virtual patches, ignored attack classes, masks, custom detectors,
// and the learned profiles of parameters.
//
//	set, err := rule.Load(blob)
//	var m rule.Match // reused, so that matching allocates nothing
//	set.Match(&m, &rule.Request{Method: ..., Host: ..., Target: ...})
//	mode := rule.Resolve(local, override, m.Mode, set.General())
package rule

import (
	"fmt"
	"slices"
	"strings"
)

// Mode is the filtration mode. Off to Block are ordered from mild to strict.
type Mode uint8

// The modes. Inherit means that a scope decides nothing, so that the general
// mode does. Default hands the decision back to the node's own mode, even
// where a wider scope or the general mode decides otherwise.
const (
	Inherit Mode = iota
	Default
	Off
	Monitoring
	SafeBlocking
	Block
)

var modeNames = [...]string{"inherit", "default", "off", "monitoring", "safe_blocking", "block"}

// String returns the name of m as configuration and API spell it.
func (m Mode) String() string { return nameOf(modeNames[:], uint8(m)) }

// ParseMode returns the mode of that name.
func ParseMode(s string) (Mode, error) {
	i, err := indexOf("mode", modeNames[:], s)
	return Mode(i), err
}

// Override says how a mode from the cloud combines with the node's own.
type Override uint8

// OverrideOn lets the cloud's mode win, OverrideStrict only where it is
// stricter, OverrideOff never.
const (
	OverrideOn Override = iota
	OverrideStrict
	OverrideOff
)

var overrideNames = [...]string{"on", "strict", "off"}

// String returns the name of o as configuration spells it.
func (o Override) String() string { return nameOf(overrideNames[:], uint8(o)) }

// ParseOverride returns the override of that name.
func ParseOverride(s string) (Override, error) {
	i, err := indexOf("mode override", overrideNames[:], s)
	return Override(i), err
}

// Resolve returns the mode in effect: local is the node's own, scoped that
// of the most specific rule whose scope holds the request (Inherit without
// one), general that of the whole tenant. The result is Off to Block if
// local is.
func Resolve(local Mode, o Override, scoped, general Mode) Mode {
	cloud := scoped
	if cloud == Inherit {
		cloud = general
	}
	if cloud <= Default || o == OverrideOff {
		return local
	}
	if o == OverrideStrict {
		return max(local, cloud)
	}
	return cloud
}

func nameOf(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%%!(%d)", i)
}

func indexOf(what string, names []string, s string) (uint8, error) {
	if i := slices.Index(names, s); i >= 0 {
		return uint8(i), nil
	}
	return 0, fmt.Errorf("%s %q is none of %s", what, s, strings.Join(names, ", "))
}
