package demo

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer((&Shop{log: slog.New(slog.DiscardHandler)}).Handler())
	t.Cleanup(srv.Close)
	return srv.URL
}

func fetch(t *testing.T, method, target, mime, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", mime)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// TestTwins attacks each vulnerable twin and its fixed sibling: the first
// gives the secret away, the second does not.
func TestTwins(t *testing.T) {
	base := serve(t)
	const form = "application/x-www-form-urlencoded"
	const doc = `<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><product>&x;</product></r>`
	f := func(name, method, target, mime, body, secret string) {
		t.Helper()
		if _, got := fetch(t, method, base+"/legacy"+target, mime, body); !strings.Contains(got, secret) {
			t.Errorf("%s: the twin does not show %q: %s", name, secret, got)
		}
		if _, got := fetch(t, method, base+target, mime, body); strings.Contains(got, secret) {
			t.Errorf("%s: the fixed one shows %q", name, secret)
		}
	}
	q := url.QueryEscape
	f("sqli", "GET", "/search?q="+q("' UNION SELECT name, password, role FROM users-- "), "", "", "rampart-7")
	f("xss", "GET", "/search?q="+q("<script>alert(1)</script>"), "", "", "<script>alert(1)</script>")
	f("sqli login", "POST", "/login", form, "user="+q("admin'-- ")+"&password=x", "Logged in as admin")
	f("traversal", "GET", "/files?name="+q("../../../etc/passwd"), "", "", "root:x:0")
	f("rce", "GET", "/ping?host="+q("127.0.0.1; cat /etc/passwd"), "", "", "root:x:0")
	f("ssrf", "GET", "/preview?url="+q("http://169.254.169.254/latest/"), "", "", "not-a-real-token")
	f("ssti", "GET", "/hello?name="+q("{{.secret}}"), "", "", "not-a-real-secret")
	f("xxe", "POST", "/stock", "application/xml", doc, "root:x:0")
}

// TestHarmless tries to leave the cages of the twins.
func TestHarmless(t *testing.T) {
	base := serve(t)
	out := filepath.Join(t.TempDir(), "out")
	q := url.QueryEscape
	for _, target := range []string{
		"/legacy/search?q=" + q("'; ATTACH DATABASE '"+out+"' AS x; CREATE TABLE x.t (a); SELECT '"),
		"/legacy/search?q=" + q("'; VACUUM INTO '"+out+"'; SELECT '"),
		"/legacy/search?q=" + q("' UNION SELECT load_extension('"+out+"'),1,1-- "),
		"/legacy/ping?host=" + q("x; echo y > "+out),
		"/legacy/ping?host=" + q("x; /bin/touch "+out),
		"/legacy/ping?host=" + q("x; cat <(touch "+out+")"),
		"/legacy/ping?host=" + q(":(){ :|:& };:"),
		"/legacy/ping?host=" + q("x; while true; do echo; done"),
		"/legacy/search?q=" + q("'; WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) SELECT max(n),1,1 FROM c-- "),
	} {
		start := time.Now()
		fetch(t, "GET", base+target, "", "")
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s wrote a file", target)
		}
		if d := time.Since(start); d > 20*maxRuntime {
			t.Errorf("%s ran for %v", target, d)
		}
	}
	if _, got := fetch(t, "GET", base+"/legacy/search?q=basket", "", ""); !strings.Contains(got, "Gabion basket") {
		t.Error("the shop does not sell baskets any more")
	}
	if out, err := shell(context.Background(), "cat "+os.Args[0]); err != nil || !strings.Contains(out, "no such file") {
		t.Errorf("the shell reads real files: %q, %v", out, err)
	}
}

func TestLocalOnly(t *testing.T) {
	if _, err := Listen("0.0.0.0:0", slog.New(slog.DiscardHandler)); err == nil {
		t.Error("listens beyond loopback")
	}
	h := (&Shop{log: slog.New(slog.DiscardHandler)}).Handler()
	f := func(host string, want int) {
		t.Helper()
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
	}
	f("localhost:8080", 200)
	f("127.0.0.1", 200)
	f("[::1]:8080", 200)
	f("shop.localhost", 200)
	f("evil.example", 421)
	f("127.0.0.1.evil.example", 421)
}

// TestCrowd lets shoppers in and sees every kind of errand succeed.
func TestCrowd(t *testing.T) {
	shop := (&Shop{log: slog.New(slog.DiscardHandler)}).Handler()
	seen := make(chan string, 10000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		shop.ServeHTTP(rec, r)
		if strings.HasPrefix(r.Header.Get("X-Forwarded-For"), "198.18.") && rec.Code < 400 {
			select {
			case seen <- r.Method + " " + r.URL.Path:
			default:
			}
		}
		w.WriteHeader(rec.Code)
	}))
	defer srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- (&Crowd{Target: srv.URL, Users: 20, Pause: 5 * time.Millisecond}).Run(ctx) }()
	want := map[string]bool{"GET /": true, "GET /search": true, "POST /login": true, "POST /api/v1/orders": true,
		"POST /api/v1/reviews": true, "POST /graphql": true, "POST /api/v1/uploads": true, "GET /products": true}
	for len(want) > 0 {
		select {
		case got := <-seen:
			delete(want, got)
		case <-ctx.Done():
			t.Fatalf("not seen: %v", want)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
