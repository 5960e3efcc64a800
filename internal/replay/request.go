// Package replay runs recorded requests through the engine.
//
// A recording is JSON Lines, one request per line, or one HTTP/1.1 message as
// it stood on the wire. Requests are inspected on all cores; what comes of
// them is handed out in the order of the recording, and memory stays bounded
// however long it is.
package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
	"strings"

	"github.com/gabionhq/gabion/engine"
)

// A Request is one recorded request. Its body is stored without transfer
// coding, whatever its header says.
type Request struct {
	Method  string      `json:"method"`
	Target  string      `json:"target"`
	Headers [][2]string `json:"headers"`
	Body    []byte      `json:"body_b64"`
}

// Parse reads a line of a recording. It reads the four fields of a Request
// and skips all others.
func Parse(line []byte) (*Request, error) {
	q := &Request{}
	if err := json.Unmarshal(line, q); err != nil {
		return nil, fmt.Errorf("parsing a request: %w", err)
	}
	return q, q.Check()
}

// Check reports what a recorded request lacks.
func (q *Request) Check() error {
	if q.Method == "" || q.Target == "" {
		return errors.New(`parsing a request: "method" and "target" must not be empty`)
	}
	return nil
}

// ParseRaw reads one HTTP/1.1 message. It is as tolerant as the servers that
// attackers aim at: lines may end in a bare LF, and the body is whatever
// follows the head, unless the message says that it is chunked.
func ParseRaw(msg []byte) (*Request, error) {
	head, body := cutHead(msg)
	start, fields, _ := strings.Cut(head, "\n")
	method, rest, ok := strings.Cut(strings.TrimRight(start, "\r"), " ")
	if !ok || method == "" {
		return nil, fmt.Errorf("parsing a raw request: %.60q is not a request line", start)
	}
	q := &Request{Method: method, Target: rest, Body: body}
	if i := strings.LastIndex(rest, " HTTP/"); i >= 0 {
		q.Target = rest[:i]
	}
	chunked := false
	for line := range strings.Lines(fields) {
		line = strings.TrimRight(line, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("parsing a raw request: %.60q is not a header field", line)
		}
		value = strings.Trim(value, " \t")
		q.Headers = append(q.Headers, [2]string{name, value})
		chunked = chunked || strings.EqualFold(name, "Transfer-Encoding") && strings.EqualFold(value, "chunked")
	}
	if !chunked {
		return q, nil
	}
	body, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body)))
	if err != nil {
		return nil, fmt.Errorf("parsing a raw request: reading its chunks: %w", err)
	}
	q.Body = body
	return q, nil
}

// cutHead splits a message at the empty line, whichever line ending it uses.
func cutHead(msg []byte) (head string, body []byte) {
	for rest, off := msg, 0; ; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			return string(msg), nil
		}
		if off > 0 && len(bytes.TrimRight(rest[:i], "\r")) == 0 {
			return string(msg[:off]), msg[off+i+1:]
		}
		rest, off = rest[i+1:], off+i+1
	}
}

// head returns q as the engine wants it.
func (q *Request) head() *engine.Head {
	h := &engine.Head{
		Method: []byte(q.Method),
		Target: []byte(q.Target),
		Scheme: []byte("http"),
		Proto:  []byte("HTTP/1.1"),
		Header: make([]engine.HeaderField, len(q.Headers)),
	}
	for i, f := range q.Headers {
		h.Header[i] = engine.HeaderField{Name: []byte(f[0]), Value: []byte(f[1])}
		if h.Host == nil && strings.EqualFold(f[0], "Host") {
			h.Host = []byte(hostname(f[1]))
		}
	}
	return h
}

// hostname is a Host field without its port.
func hostname(host string) string {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") {
		return host
	}
	return host[:i]
}
