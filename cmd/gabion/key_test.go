package main_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// say runs a command with an answer to what it asks, and returns what it
// prints to both outputs.
func say(t *testing.T, ok bool, answer string, args ...string) (out, told string) {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(bin, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(answer), &stdout, &stderr
	if err := cmd.Run(); (err == nil) != ok {
		t.Fatalf("gabion %v: %v\n%s%s", args, err, &stdout, &stderr)
	}
	return strings.TrimSpace(stdout.String()), stderr.String()
}

// sharing says whether the API shows all nodes with one group key.
func sharing(t *testing.T, c *cloud, want bool) {
	t.Helper()
	eventually(t, 10*time.Second, fmt.Sprintf("shares_key is %v", want), func() error {
		var nodes struct {
			Items []struct {
				Shares bool           `json:"shares_key"`
				Status map[string]any `json:"status"`
			}
		}
		c.call("GET", "/api/v1/nodes", nil, &nodes)
		for _, n := range nodes.Items {
			if n.Shares != want || n.Status["group_key_tag"] == nil {
				return fmt.Errorf("nodes: %+v", nodes.Items)
			}
		}
		return nil
	})
}

// counted wants one row, or so many, for a path with so many requests in all.
func counted(t *testing.T, c *cloud, path string, rows, requests int) {
	t.Helper()
	eventually(t, 15*time.Second, fmt.Sprintf("%s has %d rows", path, rows), func() error {
		var list struct{ Items []struct{ Count int } }
		c.call("GET", "/api/v1/endpoints?q=path:"+path, nil, &list)
		total := 0
		for _, e := range list.Items {
			total += e.Count
		}
		if len(list.Items) != rows || total != requests {
			return fmt.Errorf("%+v", list.Items)
		}
		return nil
	})
}

// TestGroupKey passes the group key from one node to another. Before, both
// count an endpoint apart; after, they count it as one.
func TestGroupKey(t *testing.T) {
	t.Parallel()
	c, up := startCloud(t, ""), echo(t)
	const quick = "    interval: 1s\n"
	first, second := startNode(t, c, up, "block", quick), startNode(t, c, up, "block", quick)
	visit := func(path string) {
		for i := range 4 {
			first.expect(fmt.Sprint(path, "?id=", i), 200)
			second.expect(fmt.Sprint(path, "?id=", i), 200)
		}
	}
	visit("/orders")
	counted(t, c, "/orders", 2, 8)
	sharing(t, c, false)

	request, shown := say(t, true, "", "node", "key", "request", "--data", second.data)
	again, _ := say(t, true, "", "node", "key", "request", "--data", second.data)
	if request != again {
		t.Errorf("asked with %s, then with %s", request, again)
	}
	fingerprint := strings.Fields(shown)[1]
	export := []string{"node", "key", "export", "--data", first.data, "--to", request}
	for _, answer := range []string{"", "no\n", "y\n"} {
		if out, told := say(t, false, answer, export...); out != "" || !strings.Contains(told, fingerprint) || !strings.Contains(told, "nothing is sealed") {
			t.Errorf("answered %q: %s %s", answer, out, told)
		}
	}
	if out, told := say(t, false, "", append(export, "--fingerprint", "abcd-"+fingerprint[5:])...); out != "" || !strings.Contains(told, "somebody has changed it") {
		t.Errorf("with another fingerprint: %s %s", out, told)
	}
	sealed, told := say(t, true, "yes\n", export...)
	if _, told := say(t, false, "", "node", "key", "import", "--data", first.data, sealed); !strings.Contains(told, "make a request first") {
		t.Errorf("imported on a node that has not asked: %s", told)
	}
	taken, _ := say(t, true, "", "node", "key", "import", "--data", second.data, sealed)
	if name := strings.Fields(taken)[2]; !strings.Contains(told, name) {
		t.Errorf("export names the key %s, import %s", told, name)
	}
	if _, told := say(t, false, "", "node", "key", "import", "--data", second.data, sealed); !strings.Contains(told, "make a request first") {
		t.Errorf("imported twice: %s", told)
	}

	second.stop()
	second.start()
	second.ready()
	sharing(t, c, true)
	visit("/cart")
	counted(t, c, "/cart", 1, 8)
	second.stop()
	if log := second.log.String(); !strings.Contains(log, "group key of another node is taken over") {
		t.Errorf("the node does not say so:\n%s", log)
	}

	// A node may ask before its first start.
	fresh := filepath.Join(t.TempDir(), "fresh")
	request, shown = say(t, true, "", "node", "key", "request", "--data", fresh)
	sealed, _ = say(t, true, "", "node", "key", "export", "--data", second.data, "--to", request, "--fingerprint", strings.Fields(shown)[1])
	say(t, true, "", "node", "key", "import", "--data", fresh, sealed)
}
