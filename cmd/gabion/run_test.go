package main_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startDemo runs `gabion run --demo` and returns its cloud and its node. Its
// addresses are other ones each time, unlike a user's, so that none is kept.
func startDemo(t *testing.T, data string) (*cloud, *node) {
	t.Helper()
	file := write(t, "ports.yaml", fmt.Sprintf("node: {listen: '%s', admin: '%s'}\ncloud: {listen: '%s', wire: '%s'}\n", port(t), port(t), port(t), port(t)))
	if err := os.RemoveAll(filepath.Join(data, "bootstrap.json")); err != nil {
		t.Fatal(err)
	}
	p := start(t, "run", "--demo", "--data", data, "--config", file)
	c := &cloud{process: p, data: data}
	var boot struct {
		API   string `json:"api_url"`
		Token string `json:"api_token"`
		Node  string `json:"node_url"`
	}
	eventually(t, 30*time.Second, "the first start writes bootstrap.json", func() error {
		b, err := os.ReadFile(filepath.Join(data, "bootstrap.json"))
		if err != nil {
			return err
		}
		return json.Unmarshal(b, &boot)
	})
	c.api, c.token = boot.API, boot.Token
	n := &node{process: p, url: boot.Node}
	n.ready()
	return c, n
}

// TestDemo attacks the demo with a path that nobody has used before, finds
// the attack by its id, stops the demo as a user does, and starts it again.
func TestDemo(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	c, n := startDemo(t, data)
	n.expect("/", 200)

	nonce := fmt.Sprintf("n%x", time.Now().UnixNano())
	id := n.expect("/"+nonce+attack, 403)
	took := eventually(t, 2*time.Second, "the attack is in the API", func() error {
		var page struct {
			Items []hit `json:"items"`
		}
		if err := c.try("GET", "/api/v1/hits?request_id="+url.QueryEscape(id), nil, &page); err != nil {
			return err
		}
		if len(page.Items) == 0 {
			return fmt.Errorf("no hit of request %s", id)
		}
		if h := page.Items[0]; h.RequestID != id || h.Class != "sqli" || h.Point != "get.q" || h.Decision != "block" {
			t.Fatalf("the hit is %+v", h)
		}
		return nil
	})
	t.Logf("attack to API: %v", took)
	eventually(t, 30*time.Second, "the crowd's traffic is seen", func() error {
		var page struct{ Items []any }
		if err := c.try("GET", "/api/v1/endpoints", nil, &page); err != nil || len(page.Items) < 3 {
			return fmt.Errorf("%d endpoints, %v", len(page.Items), err)
		}
		return nil
	})
	private(t, data)

	n.stop()
	c, n = startDemo(t, data)
	var nodes struct{ Items []any }
	c.call("GET", "/api/v1/nodes", nil, &nodes)
	if len(nodes.Items) != 1 {
		t.Errorf("%d nodes after a second start, want the one of the first", len(nodes.Items))
	}
	id2 := n.expect(attack, 403)
	eventually(t, 5*time.Second, "the node delivers to the new address", func() error { return c.arrived(map[string]bool{id2: true}) })
	var page struct{ Items []hit }
	c.call("GET", "/api/v1/hits?request_id="+url.QueryEscape(id), nil, &page)
	if len(page.Items) == 0 {
		t.Error("the attack is gone after a second start")
	}
}

// stop ends a process as Ctrl-C does; it must end well, and soon.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.t.Fatal("the program does not end 20 s after SIGINT")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("exit code %d after SIGINT, want 0", code)
	}
}

// private wants everything in a data directory to be its owner's alone.
func private(t *testing.T, data string) {
	t.Helper()
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // files come and go
		}
		if info, err := d.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestCloudLink lets an administrator in again beside a running cloud.
func TestCloudLink(t *testing.T) {
	t.Parallel()
	c := startCloud(t, "")
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	link := func() (string, error) {
		out, err := exec.Command(bin, "cloud", "link", "--config", c.args[2]).CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	if out, err := link(); err == nil || !strings.Contains(out, "nobody has logged in yet") {
		t.Fatalf("a link before there is an administrator: %s, %v", out, err)
	}
	login := func(url string) error {
		_, secret, _ := strings.Cut(url, "#")
		return c.try("POST", "/api/v1/session", map[string]any{"link": secret}, nil)
	}
	b, err := os.ReadFile(filepath.Join(c.data, "bootstrap.json"))
	if err != nil {
		t.Fatal(err)
	}
	var boot struct {
		Console string `json:"console_url"`
	}
	if err := json.Unmarshal(b, &boot); err != nil {
		t.Fatal(err)
	}
	if err := login(boot.Console); err != nil {
		t.Fatal(err)
	}
	if login(boot.Console) == nil {
		t.Error("the link of the first start logs in twice")
	}
	url, err := link()
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	if err := login(url); err != nil {
		t.Errorf("logging in with %s: %v", url, err)
	}
	if login(url) == nil {
		t.Errorf("%s logs in twice", url)
	}
}
