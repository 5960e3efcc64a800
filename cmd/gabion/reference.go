package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/gabionhq/gabion/internal/program"
)

type referenceCmd struct{}

// Run prints the reference of the command line, in Markdown.
func (referenceCmd) Run(k *kong.Kong, std program.Stdio) error {
	var b strings.Builder
	b.WriteString(`# Command line

This page is generated from the program (` + "`gabion reference`" + `).

Exit codes: 0 all is well, 1 failure, 2 wrong usage, 3 a command that checks
something found something. Each flag can be set by an environment variable,
which the tables name.
`)
	eachCommand(k.Model.Node, nil, func(n *kong.Node, path []string) {
		if len(n.Children) == 0 {
			describe(&b, n, path)
		}
	})
	_, err := io.WriteString(std.Out, b.String())
	return err
}

// describe writes the section of one command.
func describe(b *strings.Builder, n *kong.Node, path []string) {
	fmt.Fprintf(b, "\n## gabion %s\n\n%s\n", strings.Join(path, " "), n.Help)
	if n.Detail != "" {
		fmt.Fprintf(b, "\n```\n%s\n```\n", n.Detail)
	}
	if len(n.Positional)+len(n.Flags) == 0 {
		return
	}
	b.WriteString("\n| flag | what | default | environment |\n|---|---|---|---|\n")
	for _, p := range n.Positional {
		fmt.Fprintf(b, "| `%s` | %s | | |\n", strings.ToUpper(p.Name), p.Help)
	}
	for _, f := range n.Flags {
		fmt.Fprintf(b, "| `--%s` | %s | %s | %s |\n", f.Name, f.Help, f.Default, strings.Join(f.Envs, " "))
	}
}
