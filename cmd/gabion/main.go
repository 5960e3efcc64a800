// Command gabion is the whole platform in one program: node, cloud and the tools around them.
package main

import (
	"os"

	"github.com/gabionhq/gabion/internal/program"
)

// commands is the table of contents: one command per field, one file per
// command.
type commands struct {
	Run        runCmd          `cmd:"" help:"Run node, cloud and console in one process."`
	Node       nodeCmd         `cmd:"" help:"Run a filtering node, and see what it sends."`
	Cloud      cloudCmd        `cmd:"" help:"Run the cloud and its console."`
	Inspect    inspectCmd      `cmd:"" help:"Inspect recorded requests and print a verdict for each."`
	Score      scoreCmd        `cmd:"" help:"Inspect a labelled corpus and print how often the verdicts are right."`
	Evidence   evidenceCmd     `cmd:"" help:"See the requests behind hits, on this node."`
	Doctor     doctorCmd       `cmd:"" help:"Find what is wrong with an installation, and what to do about it; exit 3 with findings."`
	Config     configCmd       `cmd:"" help:"Check and describe the configuration."`
	Version    program.Version `cmd:"" help:"Print version, commit and Go release."`
	Completion completionCmd   `cmd:"" help:"Print the completion script for a shell."`
	Reference  referenceCmd    `cmd:"" hidden:"" help:"Print the reference of the command line."`
}

func main() {
	os.Exit(program.Main("gabion",
		"API security: a filtering node, the cloud behind it, and the tools around both.",
		&commands{}, os.Args[1:], program.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
