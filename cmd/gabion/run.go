package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/platform"
	"github.com/gabionhq/gabion/internal/program"
)

type runCmd struct {
	program.Flags
	Upstream string `help:"Protect this application, instead of the sites of the file." placeholder:"URL" xor:"what"`
	Demo     bool   `help:"Protect a demo shop, with simulated shoppers and an attacker." xor:"what"`
}

// Help is shown by gabion run --help.
func (runCmd) Help() string {
	return `Node and cloud talk over the same wire as when they run apart. The first start
makes the data directory, enrols the node and prints a link that logs in once;
the link and an API token are also in bootstrap.json there.

  gabion run --demo
  gabion run --upstream http://127.0.0.1:3000`
}

// Run runs the platform until a signal ends it.
func (c *runCmd) Run(ctx context.Context, std program.Stdio) error {
	cfg, err := c.Load()
	if err != nil {
		return err
	}
	if err := program.Protect(&cfg.Node, c.Upstream); err != nil {
		return err
	}
	if len(cfg.Node.Sites) == 0 && !c.Demo {
		return errors.New("nothing to protect: give --upstream URL, --demo, or a --config FILE with sites")
	}
	closeData, err := program.OpenData(cfg.Data)
	if err != nil {
		return err
	}
	defer closeData()
	p, err := platform.New(ctx, cfg, c.Demo, cfg.Log.Logger(std.Err))
	if err != nil {
		return program.Plain(err)
	}
	c.greet(std.Out, p, cfg)
	return program.Plain(p.Run(ctx))
}

func (c *runCmd) greet(w io.Writer, p *platform.Platform, cfg config.Config) {
	first := p.Bootstrap()
	fmt.Fprintf(w, "traffic  %s\nadmin    %s\nconsole  %s\n", p.NodeURL(), p.AdminURL(), first.ConsoleURL)
	if first.APIToken != "" {
		fmt.Fprintf(w, "         the link logs in once; an API token is in %s\n", filepath.Join(cfg.Data, "bootstrap.json"))
	}
}
