package node

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gabionhq/gabion/internal/config"
)

// startWith runs a node with more than the default listeners.
func startWith(t *testing.T, change func(*config.Node)) *Node {
	t.Helper()
	return startIn(t, t.TempDir(), change)
}

func startIn(t *testing.T, data string, change func(*config.Node)) *Node {
	t.Helper()
	cfg := config.Default().Node
	cfg.Listen, cfg.Admin = "127.0.0.1:0", "127.0.0.1:0"
	change(&cfg)
	n, err := New(cfg, data, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return n
}

// selfSigned writes a certificate for the name and returns its pool.
func selfSigned(t *testing.T, dir, name string) (config.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := config.Certificate{Cert: filepath.Join(dir, name+".crt"), Key: filepath.Join(dir, name+".key")}
	write := func(file, kind string, der []byte) {
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(files.Cert, "CERTIFICATE", der)
	write(files.Key, "PRIVATE KEY", pkcs8)
	pool := x509.NewCertPool()
	cert, _ := x509.ParseCertificate(der)
	pool.AddCert(cert)
	return files, pool
}

func TestTLS(t *testing.T) {
	shop, shopPool := selfSigned(t, t.TempDir(), "shop.example")
	blog, blogPool := selfSigned(t, t.TempDir(), "blog.example")
	n := startWith(t, func(c *config.Node) {
		c.ListenTLS = "127.0.0.1:0"
		c.Certificates = []config.Certificate{shop, blog}
		c.Sites = []config.Site{{Upstream: upstream(t), Mode: "block"}}
	})
	f := func(name string, pool *x509.CertPool, http2 bool) {
		t.Helper()
		protocols := new(http.Protocols)
		protocols.SetHTTP1(!http2)
		protocols.SetHTTP2(http2)
		tr := &http.Transport{Protocols: protocols, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: name}}
		defer tr.CloseIdleConnections()
		for query, want := range map[string]int{"a=1": 200, "a=" + url.QueryEscape(attack): 403} {
			r, err := http.NewRequest("GET", "https://"+n.traffic[1].Addr().String()+"/?"+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := tr.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != want || (res.ProtoMajor == 2) != http2 {
				t.Errorf("%s %s: %s %s", name, query, res.Proto, res.Status)
			}
		}
	}
	f("shop.example", shopPool, false)
	f("shop.example", shopPool, true)
	f("blog.example", blogPool, true)
}

func TestBadCertificate(t *testing.T) {
	cfg := config.Default().Node
	cfg.Listen, cfg.Admin, cfg.ListenTLS = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	cfg.Certificates = []config.Certificate{{Cert: "/nonexistent/a.crt", Key: "/nonexistent/a.key"}}
	_, err := New(cfg, t.TempDir(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "loading certificate /nonexistent/a.crt") {
		t.Errorf("%v", err)
	}
}

func TestPROXYProtocol(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("X-Forwarded-For"))
	}))
	defer up.Close()
	n := startWith(t, func(c *config.Node) {
		c.ProxyProtocol, c.TrustedProxies = true, []string{"127.0.0.0/8"}
		c.Sites = []config.Site{{Upstream: up.URL, Forwarded: true}}
	})
	c, err := net.Dial("tcp", n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprint(c, "PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(res.Body); string(b) != "203.0.113.9" {
		t.Errorf("%q", b)
	}
	// A trusted proxy without the header is refused.
	d, err := net.Dial("tcp", n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprint(d, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if b, _ := io.ReadAll(d); len(b) > 0 {
		t.Errorf("%q", b)
	}
}

// Requests go to each upstream in turn and not to one that is gone or says
// that it is ill.
func TestUpstreamsShareRequests(t *testing.T) {
	var hits [2]atomic.Int64
	var sick atomic.Bool
	server := func(i int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/health" && i == 1 && sick.Load() {
				w.WriteHeader(500)
			}
			if r.URL.Path == "/" {
				hits[i].Add(1)
			}
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	sick.Store(true)
	n := start(t, config.Site{Upstream: server(0), Upstreams: []string{server(1), "http://127.0.0.1:1"}, Health: "/health"})
	healthy := func() int {
		_, body := admin(t, n, "/metrics")
		count := 0
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "gabion_upstream_healthy{") && strings.HasSuffix(line, " 1\n") {
				count++
			}
		}
		return count
	}
	for end := time.Now().Add(10 * time.Second); healthy() != 1; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the ill upstreams are not noticed")
		}
	}
	for range 20 {
		if got, _ := ask(t, n, "GET", "a", "/"); got != 200 {
			t.Errorf("%d", got)
		}
	}
	if hits[0].Load() != 20 || hits[1].Load() != 0 {
		t.Errorf("hits %d and %d", hits[0].Load(), hits[1].Load())
	}
}

