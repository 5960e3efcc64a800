// Package program is what the mains share: command line, exit codes, configuration, logging, and the data directory.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// The exit codes, the same for every command.
const (
	exitOK = iota
	exitFailure
	exitUsage
	exitFindings
)

// ErrFindings ends a check that found something and has printed it.
var ErrFindings = errors.New("findings")

// Stdio is where a command reads and writes.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// Main runs the command that args name in grammar, a struct of kong
// commands, and returns the exit code. Commands may take a context, which
// ends with SIGINT or SIGTERM, a Stdio and a *kong.Kong.
func Main(name, description string, grammar any, args []string, std Stdio) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// A second signal kills: the first one asked nicely.
	context.AfterFunc(ctx, stop)
	exit := -1
	parser := kong.Must(grammar,
		kong.Name(name),
		kong.Description(description),
		kong.DefaultEnvars("GABION"),
		kong.Writers(std.Out, std.Err),
		kong.Exit(func(code int) { exit = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	command, err := parser.Parse(args)
	switch {
	case exit >= 0: // --help has printed what was asked for
		return exit
	case err != nil:
		fmt.Fprintf(std.Err, "%s: %v; see %s --help\n", name, err, name)
		return exitUsage
	}
	return report(name, command.Run(parser), std.Err)
}

// report prints what went wrong, a line per mistake, and returns the exit
// code.
func report(name string, err error, w io.Writer) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, ErrFindings):
		return exitFindings
	case errors.Is(err, context.Canceled):
		return exitFailure // the user knows: it was a signal
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(w, "%s: %s\n", name, strings.TrimRight(line, "\n"))
	}
	return exitFailure
}
