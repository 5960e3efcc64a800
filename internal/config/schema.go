package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// A schema is the part of JSON Schema 2020-12 that the form needs.
type schema struct {
	Dialect     string  `json:"$schema,omitempty"`
	Title       string  `json:"title,omitempty"`
	Description string  `json:"description,omitempty"`
	Type        any     `json:"type,omitempty"` // a name or several
	Properties  *object `json:"properties,omitempty"`
	Additional  *bool   `json:"additionalProperties,omitempty"`
	Items       *schema `json:"items,omitempty"`
	Enum        []any   `json:"enum,omitempty"`
	Pattern     string  `json:"pattern,omitempty"`
	Minimum     *int    `json:"minimum,omitempty"`
	Maximum     *int    `json:"maximum,omitempty"`
	Default     any     `json:"default,omitempty"`
}

// An object is a JSON object that keeps its order.
type object struct {
	keys   []string
	values []*schema
}

func (o *object) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	for i, k := range o.keys {
		v, err := json.Marshal(o.values[i])
		if err != nil {
			return nil, err
		}
		sep := ","
		if i == 0 {
			sep = "{"
		}
		fmt.Fprintf(&b, "%s%q:%s", sep, k, v)
	}
	return []byte(b.String() + "}"), nil
}

// Schema returns the JSON Schema of the form, indented, for editors.
func Schema() ([]byte, error) {
	s := schemaOf(field{}, reflect.ValueOf(Default()))
	s.Dialect = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "Gabion configuration"
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return append(b, '\n'), nil
}

// schemaOf describes field f, whose default is v.
func schemaOf(f field, v reflect.Value) *schema {
	s := &schema{Description: f.Tag.Get("doc")}
	t := v.Type()
	switch {
	case t == durationType:
		s.Type, s.Pattern, s.Default = "string", `^([0-9.]+(ns|us|µs|ms|s|m|h))+$`, duration(v)
	case t == bytesType:
		s.Type, s.Pattern, s.Default = []string{"string", "integer"}, `^[0-9.]+ *[KkMmGgTt]?i?[Bb]?$`, v.Interface()
	case t.Kind() == reflect.Struct:
		s.Type, s.Properties, s.Additional = "object", &object{}, new(bool)
		for _, in := range fields(t) {
			s.Properties.keys = append(s.Properties.keys, in.key)
			s.Properties.values = append(s.Properties.values, schemaOf(in, v.FieldByIndex(in.index)))
		}
	case t.Kind() == reflect.Slice:
		s.Type = "array"
		s.Items = schemaOf(f, reflect.New(t.Elem()).Elem())
		s.Items.Description = ""
	case t.Kind() == reflect.String:
		s.Type, s.Default = "string", nonZero(v)
		for _, e := range f.enum() {
			s.Enum = append(s.Enum, e)
		}
	case t.Kind() == reflect.Bool:
		s.Type, s.Default = "boolean", v.Bool()
	case t.Kind() == reflect.Float64:
		s.Type, s.Default = "number", v.Float()
	default:
		s.Type, s.Default = "integer", v.Int()
	}
	switch f.Tag.Get("is") {
	case "share":
		s.Minimum, s.Maximum = intPtr(0), intPtr(1)
	case "positive":
		s.Minimum = intPtr(1)
	}
	return s
}

func intPtr(n int) *int { return &n }

// duration is a time.Duration without the zero parts that its String adds.
func duration(v reflect.Value) string {
	s := fmt.Sprint(v.Interface())
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func nonZero(v reflect.Value) any {
	if v.IsZero() {
		return nil
	}
	return v.Interface()
}

// Reference returns the form as a page of Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Configuration\n\nOne YAML file for `gabion run`, `gabion node` and `gabion cloud`. Every key is optional.\n" +
		"An unknown key is an error. `gabion config check FILE` checks a file, and\n" +
		"[config.schema.json](config.schema.json) is its JSON Schema.\n\n" +
		"This page is generated from the program (`gabion config reference`).\n\n" +
		"| key | what | default |\n|---|---|---|\n")
	reference(&b, "", reflect.ValueOf(Default()))
	return b.String()
}

func reference(b *strings.Builder, path string, v reflect.Value) {
	for _, f := range fields(v.Type()) {
		key, value := strings.TrimPrefix(path+"."+f.key, "."), v.FieldByIndex(f.index)
		doc := f.Tag.Get("doc")
		if enum := f.enum(); enum != nil {
			doc += " One of `" + strings.Join(enum, "`, `") + "`."
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", key, doc, defaultText(value))
		switch t := value.Type(); {
		case t.Kind() == reflect.Struct:
			reference(b, key, value)
		case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
			reference(b, key+"[]", reflect.New(t.Elem()).Elem())
		}
	}
}

func defaultText(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.Struct, v.Kind() == reflect.Slice, v.Kind() == reflect.String && v.IsZero():
		return ""
	case v.Type() == durationType:
		return "`" + duration(v) + "`"
	}
	return fmt.Sprintf("`%v`", v.Interface())
}
