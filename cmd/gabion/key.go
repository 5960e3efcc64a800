package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gabionhq/gabion/internal/node/agent"
	"github.com/gabionhq/gabion/internal/node/handover"
	"github.com/gabionhq/gabion/internal/program"
)

type keyCmd struct {
	Request keyRequestCmd `cmd:"" help:"On the new node: print a request for the group key, and its fingerprint."`
	Export  keyExportCmd  `cmd:"" help:"On a node that has the key: seal it to a request, once its fingerprint is confirmed."`
	Import  keyImportCmd  `cmd:"" help:"On the new node: open the sealed key; the node uses it from its next start on."`
}

type keyRequestCmd struct{ program.Flags }

// Run makes the data directory if need be: a node may ask before it starts.
func (c *keyRequestCmd) Run(std program.Stdio) error {
	if err := ownKey(&c.Flags); err != nil {
		return err
	}
	cfg, err := c.Load()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	dir, err := nodeData(&c.Flags)
	if err != nil {
		return err
	}
	request, err := agent.RequestKey(dir)
	if err != nil {
		return err
	}
	fingerprint, err := handover.Fingerprint(request)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Err, "fingerprint  %s\n", fingerprint)
	fmt.Fprintln(std.Out, request)
	return nil
}

type keyExportCmd struct {
	program.Flags
	To          string `required:"" help:"What gabion node key request printed on the new node." placeholder:"REQUEST"`
	Fingerprint string `help:"The fingerprint that the new node showed, instead of a question." placeholder:"TEXT"`
}

// Run prints the sealed key once the fingerprint is confirmed.
func (c *keyExportCmd) Run(std program.Stdio) error {
	fingerprint, err := handover.Fingerprint(c.To)
	if err != nil {
		return err
	}
	dir, err := nodeData(&c.Flags)
	if err != nil {
		return err
	}
	cfg, err := c.Load()
	if err != nil {
		return err
	}
	key, err := agent.GroupKey(cfg.Node.Privacy.GroupKeyFile, dir)
	if err != nil {
		return err
	}
	if err := c.confirm(std, fingerprint); err != nil {
		return err
	}
	sealed, err := handover.Seal(c.To, key)
	if err != nil {
		return err
	}
	if err := nameKey(std.Err, key); err != nil {
		return err
	}
	fmt.Fprintln(std.Out, sealed)
	return nil
}

// confirm asks the person who sees both nodes.
func (c *keyExportCmd) confirm(std program.Stdio, fingerprint string) error {
	if c.Fingerprint != "" {
		if !strings.EqualFold(strings.TrimSpace(c.Fingerprint), fingerprint) {
			return fmt.Errorf("the request has the fingerprint %s, not the one given: somebody has changed it, or it is another node's", fingerprint)
		}
		return nil
	}
	fmt.Fprintf(std.Err, "fingerprint  %s\nDoes the new node show the same? [yes/no] ", fingerprint)
	answer, err := bufio.NewReader(std.In).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if !strings.EqualFold(strings.TrimSpace(answer), "yes") {
		return errors.New("not confirmed with yes: nothing is sealed")
	}
	return nil
}

type keyImportCmd struct {
	program.Flags
	Sealed string `arg:"" help:"What gabion node key export printed."`
}

// Run keeps the key for the next start.
func (c *keyImportCmd) Run(std program.Stdio) error {
	if err := ownKey(&c.Flags); err != nil {
		return err
	}
	dir, err := nodeData(&c.Flags)
	if err != nil {
		return err
	}
	key, err := agent.TakeKey(dir, c.Sealed)
	if err != nil {
		return err
	}
	if err := nameKey(std.Out, key); err != nil {
		return err
	}
	_, err = fmt.Fprintln(std.Out, "Restart the node if export named the same key; if not, remove group.key.new: somebody else has sealed it.")
	return err
}

// ownKey refuses where the operator's file would win.
func ownKey(f *program.Flags) error {
	cfg, err := f.Load()
	if err == nil && cfg.Node.Privacy.GroupKeyFile != "" {
		err = fmt.Errorf("privacy.group_key_file is set: this node takes its key from %s", cfg.Node.Privacy.GroupKeyFile)
	}
	return err
}

// nameKey prints what people compare on both nodes.
func nameKey(w io.Writer, key []byte) error {
	name, err := handover.Name(key)
	if err == nil {
		_, err = fmt.Fprintf(w, "group key    %s\n", name)
	}
	return err
}
