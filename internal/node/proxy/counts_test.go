package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
)

// A faulty inspection is that of the real engine until it meets a target
// that names the step at which it shall panic.
type faulty struct {
	Inspection
	panicIn string
}

func (f *faulty) Headers(h *engine.Head) engine.Verdict {
	f.panicIn = strings.TrimPrefix(string(h.Target), "/panic/")
	f.fail("headers")
	return f.Inspection.Headers(h)
}

func (f *faulty) Body(b []byte) engine.Verdict {
	f.fail("body")
	return f.Inspection.Body(b)
}

func (f *faulty) End() engine.Verdict {
	f.fail("end")
	return f.Inspection.End()
}

func (f *faulty) fail(step string) {
	if f.panicIn == step {
		panic("broken " + step)
	}
}

func withFaults(o *Options) {
	begin := o.Begin
	o.Begin = func(s *rule.Set, env engine.Env) Inspection { return &faulty{Inspection: begin(s, env)} }
}

// Whatever clients do, each request is counted once: as inspected or under
// the reason for which it was not.
func TestCountsAddUp(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			c, b, _ := http.NewResponseController(w).Hijack()
			fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			io.Copy(c, b)
			c.Close()
			return
		}
		echo(w, r)
	})
	u, _ := url.Parse(up)
	observed := new(counter)
	p, addr := start(t, up, func(o *Options) {
		withFaults(o)
		o.Observer = observed
		o.Sites = []Site{
			{Hosts: []string{"block"}, Upstreams: []*url.URL{u}, Mode: rule.Block, FailOpen: true},
			{Hosts: []string{"closed"}, Upstreams: []*url.URL{u}, Mode: rule.Block},
			{Hosts: []string{"off"}, Upstreams: []*url.URL{u}, Mode: rule.Off},
			{Hosts: []string{"down"}, Upstreams: []*url.URL{{Scheme: "http", Host: "127.0.0.1:1"}}, Mode: rule.Monitoring},
		}
		o.MaxActive = 1 << 20
	})
	kinds := []struct {
		send string
		cut  bool // the client goes away without reading
		want map[string]uint64
	}{
		{send: "GET / HTTP/1.1\r\nHost: block\r\n\r\n", want: map[string]uint64{"inspected": 1}},
		{send: "GET /?q=" + url.QueryEscape(attack) + " HTTP/1.1\r\nHost: block\r\n\r\n", want: map[string]uint64{"inspected": 1, "attacks": 1, "blocked": 1}},
		{send: "GET /?q=" + url.QueryEscape(attack) + " HTTP/1.1\r\nHost: down\r\n\r\n", want: map[string]uint64{"inspected": 1, "attacks": 1, "upstream": 1}},
		{send: "GET /?q=" + url.QueryEscape(attack) + " HTTP/1.1\r\nHost: off\r\n\r\n", want: map[string]uint64{"off": 1}},
		{send: "GET / HTTP/1.1\r\nHost: nowhere\r\n\r\n", want: map[string]uint64{"unrouted": 1}},
		{send: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", want: map[string]uint64{"malformed": 1}},
		{send: "POST / HTTP/1.1\r\nHost: block\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", want: map[string]uint64{"malformed": 1}},
		{send: "POST / HTTP/1.1\r\nHost: block\r\nContent-Length: 10\r\n\r\nabc", cut: true, want: map[string]uint64{"aborted": 1}},
		{send: "POST / HTTP/1.1\r\nHost: block\r\nContent-Length: 3\r\n\r\nabc", cut: true, want: map[string]uint64{"inspected": 1}},
		{send: "GET /panic/headers HTTP/1.1\r\nHost: block\r\n\r\n", want: map[string]uint64{"error": 1, "open": 1}},
		{send: "POST /panic/body HTTP/1.1\r\nHost: block\r\nContent-Length: 3\r\n\r\nabc", want: map[string]uint64{"error": 1, "open": 1}},
		{send: "POST /panic/end HTTP/1.1\r\nHost: block\r\nContent-Length: 3\r\n\r\nabc", want: map[string]uint64{"error": 1, "open": 1}},
		{send: "POST /panic/end HTTP/1.1\r\nHost: closed\r\nContent-Length: 3\r\n\r\nabc", want: map[string]uint64{"error": 1}},
		{send: "POST /panic/body HTTP/1.1\r\nHost: block\r\nContent-Length: 3000000\r\n\r\n" + strings.Repeat("a", 3000000), want: map[string]uint64{"error": 1, "open": 1}},
		{send: "GET / HTTP/1.1\r\nHost: block\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n12345678", want: map[string]uint64{"inspected": 1, "upgraded": 16}},
		{send: "GET / HTTP/1.1\r\nHost: bl", cut: true, want: nil}, // no request yet
	}
	const each = 15
	want := map[string]uint64{}
	var wg sync.WaitGroup
	for _, k := range kinds {
		for name, n := range k.want {
			want[name] += each * n
		}
		for range each {
			wg.Go(func() { disturb(t, addr, k.send, k.cut) })
		}
	}
	wg.Wait()
	for _, name := range []string{"inspected", "off", "unrouted", "malformed", "aborted", "error"} {
		want["received"] += want[name]
	}
	until(t, func() bool { return p.Counts().Received >= want["received"] && p.Active() == 0 })
	c := p.Counts()
	got := map[string]uint64{
		"received": c.Received, "inspected": c.Inspected, "attacks": c.Attacks, "blocked": c.Blocked,
		"open": c.FailedOpen, "upstream": c.UpstreamErrors, "upgraded": c.UpgradedBytes,
	}
	bypassed := uint64(0)
	for reason, n := range c.Bypassed {
		got[reason] = n
		bypassed += n
	}
	for name, n := range got {
		if n != want[name] {
			t.Errorf("%s: %d, want %d", name, n, want[name])
		}
	}
	if c.Received != c.Inspected+bypassed {
		t.Errorf("received %d, inspected %d, bypassed %d", c.Received, c.Inspected, bypassed)
	}
	if a, d := observed.attacks.Load(), observed.done.Load(); a != c.Attacks || d != c.Inspected {
		t.Errorf("observer saw %d attacks and %d requests", a, d)
	}
}

