package engine

import (
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/rule"
)

func TestToolArguments(t *testing.T) {
	e := New(Options{})
	f := func(body, shape, point string, fields ...string) {
		t.Helper()
		r := request{method: "POST", target: "/mcp", fields: append([]string{"Content-Type", "application/json"}, fields...), body: body}
		v, rep := inspect(e, nil, Env{Mode: rule.Block}, &r, whole)
		if rep.Shape != shape {
			t.Errorf("%s: shape %q, want %q", body, rep.Shape, shape)
		}
		var points []string
		for _, f := range rep.Findings {
			points = append(points, f.Point)
		}
		if blocked := v.Decision == Block; blocked != (point != "") || blocked && !strings.Contains(strings.Join(points, " "), point) {
			t.Errorf("%s: %v at %v, want %q", body, v.Decision, points, point)
		}
	}
	const sql = `1' UNION SELECT login, password FROM users -- `
	callOf := func(arguments string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"find","arguments":` + arguments + `}}`
	}
	f(callOf(`{"q":"weather in Vienna"}`), "mcp", "")
	f(callOf(`{"q":"weather in Vienna"}`), "mcp", "", "Mcp-Method", "tools/call", "Mcp-Name", "find")
	f(callOf(`{"q":"`+sql+`"}`), "mcp", "post.json.params.arguments.q")
	f(callOf(`{"path":"../../../../etc/passwd"}`), "mcp", `post.json.params.arguments."path"`)
	f(callOf(quoted(`{"q":"`+sql+`"}`)), "mcp", "post.json.params.arguments.json.q")
	f(callOf(`{}`), "mcp", "post.json.params.name", "Mcp-Method", "tools/call", "Mcp-Name", "other")
	f(callOf(`{}`), "mcp", "post.json.method", "Mcp-Method", "tools/list")
	f(`{"jsonrpc":"2.0","method":"tools/list","method":"tools/call"}`, "mcp", "post.json.method", "Mcp-Method", "tools/list")
	f(`{"jsonrpc":"2.0","method":"resources/read","params":{"uri":"notes://readme"}}`, "mcp", "", "Mcp-Name", "notes://readme")
	f(`{"jsonrpc":"2.0","method":"eth_call","params":[{"to":"0x00"}]}`, "json-rpc", "")
	f(`{"model":"m","messages":[{"role":"user","content":"Hello there"}]}`, "chat", "")
	f(`{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"find","arguments":`+quoted(`{"q":"`+sql+`"}`)+`}}]}]}`, "chat", "post.json.messages[0].tool_calls[0].function.arguments.json.q")
	f(`{"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","content":"`+sql+`"}]}]}`, "chat", "post.json.messages[0].content[0].content")
	f(`{"model":"m","input":"Hello there"}`, "responses", "")
	f(`{"model":"m","prompt":"Hello there"}`, "completion", "")
	f(`{"contents":[{"parts":[{"text":"Hello there"}]}]}`, "contents", "")
	f(`{"user":{"model":"m","messages":[]}}`, "", "")
}

func TestMismatchIsSmuggling(t *testing.T) {
	r := request{method: "POST", target: "/mcp", fields: []string{"MCP-METHOD", "tools/list"}, body: `{"jsonrpc":"2.0","method":"tools/call"}`}
	_, rep := inspect(New(Options{}), nil, Env{Mode: rule.Block}, &r, whole)
	if len(rep.Findings) != 1 || rep.Findings[0].Class != detect.Smuggling || string(rep.Findings[0].Value) != "tools/call" {
		t.Errorf("%+v", rep.Findings)
	}
}
