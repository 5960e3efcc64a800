package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// soak asks for the whole of TestUntouched: as many requests per protocol as
// the variable says, of sizes that are log-uniform to 16 MiB.
const soak = "GABION_UNTOUCHED"

// trials is how many requests per protocol are compared.
func trials(t *testing.T) int {
	s := os.Getenv(soak)
	if s == "" {
		return 10000
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A message is a request or a response as bytes on a connection: its own
// reader and writer, which share nothing with what they test.
type message struct {
	Line    string
	Fields  []string // "Name: value"
	Body    []byte
	Trailer []string
}

// framing of a message that is written.
const (
	sized = iota
	chunked
	closing
)

func (m *message) write(w io.Writer, framing int, r *rand.Rand) error {
	b := bufio.NewWriterSize(w, 64<<10)
	fmt.Fprintf(b, "%s\r\n", m.Line)
	for _, f := range m.Fields {
		fmt.Fprintf(b, "%s\r\n", f)
	}
	b.WriteString("\r\n")
	if framing != chunked {
		b.Write(m.Body)
		return b.Flush()
	}
	for rest := m.Body; len(rest) > 0; {
		n := min(len(rest), 1+r.IntN(1+len(rest)/3))
		fmt.Fprintf(b, "%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	b.WriteString("0\r\n")
	for _, f := range m.Trailer {
		fmt.Fprintf(b, "%s\r\n", f)
	}
	b.WriteString("\r\n")
	return b.Flush()
}

func readLines(r *bufio.Reader) (lines []string, err error) {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return lines, err
		}
		if line == "\r\n" {
			return lines, nil
		}
		lines = append(lines, strings.TrimSuffix(line, "\r\n"))
	}
}

// readMessage reads a message. bodyless says that framing fields do not
// announce a body.
func readMessage(r *bufio.Reader, bodyless func(line string) bool) (*message, error) {
	lines, err := readLines(r)
	if err != nil {
		return nil, err
	}
	m := &message{Line: lines[0], Fields: lines[1:], Body: []byte{}}
	if bodyless(m.Line) {
		return m, nil
	}
	size, isChunked := -1, false
	for _, f := range m.Fields {
		name, value, _ := strings.Cut(strings.ToLower(f), ": ")
		if name == "content-length" {
			size, _ = strconv.Atoi(value)
		}
		isChunked = isChunked || name == "transfer-encoding"
	}
	switch {
	case isChunked:
		return m, m.readChunks(r)
	case size >= 0:
		m.Body = make([]byte, size)
		_, err = io.ReadFull(r, m.Body)
	case strings.HasPrefix(m.Line, "HTTP/"):
		m.Body, err = io.ReadAll(r)
	}
	return m, err
}

func (m *message) readChunks(r *bufio.Reader) error {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(strings.TrimSpace(line), 16, 64)
		if err != nil {
			return err
		}
		if n == 0 {
			m.Trailer, err = readLines(r)
			return err
		}
		chunk := make([]byte, n+2)
		if _, err := io.ReadFull(r, chunk); err != nil {
			return err
		}
		m.Body = append(m.Body, chunk[:n]...)
	}
}

// without returns the fields whose name is none of names.
func without(fields []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(fields), func(f string) bool {
		name, _, _ := strings.Cut(strings.ToLower(f), ":")
		return slices.Contains(names, name)
	})
}

// A trial is one request and the response that the upstream gives to it.
type trial struct {
	request, response message
	interim           []message
	sending, replying int // framing
	got               chan *message
}

// bodySize is log-uniform up to 16 MiB, with a skew in ordinary runs that
// lets small bodies dominate, since each byte crosses five sockets and the
// engine.
func bodySize(r *rand.Rand) int {
	u := r.Float64()
	if os.Getenv(soak) == "" {
		u = math.Pow(u, 20)
	}
	return int(math.Exp(u*math.Log(16<<20))) - 1
}

var words = strings.Fields(`order invoice garden river window bottle summer winter paper market coffee station
	village teacher doctor island silver golden yellow purple kitchen holiday weather monday friday report`)

func word(r *rand.Rand) string { return words[r.IntN(len(words))] }

// text returns a piece of a long text.
func text(r *rand.Rand, size int) []byte {
	from := r.IntN(1 << 16)
	return prose()[from : from+size]
}

var prose = sync.OnceValue(func() []byte {
	r := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, 0, 17<<20)
	for len(b) < 16<<20+1<<16 {
		b = append(append(b, word(r)...), ' ')
	}
	return b
})

