package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A field is one key of the form.
type field struct {
	key   string
	index []int // for reflect.Value.FieldByIndex
	reflect.StructField
}

// fields lists the keys of a struct, those of inlined structs included.
func fields(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		key, opts, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if opts != "inline" {
			out = append(out, field{key, f.Index, f})
			continue
		}
		for _, in := range fields(f.Type) {
			in.index = append([]int{i}, in.index...)
			out = append(out, in)
		}
	}
	return out
}

func (f field) enum() []string {
	if s := f.Tag.Get("enum"); s != "" {
		return strings.Split(s, ",")
	}
	return nil
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	bytesType    = reflect.TypeFor[Bytes]()
)

// check says what is wrong with the text of a scalar of type t under f.
// Empty text stands for the default.
func (f field) check(t reflect.Type, text string) error {
	if text == "" {
		return nil
	}
	switch t {
	case durationType:
		return checkDuration(text)
	case bytesType:
		_, err := ParseBytes(text)
		return err
	}
	if enum := f.enum(); enum != nil && !slices.Contains(enum, text) {
		return fmt.Errorf("%q is not one of %s%s", text, strings.Join(enum, ", "), suggest(text, enum))
	}
	switch f.Tag.Get("is") {
	case "address":
		return checkAddress(text)
	case "url":
		return CheckURL(text)
	case "upstream":
		return checkUpstream(text)
	case "prefix":
		return checkPrefix(text)
	case "share":
		return checkShare(text)
	case "positive":
		return checkPositive(text)
	}
	return nil
}

func checkDuration(s string) error {
	if d, err := time.ParseDuration(s); err != nil || d <= 0 {
		return fmt.Errorf("%q is not a duration like 15m, 24h or 1h30m", s)
	}
	return nil
}

func checkAddress(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("%q is not an address like 127.0.0.1:8080", s)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q: port %q is not a number from 0 to 65535", s, port)
	}
	return nil
}

// CheckURL says what is wrong with the URL of an upstream.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is not a URL like http://127.0.0.1:3000", s)
	}
	return nil
}

// checkUpstream allows h2c and h2 as well: HTTP/2 without and with TLS.
func checkUpstream(s string) error {
	u, err := url.Parse(s)
	if err == nil && u.Host != "" && (u.Scheme == "h2c" || u.Scheme == "h2") {
		return nil
	}
	return CheckURL(s)
}

func checkPrefix(s string) error {
	if _, err := netip.ParsePrefix(s); err == nil {
		return nil
	}
	if _, err := netip.ParseAddr(s); err != nil {
		return fmt.Errorf("%q is neither an address nor a network like 10.0.0.0/8", s)
	}
	return nil
}

func checkShare(s string) error {
	if x, err := strconv.ParseFloat(s, 64); err != nil || !(x >= 0 && x <= 1) {
		return fmt.Errorf("%q is not a share from 0 to 1", s)
	}
	return nil
}

func checkPositive(s string) error {
	if n, err := strconv.Atoi(s); err != nil || n < 1 {
		return fmt.Errorf("%q is not a whole number from 1 on", s)
	}
	return nil
}
