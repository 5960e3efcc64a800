// Package ws reads the messages of a WebSocket client and hands on every byte of their frames as it arrived.
//
// It refuses what servers might read differently: reserved bits and opcodes,
// lengths that are not minimal, frames without a mask, fragments out of
// order (RFC 6455 5).
package ws

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxControl bounds the payload of a control frame (RFC 6455 5.5).
const maxControl = 125

// maxHeader is the longest header: 2 bytes, 8 of length, 4 of mask.
const maxHeader = 14

// Codes of Close frames (RFC 6455 7.4.1).
const (
	ProtocolError   = 1002
	InvalidPayload  = 1007
	PolicyViolation = 1008
	TooBig          = 1009
	InternalError   = 1011
	TryAgainLater   = 1013
)

// An Error is a message that this package refuses. Code is what to close
// the connection with.
type Error struct {
	Code   uint16
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("refusing WebSocket message: %s", e.Reason) }

func refuse(reason string) error { return &Error{ProtocolError, reason} }

// A Sink gets the bytes of frames as they arrived, while they are read. An
// error of it ends the reading. The bytes are valid during the call.
type Sink interface {
	Data([]byte) error    // the next bytes of data frames, headers included
	Control([]byte) error // a whole control frame, which may stand between two data frames
}

// A Reader reads the messages of a client.
type Reader struct {
	r    *bufio.Reader
	sink Sink
	z    *inflater // nil if compression was not negotiated

	inside     bool // a message has begun
	compressed bool
	fin        bool  // the frame is the last of the message
	left       int64 // bytes of the frame to come
	mask       [4]byte
	masked     int // bytes of the frame read so far, modulo 4
	frame      [maxHeader + maxControl]byte
}

// NewReader returns a Reader of what the client sends after the handshake.
func NewReader(r *bufio.Reader, sink Sink, d Deflate) *Reader {
	m := &Reader{r: r, sink: sink}
	if d.On {
		m.z = &inflater{source: source{from: m, buf: make([]byte, 512)}, takeover: d.Takeover}
	}
	return m
}

// Next waits for the next message. It returns io.EOF if the connection ends
// between two frames. The message before must have been read to its end.
func (m *Reader) Next() error {
	m.inside, m.left, m.fin = false, 0, false
	if err := m.next(); err != nil {
		return err
	}
	m.inside = true
	if m.compressed {
		m.z.begin()
	}
	return nil
}

// Read reads the content of the message, without masks and compression. It
// returns io.EOF at its end.
func (m *Reader) Read(p []byte) (int, error) {
	if m.compressed {
		return m.z.Read(p)
	}
	return m.payload(p)
}

// payload reads the content of the frames of the message.
func (m *Reader) payload(p []byte) (int, error) {
	for m.left == 0 {
		if m.fin {
			return 0, io.EOF
		}
		if err := m.next(); err != nil {
			return 0, whole(err)
		}
	}
	n, err := m.r.Read(p[:min(int64(len(p)), m.left)])
	if n == 0 {
		return 0, whole(err)
	}
	m.left -= int64(n)
	if err := m.sink.Data(p[:n]); err != nil {
		return 0, err
	}
	for i := range p[:n] {
		p[i] ^= m.mask[(m.masked+i)&3]
	}
	m.masked = (m.masked + n) & 3
	return n, nil
}

// next reads frames up to the header of the next data frame.
func (m *Reader) next() error {
	for {
		head, err := m.header()
		if err != nil {
			return err
		}
		if head[0]&0x08 == 0 {
			return m.data(head)
		}
		if err := m.control(head); err != nil {
			return err
		}
	}
}

