package h1

import (
	"bufio"
	"bytes"
	"io"

	"github.com/gabionhq/gabion/engine"
)

// Limits of what chunked coding adds to a body. Extensions have no use that
// is worth forwarding; unbounded ones are an attack on the reader.
const (
	maxChunkLine  = 256
	maxExtensions = 16 << 10
	maxTrailer    = 16 << 10
)

// A Body reads the body of a message without its framing.
type Body struct {
	Trailer []engine.HeaderField // after io.EOF of a chunked body; valid until Reset

	r       *bufio.Reader
	framing Framing
	left    int64 // of the body or of the chunk
	inChunk bool
	ext     int // bytes of chunk extensions so far
	done    bool
	err     error
	trailer []byte
}

// Reset makes the body ready to read what follows the head.
func (b *Body) Reset(r *bufio.Reader, h *Head) {
	*b = Body{r: r, framing: h.Framing, trailer: b.trailer[:0], Trailer: b.Trailer[:0]}
	if h.Framing == Length {
		b.left = h.Size
	}
	b.done = h.Framing == NoBody || h.Framing == Length && h.Size == 0
}

// Done says whether the body was read to its end, so that the connection
// stands at the next message.
func (b *Body) Done() bool { return b.done && b.framing != UntilClose }

// Left returns how many bytes are still to come, -1 if unknown.
func (b *Body) Left() int64 {
	switch {
	case b.done:
		return 0
	case b.framing == Length:
		return b.left
	}
	return -1
}

// Ready says whether Read would return without waiting for the connection.
func (b *Body) Ready() bool {
	n := b.r.Buffered()
	if b.done || b.framing != Chunked || b.left > 0 {
		return b.done || n > 0
	}
	// Between two chunks: what is buffered has to hold the next size.
	next, _ := b.r.Peek(n)
	if b.inChunk {
		next = next[min(n, len(crlf)):]
	}
	return bytes.IndexByte(next, '\n') >= 0
}

// Read reads data. It returns io.EOF together with or after the last bytes,
// *Error for malformed chunks, io.ErrUnexpectedEOF for a body cut short.
func (b *Body) Read(p []byte) (int, error) {
	if b.done {
		return 0, io.EOF
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.read(p)
	if err == io.EOF && !b.done {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

func (b *Body) read(p []byte) (int, error) {
	switch b.framing {
	case Length:
		return b.readLength(p)
	case Chunked:
		return b.readChunked(p)
	}
	n, err := b.r.Read(p)
	b.done = err == io.EOF
	return n, err
}

func (b *Body) readLength(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if b.left == 0 {
		b.done = true
		return n, io.EOF
	}
	return n, err
}

func (b *Body) readChunked(p []byte) (int, error) {
	if b.left == 0 {
		if err := b.nextChunk(); err != nil {
			return 0, err
		}
		if b.left == 0 {
			if err := b.readTrailer(); err != nil {
				return 0, err
			}
			b.done = true
			return 0, io.EOF
		}
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}

// nextChunk reads the end of the last chunk and the size of the next.
func (b *Body) nextChunk() error {
	if b.inChunk {
		b.inChunk = false
		if line, err := b.line(2); err != nil || len(line) != 0 {
			return orElse(err, "chunk longer than its size")
		}
	}
	line, err := b.line(maxChunkLine)
	if err != nil {
		return err
	}
	digits, ext, _ := bytes.Cut(line, []byte(";"))
	if b.ext += len(ext); b.ext > maxExtensions || !all(ext, valueByte) {
		return refuse(400, "chunk extensions exceed 16 KiB or hold control characters")
	}
	n, ok := hexadecimal(digits)
	if !ok {
		return refuse(400, "malformed chunk size")
	}
	b.left, b.inChunk = n, n > 0
	return nil
}

func orElse(err error, reason string) error {
	if err != nil {
		return err
	}
	return refuse(400, reason)
}

func hexadecimal(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 15 || !all(b, hexByte) {
		return 0, false
	}
	for _, c := range b {
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		n = n<<4 | int64(c)
	}
	return n, true
}

// line reads a line that ends in CRLF, without it.
func (b *Body) line(limit int) ([]byte, error) {
	line, err := b.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull || len(line) > limit+2 {
		return nil, refuse(400, "line in a chunked body is too long")
	}
	if err != nil {
		return nil, err
	}
	if !bytes.HasSuffix(line, crlf) {
		return nil, refuse(400, "line in a chunked body ends without CR")
	}
	return line[:len(line)-2], nil
}

func (b *Body) readTrailer() error {
	for {
		line, err := b.line(maxTrailer)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return b.parseTrailer()
		}
		if len(b.trailer)+len(line) > maxTrailer {
			return refuse(431, "trailer exceeds 16 KiB")
		}
		b.trailer = append(append(b.trailer, line...), '\r', '\n')
	}
}

// parseTrailer drops the fields that RFC 9110 6.5.1 forbids in trailers
// because they would change how the message is framed or routed.
func (b *Body) parseTrailer() error {
	for rest := b.trailer; len(rest) > 0; {
		var line []byte
		line, rest = cut(rest)
		f, err := parseField(line)
		if err != "" {
			return refuse(400, err+" in the trailer")
		}
		if len(b.Trailer) == MaxFields {
			return refuse(431, "more than 256 trailer fields")
		}
		if roleOf(f.Name) == endToEnd && !forAll(f.Name) {
			b.Trailer = append(b.Trailer, f)
		}
	}
	return nil
}
