package proxy

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine"
)

const sqlError = "<h1>Error</h1>You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version near ''' at line 1"

// listening starts a proxy that looks at responses and tells of them.
func listening(t *testing.T, upstream string) (string, func() Record) {
	t.Helper()
	var seen recording
	p, addr := start(t, upstream, func(o *Options) { o.Observer, o.Responses = &seen, true })
	return addr, func() Record {
		waitIdle(t, p)
		seen.mu.Lock()
		defer seen.mu.Unlock()
		if held := p.buffers.out.Load(); held != 0 {
			t.Errorf("%d bytes are still held", held)
		}
		return seen.done
	}
}

// Leaks are found in what the engine reads as text, at any length, packed or
// not, and every byte arrives.
func TestLeaks(t *testing.T) {
	var kind, coding string
	var body []byte
	status := 200
	addr, done := listening(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", kind)
		if coding != "" {
			w.Header().Set("Content-Encoding", coding)
		}
		w.WriteHeader(status)
		w.Write(body)
	}))
	f := func(name, contentType, contentCoding string, answer []byte, want ...engine.LeakKind) {
		t.Helper()
		kind, coding, body = contentType, contentCoding, answer
		for _, request := range []io.Reader{nil, strings.NewReader(strings.Repeat("a=b&", 100_000))} { // with a pump, and without
			method := "GET"
			if request != nil {
				method = "POST"
			}
			r, err := http.NewRequest(method, "http://"+addr+"/", request)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Accept-Encoding", "gzip") // or the client unpacks
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || !bytes.Equal(got, answer) {
				t.Errorf("%s: %d bytes arrived of %d: %v", name, len(got), len(answer), err)
			}
			var kinds []engine.LeakKind
			for _, l := range done().Leaks {
				kinds = append(kinds, l.Kind)
			}
			if !slices.Equal(kinds, want) {
				t.Errorf("%s: %s: found %v, want %v", name, method, kinds, want)
			}
		}
	}
	far := append(bytes.Repeat([]byte("x"), 60<<10), sqlError...)
	f("error", "text/html", "", []byte(sqlError), engine.SQLError)
	f("nothing", "text/html", "", []byte("hello"))
	f("empty", "text/html", "", nil)
	f("far into it", "application/json", "", far, engine.SQLError)
	f("beyond what is kept", "text/html", "", append(bytes.Repeat([]byte("x"), 70<<10), sqlError...))
	f("image", "image/png", "", []byte(sqlError))
	f("packed", "text/html; charset=utf-8", "gzip", gzipped(t, []byte(sqlError)), engine.SQLError)
	f("packed, long", "text/html", "gzip", gzipped(t, append(far, bytes.Repeat([]byte("y"), 10<<20)...)), engine.SQLError)
	f("packed, broken", "text/html", "gzip", []byte(sqlError))
	f("packed in another way", "text/html", "br", []byte(sqlError))
	status = 500
	f("failed", "text/html", "", []byte(sqlError), engine.SQLError)
}

func gzipped(t *testing.T, b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Events of a stream arrive before the next is sent, and what the stream gave
// away is told at its end.
func TestEventsWaitForNothing(t *testing.T) {
	more := make(chan struct{})
	const events = 50
	addr, done := listening(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range events {
			fmt.Fprintf(w, "data: %d %s\n\n", i, sqlError)
			w.(http.Flusher).Flush()
			<-more
		}
	}))
	res, err := http.Get("http://" + addr + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for i := range events {
		line, err := lines.ReadString('\n')
		if want := fmt.Sprintf("data: %d ", i); err != nil || !strings.HasPrefix(line, want) {
			t.Fatalf("%q, %v: want %q", line, err, want)
		}
		lines.ReadString('\n')
		more <- struct{}{} // only now the next is sent
	}
	io.Copy(io.Discard, res.Body)
	if l := done().Leaks; len(l) != 1 || l[0].Kind != engine.SQLError {
		t.Errorf("%+v", l)
	}
}

// A long response passes through without being kept.
func TestLongResponse(t *testing.T) {
	const size, piece = 100 << 20, 1 << 20
	write := func(w io.Writer) {
		r := rand.NewChaCha8([32]byte{1})
		b := make([]byte, piece)
		for range size / piece {
			r.Read(b)
			w.Write(b)
		}
	}
	addr, done := listening(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		write(w)
	}))
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most := heap(), uint64(0)
	res, err := http.Get("http://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, want := sha256.New(), sha256.New()
	for n := int64(0); n < size; n += size / 5 {
		if _, err := io.CopyN(got, res.Body, size/5); err != nil {
			t.Fatal(err)
		}
		most = max(most, heap())
	}
	write(want)
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		t.Error("other bytes arrived than were sent")
	}
	if most > before+4<<20 {
		t.Errorf("%d bytes of memory before, up to %d on the way", before, most)
	}
	if rec := done(); rec.ResponseBytes != size {
		t.Errorf("%d bytes were relayed", rec.ResponseBytes)
	}
}
