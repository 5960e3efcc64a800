package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/config"
)

const attack = `<script>alert(document.cookie)</script>`

// start runs a node for these sites until the test ends.
func start(t *testing.T, sites ...config.Site) *Node {
	t.Helper()
	return startWith(t, func(c *config.Node) { c.Sites = sites })
}

func upstream(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "reached") }))
	t.Cleanup(s.Close)
	return s.URL
}

// ask sends a request and returns its status and body.
func ask(t *testing.T, n *Node, method, host, target string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+n.Addr().String()+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	return do(t, r)
}

func do(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	res, err := http.DefaultTransport.RoundTrip(r)
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

func admin(t *testing.T, n *Node, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("GET", "http://"+n.AdminAddr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, r)
}

func blob(t *testing.T, w rule.Writer) []byte {
	t.Helper()
	b, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func scope(t *testing.T, method, path string) rule.Scope {
	t.Helper()
	s, err := rule.ParseScope("", method, path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Local modes and overrides meet modes set in the cloud. A location with a
// local mode of its own is a site here.
func TestModePrecedence(t *testing.T) {
	up := upstream(t)
	site := func(host, mode, override string) config.Site {
		return config.Site{Hosts: []string{host}, Upstream: up, Mode: mode, Override: override}
	}
	n := start(t,
		site("server.example", "monitoring", "off"),
		site("login.example", "block", "strict"),
		site("signup.example", "monitoring", "strict"),
		site("apply.example", "block", "on"),
		site("feedback.example", "safe_blocking", "off"),
	)
	id := uint64(0)
	mode := func(method, path string, m rule.Mode) rule.Rule {
		id++
		return rule.Rule{ID: id, Kind: rule.SetMode, Scope: scope(t, method, path), Mode: m}
	}
	err := n.Install(7, blob(t, rule.Writer{General: rule.Monitoring, Rules: []rule.Rule{
		mode("POST", "/main/apply", rule.Default),
		mode("", "/main", rule.Block),
		mode("", "/main/**", rule.Block),
		mode("", "/main/login", rule.Monitoring),
	}}))
	if err != nil {
		t.Fatal(err)
	}
	f := func(method, host, path string, want int) {
		t.Helper()
		if got, _ := ask(t, n, method, host, path+"?q="+url.QueryEscape(attack)); got != want {
			t.Errorf("attack on %s %s%s: %d, want %d", method, host, path, got, want)
		}
		if got, _ := ask(t, n, method, host, path+"?q=summer"); got != 200 {
			t.Errorf("benign %s %s%s: %d", method, host, path, got)
		}
	}
	f("GET", "server.example", "/news", 200)
	f("GET", "server.example", "/main", 200)
	f("GET", "login.example", "/main/login", 403)
	f("GET", "signup.example", "/main/signup", 403)
	f("GET", "apply.example", "/main/apply", 403)
	f("POST", "apply.example", "/main/apply", 403)
	f("GET", "feedback.example", "/main/feedback", 200) // the source is on no graylist
}

// Each mode meets an attack, a virtual patch and a benign request.
func TestModes(t *testing.T) {
	up := upstream(t)
	modes := []string{"off", "monitoring", "safe_blocking", "block"}
	sites := []config.Site{}
	for _, m := range modes {
		sites = append(sites, config.Site{Hosts: []string{m + ".example"}, Upstream: up, Mode: m})
	}
	n := start(t, sites...)
	if err := n.Install(1, blob(t, rule.Writer{Rules: []rule.Rule{
		{ID: 1, Kind: rule.Patch, Scope: scope(t, "", "/patched"), Class: detect.XSS},
	}})); err != nil {
		t.Fatal(err)
	}
	f := func(mode string, attacked, patched int) {
		t.Helper()
		host := mode + ".example"
		query := "?q=" + url.QueryEscape(attack)
		for _, c := range []struct {
			target string
			want   int
		}{{"/" + query, attacked}, {"/patched" + query, patched}, {"/?q=a", 200}, {"/patched?q=a", 200}} {
			if got, _ := ask(t, n, "GET", host, c.target); got != c.want {
				t.Errorf("%s %s: %d, want %d", mode, c.target, got, c.want)
			}
		}
	}
	f("off", 200, 200)
	f("monitoring", 200, 403)
	f("safe_blocking", 200, 403)
	f("block", 403, 403)
	settled(t, n, 16)
	c := n.Counts()
	if c.Received != 16 || c.Inspected != 12 || c.Bypassed["off"] != 4 || c.Attacks != 6 || c.Blocked != 4 {
		t.Errorf("%+v", c)
	}
}

// settled waits until so many requests are counted: that happens a moment
// after their responses.
func settled(t *testing.T, n *Node, want uint64) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); n.Counts().Received < want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d requests counted, want %d", n.Counts().Received, want)
		}
	}
}

