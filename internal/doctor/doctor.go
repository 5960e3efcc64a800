// Package doctor finds what is wrong with an installation, and says what to do about it.
package doctor

import (
	"context"
	"slices"

	"github.com/gabionhq/gabion/internal/config"
)

// Status is how bad it is.
type Status string

// The states, from good to bad. Warn works, but not for long or not as
// meant.
const (
	OK   Status = "ok"
	Warn Status = "warn"
	Fail Status = "fail"
)

// A Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Found  string `json:"found"`            // in one line
	Remedy string `json:"remedy,omitempty"` // what to do, unless all is well
}

// A Patient is what is examined.
type Patient struct {
	Config   config.Config
	Node     bool   // the node of Config runs here
	NodeData string // its part of the data directory
	Cloud    bool   // the cloud of Config runs here
}

// Examine looks at everything, in order of how early a start would stumble
// over it. It changes nothing and talks only to addresses in the
// configuration.
func Examine(ctx context.Context, p Patient) []Check {
	checks := []Check{p.data()}
	checks = append(checks, p.disk(), openFiles())
	running := p.running()
	checks = append(checks, p.ports(running)...)
	checks = append(checks, p.exposure()...)
	if p.Node {
		checks = append(checks, p.sites(ctx)...)
		checks = append(checks, p.trusted()...)
		checks = append(checks, p.uplink(ctx)...)
	}
	if p.Node && running {
		checks = append(checks, p.readiness(ctx)...)
	}
	return checks
}

// Findings reports whether anything is not well.
func Findings(checks []Check) bool {
	return slices.ContainsFunc(checks, func(c Check) bool { return c.Status != OK })
}
