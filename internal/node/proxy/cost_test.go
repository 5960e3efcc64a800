package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
)

const (
	browserGET = "GET /products/garden/4711?color=green&size=12&page=2&sort=price&lang=en HTTP/1.1\r\n" +
		"Host: shop.example\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
		"Accept-Language: en-US,en;q=0.5\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Referer: https://shop.example/products/garden\r\n" +
		"Cookie: session=6f1ed002ab5595859014ebf0951522d9; theme=dark\r\n" +
		"Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n\r\n"
	smallReply = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\nHello, world!"
)

// BenchmarkProxyGET measures the CPU time that a proxy process spends on a
// GET with browser headers: Gabion with inspection, Gabion in mode off, and
// httputil.ReverseProxy with tuned pools, which inspects nothing.
func BenchmarkProxyGET(b *testing.B) {
	for _, kind := range []string{"gabion-block", "gabion-off", "reverseproxy"} {
		b.Run(kind, func(b *testing.B) { benchmarkProxy(b, kind) })
	}
}

func benchmarkProxy(b *testing.B, kind string) {
	cmd := exec.Command(os.Args[0], "-test.run", "^TestProxyProcess$")
	cmd.Env = append(os.Environ(), "GABION_BENCH_PROXY="+kind, "GABION_BENCH_UPSTREAM="+replying(b))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	stop, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	var wg sync.WaitGroup
	const conns = 16
	for i := range conns {
		wg.Go(func() { load(b, strings.TrimSpace(addr), (b.N+i)/conns) })
	}
	wg.Wait()
	b.StopTimer()
	stop.Close()
	cmd.Wait()
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	b.ReportMetric(float64(cpu.Nanoseconds())/1e3/float64(b.N), "cpu-us/op")
}

// replying runs an upstream that answers each head at once.
func replying(b *testing.B) string {
	l := listen(b)
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for skipHead(r) == nil {
					io.WriteString(c, smallReply)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func skipHead(r *bufio.Reader) error {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil || len(line) == 2 {
			return err
		}
	}
}

func load(b *testing.B, addr string, n int) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Error(err)
		return
	}
	defer c.Close()
	r := bufio.NewReader(c)
	body := make([]byte, 13)
	for range n {
		io.WriteString(c, browserGET)
		if err := skipHead(r); err != nil {
			b.Error(err)
			return
		}
		if _, err := io.ReadFull(r, body); err != nil {
			b.Error(err)
			return
		}
	}
}

// TestProxyProcess is the process that BenchmarkProxyGET measures. It runs
// until its standard input ends.
func TestProxyProcess(t *testing.T) {
	kind := os.Getenv("GABION_BENCH_PROXY")
	if kind == "" {
		return // an ordinary test run
	}
	u, err := url.Parse(os.Getenv("GABION_BENCH_UPSTREAM"))
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	fmt.Println(l.Addr())
	if kind == "reverseproxy" {
		serveReverseProxy(ctx, l, u)
		return
	}
	e := engine.New(engine.Options{})
	mode := rule.Block
	if kind == "gabion-off" {
		mode = rule.Off
	}
	times := DefaultTimeouts()
	times.Drain = time.Second
	p, err := New(Options{
		Sites: []Site{{Upstreams: []*url.URL{u}, Mode: mode}}, Timeouts: &times, Log: slog.New(slog.DiscardHandler),
		Begin: func(s *rule.Set, env engine.Env) Inspection { return e.Begin(s, env) },
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Serve(ctx, Listener{Listener: l})
}

func serveReverseProxy(ctx context.Context, l net.Listener, u *url.URL) {
	s := &http.Server{Handler: &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(u); r.Out.Host = r.In.Host },
		Transport:  &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
		BufferPool: &pool{},
	}}
	context.AfterFunc(ctx, func() { s.Close() })
	s.Serve(l)
}

type pool struct{ p sync.Pool }

func (p *pool) Get() []byte {
	if b, ok := p.p.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 16<<10)
}

func (p *pool) Put(b []byte) { p.p.Put(&b) }
