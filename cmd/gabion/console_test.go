package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestConsole drives the built console in Chromium; see console/e2e.
func TestConsole(t *testing.T) {
	c := startCloud(t, "")
	n := startNode(t, c, echo(t), "block", "")
	b, err := os.ReadFile(filepath.Join(c.data, "bootstrap.json"))
	if err != nil {
		t.Fatal(err)
	}
	var boot struct {
		Console string `json:"console_url"`
	}
	if err := json.Unmarshal(b, &boot); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "--test", "e2e/")
	cmd.Dir = filepath.Join("..", "..", "console")
	cmd.Env = append(os.Environ(), "CONSOLE_URL="+boot.Console, "NODE_URL="+n.url)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
