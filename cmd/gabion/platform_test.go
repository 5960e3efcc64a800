package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// program builds gabion once for all tests that run it as processes.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gabion-test-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "gabion")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return bin, nil
})

// A process is one run of the program.
type process struct {
	t    *testing.T
	args []string
	cmd  *exec.Cmd
	log  *bytes.Buffer
	done chan struct{}
}

// start runs the program until the test ends.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, args: args}
	p.start()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("gabion %v:\n%s", args, p.log)
		}
	})
	return p
}

func (p *process) start() {
	p.t.Helper()
	bin, err := program()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(bin, p.args...)
	p.log = new(bytes.Buffer)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.done = make(chan struct{})
	go func() { p.cmd.Wait(); close(p.done) }()
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// restart runs it again as it was.
func (p *process) restart() {
	p.t.Helper()
	p.kill()
	p.start()
}

// lastPort is the port that was handed out last. They are below those that systems
// give to connections, and to tests that ask for any: what one process is given and
// has not taken yet, or comes back to, another one would get.
var lastPort atomic.Int32

func init() { lastPort.Store(10_000 + int32(os.Getpid()%100)*200) }

// port returns an address on loopback that is free, and stays so for its process.
func port(t *testing.T) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", lastPort.Add(1))
		if ln, err := net.Listen("tcp", address); err == nil {
			ln.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// eventually polls until f returns nil.
func eventually(t *testing.T, within time.Duration, what string, f func() error) time.Duration {
	t.Helper()
	begin := time.Now()
	for {
		err := f()
		if err == nil {
			return time.Since(begin)
		}
		if time.Since(begin) > within {
			t.Fatalf("%s: not within %v: %v", what, within, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A cloud is a running `gabion cloud` and its API.
type cloud struct {
	*process
	data, api, token string
}

// startCloud runs a cloud of its own with a region of its own.
func startCloud(t *testing.T, more string) *cloud {
	t.Helper()
	c := &cloud{data: filepath.Join(t.TempDir(), "cloud")}
	file := write(t, "cloud.yaml", fmt.Sprintf("data: %s\ncloud:\n  region: test\n  listen: %s\n  wire: %s\n%s", c.data, port(t), port(t), more))
	c.process = start(t, "cloud", "--config", file)
	eventually(t, 30*time.Second, "the cloud writes bootstrap.json", func() error {
		b, err := os.ReadFile(filepath.Join(c.data, "bootstrap.json"))
		if err != nil {
			return err
		}
		var boot struct {
			URL   string `json:"api_url"`
			Token string `json:"api_token"`
		}
		if err := json.Unmarshal(b, &boot); err != nil {
			return err
		}
		c.api, c.token = boot.URL, boot.Token
		return c.try("GET", "/api/v1/nodes", nil, nil)
	})
	return c
}

// try calls the API and decodes its answer into out.
func (c *cloud) try(method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, strings.TrimSuffix(c.api, "/api/v1")+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, b)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

// call is try for calls that must succeed.
func (c *cloud) call(method, path string, in, out any) {
	c.t.Helper()
	if err := c.try(method, path, in, out); err != nil {
		c.t.Fatal(err)
	}
}

type hit struct {
	ID        string `json:"id"`
	RequestID string `json:"request_id"`
	Class     string `json:"class"`
	Point     string `json:"point"`
	Reason    string `json:"reason"`
	Decision  string `json:"decision"`
}

// hits returns all hits, page by page.
func (c *cloud) hits() ([]hit, error) {
	var all []hit
	for cursor := ""; ; {
		var page struct {
			Items []hit  `json:"items"`
			Next  string `json:"next"`
		}
		if err := c.try("GET", "/api/v1/hits?limit=500&cursor="+url.QueryEscape(cursor), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// arrived says whether each of the requests has hits and no hit came twice.
func (c *cloud) arrived(requests map[string]bool) error {
	hits, err := c.hits()
	if err != nil {
		return err
	}
	seen, of := map[string]bool{}, map[string]bool{}
	for _, h := range hits {
		key := h.RequestID + " " + h.Class + " " + h.Point
		if seen[key] || seen[h.ID] {
			c.t.Fatalf("hit %s came twice", key)
		}
		seen[key], seen[h.ID] = true, true
		if requests[h.RequestID] {
			of[h.RequestID] = true
		}
	}
	if len(of) < len(requests) {
		return fmt.Errorf("hits of %d of %d requests", len(of), len(requests))
	}
	return nil
}

// A node is a running `gabion node`.
type node struct {
	*process
	url, data string
}

// startNode runs a node that is enrolled in the cloud and protects upstream.
func startNode(t *testing.T, c *cloud, upstream, mode, more string) *node {
	t.Helper()
	var token struct {
		Text string `json:"text"`
	}
	c.call("POST", "/api/v1/node-tokens", map[string]any{}, &token)
	listen, data := port(t), filepath.Join(t.TempDir(), "node")
	file := write(t, "node.yaml", fmt.Sprintf(`data: %s
node:
  listen: %s
  admin: %s
  sites:
    - upstream: %s
      mode: %s
  trusted_proxies: [127.0.0.1]
  uplink:
    token: %s
%s`, data, listen, port(t), upstream, mode, token.Text, more))
	n := &node{process: start(t, "node", "--config", file), url: "http://" + listen, data: data}
	n.ready()
	return n
}

// ready waits until the node answers.
func (n *node) ready() {
	n.t.Helper()
	eventually(n.t, 20*time.Second, "the node answers", func() error {
		_, _, err := n.get("/")
		return err
	})
}

// get sends a GET and returns status and request id.
func (n *node) get(target string, headers ...string) (int, string, error) {
	r, err := http.NewRequest("GET", n.url+target, nil)
	if err != nil {
		return 0, "", err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("X-Gabion-Request-Id"), nil
}

// expect sends a GET that must be answered with status.
func (n *node) expect(target string, status int, headers ...string) string {
	n.t.Helper()
	got, id, err := n.get(target, headers...)
	if err != nil {
		n.t.Fatal(err)
	}
	if got != status {
		n.t.Fatalf("GET %s: %d, want %d", target, got, status)
	}
	return id
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// echo is an application that likes everything.
func echo(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	t.Cleanup(srv.Close)
	return srv.URL
}

const attack = "/search?q=%27%20UNION%20SELECT%20name%2C%20password%20FROM%20users--%20"

// TestRuleHoldsOnSecondNode makes a rule through the API and sees it on two
// nodes, and after the cloud is gone and a node starts anew.
func TestRuleHoldsOnSecondNode(t *testing.T) {
	t.Parallel()
	c, up := startCloud(t, ""), echo(t)
	first, second := startNode(t, c, up, "block", ""), startNode(t, c, up, "block", "")
	for _, n := range []*node{first, second} {
		n.expect("/orders?tag=gabion-7", 200)
	}
	c.call("POST", "/api/v1/rules", map[string]any{
		"kind": "detector", "point": "get.tag", "expression": "^gabion-[0-9]$", "scope": map[string]any{"path": "/orders"}}, nil)
	took := eventually(t, 5*time.Second, "the rule holds on both nodes", func() error {
		for _, n := range []*node{first, second} {
			if status, _, err := n.get("/orders?tag=gabion-7"); err != nil || status != 403 {
				return fmt.Errorf("answered %d, %v", status, err)
			}
		}
		return nil
	})
	t.Logf("rule to effect on two nodes: %v", took)
	second.expect("/elsewhere?tag=gabion-7", 200)

	c.kill()
	second.restart()
	eventually(t, 20*time.Second, "the node answers", func() error {
		status, _, err := second.get("/orders?tag=gabion-7")
		if err == nil && status != 403 {
			t.Fatalf("the first answer without the cloud is %d, want 403", status)
		}
		return err
	})
}

// TestCloudKilled sends attacks while the cloud is dead.
func TestCloudKilled(t *testing.T) {
	t.Parallel()
	c := startCloud(t, "")
	n := startNode(t, c, echo(t), "block", "")
	requests := map[string]bool{n.expect(attack, 403): true}
	eventually(t, 10*time.Second, "the first hit arrives", func() error { return c.arrived(requests) })
	c.kill()
	for range 500 {
		requests[n.expect(attack, 403)] = true
	}
	if len(requests) != 501 {
		t.Fatalf("%d distinct request ids, want 501", len(requests))
	}
	c.start()
	eventually(t, 60*time.Second, "every hit arrives", func() error { return c.arrived(requests) })
}

// TestNodeKilled kills the node right after each of 200 blocked requests:
// whoever has read the 403 has a hit in the cloud.
func TestNodeKilled(t *testing.T) {
	t.Parallel()
	c := startCloud(t, "")
	n := startNode(t, c, echo(t), "block", "")
	requests := map[string]bool{}
	for range 200 {
		requests[n.expect(attack, 403)] = true
		n.restart()
		n.ready()
	}
	eventually(t, 60*time.Second, "every hit arrives", func() error { return c.arrived(requests) })
}
