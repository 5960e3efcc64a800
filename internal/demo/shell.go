package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// maxSyntax bounds a script by its syntax nodes.
const maxSyntax = 200

var errUnsafe = errors.New("this shell has no loops, functions, jobs or process substitution")

// shell runs a script that can read the disk in memory and start nothing.
func shell(ctx context.Context, script string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, maxRuntime)
	defer cancel()
	file, err := syntax.NewParser().Parse(strings.NewReader(script), "")
	if err != nil {
		return "", err
	}
	if !harmless(file) {
		return "", errUnsafe
	}
	var out strings.Builder
	w := &capped{w: &out, left: maxOutput}
	r, err := interp.New(
		interp.StdIO(nil, w, w),
		interp.Env(expand.ListEnviron("PATH=/bin", "HOME=/srv/shop", "USER=shop")),
		interp.Dir("/"),
		interp.OpenHandler(openDisk),
		interp.StatHandler(statDisk),
		interp.AccessHandler(accessDisk),
		interp.ReadDirHandler2(readDisk),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return pretend }),
	)
	if err != nil {
		return "", err
	}
	if err := r.Run(ctx, file); err != nil && !errors.As(err, new(interp.ExitStatus)) {
		return out.String(), err
	}
	return out.String(), nil
}

// harmless refuses what could multiply or reach the real file system.
func harmless(file *syntax.File) bool {
	ok, nodes := true, 0
	syntax.Walk(file, func(n syntax.Node) bool {
		nodes++
		switch n := n.(type) {
		case *syntax.FuncDecl, *syntax.WhileClause, *syntax.ForClause, *syntax.ProcSubst, *syntax.CoprocClause:
			ok = false
		case *syntax.Stmt:
			ok = ok && !n.Background && !n.Coprocess
		}
		return ok && nodes <= maxSyntax
	})
	return ok && nodes <= maxSyntax
}

// pretend plays the few programs that an attacker tries first.
func pretend(ctx context.Context, args []string) error {
	h := interp.HandlerCtx(ctx)
	switch args[0] {
	case "ping":
		fmt.Fprintf(h.Stdout, "PING %s: 1 packet transmitted, 1 received\n", strings.Join(args[1:], " "))
	case "id":
		fmt.Fprintln(h.Stdout, "uid=1000(shop) gid=1000(shop) groups=1000(shop)")
	case "whoami":
		fmt.Fprintln(h.Stdout, "shop")
	case "uname":
		fmt.Fprintln(h.Stdout, "Linux gabion-demo")
	case "cat":
		for _, name := range args[1:] {
			b, err := fs.ReadFile(disk(), onDisk(h.Dir, name))
			if err != nil {
				fmt.Fprintf(h.Stderr, "cat: %s: no such file\n", name)
				return interp.ExitStatus(1)
			}
			h.Stdout.Write(b)
		}
	case "ls":
		dir := h.Dir
		if len(args) > 1 {
			dir = args[len(args)-1]
		}
		list, err := fs.ReadDir(disk(), onDisk(h.Dir, dir))
		if err != nil {
			return interp.ExitStatus(2)
		}
		for _, e := range list {
			fmt.Fprintln(h.Stdout, e.Name())
		}
	default:
		fmt.Fprintf(h.Stderr, "%s: command not found\n", args[0])
		return interp.ExitStatus(127)
	}
	return nil
}

func onDisk(dir, name string) string {
	if !path.IsAbs(name) {
		name = path.Join(dir, name)
	}
	name = strings.TrimPrefix(path.Clean(name), "/")
	if name == "" {
		return "."
	}
	return name
}

func openDisk(ctx context.Context, name string, flag int, _ os.FileMode) (io.ReadWriteCloser, error) {
	if flag&(os.O_WRONLY|os.O_RDWR) != 0 {
		return discard{}, nil
	}
	b, err := fs.ReadFile(disk(), onDisk(interp.HandlerCtx(ctx).Dir, name))
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	}
	return readOnly{strings.NewReader(string(b))}, nil
}

func statDisk(ctx context.Context, name string, _ bool) (fs.FileInfo, error) {
	return fs.Stat(disk(), onDisk(interp.HandlerCtx(ctx).Dir, name))
}

func accessDisk(ctx context.Context, name string, _ interp.AccessMode) error {
	_, err := statDisk(ctx, name, true)
	return err
}

func readDisk(_ context.Context, name string) ([]fs.DirEntry, error) {
	return fs.ReadDir(disk(), onDisk("/", name))
}

// readOnly is a file of the disk, opened.
type readOnly struct{ io.Reader }

func (readOnly) Write([]byte) (int, error) { return 0, os.ErrPermission }
func (readOnly) Close() error              { return nil }

// discard is a file that takes every write and holds nothing.
type discard struct{}

func (discard) Read([]byte) (int, error)    { return 0, io.EOF }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }
