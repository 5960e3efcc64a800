package parse

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"sync"
)

// Inflaters are decompressors that requests borrow: one takes 45 KB, and few
// requests need any. The zero value is ready to use, by several requests at once.
type Inflaters struct{ pool sync.Pool }

// An inflater decompresses one thing at a time.
type inflater struct {
	in    bytes.Reader
	gzip  *gzip.Reader
	flate io.ReadCloser
	zlib  zlibReader
}

// borrow returns an inflater for the time of the request.
func (s *spending) borrow() *inflater {
	f := new(inflater)
	if s.inflaters != nil {
		if old, ok := s.inflaters.pool.Get().(*inflater); ok {
			f = old
		}
	}
	s.borrowed = append(s.borrowed, f)
	return f
}

// giveBack gives back what was borrowed, but for the first few.
func (s *spending) giveBack(but int) {
	for i := but; i < len(s.borrowed); i++ {
		f := s.borrowed[i]
		if s.inflaters != nil {
			s.inflaters.pool.Put(f)
		}
		if f == s.own {
			s.own = nil
		}
		s.borrowed[i] = nil
	}
	s.borrowed = s.borrowed[:but]
}

// inflater returns the one for compressed values, which are read one at a time.
func (s *spending) inflater() *inflater {
	if s.own == nil {
		s.own = s.borrow()
	}
	return s.own
}

func isGzip(v []byte) bool { return len(v) >= 18 && v[0] == 0x1f && v[1] == 0x8b && v[2] == 8 }

// isZlib reports whether v has the header of RFC 1950, 2.2.
func isZlib(v []byte) bool {
	return len(v) >= 8 && v[0]&0x8f == 8 && (uint(v[0])<<8|uint(v[1]))%31 == 0 && v[1]&0x20 == 0
}

// isSAML reports whether the value at n is a message of SAML. The redirect binding
// compresses it without any header (SAML 2.0 Bindings, 3.4.4.1).
func (t *Tree) isSAML(n Node) bool { return hasPrefixFold(t.NearestKey(n), "saml") }

// open returns a reader of what v holds compressed.
func (f *inflater) open(v []byte) (io.Reader, error) {
	f.in.Reset(v)
	switch {
	case isGzip(v):
		return f.openGzip(&f.in)
	case isZlib(v):
		return f.openZlib(&f.in)
	}
	return f.openFlate(&f.in)
}

func (f *inflater) openGzip(r io.Reader) (io.Reader, error) {
	if f.gzip == nil {
		f.gzip = new(gzip.Reader)
	}
	return f.gzip, f.gzip.Reset(r)
}

// openZlib reads what has the header and the checksum of RFC 1950.
func (f *inflater) openZlib(r flate.Reader) (io.Reader, error) {
	for range 2 {
		if _, err := r.ReadByte(); err != nil {
			return nil, err
		}
	}
	data, err := f.openFlate(r)
	f.zlib = zlibReader{data: data, in: r}
	return &f.zlib, err
}

// A zlibReader reads data and passes over the checksum behind it. To compare that
// takes as long as to unpack what bombs hold, and tells nothing: what is damaged is
// inspected as far as it can be read.
type zlibReader struct {
	data  io.Reader
	in    io.ByteReader
	ended bool
}

func (z *zlibReader) Read(p []byte) (int, error) {
	n, err := z.data.Read(p)
	if err != io.EOF || z.ended {
		return n, err
	}
	z.ended = true
	for range 4 {
		if _, err := z.in.ReadByte(); err != nil {
			return n, io.ErrUnexpectedEOF
		}
	}
	return n, io.EOF
}

func (f *inflater) openFlate(r io.Reader) (io.Reader, error) {
	var err error
	if f.flate == nil {
		f.flate = flate.NewReader(r)
	} else {
		err = f.flate.(flate.Resetter).Reset(r, nil)
	}
	return f.flate, err
}

// inflateStep is how much is decompressed between two looks at the budget.
const inflateStep = 16 << 10

// openEffort is what it takes to begin to decompress.
const openEffort = 4000

// ratioSlack is what may come out of a few bytes before their ratio counts:
// blank pages compress a thousandfold.
const ratioSlack = 64 << 10

// countedPerEffort is how many bytes are decompressed and counted for one effort.
const countedPerEffort = 4

// isDoubtful reports whether out bytes that came of the first in may be the
// beginning of a bomb. Then it is worth to decompress ahead: to read and count
// takes a tenth of what it takes to look at what is read.
func isDoubtful(in, out int) bool { return out >= 4<<10 && out >= 8*in }

// extent returns how many bytes can be read from r, most at most.
func extent(r io.Reader, most int) int {
	n, _ := io.CopyN(io.Discard, r, int64(most))
	return int(n)
}

// inflate visits what the compressed value v at n holds.
func (t *Tree) inflate(n Node, v []byte) {
	f := t.spent.inflater()
	r, err := f.open(v)
	if err != nil {
		return
	}
	t.purse.room -= openEffort
	mark, doubted := len(t.scratch), false
	for t.afford(n, inflateStep, 0) {
		from := len(t.scratch)
		t.scratch = append(t.scratch, make([]byte, inflateStep)...)
		var got int
		got, err = io.ReadFull(r, t.scratch[from:])
		t.scratch = t.scratch[:from+got]
		t.spent.decoded -= inflateStep - got
		t.purse.room += readEffort * (inflateStep - got)
		if err != nil {
			break
		}
		if !doubted && isDoubtful(len(v)-f.in.Len(), len(t.scratch)-mark) {
			doubted = true
			if t.isBomb(v) {
				t.trouble(n, Bomb, nil)
				t.scratch = t.scratch[:mark]
				return
			}
		}
	}
	if len(t.scratch) > mark {
		t.decoded(n, Gzip, v, t.scratch[mark:])
	}
	t.scratch = t.scratch[:mark]
}

// isBomb reports whether the compressed value v expands too much.
func (t *Tree) isBomb(v []byte) bool {
	defer t.spent.giveBack(len(t.spent.borrowed))
	r, err := t.spent.borrow().open(v)
	if err != nil {
		return false
	}
	most := len(v)*t.limits.Ratio + ratioSlack
	return t.extent(r, most+1) > most
}

// extent is extent at the expense of the tree.
func (t *Tree) extent(r io.Reader, most int) int {
	got := extent(r, most)
	t.purse.room -= got / countedPerEffort
	return got
}
