package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// A node is a Gabion node of its own process, in mode block, with the
// default configuration and without a cloud.
type node struct {
	addr string
	cmd  *exec.Cmd
}

// build makes the program from the checkout around this module.
func build(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "gabion-node")
	if out, err := exec.CommandContext(ctx, "go", "build", "-C", "..", "-o", program, "./cmd/gabion-node").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building gabion-node: %w\n%s", err, out)
	}
	return program, nil
}

// startNode runs program in front of upstream until it accepts connections.
func startNode(program, dir, name, upstream string) (*node, error) {
	addr, err := free()
	if err != nil {
		return nil, err
	}
	admin, err := free()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, name+".yaml")
	conf := fmt.Sprintf("data: %s\nnode:\n  listen: %s\n  admin: %s\n  sites:\n    - upstream: %s\n      mode: block\n", filepath.Join(dir, name), addr, admin, upstream)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	n := &node{addr: addr, cmd: exec.Command(program, "run", "--config", file)}
	var said bytes.Buffer
	n.cmd.Stdout, n.cmd.Stderr = &said, &said
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := n.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			return n, c.Close()
		}
		if time.Now().After(end) {
			n.stop()
			return nil, fmt.Errorf("the node does not answer at %s: %s", addr, said.String())
		}
	}
}

// stop ends the process and waits for it.
func (n *node) stop() {
	if n == nil {
		return
	}
	n.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(10*time.Second, func() { n.cmd.Process.Kill() })
	n.cmd.Wait() // how it ends is of no interest
	late.Stop()
}

// free returns an address of the loopback interface that nothing uses.
func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
