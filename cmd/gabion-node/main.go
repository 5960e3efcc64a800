// Command gabion-node is the filtering node alone, without any code of the cloud.
package main

import (
	"os"

	"github.com/gabionhq/gabion/internal/program"
)

type commands struct {
	Run     program.Node    `cmd:"" default:"withargs" help:"Run the node."`
	Version program.Version `cmd:"" help:"Print version, commit and Go release."`
}

func main() {
	os.Exit(program.Main("gabion-node",
		"The filtering node of Gabion.",
		&commands{}, os.Args[1:], program.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
