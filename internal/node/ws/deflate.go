package ws

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
)

// A compressed message may become maxRatio times as long, and this much on
// top of it: text rarely shrinks to less, and the work for a message stays
// in proportion to what was sent.
const (
	maxRatio  = 100
	freeBytes = 4 << 20
)

// maxFinal bounds the DEFLATE blocks of a message that are marked as the
// last one (RFC 7692 7.2.3.4): each costs a new start.
const maxFinal = 16

// window is how far back a compressed message may refer.
const window = 32 << 10

// A Deflate is what was negotiated for the messages of the client (RFC 7692).
type Deflate struct {
	On       bool
	Takeover bool // messages may refer to those before
}

// Negotiated reads the values of Sec-WebSocket-Extensions in the answer of a
// server. It returns false if they name an extension that it does not know.
func Negotiated(values [][]byte) (d Deflate, known bool) {
	for _, extension := range bytes.Split(bytes.Join(values, []byte(",")), []byte(",")) {
		name, rest, _ := bytes.Cut(extension, []byte(";"))
		switch name = bytes.TrimSpace(name); {
		case len(name) == 0:
			continue
		case d.On || !bytes.EqualFold(name, []byte("permessage-deflate")):
			return d, false
		}
		d = Deflate{On: true, Takeover: true}
		for _, parameter := range bytes.Split(rest, []byte(";")) {
			name, _, _ := bytes.Cut(parameter, []byte("="))
			switch string(bytes.ToLower(bytes.TrimSpace(name))) {
			case "client_no_context_takeover":
				d.Takeover = false
			case "", "server_no_context_takeover", "client_max_window_bits", "server_max_window_bits":
			default:
				return d, false
			}
		}
	}
	return d, true
}

// ending completes a message (RFC 7692 7.2.2), and ends the stream with an
// empty last block.
const ending = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

// An inflater decompresses messages.
type inflater struct {
	source   source
	takeover bool
	flate    io.ReadCloser
	past     []byte // what was decompressed last, up to two windows
	out      int64  // bytes of the message so far
	finals   int    // last blocks seen
}

// begin starts a message.
func (z *inflater) begin() {
	if !z.takeover {
		z.past = z.past[:0]
	}
	z.source = source{from: z.source.from, buf: z.source.buf}
	z.out, z.finals = 0, 0
	z.restart()
}

func (z *inflater) restart() {
	dict := z.past[max(0, len(z.past)-window):]
	if z.flate == nil {
		z.flate = flate.NewReaderDict(&z.source, dict)
		return
	}
	z.flate.(flate.Resetter).Reset(&z.source, dict)
}

func (z *inflater) Read(p []byte) (int, error) {
	for {
		n, err := z.flate.Read(p)
		if n > 0 {
			return n, z.keep(p[:n])
		}
		switch {
		case err == nil:
			continue
		case err == io.EOF:
			if err := z.last(); err != nil {
				return 0, err
			}
		case errors.As(err, new(flate.CorruptInputError)) || z.source.ended > 0:
			return 0, &Error{InvalidPayload, "malformed compression"}
		default:
			return 0, err
		}
	}
}

// keep notes what was decompressed.
func (z *inflater) keep(b []byte) error {
	if z.out += int64(len(b)); z.out > freeBytes+maxRatio*z.source.n {
		return &Error{TooBig, "message grows beyond measure"}
	}
	b = b[max(0, len(b)-window):]
	if len(z.past)+len(b) > 2*window {
		z.past = append(z.past[:0], z.past[max(0, len(z.past)-window):]...)
	}
	z.past = append(z.past, b...)
	return nil
}

// last is called behind a last block. It returns io.EOF if that was the end
// of the message. Where bytes follow, servers differ in whether they read
// them, and so they are read.
func (z *inflater) last() error {
	switch over, err := z.source.over(); {
	case err != nil:
		return err
	case over:
		return io.EOF
	}
	if z.finals++; z.finals > maxFinal {
		return &Error{InvalidPayload, "malformed compression"}
	}
	z.restart()
	return nil
}

// A source is the compressed bytes of a message with the ending. It has
// ReadByte so that a decompressor reads none too many.
type source struct {
	from   *Reader
	buf    []byte
	unread []byte
	n      int64 // bytes of the message so far
	ended  int   // bytes of the ending that were read
}

// fill makes sure that there are unread bytes, if any are left.
func (s *source) fill() error {
	if len(s.unread) > 0 {
		return nil
	}
	if s.ended == 0 {
		n, err := s.from.payload(s.buf)
		s.unread = s.buf[:n]
		s.n += int64(n)
		if err != io.EOF {
			return err
		}
	}
	if s.ended == len(ending) {
		return io.EOF
	}
	s.unread = append(s.buf[:0], ending[s.ended])
	s.ended++
	return nil
}

// over says whether nothing is left but the ending, untouched, or nothing
// at all.
func (s *source) over() (bool, error) {
	switch err := s.fill(); {
	case err == io.EOF:
		return true, nil
	case err != nil:
		return false, err
	}
	return s.ended == 1, nil
}

func (s *source) ReadByte() (byte, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	b := s.unread[0]
	s.unread = s.unread[1:]
	return b, nil
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	n := copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}
