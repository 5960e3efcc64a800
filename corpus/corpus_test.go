package corpus

import (
	"os"
	"os/exec"
	"testing"
)

// TestGenerated holds the committed sets to their sources.
func TestGenerated(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"payloads.txt", "texts.txt"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/"+name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bin := dir + "/generate"
	if out, err := exec.Command("go", "build", "-o", bin, "./generate").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(bin)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"attacks.jsonl.gz", "benign.jsonl.gz"} {
		want, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what its sources make: run go generate ./corpus", name)
		}
	}
}

func TestSets(t *testing.T) {
	f := func(read func() ([]Request, error), label string, least int) {
		t.Helper()
		list, err := read()
		if err != nil {
			t.Fatal(err)
		}
		if len(list) < least {
			t.Errorf("%d %s requests, want at least %d", len(list), label, least)
		}
		for _, r := range list {
			if r.Label != label || r.Class == "" || r.Method == "" || r.Target == "" {
				t.Fatalf("request %s is incomplete: %+v", r.ID, r)
			}
		}
	}
	f(Attacks, "attack", 900)
	f(Benign, "benign", 500)
}
