package main

import (
	"context"

	"github.com/gabionhq/gabion/internal/node/agent"
	"github.com/gabionhq/gabion/internal/program"
)

type nodeCmd struct {
	Run    program.Node `cmd:"" default:"withargs" help:"Run a filtering node."`
	Egress egressCmd    `cmd:"" help:"Print every message that the node has sent to its cloud, decoded."`
	Key    keyCmd       `cmd:"" help:"Pass the group key from one node of a group to another."`
}

type egressCmd struct {
	program.Flags
	Follow bool `short:"f" help:"Go on with what is sent later."`
}

// Run prints the log of outbound messages.
func (c *egressCmd) Run(ctx context.Context, std program.Stdio) error {
	dir, err := nodeData(&c.Flags)
	if err != nil {
		return err
	}
	return agent.CopyEgress(ctx, std.Out, dir, c.Follow)
}
