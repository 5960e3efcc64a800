package h1

import (
	"iter"
	"strconv"

	"github.com/gabionhq/gabion/engine"
)

// RequestID is the field that names a request, on requests and responses.
const RequestID = "X-Gabion-Request-Id"

// AppendRequest appends the head as a gateway forwards it: the start line
// and the end-to-end fields as they arrived, then those in add. An upgrade
// is forwarded if h.Upgrade is set. The caller ends the head with CRLF.
func AppendRequest(dst []byte, h *Head, add ...engine.HeaderField) []byte {
	dst = append(append(dst, h.Method...), ' ')
	dst = append(append(dst, h.Target...), " HTTP/1.1\r\n"...)
	framed := false
	for i, f := range h.Fields {
		switch h.roles[i] {
		case contentLength, transferEncoding:
			framed = true
		case endToEnd, host:
		case te:
			if !Is(f.Value, "trailers") {
				continue
			}
			dst = append(dst, "Connection: TE\r\n"...)
		case upgrade:
			if len(h.Upgrade) == 0 {
				continue
			}
			dst = append(dst, "Connection: Upgrade\r\n"...)
		case expect:
			if h.Expect {
				continue
			}
		default:
			continue
		}
		dst = AppendField(dst, f)
	}
	if !framed {
		dst = appendFraming(dst, h)
	}
	return appendAll(dst, add)
}

// ForUpstream yields the fields that a gateway forwards over HTTP/2, which
// frames messages by itself and names the host elsewhere.
func (h *Head) ForUpstream() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for i, f := range h.Fields {
			forwarded := h.roles[i] == endToEnd || h.roles[i] == te && Is(f.Value, "trailers") || h.roles[i] == expect && !h.Expect
			if forwarded && !yield(f.Name, f.Value) {
				return
			}
		}
	}
}

// AppendResponse appends the head of a final or interim response as a
// gateway forwards it, without framing fields for a body: those follow from
// the connection it goes to. Content-Length is kept. The caller ends the
// head with CRLF.
func AppendResponse(dst []byte, h *Head, add ...engine.HeaderField) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(h.Status), 10)
	dst = append(append(append(dst, ' '), h.Reason...), crlf...)
	for i := range h.Fields {
		if h.ForClient(i) {
			dst = AppendField(dst, h.Fields[i])
		}
	}
	return appendAll(dst, add)
}

// ForClient says whether field i of a response is forwarded.
func (h *Head) ForClient(i int) bool {
	switch h.roles[i] {
	case hopByHop, connection, transferEncoding, requestID:
		return false
	case upgrade:
		return h.Status == 101
	}
	return true
}

// appendFraming frames a request that did not arrive as HTTP/1.1.
func appendFraming(dst []byte, h *Head) []byte {
	switch h.Framing {
	case Length:
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, h.Size, 10)
		return append(dst, crlf...)
	case Chunked:
		return append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	return dst
}

func appendAll(dst []byte, fields []engine.HeaderField) []byte {
	for _, f := range fields {
		dst = AppendField(dst, f)
	}
	return dst
}

// AppendField appends one field line.
func AppendField(dst []byte, f engine.HeaderField) []byte {
	dst = append(append(dst, f.Name...), ": "...)
	return append(append(dst, f.Value...), crlf...)
}

// AppendChunk appends data as one chunk; empty data appends nothing, since
// an empty chunk would end the body.
func AppendChunk(dst, data []byte) []byte {
	if len(data) == 0 {
		return dst
	}
	dst = AppendChunkSize(dst, len(data))
	return append(append(dst, data...), crlf...)
}

// AppendChunkSize appends the line before the n > 0 bytes of a chunk.
func AppendChunkSize(dst []byte, n int) []byte {
	return append(strconv.AppendInt(dst, int64(n), 16), crlf...)
}

// AppendLastChunk ends a chunked body.
func AppendLastChunk(dst []byte, trailer []engine.HeaderField) []byte {
	dst = append(dst, "0\r\n"...)
	return append(appendAll(dst, trailer), crlf...)
}

// Drop keeps the fields of a name from being forwarded.
func (h *Head) Drop(lower string) {
	for i := range h.Fields {
		if Is(h.Fields[i].Name, lower) {
			h.roles[i] = hopByHop
		}
	}
}