func TestUpstreamGoneIsPassedOver(t *testing.T) {
	n := start(t, config.Site{Upstream: "http://127.0.0.1:1", Upstreams: []string{upstream(t)}})
	for range 10 {
		if got, _ := ask(t, n, "POST", "a", "/"); got != 200 {
			t.Errorf("%d", got)
		}
	}
	lone := start(t, config.Site{Upstream: "http://127.0.0.1:1"})
	if got, body := ask(t, lone, "GET", "a", "/"); got != 502 || !strings.Contains(body, "request_id") {
		t.Errorf("%d %s", got, body)
	}
}

const nginxConf = `daemon off; worker_processes 1; pid %[1]s/nginx.pid; error_log %[1]s/error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
  server {
    listen %[2]s;
    location / {
      auth_request /gabion;
      auth_request_set $gabion $upstream_http_x_gabion_request_id;
      add_header X-Gabion-Request-Id $gabion always;
      proxy_pass %[3]s;
    }
    location = /gabion {
      internal;
      proxy_pass http://%[4]s;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Host $host;
      proxy_set_header X-Original-URI $request_uri;
      proxy_set_header X-Original-Method $request_method;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
}`

// Debian's nginx asks the node by auth_request, as docs/forward-auth.md
// tells it to.
func TestForwardAuthNginx(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Fatal("this test needs nginx: apt-get install nginx-light")
	}
	up := upstream(t)
	n := startWith(t, func(c *config.Node) {
		c.Auth = "127.0.0.1:0"
		c.Sites = []config.Site{{Upstream: up, Mode: "block"}}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, dir, addr, up, n.traffic[1].Addr()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-c", conf, "-e", filepath.Join(dir, "error.log"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt) // a fast shutdown, workers included
		cmd.Wait()
	})
	f := func(target string, want int, headers ...string) {
		t.Helper()
		r, err := http.NewRequest("GET", "http://"+addr+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		var res *http.Response
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			if res, err = http.DefaultTransport.RoundTrip(r); err == nil {
				break
			}
			if time.Now().After(end) {
				log, _ := os.ReadFile(filepath.Join(dir, "error.log"))
				t.Fatalf("%v\n%s", err, log)
			}
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != want || want == 200 && string(body) != "reached" || want != 500 && len(res.Header.Get("X-Gabion-Request-Id")) != 26 {
			t.Errorf("%s: %s %q %s", target, res.Status, res.Header, body)
		}
	}
	f("/shop?q=summer", 200)
	f("/shop?q="+url.QueryEscape(attack), 403)
	f("/shop", 403, "X-Comment", attack)
	f("/"+url.PathEscape(attack), 403)
	// The client cannot name another target to be asked about.
	f("/shop?q="+url.QueryEscape(attack), 500, "X-Forwarded-Uri", "/harmless")
	settled(t, n, 5)
	if c := n.Counts(); c.Received != 5 || c.Inspected != 4 || c.Blocked != 3 || c.Bypassed["malformed"] != 1 {
		t.Errorf("%+v", c)
	}
}

// Caddy and Traefik ask with X-Forwarded-*.
func TestForwardAuthCaddy(t *testing.T) {
	n := startWith(t, func(c *config.Node) {
		c.Auth = "127.0.0.1:0"
		c.Sites = []config.Site{{Hosts: []string{"shop.example"}, Upstream: upstream(t), Mode: "block"}}
	})
	f := func(method, host, uri string, want int) {
		t.Helper()
		r, err := http.NewRequest("GET", "http://"+n.traffic[1].Addr().String()+"/anything", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-Method", method)
		r.Header.Set("X-Forwarded-Host", host)
		if uri != "" {
			r.Header.Set("X-Forwarded-Uri", uri)
		}
		if got, body := do(t, r); got != want {
			t.Errorf("%s %s %s: %d %s", method, host, uri, got, body)
		}
	}
	f("POST", "shop.example", "/a?b=1", 200)
	f("DELETE", "shop.example:8443", "/a?b="+url.QueryEscape(attack), 403)
	f("GET", "other.example", "/", 421)
	f("GET", "shop.example", "", 400)
	f("G T", "shop.example", "/", 400)
	f("GET", "shop@example", "/", 400)
}
