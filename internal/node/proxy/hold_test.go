package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The handlers of these servers append the X-Case of each request that they
// have read to its end to the file in LOG.
const (
	nodeServer = `
const http = require('http'), fs = require('fs');
const s = http.createServer((req, res) => {
  req.on('data', () => {});
  req.on('end', () => { fs.appendFileSync(process.env.LOG, req.headers['x-case'] + '\n'); res.end('ok'); });
});
s.listen(0, '127.0.0.1', () => console.log(s.address().port));`

	pythonServer = `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        with open(os.environ['LOG'], 'a') as f: f.write(self.headers['X-Case'] + '\n')
        self.send_response(200)
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'ok')
    def log_message(self, *args): pass
s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(s.server_address[1], flush=True)
s.serve_forever()`

	phpScript = `<?php
file_get_contents('php://input');
file_put_contents(getenv('LOG'), $_SERVER['HTTP_X_CASE'] . "\n", FILE_APPEND);
echo 'ok';`
)

// run starts a program until the test ends.
func run(t *testing.T, logFile, name string, args ...string) io.Reader {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("this test needs %s: apt-get install nodejs python3 php-cli", name)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "LOG="+logFile)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return out
}

// announced reads the port that a server printed.
func announced(t *testing.T, out io.Reader) string {
	t.Helper()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server did not start: %v", err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(line)
}

func goUpstream(t *testing.T, logFile string) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		f, err := os.OpenFile(logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		fmt.Fprintln(f, r.Header.Get("X-Case"))
		io.WriteString(w, "ok")
	})
}

func phpUpstream(t *testing.T, logFile string) string {
	script := filepath.Join(t.TempDir(), "index.php")
	if err := os.WriteFile(script, []byte(phpScript), 0o600); err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	addr := l.Addr().String()
	l.Close()
	run(t, logFile, "php", "-d", "post_max_size=64M", "-d", "memory_limit=256M", "-S", addr, script)
	until(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return "http://" + addr
}

// No handler of a real server completes a request whose body holds an
// attack at its very end, however long the body is.
func TestHold(t *testing.T) {
	f := func(name string, chunks bool, upstream func(t *testing.T, logFile string) string) {
		t.Run(name, func(t *testing.T) {
			logFile := filepath.Join(t.TempDir(), "completed")
			_, addr := start(t, upstream(t, logFile), nil)
			testHold(t, addr, logFile, chunks)
		})
	}
	f("go", true, goUpstream)
	f("node", true, func(t *testing.T, logFile string) string {
		return announced(t, run(t, logFile, "node", "-e", nodeServer))
	})
	f("python", false, func(t *testing.T, logFile string) string {
		return announced(t, run(t, logFile, "python3", "-c", pythonServer))
	})
	f("php", false, phpUpstream)
}

func testHold(t *testing.T, addr, logFile string, chunks bool) {
	sizes := []int{1 << 10, 40 << 10, 1<<20 - 1, 1 << 20, 1<<20 + 1, 1<<20 + 70<<10, 5 << 20, 16 << 20}
	r := rand.New(rand.NewPCG(5, 6))
	framings := []int{sized, chunked}
	if !chunks {
		framings = framings[:1]
	}
	benign := 0
	forms := []func(size int, tail string) (string, []byte){formBody, jsonBody}
	for i, size := range sizes {
		for j, framing := range framings {
			benign++
			form := forms[(i+j)%2]
			contentType, body := form(size, "summer")
			if status := post(t, addr, "benign", contentType, body, framing, r); status != "HTTP/1.1 200 OK" {
				t.Errorf("benign body of %d: %s", size, status)
			}
			contentType, body = form(size, attack)
			// The upstream has not begun to answer, so the page gets through.
			if status := post(t, addr, "attack", contentType, body, framing, r); status != "HTTP/1.1 403 Forbidden" {
				t.Errorf("attack at the end of %d: %s", size, status)
			}
		}
	}
	completed, _ := os.ReadFile(logFile)
	if got := bytes.Count(completed, []byte("benign\n")); got != benign {
		t.Errorf("%d of %d benign requests completed", got, benign)
	}
	if got := bytes.Count(completed, []byte("attack\n")); got != 0 {
		t.Errorf("%d malicious requests completed", got)
	}
}

func formBody(size int, tail string) (string, []byte) {
	b := append([]byte("a="), bytes.ReplaceAll(prose()[:size], []byte(" "), []byte("+"))...)
	return "application/x-www-form-urlencoded", append(b, "&q="+url.QueryEscape(tail)...)
}

func jsonBody(size int, tail string) (string, []byte) {
	b := append([]byte(`{"a":"`), prose()[:size]...)
	return "application/json", append(b, `","q":"`+tail+`"}`...)
}

// post sends a request and returns the status line of the response, or why
// there is none.
func post(t *testing.T, addr, name, contentType string, body []byte, framing int, r *rand.Rand) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	m := message{Line: "POST /form HTTP/1.1", Body: body, Fields: []string{"Host: a", "Connection: close", "X-Case: " + name, "Content-Type: " + contentType}}
	m.frame(r, framing)
	m.Trailer = nil
	go m.write(c, framing, r)
	got, err := readMessage(bufio.NewReader(c), func(string) bool { return false })
	if err != nil {
		return err.Error()
	}
	return got.Line
}

// An upstream that answers while it reads has its answer broken off when
// the request turns out malicious: neither side takes it for whole.
func TestBlockAfterResponseBegan(t *testing.T) {
	completed := make(chan error, 2)
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(http.StatusOK)
		_, err := io.Copy(w, r.Body)
		completed <- err
	})
	p, addr := start(t, up, nil)
	r := rand.New(rand.NewPCG(11, 12))
	contentType, body := formBody(5<<20, "summer")
	if got := post(t, addr, "benign", contentType, body, chunked, r); got != "HTTP/1.1 200 OK" {
		t.Errorf("benign: %s", got)
	}
	if err := <-completed; err != nil {
		t.Errorf("benign: %v", err)
	}
	contentType, body = formBody(5<<20, attack)
	if got := post(t, addr, "attack", contentType, body, chunked, r); strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("a response was read as whole: %s", got)
	}
	if err := <-completed; err == nil {
		t.Error("the handler read the malicious request to its end")
	}
	waitIdle(t, p)
	if c := p.Counts(); c.Received != 2 || c.Inspected != 2 || c.Blocked != 1 {
		t.Errorf("%+v", c)
	}
}
