package program

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/node"
)

// Node is the node command, in gabion and in gabion-node.
type Node struct {
	Flags
	Upstream string `help:"Protect this application, instead of the sites of the file." placeholder:"URL"`
	Token    string `help:"Enrolment token, for the first start; @FILE reads it from a file." placeholder:"TOKEN"`
}

// Help is shown by --help.
func (Node) Help() string {
	return `The node receives traffic, inspects it and forwards what passes. With a token
from the cloud it enrols once; after that it needs none. Without one it runs
alone.`
}

// Run runs the node until a signal ends it.
func (c *Node) Run(ctx context.Context, std Stdio) error {
	cfg, err := c.Load()
	if err != nil {
		return err
	}
	if cfg.Node.Uplink.Token, err = c.token(cfg.Node.Uplink.Token); err != nil {
		return err
	}
	if err := Protect(&cfg.Node, c.Upstream); err != nil {
		return err
	}
	collectSeldom()
	closeData, err := OpenData(cfg.Data)
	if err != nil {
		return err
	}
	defer closeData()
	n, err := node.New(cfg.Node, cfg.Data, cfg.Log.Logger(std.Err))
	if err != nil {
		return Plain(err)
	}
	fmt.Fprintf(std.Out, "traffic  http://%s\nadmin    http://%s\n", n.Addr(), n.AdminAddr())
	return Plain(n.Run(ctx))
}

// token is the flag's token, or else the file's.
func (c *Node) token(configured string) (string, error) {
	name, isFile := strings.CutPrefix(c.Token, "@")
	switch {
	case c.Token == "":
		return configured, nil
	case !isFile:
		return c.Token, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("reading the enrolment token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Protect makes upstream the only site, in its default mode, when it is not
// empty.
func Protect(cfg *config.Node, upstream string) error {
	if upstream == "" {
		return nil
	}
	if err := config.CheckURL(upstream); err != nil {
		return fmt.Errorf("--upstream: %w", err)
	}
	cfg.Sites = []config.Site{{Upstream: upstream}}
	return nil
}
