package parse

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"iter"
)

// An Opener returns a reader of what r holds in a content coding.
type Opener = func(r io.Reader) (io.Reader, error)

// maxCodings bounds the codings of one body. Clients use one.
const maxCodings = 4

// codingBlock is how much encoded input is collected before it is decoded.
// Fixed blocks make the result independent of how a body arrives.
const codingBlock = 4 << 10

// A coder decodes the content codings of a body. Decoders pull from a
// reader while the host pushes, so they run as a coroutine that rests
// whenever the input is used up.
type coder struct {
	block   []byte // input being collected
	input   []byte // input the decoders may read; part of block
	last    bool   // there is no more
	in, out int    // bytes so far
	broken  bool   // the rest is passed on as it is
	next    func() (struct{}, bool)
	stop    func()
}

// start begins to decode. Opened readers are chained in order, so that the
// last one yields the body.
func (c *coder) start(open []Opener, ratio int, emit func([]byte), trouble func(Trouble)) {
	c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		err := c.decode(source{c, yield}, open, ratio, emit)
		if errors.Is(err, errBomb) {
			trouble(Bomb)
		} else if err != nil {
			trouble(Undecodable)
		}
		c.broken = true
		if c.out == 0 && c.in <= codingBlock {
			c.input = c.block // nothing came of it: it is not encoded at all
		}
		emit(c.input)
		c.input = nil
	})
}

var errBomb = errors.New("expands too much")

func (c *coder) decode(in io.Reader, open []Opener, ratio int, emit func([]byte)) error {
	r := in
	for _, o := range open {
		var err error
		if r, err = o(r); err != nil {
			return err
		}
	}
	buf := make([]byte, codingBlock)
	for {
		n, err := r.Read(buf)
		c.out += n
		emit(buf[:n])
		if c.out > c.in*ratio+ratioSlack {
			return errBomb
		}
		if errors.Is(err, io.EOF) && len(c.input) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// A source is the encoded input as decoders read it.
type source struct {
	c     *coder
	yield func(struct{}) bool
}

func (s source) Read(p []byte) (int, error) {
	for len(s.c.input) == 0 {
		if s.c.last || !s.yield(struct{}{}) {
			return 0, io.EOF
		}
	}
	n := copy(p, s.c.input)
	s.c.input = s.c.input[n:]
	return n, nil
}

// ReadByte keeps decoders from reading ahead.
func (s source) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(s, b[:])
	return b[0], err
}

// write decodes the next bytes of the body, or passes them on.
func (c *coder) write(chunk []byte, emit func([]byte)) {
	for len(chunk) > 0 && !c.broken {
		n := min(len(chunk), codingBlock-len(c.block))
		c.block = append(c.block, chunk[:n]...)
		chunk = chunk[n:]
		if len(c.block) == codingBlock {
			c.run()
		}
	}
	if c.broken {
		emit(chunk)
	}
}

// run lets the decoders use the collected block.
func (c *coder) run() {
	c.in += len(c.block)
	c.input = c.block
	c.next()
	c.block = c.block[:0]
}

// finish decodes what is left.
func (c *coder) finish() {
	c.last = true
	if !c.broken {
		c.run()
	}
	c.reset()
}

// reset ends the coroutine and makes c ready for the next body.
func (c *coder) reset() {
	if c.stop != nil {
		c.stop()
	}
	*c = coder{block: c.block[:0]}
}

func openGzip(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }

// openDeflate reads zlib, which deflate means (RFC 9110, 8.4.1.2), or raw
// deflate data, which some clients send.
func openDeflate(r io.Reader) (io.Reader, error) {
	in := bufio.NewReader(r)
	if head, _ := in.Peek(8); isZlib(head) {
		return zlib.NewReader(in)
	}
	return flate.NewReader(in), nil
}

// openers returns how to undo the codings of a Content-Encoding field, the
// last applied first. ok is false when there are unknown ones or too many.
func openers(v []byte, registered map[string]Opener) (open []Opener, ok bool) {
	for len(v) > 0 {
		i := bytes.LastIndexByte(v, ',')
		name := bytes.ToLower(bytes.TrimSpace(v[i+1:]))
		v = v[:max(i, 0)]
		switch string(name) {
		case "", "identity":
			continue
		case "gzip", "x-gzip":
			open = append(open, openGzip)
		case "deflate":
			open = append(open, openDeflate)
		default:
			o := registered[string(name)]
			if o == nil {
				return nil, false
			}
			open = append(open, o)
		}
	}
	return open, len(open) <= maxCodings
}
