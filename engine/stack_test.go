package engine

import (
	"runtime/debug"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/rule"
)

// TestStack inspects requests that nest everything with little room for calls: a parser
// that calls itself for each byte would end the program, whoever recovers from what.
func TestStack(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(1 << 20))
	e := New(Options{})
	units := []string{
		"[", `{"a":`, `{"a":[`, `[{"\u005b":`, "<a>", "<a b='", "<!DOCTYPE a [<!ENTITY b '", "&amp;", "&#38;", "%25", `\\u005c`, `\\\\`, "a[b]", "a[b][c]=", "{a{", "query{a(b:{c:[", "a=b&", "a=b=", "a=%3d",
		"--x\r\n\r\n", "--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n", "(", "((", "(&", "feed:", "{{", "${", "\n\x0a\x7f", "\x0a\x04", "eyJhIjoi", "e30.", "UEsDBA", "H4sI", "BEGIN:VCALENDAR\n", "../", "'||(",
	}
	for _, unit := range units {
		for _, media := range []string{"", "application/json", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql", "application/grpc", "application/x-protobuf", "text/calendar"} {
			body := strings.Repeat(unit, (64<<10)/len(unit))
			for _, head := range []string{"", "--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n", "a="} {
				inspect(e, nil, Env{Mode: rule.Block}, &request{"POST", "/?q=" + body[:4<<10], append([]string{"Content-Type", media}, browser...), head + body}, whole)
			}
		}
	}
}
