// Package gabion_test checks the repository itself: who may import whom, and what every file owes its reader.
package gabion_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/gabionhq/gabion"

// lattice says what each package may import, std aside: a line per package or
// tree of packages ("x/..." is x and all below it), the most specific one
// counts. The comment above a line is the reason, and what a failing test
// says.
//
// "pure" is the standard library without I/O, network, clock and logging;
// "std" is all of it; "ext" is any module of go.mod.
const lattice = `
# The engine builds into proxies, replay tools, fuzzers, wasm and other
# people's products: bytes in, verdict out, nothing else. Below it, syntax
# does not know meaning: parse never learns what an attack is.
engine/internal/...: pure engine/internal/...
engine/parse:        pure engine/internal/...
engine/detect:       pure engine/internal/... engine/parse

# Profiles are statistics that node, cloud and ruleset share; they know no
# request.
engine/profile:      pure

# Users write regular expressions in custom detectors and scopes; here, and
# nowhere else, are they run, so that here alone their cost is bounded.
engine/rule:         pure regexp regexp/syntax engine/internal/... engine/parse engine/detect engine/profile
engine:              pure engine/internal/... engine/parse engine/detect engine/rule engine/profile

# The reference embedding is the one engine package that knows HTTP servers.
engine/httpwaf:      std engine/...

# The contract knows neither side, nor the engine: a change to it must not
# touch the hot path, and old nodes outlive new clouds.
wire/...:            std wire/... google.golang.org/protobuf connectrpc.com/connect

# Node and cloud meet in wire. What one links, an attacker of the other does
# not get for free.
internal/config:     std ext
internal/node/...:   std ext engine/... wire/... internal/config internal/node/...
internal/cloud/...:  std ext engine/... wire/... internal/config internal/cloud/...

# Measuring tools look at the engine as a stranger would.
internal/replay:     std ext engine/...
internal/score:      std ext engine/... internal/replay

# What mains share must not pull the cloud into the node alone.
internal/program:    std ext internal/config internal/node/...
internal/platform:   std ext internal/config internal/node/... internal/cloud/... internal/demo
internal/doctor:     std ext wire engine/... internal/config internal/node/...

# The demo is an application that Gabion protects, and its clients. It sees
# Gabion from outside.
internal/demo/...:   std ext corpus/... internal/demo/...
corpus/...:          std ext corpus/...

# Programs and test environments put everything together.
internal/testenv/...: std ext engine/... wire/... corpus/... internal/...
cmd/gabion-node:     std internal/program
cmd/gabion:          std ext engine/... wire/... corpus/... internal/...
tools/...:           std ext engine/... wire/... corpus/... internal/...
examples/...:        std ext engine/...
`

// impure is what "pure" leaves out of the standard library, with everything
// below it. Regular expressions are a class of their own: see the lattice.
var impure = []string{"net", "os", "time", "log", "syscall", "plugin", "testing", "runtime/debug", "database", "regexp", "embed"}

// An importRule is a line of the lattice.
type importRule struct {
	pattern string
	allowed []string
	reason  string
}

func importRules(t *testing.T) []importRule {
	t.Helper()
	var rules []importRule
	var reason []string
	fresh := true
	for line := range strings.Lines(lattice) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "# "); ok {
			if fresh {
				reason, fresh = nil, false
			}
			reason = append(reason, text)
			continue
		}
		fresh = true
		if line == "" {
			continue
		}
		pattern, allowed, ok := strings.Cut(line, ":")
		if !ok {
			t.Fatalf("line of the lattice without a colon: %q", line)
		}
		rules = append(rules, importRule{pattern, strings.Fields(allowed), strings.Join(reason, " ")})
	}
	return rules
}

// matches reports whether a package path is meant by a pattern.
func matches(pattern, path string) bool {
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == tree || strings.HasPrefix(path, tree+"/")
	}
	return path == pattern
}

// ruleFor returns the most specific line for a package.
func ruleFor(rules []importRule, pkg string) (best importRule, ok bool) {
	for _, r := range rules {
		exact, bestExact := r.pattern == pkg, best.pattern == pkg
		if matches(r.pattern, pkg) && !bestExact && (exact || len(r.pattern) > len(best.pattern)) {
			best, ok = r, true
		}
	}
	return best, ok
}

