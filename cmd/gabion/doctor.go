package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/gabionhq/gabion/internal/doctor"
	"github.com/gabionhq/gabion/internal/platform"
	"github.com/gabionhq/gabion/internal/program"
)

type doctorCmd struct {
	program.Flags
	What     string `arg:"" optional:"" enum:"run,node,cloud" default:"run" help:"What is meant to run here: run, node or cloud."`
	Upstream string `help:"As in gabion run." placeholder:"URL"`
	Output   string `short:"o" enum:"table,json" default:"table" help:"table or json."`
}

// Help is shown by gabion doctor --help.
func (doctorCmd) Help() string {
	return `Looks at configuration, data directory, disk, addresses, applications, the way
to the cloud and a running node, and says for each trouble what to do. The exit
code is 3 when there is any.`
}

// Run examines.
func (c *doctorCmd) Run(ctx context.Context, std program.Stdio) error {
	checks := c.examine(ctx)
	if c.Output == "json" {
		if err := json.NewEncoder(std.Out).Encode(checks); err != nil {
			return err
		}
	} else if err := printChecks(std.Out, checks); err != nil {
		return err
	}
	if doctor.Findings(checks) {
		return program.ErrFindings
	}
	return nil
}

func (c *doctorCmd) examine(ctx context.Context) []doctor.Check {
	cfg, err := c.Load()
	if err == nil {
		err = program.Protect(&cfg.Node, c.Upstream)
	}
	if err != nil {
		var checks []doctor.Check
		for line := range strings.Lines(err.Error()) {
			checks = append(checks, doctor.Check{Name: "configuration", Status: doctor.Fail, Found: strings.TrimSpace(line), Remedy: "correct it; gabion config reference lists all keys"})
		}
		return checks
	}
	patient := doctor.Patient{Config: cfg, Node: c.What != "cloud", NodeData: cfg.Data, Cloud: c.What != "node"}
	if c.What == "run" {
		patient.NodeData = platform.NodeData(cfg.Data)
	}
	return append([]doctor.Check{{Name: "configuration", Status: doctor.OK, Found: "is well-formed"}}, doctor.Examine(ctx, patient)...)
}

func printChecks(out io.Writer, checks []doctor.Check) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, c := range checks {
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.Status, c.Name, c.Found)
		if c.Remedy != "" {
			fmt.Fprintf(w, "\t\t-> %s\n", c.Remedy)
		}
	}
	return w.Flush()
}
