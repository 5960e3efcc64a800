package engine

import (
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/rule"
)

// A further message is read as the head says, and the head costs nothing.
func TestContinues(t *testing.T) {
	e := New(Options{})
	head := &Head{
		Method: []byte("POST"), Target: []byte("/chat?q=<script>alert(1)</script>"), Host: []byte("a"), Proto: []byte("HTTP/2.0"),
		Header: []HeaderField{{Name: []byte("Content-Type"), Value: []byte("application/json")}, {Name: []byte("X-Long"), Value: []byte(strings.Repeat("a b ", 1000))}},
	}
	f := func(continues bool, body string, attack bool, point string) {
		t.Helper()
		tx := e.Begin(nil, Env{Mode: rule.Block, Continues: continues})
		defer tx.Close()
		tx.Headers(head)
		tx.Body([]byte(body))
		v, r := tx.End(), tx.Report()
		got := ""
		if len(r.Findings) > 0 {
			got = r.Findings[0].Point
		}
		if v.Attack != attack || !strings.HasPrefix(got, point) || r.Endpoint == 0 || continues && r.Nodes > 10 {
			t.Errorf("%v %s: %+v, %q, %d points, endpoint %x", continues, body, v, got, r.Nodes, r.Endpoint)
		}
	}
	f(false, `{}`, true, "uri")
	f(true, `{"a": "b"}`, false, "")
	f(true, `{"a": "1' UNION SELECT password FROM users -- "}`, true, "post.json.a")
}
