package gabion_test

import (
	"flag"
	"go/ast"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPackageSentence wants each package to say in one sentence what it is.
func TestPackageSentence(t *testing.T) {
	for _, p := range packages(t) {
		var docs []string
		name := ""
		for _, f := range p.files {
			if ast.IsGenerated(f) {
				continue
			}
			name = f.Name.Name
			if f.Doc != nil {
				docs = append(docs, f.Doc.Text())
			}
		}
		if name == "" {
			continue // generated as a whole
		}
		want := "Package " + name + " "
		if name == "main" {
			want = "Command " + filepath.Base(p.path) + " "
		}
		switch {
		case len(docs) != 1:
			t.Errorf("%s has %d package comments, want 1", p.path, len(docs))
		case !strings.HasPrefix(docs[0], want):
			t.Errorf("%s: the package comment starts with %.40q, want %q", p.path, docs[0], want)
		case !strings.Contains(strings.SplitN(docs[0], "\n\n", 2)[0], "."):
			t.Errorf("%s: the first paragraph of the package comment is not a sentence", p.path)
		}
	}
}

// TestNoInit keeps importing a package free of effects.
func TestNoInit(t *testing.T) {
	for _, p := range packages(t) {
		for name, f := range p.files {
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if ok && fn.Recv == nil && fn.Name.Name == "init" && !ast.IsGenerated(f) {
					t.Errorf("%s has an init function", name)
				}
			}
		}
	}
}

// TestPackageNames refuses names that say nothing.
func TestPackageNames(t *testing.T) {
	for _, p := range packages(t) {
		switch name := filepath.Base(p.path); name {
		case "util", "utils", "common", "helper", "helpers", "types", "misc", "base", "shared":
			t.Errorf("%s: %q could hold anything; name the one thing it does", p.path, name)
		}
	}
}

// tracked lists the files that git knows.
func tracked(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "-z").Output()
	if err != nil {
		t.Fatalf("listing the repository's files: %v", err)
	}
	return slices.DeleteFunc(strings.Split(string(out), "\x00"), func(name string) bool {
		_, err := os.Stat(name)
		return name == "" || os.IsNotExist(err)
	})
}

// maxBlob is the largest file that may be committed: history keeps it for
// ever. Recorded corpora may be larger.
const maxBlob = 512 << 10

func TestNoLargeFiles(t *testing.T) {
	for _, name := range tracked(t) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if limit := int64(maxBlob); info.Size() > limit && !(strings.HasPrefix(name, "corpus/") && info.Size() <= 8*limit) {
			t.Errorf("%s has %d KiB, more than %d", name, info.Size()>>10, limit>>10)
		}
	}
}

// kinds are the file types that belong into the repository; a new one is a
// decision, not an accident.
var kinds = strings.Fields(`
	.go .mod .sum .proto .md .yaml .yml .json .jsonl .gz .txt .txtar .sql
	.ts .tsx .css .html .svg .js .mjs .c .h .conf .sh .gitignore .gitattributes
	.graphql .xml .csv .tsv .bin .log .pgo`)

func TestKinds(t *testing.T) {
	bare := []string{"LICENSE", "Makefile", ".ci/run"}
	for _, name := range tracked(t) {
		// Fuzz corpora have no extension.
		if slices.Contains(bare, name) || strings.Contains(name, "testdata/") {
			continue
		}
		if !slices.Contains(kinds, filepath.Ext(name)) {
			t.Errorf("%s is of a kind that tidy_test.go does not list", name)
		}
	}
}

// TestNoLeftovers finds what was put off and not done.
func TestNoLeftovers(t *testing.T) {
	put := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, ".md") && !strings.HasSuffix(name, ".ts") && !strings.HasSuffix(name, ".tsx") {
			continue
		}
		for i, line := range strings.Split(read(t, name), "\n") {
			if put.MatchString(line) {
				t.Errorf("%s:%d: %s", name, i+1, strings.TrimSpace(line))
			}
		}
	}
}