// disturb sends a request and reads the head of the answer, or goes away.
func disturb(t *testing.T, addr, message string, cut bool) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, message); err != nil {
		return
	}
	if cut {
		return
	}
	r := bufio.NewReader(c)
	if _, err := readLines(r); err != nil && !errors.Is(err, io.EOF) {
		t.Errorf("%.60q: %v", message, err)
	}
	if strings.Contains(message, "Upgrade") {
		io.ReadFull(r, make([]byte, 8))
	}
}

// A counter counts what an observer is told.
type counter struct{ attacks, done atomic.Uint64 }

func (c *counter) Attack(*Record)             { c.attacks.Add(1) }
func (c *counter) Done(*Record)               { c.done.Add(1) }
func (*counter) Share(*Record, uint64) uint32 { return 1 }

// Past the bound of active exchanges requests are refused, also where a site
// fails open: else filling the node would turn inspection off.
func TestOverload(t *testing.T) {
	release := make(chan struct{})
	p, addr := start(t, serve(t, func(w http.ResponseWriter, r *http.Request) { <-release }), func(o *Options) {
		o.MaxActive = 2
		o.Sites[0].FailOpen = true
	})
	var wg sync.WaitGroup
	const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	for range 2 {
		wg.Go(func() { raw(t, addr, get) })
	}
	until(t, func() bool { return p.Active() == 2 })
	if got := raw(t, addr, get); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
		t.Errorf("%s", got)
	}
	close(release)
	wg.Wait()
	waitIdle(t, p)
	if c := p.Counts(); c.Received != 3 || c.Inspected != 2 || c.Bypassed["overload"] != 1 || c.FailedOpen != 0 {
		t.Errorf("%+v", c)
	}
}

// Trailer fields are inspected before the last chunk is sent.
func TestAttackInTrailer(t *testing.T) {
	completed := new(atomic.Int64)
	_, addr := start(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			completed.Add(1)
		}
	}), nil)
	for _, size := range []int{10, 2 << 20} {
		chunk := fmt.Sprintf("%x\r\n%s\r\n", size, prose()[:size])
		for value, want := range map[string]string{"summer": "HTTP/1.1 200 ", attack: "HTTP/1.1 403 "} {
			got := raw(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"+chunk+"0\r\nX-Comment: "+value+"\r\n\r\n")
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s after %d: %.100s", value, size, got)
			}
		}
	}
	if n := completed.Load(); n != 2 {
		t.Errorf("%d requests completed", n)
	}
}

// A broken observer changes nothing for the client.
func TestObserverPanics(t *testing.T) {
	p, addr := start(t, serve(t, echo), func(o *Options) { o.Observer = broken{} })
	for target, want := range map[string]string{"/": "HTTP/1.1 200 ", "/?q=" + url.QueryEscape(attack): "HTTP/1.1 403 "} {
		if got := raw(t, addr, "GET "+target+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, want) {
			t.Errorf("%s", got)
		}
	}
	waitIdle(t, p)
	if c := p.Counts(); c.Received != 2 || c.Inspected != 2 {
		t.Errorf("%+v", c)
	}
}

type broken struct{}

func (broken) Attack(*Record)               { panic("attack") }
func (broken) Done(*Record)                 { panic("done") }
func (broken) Share(*Record, uint64) uint32 { return 1 }

// What an observer is told.
func TestRecord(t *testing.T) {
	seen := new(recording)
	_, addr := start(t, serve(t, echo), func(o *Options) { o.Observer = seen })
	r := rand.New(rand.NewPCG(7, 8))
	contentType, body := formBody(100<<10, attack)
	if got := post(t, addr, "x", contentType, body, sized, r); got != "HTTP/1.1 403 Forbidden" {
		t.Fatal(got)
	}
	if rec := seen.attack; rec.Status != 403 || string(seen.held) != string(body) || rec.BodyLen != int64(len(body)) || rec.Partial ||
		len(rec.RequestID) != 26 || rec.Source.String() != "127.0.0.1" || rec.Site != "default" || seen.findings == 0 {
		t.Errorf("%+v", rec)
	}
	contentType, body = formBody(3<<20, "summer")
	if got := post(t, addr, "x", contentType, body, chunked, r); got != "HTTP/1.1 200 OK" {
		t.Fatal(got)
	}
	until(t, func() bool { seen.mu.Lock(); defer seen.mu.Unlock(); return seen.done.BodyLen > 1<<20 })
	if rec := seen.done; rec.Status != 200 || rec.BodyLen != int64(len(body)) || !rec.Partial || string(seen.body) != string(body[:prefixSize]) ||
		rec.ResponseBytes != int64(len(body)) {
		t.Errorf("%+v", rec)
	}
}

type recording struct {
	mu           sync.Mutex
	attack, done Record
	body, held   []byte // of the request done, of the attack
	findings     int
}

func (r *recording) Attack(rec *Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attack, r.held, r.findings = *rec, append([]byte{}, rec.Body...), len(rec.Report.Findings)
}

func (*recording) Share(*Record, uint64) uint32 { return 1 }

func (r *recording) Done(rec *Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done, r.body = *rec, append([]byte{}, rec.Body...)
}
