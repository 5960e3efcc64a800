package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no files in testdata/%s: %v", dir, err)
	}
	return names
}

// TestBad reads every file of testdata/bad. Its first lines say what the
// error must hold: "# error: TEXT", once per mistake.
func TestBad(t *testing.T) {
	for _, name := range files(t, "bad") {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			_, err := Read(name)
			if err == nil {
				t.Fatal("was accepted")
			}
			var want []string
			for line := range strings.Lines(readFile(t, name)) {
				if text, ok := strings.CutPrefix(line, "# error: "); ok {
					want = append(want, strings.TrimRight(text, "\n"))
				}
			}
			got := strings.Split(err.Error(), "\n")
			if len(got) != len(want) {
				t.Fatalf("%d mistakes reported, want %d:\n%v", len(got), len(want), err)
			}
			for i := range want {
				if !strings.HasPrefix(got[i], name+":") || !strings.Contains(got[i], want[i]) {
					t.Errorf("got  %s\nwant %s ... %s", got[i], name, want[i])
				}
			}
		})
	}
}

func TestGood(t *testing.T) {
	for _, name := range files(t, "good") {
		if _, err := Read(name); err != nil {
			t.Error(err)
		}
	}
}

func TestParseFull(t *testing.T) {
	got, err := Read("testdata/good/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Data = "/var/lib/gabion"
	want.Log = Log{Level: "debug", Format: "json"}
	want.Node.Listen, want.Node.Admin, want.Node.Name = ":80", "[::1]:8081", "edge-1"
	want.Node.TrustedProxies = []string{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"}
	want.Node.Sites = []Site{
		{
			Hosts: []string{"shop.example", "*.shop.example"}, Upstream: "http://127.0.0.1:3000",
			Mode: "block", Override: "strict", OnError: "closed", Application: 7,
		},
		{Upstream: "https://legacy.example:8443", Mode: "off"},
	}
	want.Node.Inspect.Hold = 2 << 20
	want.Node.Uplink.URL, want.Node.Uplink.Token = "https://cloud.example:9001", "gbn1_eu_abc"
	want.Node.CloudMay.LowestMode = "off"
	want.Node.CloudMay.NeverOff = []string{"shop.example/login"}
	want.Node.CloudMay.Unmask = true
	want.Node.Evidence = Store{MaxBytes: 10_000_000_000, MaxAge: 72 * time.Hour}
	want.Node.Recorder = Recorder{Store{4096, 90 * time.Minute}, 0.5}
	want.Node.Privacy = Privacy{Source: "full", RevealK: 3, Reveal: []string{"checkout"}}
	want.Cloud.Region, want.Cloud.Public, want.Cloud.Publish = "eu-1", "cloud.example:9001", 30*time.Second
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDefaultIsValid writes the defaults out and reads them again: what we
// ship must pass our own checks.
func TestDefaultIsValid(t *testing.T) {
	text, err := yaml.Marshal(Default())
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse("default", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if diff := cmp.Diff(Default(), got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestReadRefusesLargeAndMissing(t *testing.T) {
	large := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(large, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{large, filepath.Join(t.TempDir(), "missing.yaml"), t.TempDir()} {
		if _, err := Read(name); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("reading %s: %v, want an error of one line", name, err)
		}
	}
}

func TestBytes(t *testing.T) {
	f := func(in string, want Bytes, out string) {
		t.Helper()
		got, err := ParseBytes(in)
		if err != nil || got != want || got.String() != out {
			t.Errorf("%q: got %d %q %v, want %d %q", in, got, got, err, want, out)
		}
	}
	f("0", 0, "0")
	f("1", 1, "1")
	f("1MiB", 1<<20, "1MiB")
	f("1 MiB", 1<<20, "1MiB")
	f("1536KiB", 1536<<10, "1536KiB")
	f("10GB", 1e10, "9765625KiB")
	f("1TiB", 1<<40, "1TiB")
	f("4096TiB", 1<<52, "4096TiB")
}

// TestGenerated compares the schema and the reference in docs/ with what the
// program says today; "make gen" writes them.
func TestGenerated(t *testing.T) {
	s, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	f := func(name, want string) {
		t.Helper()
		if diff := cmp.Diff(want, readFile(t, filepath.Join("../../docs", name))); diff != "" {
			t.Errorf("docs/%s is not what the program says; run make gen:\n%s", name, diff)
		}
	}
	f("config.schema.json", string(s))
	f("config.md", Reference())
}

// TestDocumented wants a sentence for each key.
func TestDocumented(t *testing.T) {
	for line := range strings.Lines(Reference()) {
		if strings.HasPrefix(line, "| `") && strings.Contains(line, "` |  |") {
			t.Errorf("a key has no doc tag: %s", line)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, dir := range []string{"good", "bad"} {
		names, _ := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
		for _, name := range names {
			text, _ := os.ReadFile(name)
			f.Add(string(text))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := Parse("f", []byte(text)); err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "f:") {
					t.Errorf("error does not name the file: %q", line)
				}
			}
		}
	})
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
