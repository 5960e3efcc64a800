package program

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version is the version command.
type Version struct {
	JSON bool `help:"Print JSON." env:"-"`
}

// A Build is where a program comes from.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Time    string `json:"time"`  // of the commit
	Dirty   bool   `json:"dirty"` // built from changed files
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// ThisBuild reads what the Go linker recorded. Version and Commit are
// "unknown" in programs that were built outside a repository.
func ThisBuild() Build {
	b := Build{Version: "unknown", Commit: "unknown", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		}
	}
	return b
}

// String is one line for people.
func (b Build) String() string {
	dirty := ""
	if b.Dirty {
		dirty = "+dirty"
	}
	return fmt.Sprintf("gabion %s commit %s%s %s %s/%s", b.Version, b.Commit, dirty, b.Go, b.OS, b.Arch)
}

// Run prints the version.
func (c *Version) Run(std Stdio) error {
	if c.JSON {
		return json.NewEncoder(std.Out).Encode(ThisBuild())
	}
	_, err := fmt.Fprintln(std.Out, ThisBuild())
	return err
}
