package main

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/corazawaf/coraza-coreruleset/v4/tests"
	"github.com/goccy/go-yaml"

	"github.com/gabionhq/gabion/internal/replay"
)

// A stage is one request of a test and what the rule set's authors expect.
type stage struct {
	name     string // file, test and stage
	family   string // the first three digits of the file's name
	desc     string
	expect   []int // rules that shall match
	refuse   []int // rules that shall not
	request  *replay.Request
	unusable error // why there is no request
}

// file is a file of the suite, in the form that go-ftw reads.
type file struct {
	Tests []struct {
		ID     int    `yaml:"test_id"`
		Desc   string `yaml:"desc"`
		Stages []struct {
			Input  input `yaml:"input"`
			Output struct {
				Log struct {
					Expect  []int  `yaml:"expect_ids"`
					Refuse  []int  `yaml:"no_expect_ids"`
					Match   string `yaml:"match_regex"`
					NoMatch string `yaml:"no_match_regex"`
				} `yaml:"log"`
			} `yaml:"output"`
		} `yaml:"stages"`
	} `yaml:"tests"`
}

type input struct {
	Method       *string       `yaml:"method"`
	URI          *string       `yaml:"uri"`
	Version      *string       `yaml:"version"`
	Headers      yaml.MapSlice `yaml:"headers"`
	Data         *string       `yaml:"data"`
	Autocomplete *bool         `yaml:"autocomplete_headers"`
	Encoded      string        `yaml:"encoded_request"`
}

// suite reads all stages of the families.
func suite(families []string) ([]stage, error) {
	var stages []stage
	err := fs.WalkDir(tests.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".yaml" || !slices.Contains(families, path.Base(name)[:3]) {
			return err
		}
		text, err := fs.ReadFile(tests.FS, name)
		if err != nil {
			return err
		}
		var f file
		if err := yaml.Unmarshal(text, &f); err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		stages = append(stages, f.stages(strings.TrimSuffix(path.Base(name), ".yaml"))...)
		return nil
	})
	return stages, err
}

// loggedID is a rule in an expression that the log shall match.
var loggedID = regexp.MustCompile(`\[id "(\d+)"`)

func (f *file) stages(name string) []stage {
	var stages []stage
	for i, t := range f.Tests {
		for j, s := range t.Stages {
			out := stage{
				name:   fmt.Sprintf("%s-%d", name, cmp.Or(t.ID, i+1)),
				family: name[:3],
				desc:   t.Desc,
				expect: s.Output.Log.Expect,
				refuse: s.Output.Log.Refuse,
			}
			if len(t.Stages) > 1 {
				out.name += fmt.Sprintf("-%d", j+1)
			}
			out.expect = append(out.expect, logged(s.Output.Log.Match)...)
			out.refuse = append(out.refuse, logged(s.Output.Log.NoMatch)...)
			out.request, out.unusable = s.Input.request()
			stages = append(stages, out)
		}
	}
	return stages
}

func logged(expression string) []int {
	var ids []int
	for _, m := range loggedID.FindAllStringSubmatch(expression, -1) {
		id, err := strconv.Atoi(m[1])
		if err != nil {
			panic("BUG: " + err.Error()) // they are digits
		}
		ids = append(ids, id)
	}
	return ids
}

// request reads the message that go-ftw sends for an input.
func (in *input) request() (*replay.Request, error) {
	msg, err := in.message()
	if err != nil {
		return nil, err
	}
	return replay.ParseRaw(msg)
}

// message builds the bytes that go-ftw sends: what its documentation
// calls autocompletion adds a content type, a length and the wish to close
// the connection, escapes forms that are not escaped, and ends the lines of
// multipart bodies as RFC 2046 wants it.
func (in *input) message() ([]byte, error) {
	if in.Encoded != "" {
		return base64.StdEncoding.DecodeString(in.Encoded)
	}
	data, err := expand(value(in.Data, ""))
	if err != nil {
		return nil, err
	}
	complete := value(in.Autocomplete, true)
	var head bytes.Buffer
	method := value(in.Method, "GET")
	fmt.Fprintf(&head, "%s %s %s\r\n", method, value(in.URI, "/"), value(in.Version, "HTTP/1.1"))
	field := func(name string) string {
		for _, f := range in.Headers {
			if strings.EqualFold(fmt.Sprint(f.Key), name) {
				return fmt.Sprint(f.Value)
			}
		}
		return ""
	}
	for _, f := range in.Headers {
		if f.Value == nil {
			f.Value = ""
		}
		fmt.Fprintf(&head, "%v: %v\r\n", f.Key, f.Value)
	}
	const form = "application/x-www-form-urlencoded"
	kind := field("Content-Type")
	if data != "" && complete {
		if kind == "" {
			kind = form
			fmt.Fprintf(&head, "Content-Type: %s\r\n", form)
		}
		if strings.EqualFold(kind, form) {
			data = escape(data)
		}
	}
	if strings.Contains(strings.ToLower(kind), "multipart/form-data;") {
		data = strings.ReplaceAll(data, "\n", "\r\n")
	}
	if complete && field("Connection") == "" {
		head.WriteString("Connection: close\r\n")
	}
	if complete && field("Content-Length") == "" && (data != "" || slices.Contains([]string{"POST", "PUT", "PATCH"}, method)) {
		fmt.Fprintf(&head, "Content-Length: %d\r\n", len(data))
	}
	head.WriteString("\r\n" + data)
	return head.Bytes(), nil
}

func value[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// expand runs the templates that make long bodies. What is no template, such
// as an injection into one, stays as it is.
func expand(data string) (string, error) {
	t, err := template.New("").Funcs(template.FuncMap{
		"repeat": func(n int, s string) string { return strings.Repeat(s, n) },
	}).Parse(data)
	if err != nil {
		return data, nil
	}
	var b strings.Builder
	if err := t.Execute(&b, nil); err != nil {
		return "", fmt.Errorf("expanding the data: %w", err)
	}
	return b.String(), nil
}

// escape escapes the names and values of a form, unless it holds escapes.
func escape(data string) string {
	if plain, err := url.QueryUnescape(data); err != nil || plain != data {
		return data
	}
	pairs := strings.Split(data, "&")
	for i, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		pairs[i] = url.QueryEscape(name)
		if ok {
			pairs[i] += "=" + url.QueryEscape(value)
		}
	}
	return strings.Join(pairs, "&")
}
