package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
)

// A set is a file of the suite: each payload is sent in each encoding at each
// place.
type set struct {
	group, name string // directory and file

	Payloads []string `yaml:"payload"`
	Encoders []string `yaml:"encoder"`
	Places   []place  `yaml:"placeholder"`
}

// A place is where in a request a payload goes: a name alone, or a name with
// its configuration.
type place struct {
	name   string
	config struct {
		Method  string            `yaml:"method"`
		Path    string            `yaml:"path"`
		Headers map[string]string `yaml:"headers"`
		Body    string            `yaml:"body"`
	}
}

// UnmarshalYAML reads either form.
func (p *place) UnmarshalYAML(text []byte) error {
	if yaml.Unmarshal(text, &p.name) == nil {
		return nil
	}
	var named map[string]yaml.MapSlice
	if err := yaml.Unmarshal(text, &named); err != nil {
		return err
	}
	for name, config := range named {
		p.name = name
		inner, err := yaml.Marshal(config)
		if err != nil {
			return err
		}
		return yaml.Unmarshal(inner, &p.config)
	}
	return errors.New("a placeholder without a name")
}

// benign tells whether the set must pass.
func (s *set) benign() bool { return strings.Contains(s.group, "false") }

// api tells whether the set counts for the security of APIs.
func (s *set) api() bool { return strings.Contains(s.group, "api") }

// lenient takes out an escape that YAML does not know, and that the parser of
// the suite's own program reads as the quote alone.
func lenient(text []byte) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for i, l := range lines {
		if bytes.HasPrefix(bytes.TrimLeft(l, " "), []byte(`- "`)) {
			lines[i] = bytes.ReplaceAll(l, []byte(`\'`), []byte(`'`))
		}
	}
	return bytes.Join(lines, nil)
}

// cases reads the sets below a directory, in the order of their names.
func cases(dir string) ([]set, error) {
	var sets []set
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(name)
		if err != nil || ext != ".yml" && ext != ".yaml" {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		s := set{group: filepath.Base(filepath.Dir(name)), name: strings.TrimSuffix(filepath.Base(name), ext)}
		if err := yaml.Unmarshal(lenient(text), &s); err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		sets = append(sets, s)
		return nil
	})
	if err == nil && len(sets) == 0 {
		err = fmt.Errorf("no test cases below %s", dir)
	}
	return sets, err
}
