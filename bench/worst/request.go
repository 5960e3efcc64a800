package main

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/gabionhq/gabion/engine"
)

// A request is one that a case makes.
type request struct {
	head engine.Head
	body []byte
}

// size is what the request has on the wire.
func (q *request) size() int {
	n := len(q.head.Method) + len(q.head.Target) + len(" HTTP/1.1\r\n\r\n\r\n") + len(q.body)
	for _, f := range q.head.Header {
		n += len(f.Name) + len(f.Value) + len(": \r\n")
	}
	return n
}

func field(name, value string) engine.HeaderField {
	return engine.HeaderField{Name: []byte(name), Value: []byte(value)}
}

func get(target string, fields ...engine.HeaderField) request {
	return request{head: engine.Head{
		Method: []byte("GET"), Target: []byte(target), Host: []byte("a.example"), Scheme: []byte("http"), Proto: []byte("HTTP/1.1"),
		Header: append([]engine.HeaderField{field("Host", "a.example")}, fields...),
	}}
}

func post(contentType string, body []byte) request {
	q := get("/a", field("Content-Type", contentType))
	q.head.Method, q.body = []byte("POST"), body
	return q
}

// fill repeats a unit up to size.
func fill(unit string, size int) string {
	return strings.Repeat(unit, size/len(unit)+1)[:size]
}

// largestHead is what the node accepts of a target and header fields.
const largestHead = 64 << 10

// A carrier is a place of a request that carries a value.
type carrier struct {
	name string
	most int
	put  func(v string) request
}

func carriers() []carrier {
	const boundary = "----b0undary"
	part := func(disposition, v string) request {
		return post("multipart/form-data; boundary="+boundary,
			[]byte("--"+boundary+"\r\nContent-Disposition: form-data; "+disposition+"\r\n\r\n"+v+"\r\n--"+boundary+"--\r\n"))
	}
	return []carrier{
		{"query", largestHead, func(v string) request { return get("/a?x=" + escape(v)) }},
		{"path", largestHead, func(v string) request { return get("/" + escape(v)) }},
		{"header", largestHead, func(v string) request { return get("/", field("X-Value", v)) }},
		{"agent", largestHead, func(v string) request { return get("/", field("User-Agent", v)) }},
		{"referer", largestHead, func(v string) request { return get("/", field("Referer", v)) }},
		{"cookie", largestHead, func(v string) request { return get("/", field("Cookie", "a="+v)) }},
		{"form", 0, func(v string) request { return post("application/x-www-form-urlencoded", []byte("x="+escape(v))) }},
		{"name", 0, func(v string) request { return post("application/x-www-form-urlencoded", []byte(escape(v)+"=1")) }},
		{"json", 0, func(v string) request {
			b, _ := json.Marshal(v) // strings always marshal
			return post("application/json", append(append([]byte(`{"x":`), b...), '}'))
		}},
		{"text", 0, func(v string) request { return post("text/plain", []byte(v)) }},
		{"xml", 0, func(v string) request { return post("application/xml", []byte("<a>"+v+"</a>")) }},
		{"field", 0, func(v string) request { return part(`name="x"`, v) }},
		{"file", 0, func(v string) request { return part(`name="x"; filename="a.txt"`, v) }},
		{"base64", 0, func(v string) request {
			b := base64.StdEncoding.EncodeToString([]byte(v))
			return post("application/json", []byte(`{"x":"`+b+`"}`))
		}},
		{"raw", 0, func(v string) request { return post("application/octet-stream", []byte(v)) }},
	}
}

// escape escapes what would end a value in a query, and nothing else, so
// that most of what is sent is what is inspected.
func escape(v string) string { return escaper.Replace(v) }

var escaper = strings.NewReplacer("%", "%25", "&", "%26", "#", "%23", "+", "%2B", " ", "+", "\r", "%0D", "\n", "%0A", "\x00", "%00")