// TestLinks follows the links between our own pages.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)`)
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".md") || strings.Contains(name, "testdata/") {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(read(t, name), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s links to %s, which does not exist", name, m[1])
			}
		}
	}
}

// TestDependencies wants a reason in ARCHITECTURE.md for each module that
// our packages import.
func TestDependencies(t *testing.T) {
	required := regexp.MustCompile(`(?m)^\s*(?:require )?(\S+\.\S+/\S+) v\S+`)
	var modules []string
	for _, m := range required.FindAllStringSubmatch(read(t, "go.mod"), -1) {
		modules = append(modules, m[1])
	}
	direct := map[string]string{}
	for _, p := range packages(t) {
		for _, path := range p.imports() {
			if m := moduleOf(modules, path); m != "" {
				direct[m] = p.path
			}
		}
	}
	text := read(t, "ARCHITECTURE.md")
	for m, user := range direct {
		if !strings.Contains(text, "| `"+m+"` |") {
			t.Errorf("%s, which %s imports, has no line in ARCHITECTURE.md", m, user)
		}
	}
	listed := regexp.MustCompile("(?m)^\\| `(\\S+\\.\\S+/\\S+)` \\|")
	for _, m := range listed.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(modules, m[1]) {
			t.Errorf("ARCHITECTURE.md lists %s, which go.mod does not require", m[1])
		}
	}
}

func moduleOf(modules []string, path string) (best string) {
	for _, m := range modules {
		if matches(m+"/...", path) && len(m) > len(best) {
			best = m
		}
	}
	return best
}

// TestGoMod keeps "go install ...@latest" working.
func TestGoMod(t *testing.T) {
	if regexp.MustCompile(`(?m)^\s*(replace|exclude)\b`).MatchString(read(t, "go.mod")) {
		t.Error("go.mod replaces or excludes modules; go install of a version would fail")
	}
}

// TestGenerated regenerates the wire contract.
func TestGenerated(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("tools/protoc.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"wire/wirepb/wire.pb.go", "wire/wirepb/wirepbconnect/wire.connect.go"} {
		got, want := code(read(t, name)), code(read(t, filepath.Join(dir, name)))
		if got != want {
			t.Errorf("%s is not what protoc makes of wire/wire.proto; run make gen", name)
		}
	}
}

// code is generated text without the comment that names the generator's
// version, which differs between machines.
func code(text string) string {
	_, after, _ := strings.Cut(text, "\npackage ")
	return after
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var update = flag.Bool("update", false, "rewrite what is generated in ARCHITECTURE.md")

// TestPackageList compares the list of packages in ARCHITECTURE.md with the
// sentences of the packages.
func TestPackageList(t *testing.T) {
	var b strings.Builder
	b.WriteString("| package | what it is |\n|---|---|\n")
	for _, p := range packages(t) {
		if doc := sentence(p); doc != "" {
			b.WriteString("| [" + p.path + "](" + p.path + ") | " + doc + " |\n")
		}
	}
	text := read(t, "ARCHITECTURE.md")
	before, rest, ok := strings.Cut(text, "<!-- packages")
	marker, rest, ok2 := strings.Cut(rest, "\n")
	_, after, ok3 := strings.Cut(rest, "<!-- /packages")
	if !ok || !ok2 || !ok3 {
		t.Fatal("ARCHITECTURE.md has lost its markers for the list of packages")
	}
	want := before + "<!-- packages" + marker + "\n" + b.String() + "<!-- /packages" + after
	if want == text {
		return
	}
	if !*update {
		t.Fatal("the list of packages in ARCHITECTURE.md is old; run make gen")
	}
	if err := os.WriteFile("ARCHITECTURE.md", []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sentence is what a package comment says after the package's name.
func sentence(p *goPackage) string {
	for _, f := range p.files {
		if f.Doc == nil || ast.IsGenerated(f) {
			continue
		}
		paragraph, _, _ := strings.Cut(f.Doc.Text(), "\n\n")
		words := strings.Fields(paragraph)
		return strings.Join(words[min(2, len(words)):], " ")
	}
	return ""
}