// A ruleset that is broken, or blocks everything, leaves the last one in
// force and says so until a good one comes.
func TestBadRulesetLeavesTheOldOneInForce(t *testing.T) {
	n := start(t, config.Site{Upstream: upstream(t), Mode: "monitoring"})
	good := blob(t, rule.Writer{General: rule.Block})
	if err := n.Install(3, good); err != nil {
		t.Fatal(err)
	}
	everything := blob(t, rule.Writer{Rules: []rule.Rule{{ID: 1, Kind: rule.Detector, Class: detect.Custom, Expr: "."}}})
	flipped := append([]byte{}, good...)
	flipped[len(flipped)/2] ^= 1
	for _, bad := range [][]byte{nil, good[:len(good)-1], flipped, everything} {
		if err := n.Install(4, bad); err == nil {
			t.Fatal("a bad ruleset was installed")
		}
		if status, body := admin(t, n, "/readyz"); status != 200 || !strings.Contains(body, "ruleset: installing ruleset 4") || !strings.Contains(body, "version 3 stays") {
			t.Errorf("%d %s", status, body)
		}
		if got, _ := ask(t, n, "GET", "a", "/?q="+url.QueryEscape(attack)); got != 403 || n.Ruleset() != 3 {
			t.Errorf("attack: %d under ruleset %d", got, n.Ruleset())
		}
	}
	if err := n.Install(5, good); err != nil {
		t.Fatal(err)
	}
	if _, body := admin(t, n, "/readyz"); strings.Contains(body, "ruleset") {
		t.Errorf("%s", body)
	}
}

func TestAdmin(t *testing.T) {
	n := start(t, config.Site{Upstream: upstream(t), Mode: "block"})
	ask(t, n, "GET", "a", "/?q=1")
	ask(t, n, "GET", "a", "/?q="+url.QueryEscape(attack))
	settled(t, n, 2)
	if status, body := admin(t, n, "/healthz"); status != 200 || body != "ok\n" {
		t.Errorf("%d %q", status, body)
	}
	var ready struct{ Ready bool }
	if status, body := admin(t, n, "/readyz"); status != 200 || json.Unmarshal([]byte(body), &ready) != nil || !ready.Ready {
		t.Errorf("%d %q", status, body)
	}
	_, body := admin(t, n, "/metrics")
	for _, want := range []string{
		`gabion_http_requests_received_total{site="default"} 2`,
		`gabion_http_requests_inspected_total{site="default"} 2`,
		`gabion_http_requests_total{site="default",verdict="block"} 1`,
		`gabion_attacks_total{site="default",action="block"} 1`,
		`gabion_http_request_duration_seconds_count{site="default"} 2`,
		`gabion_http_requests_bypassed_total{site="default",reason="error"} 0`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("/metrics lacks %s:\n%s", want, body)
		}
	}
}

// Traffic has no path of its own on the node.
func TestAdminPathsAreTraffic(t *testing.T) {
	n := start(t, config.Site{Upstream: upstream(t)})
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if _, body := ask(t, n, "GET", "a", path); body != "reached" {
			t.Errorf("%s: %q", path, body)
		}
	}
}

func TestBadConfiguration(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	f := func(change func(*config.Node), want string) {
		t.Helper()
		cfg := config.Default().Node
		cfg.Listen, cfg.Admin = "127.0.0.1:0", "127.0.0.1:0"
		cfg.Sites = []config.Site{{Upstream: "http://127.0.0.1:1"}}
		change(&cfg)
		n, err := New(cfg, t.TempDir(), slog.New(slog.DiscardHandler))
		if err == nil {
			n.close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one line with %q", err, want)
		}
	}
	f(func(c *config.Node) { c.Listen = taken.Addr().String() }, "listening for traffic: ")
	f(func(c *config.Node) { c.Admin = taken.Addr().String() }, "listening for administration: ")
	f(func(c *config.Node) { c.Sites[0].Upstream = "ftp://a" }, "none of http, https")
	f(func(c *config.Node) { c.Sites[0].Upstream = "http://" }, "no host")
	f(func(c *config.Node) { c.Sites[0].Mode = "strict" }, `site 1: mode "strict"`)
	f(func(c *config.Node) { c.Sites[0].Override = "yes" }, `site 1: mode override "yes"`)
	f(func(c *config.Node) { c.TrustedProxies = []string{"10.0.0.0/40"} }, `trusted proxy "10.0.0.0/40"`)
}

// Stopping waits for open exchanges and closes idle connections.
func TestStopDrains(t *testing.T) {
	release, reached := make(chan struct{}), make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(reached)
		<-release
		io.WriteString(w, "done")
	}))
	defer up.Close()
	cfg := config.Default().Node
	cfg.Listen, cfg.Admin, cfg.Sites = "127.0.0.1:0", "127.0.0.1:0", []config.Site{{Upstream: up.URL}}
	n, err := New(cfg, t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	idle, err := net.Dial("tcp", n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	answer := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + n.Addr().String())
		if err != nil {
			answer <- err.Error()
			return
		}
		b, _ := io.ReadAll(res.Body)
		answer <- fmt.Sprint(string(b), " ", res.Close)
	}()
	<-reached
	stop()
	idle.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := idle.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("idle connection: %v", err)
	}
	if status, _ := admin(t, n, "/readyz"); status != 503 {
		t.Errorf("a node that drains says it is ready: %d", status)
	}
	close(release)
	if got := <-answer; got != "done true" {
		t.Errorf("answer: %s", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
