// Command gabion is the whole platform in one program: node, cloud and the
// tools around them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line: one field per command, one file per field.
type cli struct {
	Inspect    inspectCmd    `cmd:"" help:"Inspect recorded requests and print a verdict for each."`
	Score      scoreCmd      `cmd:"" help:"Inspect a labelled corpus and print how often the verdicts are right."`
	Config     configCmd     `cmd:"" help:"Check and describe the configuration."`
	Version    versionCmd    `cmd:"" help:"Print version, commit and Go release."`
	Completion completionCmd `cmd:"" help:"Print the completion script for a shell."`
	Reference  referenceCmd  `cmd:"" hidden:"" help:"Print the reference of the command line."`
}

// The exit codes, the same for every command.
const (
	exitOK = iota
	exitFailure
	exitUsage
	exitFindings // of commands that check something
)

// errFindings ends a check that found something and has printed it.
var errFindings = errors.New("findings")

// stdio is where a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}

func run(args []string, std stdio) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit := -1
	parser := kong.Must(&cli{},
		kong.Name("gabion"),
		kong.Description("API security: a filtering node, the cloud behind it, and the tools around both."),
		kong.DefaultEnvars("GABION"),
		kong.Writers(std.out, std.err),
		kong.Exit(func(code int) { exit = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	command, err := parser.Parse(args)
	switch {
	case exit >= 0: // --help printed what was asked for
		return exit
	case err != nil:
		fmt.Fprintf(std.err, "gabion: %v; see gabion --help\n", err)
		return exitUsage
	}
	// A second signal kills: the first one asked nicely.
	context.AfterFunc(ctx, stop)
	return report(command.Run(), std.err)
}

// report prints what went wrong, in one line, and returns the exit code.
func report(err error, w io.Writer) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.Is(err, context.Canceled):
		return exitFailure
	}
	fmt.Fprintf(w, "gabion: %v\n", err)
	return exitFailure
}
