package main

import (
	"bytes"
	"net"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/program"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gabion": main})
}

// TestScripts runs testdata/script: each file is a session at a shell.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"listen": listen,
			"expand": expand,
			"off":    off,
		},
	})
}

// listen NAME takes a port until the script ends; $NAME is its address.
func listen(ts *testscript.TestScript, _ bool, args []string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { ln.Close() })
	ts.Setenv(args[0], ln.Addr().String())
}

// off FILE writes a ruleset whose only rule turns inspection off.
func off(ts *testscript.TestScript, _ bool, args []string) {
	w := rule.Writer{Rules: []rule.Rule{{ID: 1, Kind: rule.SetMode, Mode: rule.Off}}}
	blob, err := w.Bytes()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), blob, 0o600))
}

// expand FROM TO copies a file and replaces the variables in it.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// TestReference compares docs/cli.md with what the program says today.
func TestReference(t *testing.T) {
	var out bytes.Buffer
	if code := program.Main("gabion", "", &commands{}, []string{"reference"}, program.Stdio{Out: &out, Err: t.Output()}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	doc, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(out.String(), string(doc)); diff != "" {
		t.Errorf("docs/cli.md is not what the program says; run make gen:\n%s", diff)
	}
}