func target(r *rand.Rand) string {
	s := ""
	for range 1 + r.IntN(4) {
		s += "/" + word(r)
		if r.IntN(6) == 0 {
			s += strconv.Itoa(r.IntN(1000))
		}
	}
	switch r.IntN(8) {
	case 0:
		s += "/"
	case 1:
		s = "/" + s
	case 2:
		s += ";v=" + word(r)
	case 3:
		s += "/%C3%BC%20" + word(r)
	case 4:
		s += "/./" + word(r)
	}
	sep := "?"
	for range r.IntN(4) {
		s += sep + word(r) + "=" + word(r) + []string{"", "+", "%20", "&", "%2B1"}[r.IntN(5)]
		sep = "&"
	}
	return s
}

// casing spells a field name as some client would.
func casing(r *rand.Rand, name string) string {
	switch r.IntN(3) {
	case 0:
		return strings.ToLower(name)
	case 1:
		return strings.ToUpper(name)
	}
	return name
}

func fields(r *rand.Rand, n int) (list []string) {
	names := []string{"X-Word", "X-Other", "Accept-Language", "Pragma", "Cache-Control", "Via", "X-Forwarded-For", "Date", "Etag", "X-Empty", "Warning"}
	for range r.IntN(n) {
		name := names[r.IntN(len(names))]
		value := word(r) + strings.Repeat(" ", r.IntN(3)) + word(r)
		switch name {
		case "X-Empty":
			value = ""
		case "Pragma":
			value = "no-cache"
		case "X-Forwarded-For":
			value = fmt.Sprintf("192.0.2.%d, 198.51.100.%d", r.IntN(256), r.IntN(256))
		}
		list = append(list, casing(r, name)+": "+value)
	}
	return list
}

func newTrial(r *rand.Rand, id int) *trial {
	tr := &trial{got: make(chan *message, 1)}
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"}
	method := methods[r.IntN(len(methods))]
	tr.request = message{Line: method + " " + target(r) + " HTTP/1.1", Body: []byte{}}
	tr.request.Fields = append(fields(r, 6), casing(r, "Host")+": shop.example", "X-Trial: "+strconv.Itoa(id))
	tr.request.Fields = append(tr.request.Fields, fields(r, 4)...)
	if method != "GET" && method != "HEAD" || r.IntN(20) == 0 {
		tr.request.Body = text(r, bodySize(r))
		tr.request.Fields = append(tr.request.Fields, casing(r, "Content-Type")+": text/plain")
		tr.sending = tr.request.frame(r, r.IntN(2))
	}
	tr.reply(r, method)
	return tr
}

// frame adds the framing field at a random place.
func (m *message) frame(r *rand.Rand, framing int) int {
	switch framing {
	case sized:
		m.Fields = slices.Insert(m.Fields, r.IntN(len(m.Fields)+1), casing(r, "Content-Length")+": "+strconv.Itoa(len(m.Body)))
	case chunked:
		m.Fields = slices.Insert(m.Fields, r.IntN(len(m.Fields)+1), casing(r, "Transfer-Encoding")+": chunked")
		if r.IntN(4) == 0 {
			m.Trailer = []string{"X-Sum: " + word(r), "x-sum: " + word(r)}
		}
	}
	return framing
}

func (tr *trial) reply(r *rand.Rand, method string) {
	status := []string{"200 OK", "201 Created", "204 No Content", "304 Not Modified", "404 Not Found", "418 ", "500 Oh no", "299 a b c"}[r.IntN(8)]
	tr.response = message{Line: "HTTP/1.1 " + status, Fields: fields(r, 8), Body: []byte{}}
	if r.IntN(10) == 0 {
		tr.interim = []message{{Line: "HTTP/1.1 103 Early Hints", Fields: []string{"Link: </" + word(r) + ".css>; rel=preload"}, Body: []byte{}}}
	}
	if bodylessStatus(tr.response.Line) {
		return
	}
	body := text(r, bodySize(r))
	framing := r.IntN(3)
	if method == "HEAD" {
		framing = sized
		tr.response.Fields = append(tr.response.Fields, "Content-Length: "+strconv.Itoa(len(body)))
		return
	}
	tr.response.Body = body
	tr.replying = tr.response.frame(r, framing)
}

func bodylessStatus(line string) bool {
	return strings.HasPrefix(line, "HTTP/1.1 1") || strings.HasPrefix(line, "HTTP/1.1 204") || strings.HasPrefix(line, "HTTP/1.1 304")
}

// An origin is an upstream on raw connections. It plays the response of the
// trial that a request names.
type origin struct {
	trials sync.Map // id -> *trial
	addr   string
}

func newOrigin(t testing.TB) *origin {
	l := listen(t)
	o := &origin{addr: l.Addr().String()}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go o.serve(c)
		}
	}()
	return o
}

