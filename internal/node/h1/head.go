// Package h1 reads and writes HTTP/1.1 messages strictly, keeping every byte of a field as it arrived.
//
// It refuses whatever two servers might read differently: bare CR or LF,
// folded lines, space around field names, repeated or malformed
// Content-Length, Content-Length together with Transfer-Encoding, and any
// transfer coding but chunked (RFC 9112 2.2, 5.1, 5.2, 6.3, 11.2).
package h1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/gabionhq/gabion/engine"
)

// MaxHead bounds a head. Browsers and common servers stop at 8 to 32 KiB;
// tokens in cookies justify more, held memory per connection not much more.
const MaxHead = 64 << 10

// MaxFields bounds the fields of a head, so that field handling stays
// cheap whatever is sent.
const MaxFields = 256

// Framing is how a body is delimited.
type Framing uint8

// The framings. UntilClose occurs in responses only.
const (
	NoBody Framing = iota
	Length
	Chunked
	UntilClose
)

// role is what a field means for the connection.
type role uint8

const (
	endToEnd role = iota
	hopByHop
	host
	contentLength
	transferEncoding
	connection
	upgrade
	te
	expect
	requestID
)

// A Head is the head of a request or a response. Its slices stay valid
// until the next ReadRequest or ReadResponse into it.
type Head struct {
	Method, Target []byte // of a request
	Status         int    // of a response
	Reason         []byte // of a response, may be empty
	Proto          []byte
	Minor          int // of HTTP/1.Minor

	Fields  []engine.HeaderField // in wire order
	Host    []byte               // value of Host or authority of an absolute target, port included
	Framing Framing
	Size    int64  // with Length
	Close   bool   // the sender ends the connection after this message
	Expect  bool   // Expect: 100-continue
	Upgrade []byte // value of Upgrade, if the message asks for one that may be forwarded

	roles []role
	buf   []byte
}

// An Error is a message that this package refuses. Status is what to answer
// to its sender.
type Error struct {
	Status int
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("refusing message: %s", e.Reason) }

func refuse(status int, reason string) error { return &Error{status, reason} }

// ReadRequest reads the head of a request. It returns io.EOF if the
// connection ends before its first byte, *Error for what it refuses.
func (h *Head) ReadRequest(r *bufio.Reader) error {
	if err := h.read(r); err != nil {
		return err
	}
	rest, err := h.requestLine(h.buf)
	if err != nil {
		return err
	}
	if err := h.parseFields(rest, 400); err != nil {
		return err
	}
	return h.requestRules()
}

// ReadResponse reads the head of a response to a request with the method.
func (h *Head) ReadResponse(r *bufio.Reader, method []byte) error {
	if err := h.read(r); err != nil {
		return err
	}
	rest, err := h.statusLine(h.buf)
	if err != nil {
		return err
	}
	if err := h.parseFields(rest, 502); err != nil {
		return err
	}
	return h.responseRules(method)
}

// read collects the bytes up to the empty line.
func (h *Head) read(r *bufio.Reader) error {
	buf := h.buf[:0]
	*h = Head{Fields: h.Fields[:0], roles: h.roles[:0], buf: buf}
	blank := 0
	for {
		line, err := r.ReadSlice('\n')
		buf = append(buf, line...)
		h.buf = buf
		if len(buf) > MaxHead {
			return refuse(431, "head exceeds 64 KiB")
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(buf) > 0:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
		if !bytes.HasSuffix(buf, crlf) {
			return refuse(400, "line ends without CR")
		}
		// RFC 9112 2.2: an empty line before the start line is ignored.
		if len(buf) == 2 {
			if blank++; blank > 1 {
				return refuse(400, "empty lines before the start line")
			}
			buf = buf[:0]
			continue
		}
		if bytes.HasSuffix(buf, headEnd) {
			h.buf = buf[:len(buf)-2]
			return nil
		}
	}
}

var (
	crlf    = []byte("\r\n")
	headEnd = []byte("\r\n\r\n")
)

// cut returns the first line of b without its CRLF, and the rest.
func cut(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	return b[:i-1], b[i+1:]
}

func (h *Head) requestLine(b []byte) ([]byte, error) {
	line, rest := cut(b)
	i := bytes.IndexByte(line, ' ')
	j := bytes.LastIndexByte(line, ' ')
	if i <= 0 || i == j {
		return nil, refuse(400, "malformed request line")
	}
	h.Method, h.Target, h.Proto = line[:i], line[i+1:j], line[j+1:]
	if !IsToken(h.Method) {
		return nil, refuse(400, "malformed method")
	}
	if len(h.Target) == 0 || !all(h.Target, targetByte) {
		return nil, refuse(400, "malformed request target")
	}
	return rest, h.version(400)
}

func (h *Head) statusLine(b []byte) ([]byte, error) {
	line, rest := cut(b)
	// HTTP/1.1 SP 3DIGIT [ SP reason ]
	if len(line) < 12 || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return nil, refuse(502, "malformed status line")
	}
	h.Proto = line[:8]
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return nil, refuse(502, "malformed status code")
		}
		h.Status = h.Status*10 + int(c-'0')
	}
	if h.Status < 100 {
		return nil, refuse(502, "malformed status code")
	}
	if len(line) > 13 {
		h.Reason = line[13:]
	}
	if !all(h.Reason, valueByte) {
		return nil, refuse(502, "malformed reason phrase")
	}
	return rest, h.version(502)
}