// header reads a header and checks what holds for all frames.
func (m *Reader) header() ([]byte, error) {
	first, err := m.r.ReadByte()
	if err != nil {
		return nil, err
	}
	second, err := m.r.ReadByte()
	if err != nil {
		return nil, whole(err)
	}
	m.frame[0], m.frame[1] = first, second
	if second&0x80 == 0 {
		return nil, refuse("frame of a client without mask")
	}
	head := m.frame[:headerSize(second)]
	if _, err := io.ReadFull(m.r, head[2:]); err != nil {
		return nil, whole(err)
	}
	size, minimal := payloadSize(head)
	switch {
	case first&0x30 != 0:
		return nil, refuse("reserved bits are set")
	case first&0x07 > 2:
		return nil, refuse("reserved opcode")
	case !minimal:
		return nil, refuse("length is not minimal")
	}
	m.left = size
	return head, nil
}

// data begins a data frame.
func (m *Reader) data(head []byte) error {
	compressed := head[0]&0x40 != 0
	switch continues := head[0]&0x0f == 0; {
	case continues != m.inside:
		return refuse("fragment out of order")
	case compressed && (continues || m.z == nil):
		return refuse("compression was not negotiated")
	case !continues:
		m.compressed = compressed
	}
	m.fin = head[0]&0x80 != 0
	m.masked = copy(m.mask[:], head[len(head)-4:]) & 3
	return m.sink.Data(head)
}

// control hands on a control frame.
func (m *Reader) control(head []byte) error {
	if m.left > maxControl || head[0]&0xc0 != 0x80 {
		return refuse("malformed control frame")
	}
	frame := m.frame[:len(head)+int(m.left)]
	if _, err := io.ReadFull(m.r, frame[len(head):]); err != nil {
		return whole(err)
	}
	m.left = 0
	return m.sink.Control(frame)
}

// headerSize returns the size of a header by its second byte.
func headerSize(second byte) int {
	n := 2
	switch second & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if second&0x80 != 0 {
		n += 4
	}
	return n
}

// payloadSize reads the length of a frame from its header.
func payloadSize(head []byte) (n int64, minimal bool) {
	switch short := head[1] & 0x7f; short {
	case 126:
		n = int64(binary.BigEndian.Uint16(head[2:]))
		return n, n > 125
	case 127:
		n = int64(binary.BigEndian.Uint64(head[2:]))
		return n, n > 0xffff // negative with the bit that must be 0
	default:
		return int64(short), true
	}
}

// whole turns the end of a connection in the middle of a frame or message
// into an error.
func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A Cursor follows the frames of a byte stream without judging them.
type Cursor struct {
	head [maxHeader]byte
	n    int
	left int64
}

// Between says whether the stream stands between two frames.
func (c *Cursor) Between() bool { return c.n == 0 && c.left == 0 }

// Next moves on to the end of the frame, or of b if it ends before, and
// returns how many bytes of b that is.
func (c *Cursor) Next(b []byte) (n int) {
	if c.left == 0 {
		for n < len(b) && (c.n < 2 || c.n < headerSize(c.head[1])) {
			c.head[c.n] = b[n]
			c.n++
			n++
		}
		if c.n < 2 || c.n < headerSize(c.head[1]) {
			return n
		}
		size, _ := payloadSize(c.head[:])
		c.left, c.n = max(size, 0), 0
	}
	step := min(c.left, int64(len(b)-n))
	c.left -= step
	return n + int(step)
}

// AppendClose appends a Close frame, with a mask if it goes to a server.
// What does not fit a control frame of the reason is cut off.
func AppendClose(dst []byte, code uint16, reason string, masked bool) []byte {
	reason = reason[:min(len(reason), maxControl-2)]
	bit := byte(0)
	if masked {
		bit = 0x80
	}
	dst = append(dst, 0x88, bit|byte(2+len(reason)))
	if masked {
		// The mask hides what clients choose from proxies on the way (RFC
		// 6455 10.3), and these bytes nobody chose.
		dst = append(dst, 0, 0, 0, 0)
	}
	return append(binary.BigEndian.AppendUint16(dst, code), reason...)
}
