package main

import (
	"fmt"
	"io"

	"github.com/gabionhq/gabion/internal/config"
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
func (c *configCheckCmd) Run(std stdio) error {
	if _, err := config.Read(c.File); err != nil {
		fmt.Fprintln(std.out, err)
		return errFindings
	}
	_, err := fmt.Fprintf(std.out, "%s: ok\n", c.File)
	return err
}

type configSchemaCmd struct{}

// Run prints the schema.
func (configSchemaCmd) Run(std stdio) error {
	s, err := config.Schema()
	if err != nil {
		return err
	}
	_, err = std.out.Write(s)
	return err
}

type configReferenceCmd struct{}

// Run prints the reference.
func (configReferenceCmd) Run(std stdio) error {
	_, err := io.WriteString(std.out, config.Reference())
	return err
}
