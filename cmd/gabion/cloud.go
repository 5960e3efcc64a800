package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/gabionhq/gabion/internal/cloud"
	"github.com/gabionhq/gabion/internal/program"
)

type cloudCmd struct {
	Run  cloudRunCmd  `cmd:"" default:"withargs" help:"Run the cloud and its console."`
	Link cloudLinkCmd `cmd:"" help:"Make a one-time link that logs the first administrator in, while the cloud runs or not."`
}

type cloudRunCmd struct {
	program.Flags
}

// Run runs the cloud until a signal ends it.
func (c *cloudRunCmd) Run(ctx context.Context, std program.Stdio) error {
	cfg, err := c.Load()
	if err != nil {
		return err
	}
	closeData, err := program.OpenData(cfg.Data)
	if err != nil {
		return err
	}
	defer closeData()
	region, err := cloud.New(cfg.Cloud, cfg.Data, cfg.Log.Logger(std.Err))
	if err != nil {
		return program.Plain(err)
	}
	first, err := region.Bootstrap(ctx, "", false)
	if err != nil {
		region.Close()
		return err
	}
	fmt.Fprintf(std.Out, "console  %s\nwire     %s\n", first.ConsoleURL, region.WireAddr())
	if first.APIToken != "" {
		fmt.Fprintf(std.Out, "         the link logs in once; an API token is in %s\n", filepath.Join(cfg.Data, "bootstrap.json"))
	}
	return program.Plain(region.Run(ctx))
}

type cloudLinkCmd struct {
	program.Flags
}

// Run prints the link.
func (c *cloudLinkCmd) Run(ctx context.Context, std program.Stdio) error {
	cfg, err := c.Load()
	if err != nil {
		return err
	}
	link, err := cloud.Link(ctx, cfg.Cloud, cfg.Data)
	if err != nil {
		return program.Plain(err)
	}
	fmt.Fprintln(std.Out, link)
	return nil
}
