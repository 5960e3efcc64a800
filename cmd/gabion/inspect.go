package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/internal/node/agent"
	"github.com/gabionhq/gabion/internal/program"
	"github.com/gabionhq/gabion/internal/replay"
)

type inspectCmd struct {
	rulesetFlag
	Raw string `help:"Inspect one HTTP/1.1 message from FILE instead; - is standard input." placeholder:"FILE"`
}

// Help is shown by gabion inspect --help.
func (inspectCmd) Help() string {
	return `Reads one request per line from standard input,

  {"method":"GET","target":"/?q=1","headers":[["Host","a.example"]],"body_b64":""}

and prints one verdict per line, in the same order:

  {"verdict":"pass","score":0.01,"findings":[],"ns":5120}

The verdict is what a node in mode block decides; a ruleset may change the mode. Other fields of a request
are ignored. The exit code is 0 whatever the verdicts are.`
}

// Run inspects.
func (c *inspectCmd) Run(ctx context.Context, std program.Stdio) error {
	in, err := c.inspector()
	if err != nil {
		return err
	}
	// Each verdict is one write: whoever talks to us through a pipe may wait
	// for it before sending the next request.
	enc := json.NewEncoder(std.Out)
	enc.SetEscapeHTML(false)
	if c.Raw != "" {
		return c.raw(in, std.In, enc)
	}
	err = replay.Each(ctx, std.In, func(line []byte) (v replay.Verdict, err error) {
		q, err := replay.Parse(line)
		if err != nil {
			return v, err
		}
		return in.Inspect(q), nil
	}, func(v replay.Verdict) error {
		return enc.Encode(v)
	})
	if err != nil {
		return fmt.Errorf("inspecting: %w", err)
	}
	return nil
}

// rulesetFlag is shared by the commands that run recorded requests.
type rulesetFlag struct {
	Ruleset string `help:"Apply this ruleset, for example uplink/ruleset.pb of a node." placeholder:"FILE"`
}

func (f rulesetFlag) inspector() (*replay.Inspector, error) {
	if f.Ruleset == "" {
		return replay.NewInspector(engine.New(engine.Options{}), nil), nil
	}
	set, err := agent.Ruleset(f.Ruleset)
	if err != nil {
		return nil, err
	}
	return replay.NewInspector(engine.New(engine.Options{}), set), nil
}

func (c *inspectCmd) raw(in *replay.Inspector, stdin io.Reader, enc *json.Encoder) error {
	msg, err := readAll(c.Raw, stdin)
	if err != nil {
		return err
	}
	q, err := replay.ParseRaw(msg)
	if err != nil {
		return err
	}
	return enc.Encode(in.Inspect(q))
}

// readAll reads a file, or standard input when its name is "-".
func readAll(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name)
}
