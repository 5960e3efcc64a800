package parse

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
)

// An inflater reads compressed values. It is kept from value to value.
type inflater struct {
	in    bytes.Reader
	gzip  *gzip.Reader
	zlib  io.ReadCloser
	flate io.ReadCloser
}

func isGzip(v []byte) bool { return len(v) >= 18 && v[0] == 0x1f && v[1] == 0x8b && v[2] == 8 }

// isZlib reports whether v has the header of RFC 1950, 2.2.
func isZlib(v []byte) bool {
	return len(v) >= 8 && v[0]&0x8f == 8 && (uint(v[0])<<8|uint(v[1]))%31 == 0 && v[1]&0x20 == 0
}

// open returns a reader of what v holds compressed.
func (f *inflater) open(v []byte) (io.Reader, error) {
	f.in.Reset(v)
	if isGzip(v) {
		if f.gzip == nil {
			f.gzip = new(gzip.Reader)
		}
		return f.gzip, f.gzip.Reset(&f.in)
	}
	if f.zlib == nil {
		r, err := zlib.NewReader(&f.in)
		f.zlib = r
		return r, err
	}
	return f.zlib, f.zlib.(zlib.Resetter).Reset(&f.in, nil)
}

// inflateStep is how much is decompressed between two looks at the budget.
const inflateStep = 16 << 10

// openEffort is what it takes to begin to decompress.
const openEffort = 4000

// ratioSlack is what may come out of a few bytes before their ratio counts:
// blank pages compress a thousandfold.
const ratioSlack = 64 << 10

// inflate visits what the compressed value v at n holds.
func (t *Tree) inflate(n Node, v []byte) {
	r, err := t.spent.inflater.open(v)
	if err != nil {
		return
	}
	t.purse.room -= openEffort
	mark := len(t.scratch)
	for t.afford(n, inflateStep, 0) {
		from := len(t.scratch)
		t.scratch = append(t.scratch, make([]byte, inflateStep)...)
		var got int
		got, err = io.ReadFull(r, t.scratch[from:])
		t.scratch = t.scratch[:from+got]
		t.spent.decoded -= inflateStep - got
		t.purse.room += readEffort * (inflateStep - got)
		if len(t.scratch)-mark > len(v)*t.limits.Ratio+ratioSlack {
			t.trouble(n, Bomb, nil)
			break
		}
		if err != nil {
			break
		}
	}
	if len(t.scratch) > mark {
		t.decoded(n, Gzip, v, t.scratch[mark:])
	}
	t.scratch = t.scratch[:mark]
}
