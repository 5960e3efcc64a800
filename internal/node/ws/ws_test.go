package ws

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

// A tape keeps what a Reader hands on.
type tape struct{ all, control []byte }

func (t *tape) Data(b []byte) error { t.all = append(t.all, b...); return nil }

func (t *tape) Control(b []byte) error {
	t.all = append(t.all, b...)
	t.control = append(t.control, b[len(b)-1])
	return nil
}

// frame makes a frame of a client.
func frame(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, 1, 2, 3, 4)
	for i := range len(payload) {
		b = append(b, payload[i]^byte(1+i&3))
	}
	return b
}

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

// read returns the messages in a stream and why it ended.
func read(in []byte, d Deflate) (messages []string, t *tape, err error) {
	t = new(tape)
	r := NewReader(bufio.NewReader(bytes.NewReader(in)), t, d)
	for {
		if err := r.Next(); err != nil {
			return messages, t, err
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return messages, t, err
		}
		messages = append(messages, string(b))
	}
}

func TestReader(t *testing.T) {
	long := strings.Repeat("summer ", 10000)
	f := func(in []byte, want ...string) {
		t.Helper()
		got, tape, err := read(in, Deflate{})
		if err != io.EOF || strings.Join(got, "|") != strings.Join(want, "|") || len(got) != len(want) {
			t.Errorf("%.60q: %.60q, %v", in, got, err)
		}
		if !bytes.Equal(tape.all, in) {
			t.Errorf("%.60q was not handed on", in)
		}
	}
	f(nil)
	f(frame(0x81, "hello"), "hello")
	f(frame(0x82, ""), "")
	f(join(frame(0x81, long[:200]), frame(0x82, long)), long[:200], long)
	f(join(frame(0x01, "hel"), frame(0x89, "?"), frame(0x00, ""), frame(0x80, "lo"), frame(0x88, "")), "hello")
}

