package main

import (
	"fmt"
	"io"

	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/program"
)

type configCmd struct {
	Check     configCheckCmd     `cmd:"" help:"Check a configuration file; exit 3 when it has mistakes."`
	Schema    configSchemaCmd    `cmd:"" help:"Print the JSON Schema of the configuration."`
	Reference configReferenceCmd `cmd:"" help:"Print the reference of the configuration, in Markdown."`
}

type configCheckCmd struct {
	File string `arg:"" help:"The file."`
}

// Run checks a file and prints each mistake in a line of its own.
func (c *configCheckCmd) Run(std program.Stdio) error {
	if _, err := config.Read(c.File); err != nil {
		fmt.Fprintln(std.Out, err)
		return program.ErrFindings
	}
	_, err := fmt.Fprintf(std.Out, "%s: ok\n", c.File)
	return err
}

type configSchemaCmd struct{}

// Run prints the schema.
func (configSchemaCmd) Run(std program.Stdio) error {
	s, err := config.Schema()
	if err != nil {
		return err
	}
	_, err = std.Out.Write(s)
	return err
}

type configReferenceCmd struct{}

// Run prints the reference.
func (configReferenceCmd) Run(std program.Stdio) error {
	_, err := io.WriteString(std.Out, config.Reference())
	return err
}
