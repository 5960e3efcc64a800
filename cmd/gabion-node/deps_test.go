package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDeps compares what the node links with the list in deps.txt: a change
// of what runs in front of every application is looked at.
func TestDeps(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")
	cmd.Stderr = os.Stderr
	linked, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(linked))
	slices.Sort(packages)
	listed, err := os.ReadFile("deps.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Fields(string(listed)), packages); diff != "" {
		t.Errorf("gabion-node links other packages than deps.txt lists; look at them, then run make gen:\n%s", diff)
	}
	for _, pkg := range packages {
		for _, banned := range []string{"/internal/cloud", "/internal/demo", "sqlite", "uptrace/bun", "danielgtaylor", "goose"} {
			if strings.Contains(pkg, banned) {
				t.Errorf("gabion-node links %s, which belongs to the cloud", pkg)
			}
		}
	}
}
