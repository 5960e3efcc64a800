package blockpage

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/internal/node/h1"
)

func page(status int, contentType, accept, target, body string) Page {
	var h h1.Head
	h.NewRequest("POST", target, "a.example", "HTTP/1.1", int64(len(body)))
	if contentType != "" {
		h.Add("Content-Type", contentType)
	}
	if accept != "" {
		h.Add("Accept", accept)
	}
	return New(status, "01JD0000000000000000000000", &h, []byte(body))
}

func TestFormat(t *testing.T) {
	f := func(contentType, accept, target, body, wantType, wantPart string) {
		t.Helper()
		p := page(403, contentType, accept, target, body)
		all := string(p.Body)
		got := ""
		for _, f := range p.Fields {
			all += string(f.Name) + ": " + string(f.Value) + "\n"
			if string(f.Name) == "Content-Type" {
				got = string(f.Value)
			}
		}
		if got != wantType || !strings.Contains(all, wantPart) || !strings.Contains(all, "01JD0000000000000000000000") {
			t.Errorf("%q accepting %q: %s\n%s", contentType, accept, got, all)
		}
		if strings.Contains(got, "json") && !json.Valid(p.Body) {
			t.Errorf("not JSON: %s", p.Body)
		}
	}
	f("", "text/html,application/xhtml+xml,*/*;q=0.8", "/", "", "text/html; charset=utf-8", "<h1>Request blocked</h1>")
	f("", "", "/", "", "application/problem+json", `"status":403`)
	f("", "*/*", "/", "", "application/problem+json", `"title":"Request blocked"`)
	f("application/json", "application/json", "/api", `{"a":1}`, "application/problem+json", `"request_id"`)
	f("application/json", "*/*", "/api/graphql?x", `{"query":"{a}"}`, "application/json", `"code":"FORBIDDEN"`)
	f("application/graphql", "", "/", `{a}`, "application/json", `"errors"`)
	f("application/json", "", "/rpc", `{"jsonrpc":"2.0","method":"x"}`, "application/json", `"code":-32000`)
	f("application/grpc+proto", "", "/pkg.Svc/Do", "", "application/grpc", "Grpc-Status: 7")
	f("application/x-www-form-urlencoded", "text/html", "/login", "a=1", "text/html; charset=utf-8", "Request blocked")
}

func TestOtherStatus(t *testing.T) {
	if p := page(502, "", "text/html", "/", ""); !strings.Contains(string(p.Body), "Bad Gateway") {
		t.Errorf("%s", p.Body)
	}
	if p := New(400, "id", nil, nil); !json.Valid(p.Body) || p.Status != 400 {
		t.Errorf("%s", p.Body)
	}
}