func TestReaderRefuses(t *testing.T) {
	f := func(in []byte, want string) {
		t.Helper()
		_, _, err := read(in, Deflate{})
		var refused *Error
		if !errors.As(err, &refused) || refused.Code != ProtocolError || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", in, err)
		}
	}
	f([]byte{0x81, 1, 'a'}, "without mask")
	f(frame(0xc1, "a"), "not negotiated")
	f(frame(0xa1, "a"), "reserved bits")
	f(frame(0x83, "a"), "reserved opcode")
	f(frame(0x8b, "a"), "reserved opcode")
	f(frame(0x80, "a"), "out of order")
	f(join(frame(0x01, "a"), frame(0x81, "b")), "out of order")
	f(frame(0x09, "a"), "control frame")
	f(frame(0x89, strings.Repeat("a", 126)), "control frame")
	f([]byte{0x81, 0xfe, 0, 125, 0, 0, 0, 0}, "not minimal")
	f([]byte{0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}, "not minimal")
	f([]byte{0x81, 0xff, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, "not minimal")

	whole := join(frame(0x01, "hel"), frame(0x80, "lo"))
	for n := 1; n < len(whole); n++ {
		if _, _, err := read(whole[:n], Deflate{}); err != io.ErrUnexpectedEOF {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// compressor makes compressed messages that refer to those before.
func compressor(t testing.TB) func(string) string {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	return func(s string) string {
		out.Reset()
		io.WriteString(w, s)
		w.Flush()
		return strings.TrimSuffix(out.String(), "\x00\x00\xff\xff")
	}
}

func TestDeflate(t *testing.T) {
	f := func(d Deflate, in []byte, want ...string) {
		t.Helper()
		got, tape, err := read(in, d)
		if err != io.EOF || strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%.60q: %.60q, %v", in, got, err)
		}
		if !bytes.Equal(tape.all, in) {
			t.Errorf("%.60q was not handed on", in)
		}
	}
	over, alone := Deflate{On: true, Takeover: true}, Deflate{On: true}
	text := strings.Repeat("a summer evening by the sea. ", 5000)
	z := compressor(t)
	first, second := z(text), z(text)
	f(over, join(frame(0xc1, first), frame(0x81, "plain"), frame(0xc1, second)), text, "plain", text)
	f(over, join(frame(0x41, first[:10]), frame(0x00, first[10:]), frame(0x80, "")), text)
	f(alone, join(frame(0xc1, first), frame(0xc1, first)), text, text)
	// The examples of RFC 7692 7.2.3.
	f(over, frame(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00"), "Hello")
	f(over, join(frame(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00"), frame(0xc1, "\xf2\x00\x11\x00\x00")), "Hello", "Hello")
	f(alone, frame(0xc1, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), "Hello")
	f(alone, frame(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), "Hello")
	f(alone, frame(0xc1, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), "Hello")
	// What follows a last block is read as well.
	f(alone, frame(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\xcd\xc9\xc9\x07\x00"), "HelloHello")

	refused := func(in []byte, code uint16) {
		t.Helper()
		_, _, err := read(in, alone)
		var e *Error
		if !errors.As(err, &e) || e.Code != code {
			t.Errorf("%.60q: %v", in, err)
		}
	}
	refused(join(frame(0xc1, first), frame(0xc1, second)), InvalidPayload) // refers to what is forgotten
	refused(frame(0xc1, "\xff\xff\xff"), InvalidPayload)
	refused(frame(0xc1, strings.Repeat("\x03\x00", maxFinal+2)), InvalidPayload)
	refused(frame(0xc1, compressor(t)(strings.Repeat("a", 2*freeBytes))), TooBig)
	if _, _, err := read(frame(0xc1, first)[:20], alone); err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
}

func TestNegotiated(t *testing.T) {
	f := func(value string, want Deflate, known bool) {
		t.Helper()
		if got, ok := Negotiated([][]byte{[]byte(value)}); ok != known || ok && got != want {
			t.Errorf("%q: %+v %v", value, got, ok)
		}
	}
	f("", Deflate{}, true)
	f("permessage-deflate", Deflate{true, true}, true)
	f("Permessage-Deflate; server_no_context_takeover; server_max_window_bits=10", Deflate{true, true}, true)
	f("permessage-deflate; client_no_context_takeover", Deflate{true, false}, true)
	f("x-webkit-deflate-frame", Deflate{}, false)
	f("permessage-deflate; level=3", Deflate{}, false)
	f("permessage-deflate, permessage-deflate", Deflate{}, false)
}

func TestAppendClose(t *testing.T) {
	got := AppendClose(nil, PolicyViolation, strings.Repeat("x", 200), true)
	if _, tape, err := read(got, Deflate{}); err != io.EOF || !bytes.Equal(tape.all, got) {
		t.Error(err)
	}
	if got := AppendClose(nil, PolicyViolation, "no", false); string(got) != "\x88\x04\x03\xf0no" {
		t.Errorf("%q", got)
	}
}

// FuzzReader checks that whatever is read was handed on as it arrived, in
// order, and that a Cursor sees the same frames however the bytes are cut.
func FuzzReader(f *testing.F) {
	z := compressor(f)
	f.Add(join(frame(0x01, "hel"), frame(0x89, "?"), frame(0x80, "lo")), uint8(3))
	f.Add(join(frame(0xc1, z("hello")), frame(0xc1, z("hello")), frame(0x88, "\x03\xe8")), uint8(1))
	f.Add(frame(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), uint8(200))
	f.Fuzz(func(t *testing.T, in []byte, cut uint8) {
		messages, tape, err := read(in, Deflate{On: true, Takeover: true})
		if !bytes.HasPrefix(in, tape.all) {
			t.Fatalf("%q was handed on as %q", in, tape.all)
		}
		size := 0
		for _, m := range messages {
			size += len(m)
		}
		if size > maxRatio*len(in)+freeBytes*len(messages) {
			t.Fatalf("%d bytes became %d", len(in), size)
		}
		if err != io.EOF {
			return
		}
		var c Cursor
		for b := in; len(b) > 0; {
			part := b[:min(len(b), 1+int(cut))]
			for len(part) > 0 {
				n := c.Next(part)
				part, b = part[n:], b[n:]
			}
		}
		if !bytes.Equal(tape.all, in) || !c.Between() {
			t.Fatalf("%q ends between two frames for the reader only", in)
		}
	})
}
