package proxy

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// h2c is a client that speaks HTTP/2 without TLS.
func h2c(t testing.TB) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: protocols, DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// TestUntouchedHTTP2 is TestUntouchedHTTP1 for clients that speak HTTP/2.
// Names of fields have no case there, and fields of different names no order.
func TestUntouchedHTTP2(t *testing.T) {
	o := newOrigin(t)
	p, addr := start(t, "http://"+o.addr, nil)
	transport := h2c(t)
	var wg sync.WaitGroup
	const workers = 8
	cases := trials(t)
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 815))
			for i := w; i < cases && !t.Failed(); i += workers {
				tr := newTrial(r, i)
				o.trials.Store(strconv.Itoa(i), tr)
				if err := try2(transport, addr, tr); err != nil {
					t.Errorf("trial %d, %s, body of %d, response %s of %d: %v", i, tr.request.Line, len(tr.request.Body), tr.response.Line, len(tr.response.Body), err)
				}
				o.trials.Delete(strconv.Itoa(i))
			}
		})
	}
	wg.Wait()
	waitIdle(t, p)
	if c := p.Counts(); c.Received != uint64(cases) || c.Inspected != c.Received || c.UpstreamErrors != 0 {
		t.Errorf("%+v", c)
	}
}

func try2(transport *http.Transport, addr string, tr *trial) error {
	r, hints := request2(addr, tr)
	res, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if !bytes.Equal(body, tr.response.Body) {
		return fmt.Errorf("response body of %d bytes differs from that of %d: %.200q", len(body), len(tr.response.Body), body)
	}
	status, _, _ := strings.Cut(strings.TrimPrefix(tr.response.Line, "HTTP/1.1 "), " ")
	if strconv.Itoa(res.StatusCode) != status || len(res.Header["X-Gabion-Request-Id"]) != 1 || *hints != len(tr.interim) {
		return fmt.Errorf("status %d, %d interim responses, %q", res.StatusCode, *hints, res.Header)
	}
	for _, pair := range [][2]map[string][]string{
		{byName(tr.response.Fields), lowered(res.Header)},
		{byName(tr.response.Trailer), lowered(res.Trailer)},
	} {
		if d := cmp.Diff(pair[0], pair[1], cmpopts.EquateEmpty()); d != "" {
			return fmt.Errorf("response: %s", d)
		}
	}
	got := <-tr.got
	if !bytes.Equal(got.Body, tr.request.Body) {
		return fmt.Errorf("request body of %d bytes arrived as %d", len(tr.request.Body), len(got.Body))
	}
	if d := cmp.Diff(tr.request.Line, got.Line); d != "" {
		return fmt.Errorf("request: %s", d)
	}
	if d := cmp.Diff(byName(tr.request.Fields), byName(got.Fields), cmpopts.EquateEmpty()); d != "" {
		return fmt.Errorf("request: %s", d)
	}
	return nil
}

// request2 makes the request of a trial, with its target as it is.
func request2(addr string, tr *trial) (*http.Request, *int) {
	parts := strings.Fields(tr.request.Line)
	r := &http.Request{Method: parts[0], URL: &url.URL{Scheme: "http", Host: addr, Opaque: "//shop.example" + parts[1]}, Host: "shop.example", Header: http.Header{"User-Agent": {""}}}
	for _, f := range without(tr.request.Fields, "host", "content-length", "transfer-encoding") {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	if len(tr.request.Body) > 0 || tr.sending == chunked {
		r.Body = io.NopCloser(bytes.NewReader(tr.request.Body))
		if r.ContentLength = -1; tr.sending == sized {
			r.ContentLength = int64(len(tr.request.Body))
		}
	}
	hints := new(int)
	return r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == 103 && strings.HasPrefix(h.Get("Link"), "</") {
				*hints++
			}
			return nil
		},
	})), hints
}

// byName groups fields by name, without those of the framing and the id.
func byName(fields []string) map[string][]string {
	m := map[string][]string{}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		m[strings.ToLower(name)] = append(m[strings.ToLower(name)], value)
	}
	return unframed(m)
}

func lowered(h http.Header) map[string][]string {
	m := map[string][]string{}
	for name, values := range h {
		m[strings.ToLower(name)] = values
	}
	return unframed(m)
}

func unframed(m map[string][]string) map[string][]string {
	for _, name := range []string{"content-length", "transfer-encoding", "connection", "x-gabion-request-id"} {
		delete(m, name)
	}
	return m
}

func TestHTTP2Blocks(t *testing.T) {
	p, addr := start(t, serve(t, echo), nil)
	transport := h2c(t)
	f := func(method, target, body string, want int) {
		t.Helper()
		r, err := http.NewRequest(method, "http://"+addr+target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, _ := io.ReadAll(res.Body)
		if res.StatusCode != want || res.ProtoMajor != 2 || want == 403 && !bytes.Contains(got, []byte(res.Header.Get("X-Gabion-Request-Id"))) {
			t.Errorf("%s %s: %s %s", method, target, res.Status, got)
		}
	}
	f("GET", "/?q=summer", "", 200)
	f("GET", "/?q="+url.QueryEscape(attack), "", 403)
	f("POST", "/", "q="+url.QueryEscape(attack), 403)
	_, long := formBody(3<<20, attack)
	f("POST", "/", string(long), 403)
	_, long = formBody(3<<20, "summer")
	f("POST", "/", string(long), 200)
	waitIdle(t, p)
	if c := p.Counts(); c.Received != 5 || c.Inspected != 5 || c.Blocked != 3 {
		t.Errorf("%+v", c)
	}
}

// What HTTP/2 allows and HTTP/1.1 does not would split requests upstream.
func TestHTTP2Translation(t *testing.T) {
	p, addr := start(t, serve(t, echo), nil)
	transport := h2c(t)
	for _, target := range []string{"/a b", "/a HTTP/1.1"} {
		r := &http.Request{Method: "GET", URL: &url.URL{Scheme: "http", Host: addr, Opaque: "//x" + target}, Host: "x", Header: http.Header{}}
		res, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 400 {
			t.Errorf("%q: %s", target, res.Status)
		}
	}
	waitIdle(t, p)
	if c := p.Counts(); c.Received != 2 || c.Bypassed["malformed"] != 2 {
		t.Errorf("%+v", c)
	}
}
