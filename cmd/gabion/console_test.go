package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestConsole drives the built console in Chromium; see console/e2e.
func TestConsole(t *testing.T) {
	c := startCloud(t, "")
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/error" {
			http.Error(w, "You have an error in your SQL syntax", http.StatusInternalServerError)
			return
		}
		io.WriteString(w, "ok")
	}))
	t.Cleanup(upstream.Close)
	n := startNode(t, c, upstream.URL, "block", "")
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
	cmd := exec.Command("node", "--test", "e2e/")
	cmd.Dir = filepath.Join("..", "..", "console")
	cmd.Env = append(os.Environ(), "CONSOLE_URL="+boot.Console, "NODE_URL="+n.url)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
