package parse

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
)

// An Opener returns a reader of what r holds in a content coding. One that is an
// io.Closer is closed when no more is read, at the latest with the request.
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
	bomb    bool   // it is not even that
	next    func() (struct{}, bool)
	stop    func()
}

// start begins to decode a body, which goes on to emit. Opened readers are
// chained in order, so that the last one yields the body.
func (c *coder) start(b *body) {
	c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		err := c.decode(source{c, yield}, b)
		c.broken = true
		switch {
		case errors.Is(err, errBomb):
			b.trouble(Bomb)
			c.bomb, c.input = true, nil
		case err != nil:
			b.trouble(Undecodable)
		}
		if c.out == 0 && c.in <= codingBlock && !c.bomb {
			c.input = c.block // nothing came of it: it is not encoded at all
		}
		b.writeDecoded(c.input)
		c.input = nil
	})
}

var errBomb = errors.New("expands too much")

func (c *coder) decode(in io.Reader, b *body) error {
	r, closeAll, err := c.chain(in, b.codings)
	defer closeAll()
	if err != nil {
		return err
	}
	buf := make([]byte, codingBlock)
	doubted := false
	for {
		n, err := r.Read(buf)
		c.out += n
		most := c.in*b.limits.Ratio + ratioSlack
		if !doubted && isDoubtful(c.in-len(c.input), c.out) {
			doubted = true
			if c.in == len(c.block) && c.isBomb(b, most) {
				return errBomb
			}
		}
		b.writeDecoded(buf[:n])
		if c.out > most {
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

// isBomb reports whether more than most bytes come of the block.
func (c *coder) isBomb(b *body, most int) bool {
	defer b.spent.giveBack(len(b.spent.borrowed))
	r, closeAll, err := c.chain(bytes.NewReader(c.block), b.codings)
	defer closeAll()
	return err == nil && extent(r, most+1) > most
}

// chain returns a reader of what is left of r once all codings are undone, and what
// closes all that it reads from.
func (c *coder) chain(r io.Reader, open []Opener) (_ io.Reader, closeAll func(), err error) {
	var opened []io.Closer
	closeAll = func() {
		for _, c := range opened {
			c.Close() // what is wrong with the data was seen by whoever read it
		}
	}
	for i, o := range open {
		if r, err = o(r); err != nil {
			return nil, closeAll, err
		}
		if c, ok := r.(io.Closer); ok {
			opened = append(opened, c)
		}
		if i < len(open)-1 {
			r = &layer{in: r, c: c}
		}
	}
	return r, closeAll, nil
}

// layerRatio is how many bytes one may become in a coding around another: what is
// compressed hardly becomes smaller once more. What comes of the inner one says nothing
// of that, for it may be nothing: a block may be empty.
const layerRatio = 2

// A layer is what a coding around another holds.
type layer struct {
	in  io.Reader
	c   *coder
	out int // bytes so far
}

func (l *layer) Read(p []byte) (int, error) {
	n, err := l.in.Read(p)
	if l.out += n; l.out > l.c.in*layerRatio+ratioSlack {
		return 0, errBomb
	}
	return n, err
}

// A source is the encoded input as decoders read it.
type source struct {
	c     *coder
	yield func(struct{}) bool
}

// wait waits for input, and reports whether there is any.
func (s source) wait() bool {
	for len(s.c.input) == 0 {
		if s.c.last || !s.yield(struct{}{}) {
			return false
		}
	}
	return true
}

func (s source) Read(p []byte) (int, error) {
	if !s.wait() {
		return 0, io.EOF
	}
	n := copy(p, s.c.input)
	s.c.input = s.c.input[n:]
	return n, nil
}

// ReadByte keeps decoders from reading ahead.
func (s source) ReadByte() (byte, error) {
	if !s.wait() {
		return 0, io.EOF
	}
	b := s.c.input[0]
	s.c.input = s.c.input[1:]
	return b, nil
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
	if c.broken && !c.bomb {
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

func (s *spending) openGzip(r io.Reader) (io.Reader, error) { return s.borrow().openGzip(r) }

// openDeflate reads zlib, which deflate means (RFC 9110, 8.4.1.2), or raw
// deflate data, which some clients send.
func (s *spending) openDeflate(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 16) // no more than that ahead: what was read is compared with what came of it
	if head, _ := in.Peek(8); isZlib(head) {
		return s.borrow().openZlib(in)
	}
	return s.borrow().openFlate(in)
}

// openers returns how to undo the codings of a Content-Encoding field, the
// last applied first. ok is false when there are unknown ones or too many.
func (s *spending) openers(v []byte, registered map[string]Opener) (open []Opener, ok bool) {
	for len(v) > 0 {
		i := bytes.LastIndexByte(v, ',')
		name := bytes.ToLower(bytes.TrimSpace(v[i+1:]))
		v = v[:max(i, 0)]
		switch string(name) {
		case "", "identity":
			continue
		case "gzip", "x-gzip":
			open = append(open, s.openGzip)
		case "deflate":
			open = append(open, s.openDeflate)
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
