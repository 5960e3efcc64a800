package httpwaf

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/parse"
)

func ExampleWrap() {
	shop := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "results for %s", r.URL.Query().Get("q"))
	})
	srv := httptest.NewServer(Wrap(shop, Options{
		Inspected: func(r *http.Request, v engine.Verdict, rep *engine.Report) {
			for _, f := range rep.Findings {
				fmt.Println(f.Point, f.Class)
			}
		},
	}))
	defer srv.Close()
	for _, q := range []string{"oak+table", "1%27+UNION+SELECT+password+FROM+users--"} {
		res, err := http.Get(srv.URL + "/search?q=" + q)
		if err != nil {
			fmt.Println(err)
			return
		}
		page, _ := io.ReadAll(res.Body)
		res.Body.Close()
		fmt.Println(res.StatusCode, strings.TrimSpace(string(page)))
	}
	// Output:
	// 200 results for oak table
	// get.q sqli
	// 403 The request was blocked.
}

// serve runs one POST through the middleware and returns the status and what
// the handler read.
func serve(t *testing.T, body io.Reader, hold int) (status int, read string, err error) {
	t.Helper()
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b []byte
		b, err = io.ReadAll(r.Body)
		read = string(b)
	})
	srv := httptest.NewServer(Wrap(next, Options{Hold: hold}))
	defer srv.Close()
	res, perr := http.Post(srv.URL+"/upload", "text/plain", body)
	if perr != nil {
		t.Fatal(perr)
	}
	res.Body.Close()
	return res.StatusCode, read, err
}

func TestBodiesArriveAsSent(t *testing.T) {
	for _, size := range []int{0, 1, 1000, 1 << 20, 1<<20 + 1, 3 << 20} {
		sent := strings.Repeat("plain text. ", size/12+1)[:size]
		status, read, err := serve(t, strings.NewReader(sent), 0)
		if status != 200 || read != sent || err != nil {
			t.Errorf("%d bytes: status %d, %d bytes read, %v", size, status, len(read), err)
		}
	}
}

func TestAttackIsHeld(t *testing.T) {
	const attack = "1' UNION SELECT login, password FROM users -- "
	status, read, _ := serve(t, strings.NewReader(attack), 0)
	if status != http.StatusForbidden || read != "" {
		t.Errorf("status %d, the handler read %q", status, read)
	}
	long := strings.Repeat("plain text. ", 200_000) + attack
	_, read, err := serve(t, strings.NewReader(long), 64<<10)
	if !errors.Is(err, ErrBlocked) || strings.Contains(read, "FROM users") {
		t.Errorf("the handler read %d of %d bytes: %v", len(read), len(long), err)
	}
}

// breaking decodes a coding and panics behind so many bytes of it.
type breaking struct {
	r    io.Reader
	left int
}

func (b *breaking) Read(p []byte) (int, error) {
	if b.left <= 0 {
		panic("broken")
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// A request whose inspection panics is refused, wherever that happens: before
// the handler is called, or while a transport reads the body in a goroutine of
// its own, where a panic would end the process.
func TestPanicsFailClosed(t *testing.T) {
	f := func(after, wantStatus int) {
		t.Helper()
		var whole, failed atomic.Int64
		up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err == nil {
				whole.Add(1)
			}
		}))
		defer up.Close()
		u, err := url.Parse(up.URL)
		if err != nil {
			t.Fatal(err)
		}
		through := &httputil.ReverseProxy{
			Rewrite:      func(p *httputil.ProxyRequest) { p.SetURL(u) },
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		}
		e := engine.New(engine.Options{Decoders: map[string]parse.Opener{"x": func(r io.Reader) (io.Reader, error) { return &breaking{r, after}, nil }}})
		srv := httptest.NewServer(Wrap(through, Options{Engine: e, Hold: 64 << 10, Failed: func(*http.Request, any) { failed.Add(1) }}))
		defer srv.Close()
		r, err := http.NewRequest("POST", srv.URL, strings.NewReader(strings.Repeat("plain text. ", 40_000)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Encoding", "x")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != wantStatus || whole.Load() != 0 || failed.Load() != 1 {
			t.Errorf("panic after %d bytes: status %d, %d arrived whole, %d failures told", after, res.StatusCode, whole.Load(), failed.Load())
		}
	}
	f(1, http.StatusInternalServerError)
	f(200_000, http.StatusBadGateway)
}

// Whoever still reads the body when the handler has returned, as transports
// do, gets an error and does not disturb the inspection of others.
func TestReadsAfterTheHandler(t *testing.T) {
	left := make(chan io.Reader, 1)
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { left <- r.Body })
	h := Wrap(next, Options{Hold: 1024})
	body := strings.NewReader(strings.Repeat("plain text. ", 40_000))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", io.NopCloser(body)))
	n, err := io.Copy(io.Discard, <-left)
	if err == nil || n > 2*chunk {
		t.Errorf("%d bytes, %v", n, err)
	}
}
