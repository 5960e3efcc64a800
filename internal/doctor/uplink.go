package doctor

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/gabionhq/gabion/internal/node/agent"
	"github.com/gabionhq/gabion/internal/node/uplink"
	"github.com/gabionhq/gabion/wire"
)

// uplink looks at what connects the node with its cloud, and dials it.
func (p Patient) uplink(ctx context.Context) []Check {
	const newToken = "make a new token in the console, and start the node once with --token"
	state, cloud, err := agent.Enrolment(p.NodeData)
	if err != nil && state.Node == "" {
		return []Check{{"enrolment", Fail, err.Error(), "restore " + p.NodeData + " from a backup, or remove uplink/identity.json there and enrol again: " + newToken}}
	}
	var checks []Check
	if err != nil {
		checks = append(checks, Check{"ruleset", Fail, err.Error(), "remove uplink/ruleset.pb in " + p.NodeData + ": the cloud sends the ruleset again"})
	}
	if state.Node != "" {
		checks = append(checks, enrolled(state))
	} else {
		if p.Config.Node.Uplink.Token == "" {
			return append(checks, Check{"enrolment", OK, "not enrolled; the node runs alone", ""})
		}
		token, err := wire.ParseToken(p.Config.Node.Uplink.Token)
		if err != nil {
			return append(checks, Check{"enrolment", Fail, err.Error(), newToken})
		}
		checks = append(checks, Check{"enrolment", OK, "not enrolled yet; there is a token for region " + token.Region, ""})
		cloud = token.Address
	}
	return append(checks, p.reach(ctx, cloud))
}

func enrolled(state uplink.State) Check {
	c := Check{"enrolment", OK, fmt.Sprintf("node %s of region %s; certificate until %s", state.Node, state.Region, state.Expires.Format(time.DateOnly)), ""}
	switch left := time.Until(state.Expires); {
	case left <= 0:
		c.Status = Fail
		c.Remedy = "the node was off or away for too long: forget it in the console and enrol it again; if the date is wrong, correct the clock"
	case left < soon:
		c.Status = Warn
		c.Remedy = "the node renews it by itself once it reaches the cloud"
	}
	return c
}

// reach dials the cloud where the node would.
func (p Patient) reach(ctx context.Context, cloud string) Check {
	const name = "cloud"
	if u, err := url.Parse(p.Config.Node.Uplink.URL); err == nil && u.Host != "" {
		cloud = u.Host
	}
	conn, failed := dial(ctx, cloud)
	if failed == nil {
		conn.Close()
		return Check{name, OK, cloud + " answers", ""}
	}
	if p.Cloud && !p.running() {
		return Check{name, OK, "starts together with the node", ""}
	}
	return Check{name, Warn, failed.Found, failed.Remedy + "; until then the node protects with its last ruleset and keeps what it has to report"}
}
