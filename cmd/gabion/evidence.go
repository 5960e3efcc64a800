package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gabionhq/gabion/internal/node/agent"
	"github.com/gabionhq/gabion/internal/platform"
	"github.com/gabionhq/gabion/internal/program"
	"github.com/gabionhq/gabion/wire/wirepb"
)

type evidenceCmd struct {
	List evidenceListCmd `cmd:"" help:"List the evidence on this node, newest first."`
	Show evidenceShowCmd `cmd:"" help:"Show a request behind a hit, with what was found in it."`
}

// nodeData finds the node's part of a data directory, which gabion run
// shares with a cloud and gabion node does not.
func nodeData(f *program.Flags) (string, error) {
	cfg, err := f.Load()
	if err != nil {
		return "", err
	}
	if dir := platform.NodeData(cfg.Data); isDir(dir) {
		return dir, nil
	}
	if !isDir(cfg.Data) {
		return "", fmt.Errorf("there is no data directory %s; give --data DIR", filepath.Clean(cfg.Data))
	}
	return cfg.Data, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

type evidenceListCmd struct {
	program.Flags
	Limit int `help:"How many." default:"20"`
}

// Run lists.
func (c *evidenceListCmd) Run(std program.Stdio) error {
	dir, err := nodeData(&c.Flags)
	if err != nil {
		return err
	}
	var newest []string
	lost, err := agent.ScanEvidence(dir, func(e *wirepb.Evidence) {
		newest = append(newest, fmt.Sprintf("%s  %s  %-15s  %s  %s", e.RequestId, instant(e), e.Source, classes(e), printable(requestLine(e))))
		newest = newest[max(0, len(newest)-c.Limit):]
	})
	if err != nil {
		return err
	}
	for i := len(newest) - 1; i >= 0; i-- {
		fmt.Fprintln(std.Out, newest[i])
	}
	return complain(std.Err, lost)
}

type evidenceShowCmd struct {
	program.Flags
	ID  string `arg:"" help:"Request id, as in X-Gabion-Request-Id, or evidence id."`
	Raw bool   `help:"Write the request alone, byte for byte, as gabion inspect --raw - reads it."`
}

// Run shows.
func (c *evidenceShowCmd) Run(std program.Stdio) error {
	dir, err := nodeData(&c.Flags)
	if err != nil {
		return err
	}
	var found *wirepb.Evidence
	lost, err := agent.ScanEvidence(dir, func(e *wirepb.Evidence) {
		if e.RequestId == c.ID || e.Id == c.ID {
			found = e
		}
	})
	if err != nil {
		return err
	}
	if found == nil {
		return errors.Join(fmt.Errorf("there is no evidence of %q on this node: the id is another node's, or it was dropped for age or room", c.ID), complain(std.Err, lost))
	}
	if c.Raw {
		_, err = std.Out.Write(found.Request)
		return err
	}
	return show(std.Out, found)
}

// complain mentions records that the key does not open.
func complain(w io.Writer, lost int) error {
	if lost == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "%d records cannot be decrypted: evidence.key is another one, or they were changed\n", lost)
	return err
}

func show(w io.Writer, e *wirepb.Evidence) error {
	fmt.Fprintf(w, "request  %s\ntime     %s\nsource   %s\nscore    %.2f\n", e.RequestId, instant(e), e.Source, e.Score)
	for _, f := range e.Findings {
		from, to := int(f.From), int(f.To)
		if from > to || to > len(f.Value) {
			from, to = 0, 0
		}
		fmt.Fprintf(w, "\n%s at %s\n  %s\n  %s>>%s<<%s\n", f.Class, printable(f.Point), f.Reason,
			printable(string(f.Value[:from])), printable(string(f.Value[from:to])), printable(string(f.Value[to:])))
	}
	note := ""
	if e.Truncated {
		note = fmt.Sprintf("\n(cut; the body had %d bytes)", e.BodyBytes)
	}
	_, err := fmt.Fprintf(w, "\n%s%s\n", printable(string(e.Request)), note)
	return err
}

func instant(e *wirepb.Evidence) string { return time.UnixMilli(e.UnixMs).Format(time.DateTime) }

func classes(e *wirepb.Evidence) string {
	var names []string
	for _, f := range e.Findings {
		if len(names) == 0 || names[len(names)-1] != f.Class {
			names = append(names, f.Class)
		}
	}
	return strings.Join(names, ",")
}

func requestLine(e *wirepb.Evidence) string {
	line, _, _ := strings.Cut(string(e.Request), "\r\n")
	return line[:min(len(line), 100)]
}

// printable makes text of an attacker safe for a terminal: escapes could
// rewrite what is on it.
func printable(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '\r':
		case r == '\n' || r == '\t' || unicode.IsPrint(r) && r != utf8.RuneError:
			b.WriteRune(r)
		case r == utf8.RuneError:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
	}
	return b.String()
}