// allows reports whether r lets its packages import path.
func (r importRule) allows(path string) bool {
	local, isLocal := strings.CutPrefix(path, module+"/")
	isStd := !strings.Contains(strings.SplitN(path, "/", 2)[0], ".")
	for _, a := range r.allowed {
		switch {
		case a == "std" && isStd,
			a == "pure" && isStd && !slices.ContainsFunc(impure, func(p string) bool { return matches(p+"/...", path) }),
			a == "ext" && !isStd && !isLocal,
			isLocal && matches(a, local),
			!isLocal && matches(a+"/...", path):
			return true
		}
	}
	return false
}

// A goPackage is what the checks need to know of one.
type goPackage struct {
	path  string // below the module; "." for the root
	files map[string]*ast.File
}

func (p *goPackage) imports() []string {
	set := map[string]bool{}
	for _, f := range p.files {
		for _, i := range f.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			set[path] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// packages parses all packages of the module, without their tests.
func packages(t *testing.T) []*goPackage {
	t.Helper()
	byDir := map[string]*goPackage{}
	fset := token.NewFileSet()
	for _, name := range sources(t) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		if byDir[dir] == nil {
			byDir[dir] = &goPackage{dir, map[string]*ast.File{}}
		}
		byDir[dir].files[name] = f
	}
	var out []*goPackage
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		out = append(out, byDir[dir])
	}
	return out
}

// sources lists the files of the repository, without what is built, fetched
// or another module.
func sources(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() {
			names = append(names, name)
			return nil
		}
		switch d.Name() {
		case ".git", ".run", "bin", "node_modules", "testdata", "dist", "gabion-data":
			return filepath.SkipDir
		}
		if nested, _ := filepath.Glob(filepath.Join(name, "go.mod")); name != "." && nested != nil {
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestImports(t *testing.T) {
	rules := importRules(t)
	for _, p := range packages(t) {
		rule, ok := ruleFor(rules, p.path)
		if !ok {
			t.Errorf("%s has no line in the lattice of deps_test.go", p.path)
			continue
		}
		for _, path := range p.imports() {
			if !rule.allows(path) {
				t.Errorf("%s imports %s. %s", p.path, path, rule.reason)
			}
		}
	}
}

// TestImportsCatches makes sure that the lattice forbids what it is for.
func TestImportsCatches(t *testing.T) {
	rules := importRules(t)
	f := func(pkg, path string, want bool) {
		t.Helper()
		rule, ok := ruleFor(rules, pkg)
		if !ok || rule.allows(path) != want {
			t.Errorf("%s importing %s: allowed %v, want %v (line %q)", pkg, path, !want, want, rule.pattern)
		}
	}
	f("engine/parse", "bytes", true)
	f("engine/parse", "net/url", false)
	f("engine/parse", "time", false)
	f("engine/parse", "regexp", false)
	f("engine/parse", module+"/engine/detect", false)
	f("engine/parse", "github.com/andybalholm/brotli", false)
	f("engine/detect", module+"/engine/parse", true)
	f("engine/rule", "regexp", true)
	f("engine/profile", module+"/engine/parse", false)
	f("engine", module+"/engine/rule", true)
	f("engine", module+"/wire", false)
	f("engine/httpwaf", "net/http", true)
	f("wire/wirepb", "google.golang.org/protobuf/proto", true)
	f("wire", module+"/engine", false)
	f("internal/node/uplink", module+"/internal/cloud/store", false)
	f("internal/cloud/api", module+"/internal/node", false)
	f("internal/cloud/api", module+"/internal/cloud/store", true)
	f("cmd/gabion-node", module+"/internal/cloud", false)
	f("cmd/gabion", module+"/internal/cloud", true)
}

// TestEngineIsPassive checks what imports do not show: the engine starts no
// goroutine.
func TestEngineIsPassive(t *testing.T) {
	for _, p := range packages(t) {
		if !matches("engine/...", p.path) || p.path == "engine/httpwaf" {
			continue
		}
		for name, f := range p.files {
			ast.Inspect(f, func(n ast.Node) bool {
				if _, ok := n.(*ast.GoStmt); ok {
					t.Errorf("%s starts a goroutine; the engine is pushed and never runs by itself", name)
				}
				return true
			})
		}
	}
}
