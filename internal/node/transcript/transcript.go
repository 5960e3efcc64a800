// Package transcript writes a request as one HTTP/1.1 message and reads it back.
//
// The message is for people and for inspecting it again, not for sending: the
// body follows the head as it was inspected, without transfer coding, and the
// request line of an HTTP/2 request says HTTP/2.0.
package transcript

import (
	"bytes"
	"errors"

	"github.com/gabionhq/gabion/engine"
)

// Append appends the message to dst.
func Append(dst []byte, head *engine.Head, body []byte) []byte {
	dst = append(append(dst, head.Method...), ' ')
	dst = append(append(dst, head.Target...), ' ')
	dst = append(append(dst, head.Proto...), "\r\n"...)
	for _, f := range head.Header {
		dst = append(append(dst, f.Name...), ": "...)
		dst = append(append(dst, f.Value...), "\r\n"...)
	}
	return append(append(dst, "\r\n"...), body...)
}

// Read returns the head and the body of a message. They share its memory.
func Read(message []byte) (engine.Head, []byte, error) {
	text, body, ok := bytes.Cut(message, []byte("\r\n\r\n"))
	if !ok {
		return engine.Head{}, nil, errors.New("reading a transcript: its head does not end")
	}
	line, fields, _ := bytes.Cut(text, []byte("\r\n"))
	first, last := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	if first < 0 || first == last {
		return engine.Head{}, nil, errors.New("reading a transcript: its first line is not a request line")
	}
	head := engine.Head{Method: line[:first], Target: line[first+1 : last], Proto: line[last+1:]}
	for len(fields) > 0 {
		var field []byte
		field, fields, _ = bytes.Cut(fields, []byte("\r\n"))
		name, value, ok := bytes.Cut(field, []byte(": "))
		if !ok {
			return engine.Head{}, nil, errors.New("reading a transcript: a line of its head is not a field")
		}
		head.Header = append(head.Header, engine.HeaderField{Name: name, Value: value})
		if head.Host == nil && bytes.EqualFold(name, []byte("host")) {
			head.Host = hostname(value)
		}
	}
	return head, body, nil
}

// hostname returns the value of a Host field without its port.
func hostname(host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i > bytes.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}