func (o *origin) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	random := rand.New(rand.NewPCG(1, 2))
	for {
		m, err := readMessage(r, func(string) bool { return false })
		if err != nil {
			return
		}
		tr := o.find(m)
		if tr == nil {
			return
		}
		tr.got <- m
		for _, i := range tr.interim {
			i.write(c, sized, random)
		}
		tr.response.write(c, tr.replying, random)
		if tr.replying == closing {
			return
		}
	}
}

func (o *origin) find(m *message) *trial {
	for _, f := range m.Fields {
		if id, ok := strings.CutPrefix(strings.ToLower(f), "x-trial: "); ok {
			tr, _ := o.trials.Load(id)
			found, _ := tr.(*trial)
			return found
		}
	}
	return nil
}

// A benign request arrives at the upstream, and its response at the client,
// as it was sent: start line, every field with its spelling and its place,
// body and trailer.
func TestUntouchedHTTP1(t *testing.T) {
	o := newOrigin(t)
	p, addr := start(t, "http://"+o.addr, nil)
	var wg sync.WaitGroup
	const workers = 8
	cases := trials(t)
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 4711))
			c := &client{addr: addr}
			for i := w; i < cases && !t.Failed(); i += workers {
				tr := newTrial(r, i)
				o.trials.Store(strconv.Itoa(i), tr)
				if err := c.try(tr, r); err != nil {
					t.Errorf("trial %d, %s, body of %d, response %s of %d: %v", i, tr.request.Line, len(tr.request.Body), tr.response.Line, len(tr.response.Body), err)
				}
				o.trials.Delete(strconv.Itoa(i))
			}
			c.close()
		})
	}
	wg.Wait()
	waitIdle(t, p)
	if c := p.Counts(); c.Received != uint64(cases) || c.Inspected != c.Received || c.UpstreamErrors != 0 {
		t.Errorf("%+v", c)
	}
}

// A client keeps one connection as long as it may.
type client struct {
	addr string
	conn net.Conn
	r    *bufio.Reader
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

func (c *client) try(tr *trial, random *rand.Rand) error {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.addr)
		if err != nil {
			return err
		}
		c.conn, c.r = conn, bufio.NewReader(conn)
	}
	c.conn.SetDeadline(time.Now().Add(20 * time.Second))
	sent := make(chan error, 1)
	go func() { sent <- tr.request.write(c.conn, tr.sending, random) }()
	if err := c.answer(tr); err != nil {
		c.close()
		<-sent
		return err
	}
	if err := <-sent; err != nil {
		return err
	}
	return compare(tr)
}

// answer reads the response and compares it with what the upstream sent.
func (c *client) answer(tr *trial) error {
	for _, want := range append(slices.Clone(tr.interim), tr.response) {
		got, err := readMessage(c.r, func(line string) bool {
			return bodylessStatus(line) || strings.HasPrefix(tr.request.Line, "HEAD ")
		})
		if err != nil {
			return fmt.Errorf("reading the response: %w", err)
		}
		if id := len(got.Fields) - len(without(got.Fields, "x-gabion-request-id")); id != 1 && !strings.HasPrefix(want.Line, "HTTP/1.1 1") {
			return fmt.Errorf("%d request ids", id)
		}
		if !bytes.Equal(got.Body, want.Body) {
			return fmt.Errorf("response body of %d bytes differs from that of %d: %.200q", len(got.Body), len(want.Body), got.Body)
		}
		if slices.Contains(got.Fields, "Connection: close") {
			defer c.close()
		}
		if d := cmp.Diff(strip(want), strip(*got), cmpopts.EquateEmpty()); d != "" {
			return fmt.Errorf("response: %s", d)
		}
	}
	return nil
}

// strip leaves what must be equal, besides the body.
func strip(m message) message {
	m.Fields = without(m.Fields, "x-gabion-request-id", "transfer-encoding", "connection")
	m.Body = nil
	return m
}

func compare(tr *trial) error {
	select {
	case got := <-tr.got:
		if !bytes.Equal(got.Body, tr.request.Body) {
			return fmt.Errorf("request body of %d bytes arrived as %d", len(tr.request.Body), len(got.Body))
		}
		want, have := tr.request, *got
		want.Body, have.Body = nil, nil
		have.Fields = without(have.Fields, "x-gabion-request-id")
		if d := cmp.Diff(want, have, cmpopts.EquateEmpty()); d != "" {
			return fmt.Errorf("request: %s", d)
		}
		return nil
	case <-time.After(5 * time.Second):
		return fmt.Errorf("nothing arrived at the upstream")
	}
}
