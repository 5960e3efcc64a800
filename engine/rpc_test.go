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
	versioned := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"find","arguments":{"Region":"eu west","limit":10,"raw":true,"q":"x"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`
	f(versioned, "mcp", "", "MCP-Protocol-Version", "2026-07-28", "Mcp-Param-Region", "eu west", "Mcp-Param-Limit", "10", "Mcp-Param-Raw", "true", "Mcp-Param-Tenant", "7")
	f(versioned, "mcp", `post.json.params._meta."io.modelcontextprotocol/protocolVersion"`, "MCP-Protocol-Version", "2025-11-25")
	f(versioned, "mcp", "post.json.params.arguments.Region", "mcp-param-region", "us west")
	f(versioned, "mcp", "post.json.params.arguments.limit", "Mcp-Param-Limit", "100")
	f(versioned, "mcp", "post.json.params.arguments.raw", "Mcp-Param-Q", "x", "Mcp-Param-Raw", "false")
	f(versioned, "mcp", "", "Mcp-Name", "=?base64?ZmluZA==?=", "Mcp-Param-Region", "=?base64?ZXUgd2VzdA==?=")
	f(versioned, "mcp", "post.json.params.name", "Mcp-Name", "=?base64?ZmluZQ==?=")
	f(versioned, "mcp", "post.json.params.name", "Mcp-Name", "=?base64?????????=")
	f(callOf(`{"user_name":"ana"}`), "mcp", "", "Mcp-Param-User-Name", "ana")
	f(callOf(`{"user_name":"ana"}`), "mcp", "post.json.params.arguments.user_name", "Mcp-Param-User-Name", "bob")
	f(callOf(`{"filter":{"region":"eu"}}`), "mcp", "", "Mcp-Param-Region", "us")
	f(callOf(`{}`), "mcp", "post", "Mcp-Method", "tools/call", "Mcp-Method", "tools/list")
	f(callOf(`{}`), "mcp", "", "Mcp-Method", "tools/call", "Mcp-Method", "tools/call")
	f("["+callOf(`{}`)+"]", "mcp", "post.json[0].params.name", "Mcp-Name", "other")
	f("["+callOf(`{}`)+`,{"jsonrpc":"2.0","method":"tools/list"}]`, "mcp", "post.json[1].method", "Mcp-Method", "tools/call")
	f("["+callOf(`{"a":"1"}`)+"]", "mcp", "post.json[0].params.arguments.a", "Mcp-Param-A", "2")
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