func (h *Head) version(status int) error {
	switch string(h.Proto) {
	case "HTTP/1.1":
		h.Minor = 1
	case "HTTP/1.0":
	default:
		if status == 400 && bytes.HasPrefix(h.Proto, []byte("HTTP/")) {
			status = 505
		}
		return refuse(status, "protocol version is neither HTTP/1.0 nor HTTP/1.1")
	}
	return nil
}

func (h *Head) parseFields(b []byte, status int) error {
	for len(b) > 0 {
		var line []byte
		line, b = cut(b)
		f, err := parseField(line)
		if err != "" {
			return refuse(status, err)
		}
		if len(h.Fields) == MaxFields {
			return refuse(max(status, 431), "more than 256 fields")
		}
		h.Fields = append(h.Fields, f)
		h.roles = append(h.roles, roleOf(f.Name))
	}
	return nil
}

func parseField(line []byte) (f engine.HeaderField, err string) {
	i := bytes.IndexByte(line, ':')
	if i <= 0 {
		return f, "field line without a name"
	}
	// Also refuses folded lines and space before the colon (RFC 9112 5.1, 5.2).
	if !IsToken(line[:i]) {
		return f, "malformed field name"
	}
	f.Name, f.Value = line[:i], trim(line[i+1:])
	if !all(f.Value, valueByte) {
		return f, "control character in a field value"
	}
	return f, ""
}

func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// roleOf switches on the length first: most fields are decided by it.
func roleOf(name []byte) role {
	switch len(name) {
	case 2:
		return named(name, "te", te)
	case 4:
		return named(name, "host", host)
	case 6:
		return named(name, "expect", expect)
	case 7:
		return named(name, "upgrade", upgrade)
	case 10:
		if Is(name, "keep-alive") {
			return hopByHop
		}
		return named(name, "connection", connection)
	case 14:
		return named(name, "content-length", contentLength)
	case 16:
		return named(name, "proxy-connection", hopByHop)
	case 17:
		return named(name, "transfer-encoding", transferEncoding)
	case 19:
		return named(name, "x-gabion-request-id", requestID)
	}
	return endToEnd
}

func named(name []byte, lower string, r role) role {
	if Is(name, lower) {
		return r
	}
	return endToEnd
}

// Is compares a field name or an option with its lower-case form.
func Is(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// Get returns the first value of a field, nil if there is none.
func (h *Head) Get(lower string) []byte {
	for i := range h.Fields {
		if Is(h.Fields[i].Name, lower) {
			return h.Fields[i].Value
		}
	}
	return nil
}

// Byte classes of RFC 9110 5.6.2 and 5.5. A target may hold bytes above
// 0x7f: browsers never send them, many other clients do.
const (
	tokenByte = 1 << iota
	valueByte
	targetByte
	hexByte
)

var classes = func() (t [256]byte) {
	for c := range 256 {
		if c >= 0x20 && c != 0x7f || c == '\t' {
			t[c] |= valueByte
		}
		if c > 0x20 && c != 0x7f {
			t[c] |= targetByte
		}
	}
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] |= tokenByte
	}
	for _, c := range "0123456789abcdefABCDEF" {
		t[c] |= hexByte
	}
	return t
}()

func all(b []byte, class byte) bool {
	for _, c := range b {
		if classes[c]&class == 0 {
			return false
		}
	}
	return true
}

// IsToken says whether b is a token (RFC 9110 5.6.2).
func IsToken(b []byte) bool { return len(b) > 0 && all(b, tokenByte) }
