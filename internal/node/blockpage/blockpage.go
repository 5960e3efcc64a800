// Package blockpage renders what a client gets instead of an answer of the upstream.
//
// A page names the request and nothing else: no rule, no score, no point.
// It speaks the protocol that the client expects to parse.
package blockpage

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/internal/node/h1"
)

// A Page is a response body with the fields that belong to it.
type Page struct {
	Status int
	Fields []engine.HeaderField // Content-Type, Content-Length, Cache-Control and what the protocol adds
	Body   []byte
}

type format uint8

const (
	problem format = iota
	html
	graphql
	jsonrpc
	grpc
)

// sniff is how far into a body a JSON-RPC message is looked for.
const sniff = 1 << 10

// New renders the page for a request with this head and the part of its
// body that was received. id is the request id.
func New(status int, id string, head *h1.Head, body []byte) Page {
	f := problem
	if head != nil {
		f = formatOf(head, body[:min(len(body), sniff)])
	}
	p := Page{Status: status}
	text := http.StatusText(status)
	if status == http.StatusForbidden {
		text = "Request blocked"
	}
	switch f {
	case html:
		p.render("text/html; charset=utf-8", "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>"+
			text+"</title><style>body{font:1rem/1.5 system-ui;margin:20vh auto;max-width:32rem;padding:0 1rem}</style><h1>"+
			text+"</h1><p>If you think this is a mistake, contact the owner of this site and give this id:<p><code>"+id+"</code></html>\n")
	case graphql:
		p.render("application/json", `{"errors":[{"message":"`+text+`","extensions":{"code":"`+code(status)+`","request_id":"`+id+`"}}]}`+"\n")
	case jsonrpc:
		p.render("application/json", `{"jsonrpc":"2.0","error":{"code":-32000,"message":"`+text+`","data":{"request_id":"`+id+`"}},"id":null}`+"\n")
	case grpc:
		p.render("application/grpc", "")
		p.add("Grpc-Status", strconv.Itoa(grpcStatus(status)))
		p.add("Grpc-Message", text+", request id "+id)
	default:
		p.render("application/problem+json", `{"type":"about:blank","title":"`+text+`","status":`+strconv.Itoa(status)+`,"request_id":"`+id+`"}`+"\n")
	}
	return p
}

func (p *Page) render(contentType, body string) {
	p.Body = []byte(body)
	p.add("Content-Type", contentType)
	p.add("Content-Length", strconv.Itoa(len(body)))
	p.add("Cache-Control", "no-store")
}

func (p *Page) add(name, value string) {
	p.Fields = append(p.Fields, engine.HeaderField{Name: []byte(name), Value: []byte(value)})
}

func code(status int) string {
	if status == http.StatusForbidden {
		return "FORBIDDEN"
	}
	return strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_"))
}

// grpcStatus maps as gRPC's "HTTP to gRPC Status Code Mapping" does.
func grpcStatus(status int) int {
	switch status {
	case http.StatusBadRequest:
		return 13 // INTERNAL
	case http.StatusForbidden:
		return 7 // PERMISSION_DENIED
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return 14 // UNAVAILABLE
	}
	return 2 // UNKNOWN
}

func formatOf(head *h1.Head, body []byte) format {
	contentType := lower(head.Get("content-type"))
	accept := lower(head.Get("accept"))
	json := strings.Contains(contentType, "json")
	switch {
	case strings.HasPrefix(contentType, "application/grpc"):
		return grpc
	case strings.HasPrefix(contentType, "application/graphql"), strings.Contains(accept, "graphql-response+json"), json && isGraphQLPath(head.Target):
		return graphql
	case strings.HasPrefix(contentType, "application/json-rpc"), json && bytes.Contains(body, []byte(`"jsonrpc"`)):
		return jsonrpc
	case strings.Contains(accept, "text/html"):
		return html
	}
	return problem
}

func isGraphQLPath(target []byte) bool {
	path, _, _ := bytes.Cut(target, []byte("?"))
	return bytes.HasSuffix(bytes.TrimRight(path, "/"), []byte("/graphql"))
}

func lower(b []byte) string { return strings.ToLower(string(b)) }
