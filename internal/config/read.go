package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxFile bounds a configuration file: a thousand sites take a tenth of it.
const maxFile = 4 << 20

// Read reads a file over the defaults. What is wrong with it comes as one
// error per mistake, joined, each of the form "FILE:LINE: what".
func Read(file string) (Config, error) {
	info, err := os.Stat(file)
	if err != nil {
		return Config{}, fmt.Errorf("reading configuration: %w", err)
	}
	if info.Size() > maxFile {
		return Config{}, fmt.Errorf("reading configuration: %s is larger than %s", file, Bytes(maxFile))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return Config{}, fmt.Errorf("reading configuration: %w", err)
	}
	return Parse(file, text)
}

// Parse is Read for text that is in memory; name stands for the file.
func Parse(name string, text []byte) (Config, error) {
	c := Default()
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return c, positioned(name, err)
	}
	if len(file.Docs) > 1 {
		return c, fmt.Errorf("%s: holds %d documents; one is meant", name, len(file.Docs))
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return c, nil // nothing, or comments
	}
	root := file.Docs[0].Body
	r := reader{file: name}
	r.node("", root, reflect.TypeFor[Config](), field{})
	if r.errs != nil {
		return c, errors.Join(r.errs...)
	}
	if err := yaml.NodeToValue(root, &c); err != nil {
		return c, positioned(name, err)
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// positioned puts file and line before an error of the YAML library.
func positioned(file string, err error) error {
	var e yaml.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s: %w", file, err)
	}
	line := 1
	if t := e.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	message, _, _ := strings.Cut(e.GetMessage(), "\n")
	return fmt.Errorf("%s:%d: %s", file, line, message)
}

// A reader compares a file with the form and collects the mistakes.
type reader struct {
	file string
	errs []error
}

func (r *reader) fail(t *token.Token, path string, format string, args ...any) {
	if path != "" {
		path += ": "
	}
	r.errs = append(r.errs, fmt.Errorf("%s:%d: %s%w", r.file, t.Position.Line, path, fmt.Errorf(format, args...)))
}

// node checks n, found at path, against type t of the form's field f.
func (r *reader) node(path string, n ast.Node, t reflect.Type, f field) {
	switch n := n.(type) {
	case *ast.NullNode:
		return // the default
	case *ast.AnchorNode, *ast.AliasNode:
		r.fail(n.GetToken(), path, "anchors and aliases are not supported")
		return
	case *ast.MappingNode:
		if t.Kind() == reflect.Struct {
			r.mapping(path, n, t)
			return
		}
	case *ast.SequenceNode:
		if t.Kind() == reflect.Slice {
			for i, v := range n.Values {
				r.node(fmt.Sprintf("%s[%d]", path, i), v, t.Elem(), f)
			}
			return
		}
	case ast.ScalarNode:
		if t.Kind() != reflect.Struct && t.Kind() != reflect.Slice {
			r.scalar(path, n, t, f)
			return
		}
	}
	r.fail(n.GetToken(), path, "%s expected", noun(t))
}

func (r *reader) mapping(path string, n *ast.MappingNode, t reflect.Type) {
	known := map[string]field{}
	var keys []string
	for _, f := range fields(t) {
		known[f.key] = f
		keys = append(keys, f.key)
	}
	for _, v := range n.Values {
		key := v.Key.GetToken().Value
		f, ok := known[key]
		if !ok {
			r.fail(v.Key.GetToken(), path, "unknown key %q%s", key, suggest(key, keys))
			continue
		}
		r.node(strings.TrimPrefix(path+"."+key, "."), v.Value, f.Type, f)
	}
}

func (r *reader) scalar(path string, n ast.ScalarNode, t reflect.Type, f field) {
	if !fits(n, t) {
		r.fail(n.GetToken(), path, "%s expected, found %q", noun(t), n.GetToken().Value)
		return
	}
	if err := f.check(t, n.GetToken().Value); err != nil {
		r.fail(n.GetToken(), path, "%w", err)
	}
}

// fits reports whether a scalar can be a value of type t. Text may be
// written without quotes, so a number is fine where text is meant.
func fits(n ast.ScalarNode, t reflect.Type) bool {
	_, isInt := n.(*ast.IntegerNode)
	_, isFloat := n.(*ast.FloatNode)
	_, isBool := n.(*ast.BoolNode)
	switch {
	case t == durationType || t == bytesType:
		return true // checked by their own parsers
	case t.Kind() == reflect.Bool:
		return isBool
	case t.Kind() == reflect.Float64:
		return isInt || isFloat
	case t.Kind() == reflect.String:
		return !isBool
	}
	return isInt
}

// noun names what type t wants.
func noun(t reflect.Type) string {
	switch {
	case t == durationType:
		return "a duration like 15m"
	case t == bytesType:
		return "a size like 1MiB"
	}
	switch t.Kind() {
	case reflect.Struct:
		return "a mapping"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	}
	return "a number"
}

// suggest says which of known was probably meant, or nothing.
func suggest(word string, known []string) string {
	best, least := "", 1+len(word)/2
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// check compares keys with each other.
func (c *Config) check() error {
	if c.Data == "" {
		return errors.New("data: must not be empty")
	}
	for i, s := range c.Node.Sites {
		if s.Upstream == "" {
			return fmt.Errorf("node.sites[%d]: upstream is missing", i)
		}
	}
	taken := map[string]string{}
	for _, l := range []struct{ key, addr string }{
		{"node.listen", c.Node.Listen},
		{"node.admin", c.Node.Admin},
		{"cloud.listen", c.Cloud.Listen},
		{"cloud.wire", c.Cloud.Wire},
	} {
		if other, ok := taken[l.addr]; ok && !strings.HasSuffix(l.addr, ":0") {
			return fmt.Errorf("%s: %s is also %s", l.key, l.addr, other)
		}
		taken[l.addr] = l.key
	}
	return nil
}
