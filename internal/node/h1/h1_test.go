package h1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readRequest(message string) (h Head, body string, err error) {
	r := bufio.NewReader(strings.NewReader(message))
	if err := h.ReadRequest(r); err != nil {
		return h, "", err
	}
	var b Body
	b.Reset(r, &h)
	data, err := io.ReadAll(&b)
	return h, string(data), err
}

func TestRefusedRequests(t *testing.T) {
	f := func(message string, status int) {
		t.Helper()
		_, body, err := readRequest(message)
		var refused *Error
		if !errors.As(err, &refused) || refused.Status != status {
			t.Errorf("%q: body %q, error %v, want status %d", message, body, err, status)
		}
	}
	const host = "Host: a\r\n"
	f("GET / HTTP/1.1\n"+host+"\r\n", 400)
	f("GET / HTTP/1.1\r\nHost: a\n\r\n", 400)
	f("\r\n\r\nGET / HTTP/1.1\r\n"+host+"\r\n", 400)
	f("GET / HTTP/1.1\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n"+host+host+"\r\n", 400)
	f("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n"+host+"X: 1\r\n 2\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n"+host+"X: a\rb\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n"+host+"X: a\x00b\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n"+host+"X(: a\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n"+host+": a\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n"+host+"nothing\r\n\r\n", 400)
	f("GET  / HTTP/1.1\r\n"+host+"\r\n", 400)
	f("GET / / HTTP/1.1\r\n"+host+"\r\n", 400)
	f("GET /\r\n"+host+"\r\n", 400)
	f("G\x00T / HTTP/1.1\r\n"+host+"\r\n", 400)
	f("GET a HTTP/1.1\r\n"+host+"\r\n", 400)
	f("GET * HTTP/1.1\r\n"+host+"\r\n", 400)
	f("GET ftp://a/ HTTP/1.1\r\n"+host+"\r\n", 400)
	f("GET http://b/ HTTP/1.1\r\n"+host+"\r\n", 400)
	f("GET http://u@a/ HTTP/1.1\r\n"+host+"\r\n", 400)
	f("CONNECT a:443 HTTP/1.1\r\n"+host+"\r\n", 501)
	f("GET / HTTP/1.2\r\n"+host+"\r\n", 505)
	f("GET / HTTP/2.0\r\n"+host+"\r\n", 505)
	f("GET / http/1.1\r\n"+host+"\r\n", 400)
	f("POST / HTTP/1.1\r\n"+host+"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400)
	f("POST / HTTP/1.1\r\n"+host+"Content-Length: 1, 1\r\n\r\na", 400)
	f("POST / HTTP/1.1\r\n"+host+"Content-Length: +1\r\n\r\na", 400)
	f("POST / HTTP/1.1\r\n"+host+"Content-Length: -1\r\n\r\na", 400)
	f("POST / HTTP/1.1\r\n"+host+"Content-Length:\r\n\r\na", 400)
	f("POST / HTTP/1.1\r\n"+host+"Content-Length: 0x1\r\n\r\na", 400)
	f("POST / HTTP/1.1\r\n"+host+"Content-Length: 9999999999999999999\r\n\r\na", 400)
	f("POST / HTTP/1.1\r\n"+host+"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
	f("POST / HTTP/1.1\r\n"+host+"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
	f("POST / HTTP/1.1\r\n"+host+"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501)
	f("POST / HTTP/1.1\r\n"+host+"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501)
	f("POST / HTTP/1.1\r\n"+host+"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400)
	f("POST / HTTP/1.0\r\n"+host+"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n"+host+"Content-Type: a\r\nConnection: content-type\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n"+host+"Connection: host\r\n\r\n", 400)
	f("GET / HTTP/1.1\r\n"+host+"Cookie: a\r\nConnection: close, Cookie\r\n\r\n", 400)
	f("GET /"+strings.Repeat("a", MaxHead)+" HTTP/1.1\r\n"+host+"\r\n", 431)
	f("GET / HTTP/1.1\r\n"+host+strings.Repeat("A: b\r\n", MaxFields)+"\r\n", 431)

	const chunked = "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n"
	f(chunked+"1\na\r\n0\r\n\r\n", 400)
	f(chunked+"1\r\na\n0\r\n\r\n", 400)
	f(chunked+"1\r\nab\r\n0\r\n\r\n", 400)
	f(chunked+" 1\r\na\r\n0\r\n\r\n", 400)
	f(chunked+"1 \r\na\r\n0\r\n\r\n", 400)
	f(chunked+"0x1\r\na\r\n0\r\n\r\n", 400)
	f(chunked+"\r\na\r\n0\r\n\r\n", 400)
	f(chunked+"-1\r\na\r\n0\r\n\r\n", 400)
	f(chunked+"1000000000000000\r\na\r\n0\r\n\r\n", 400)
	f(chunked+"1;a=\x01\r\na\r\n0\r\n\r\n", 400)
	f(chunked+"1;"+strings.Repeat("a", maxChunkLine)+"\r\na\r\n0\r\n\r\n", 400)
	f(chunked+"0\r\nX: y\n\r\n", 400)
	f(chunked+"0\r\n X: y\r\n\r\n", 400)
}

func TestChunkExtensionsAreBounded(t *testing.T) {
	message := "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
		strings.Repeat("1;"+strings.Repeat("e", 200)+"\r\na\r\n", 100) + "0\r\n\r\n"
	if _, _, err := readRequest(message); err == nil {
		t.Error("20 KB of chunk extensions were read")
	}
}

func TestCutShort(t *testing.T) {
	f := func(message string, want error) {
		t.Helper()
		if _, _, err := readRequest(message); err != want {
			t.Errorf("%q: %v, want %v", message, err, want)
		}
	}
	f("", io.EOF)
	f("GET / HTTP/1.1\r\nHo", io.ErrUnexpectedEOF)
	f("GET / HTTP/1.1\r\nHost: a\r\n", io.ErrUnexpectedEOF)
	f("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", io.ErrUnexpectedEOF)
	f("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", io.ErrUnexpectedEOF)
	f("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", io.ErrUnexpectedEOF)
	f("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", io.ErrUnexpectedEOF)
}

// What is forwarded is what arrived, less what belongs to the connection.
func TestAppendRequest(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		h, _, err := readRequest(in)
		if err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		if d := cmp.Diff(want, string(AppendRequest(nil, &h))); d != "" {
			t.Errorf("%q: %s", in, d)
		}
	}
	f("\r\nPURGE //a/../b;c?d=%zz&\xc3\xa4 HTTP/1.1\r\nhOsT: A:80\r\nx-B: \t 1  2 \t\r\nX-b: 3\r\nX-Empty:\r\n\r\n",
		"PURGE //a/../b;c?d=%zz&\xc3\xa4 HTTP/1.1\r\nhOsT: A:80\r\nx-B: 1  2\r\nX-b: 3\r\nX-Empty: \r\n")
	f("GET http://a/x HTTP/1.1\r\nHost: A\r\n\r\n", "GET http://a/x HTTP/1.1\r\nHost: A\r\n")
	f("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n")
	f("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n")
	f("GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers, gzip\r\nX-Stay: 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX-Stay: 1\r\n")
	f("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: trailers\r\n")
	f("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\ncontent-length: 002\r\n\r\nab", "POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 002\r\n")
	f("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n")
	f("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
	f("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n")
	f("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMA\r\nUpgrade: h2c\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n")
	f("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n")
}

func TestTrailer(t *testing.T) {
	var h Head
	r := bufio.NewReader(strings.NewReader("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nContent-Length: 5\r\nCookie: a\r\nHost: b\r\n\r\nGET"))
	if err := h.ReadRequest(r); err != nil {
		t.Fatal(err)
	}
	var b Body
	b.Reset(r, &h)
	data, err := io.ReadAll(&b)
	if err != nil || string(data) != "a" || len(b.Trailer) != 1 || string(b.Trailer[0].Value) != "1" || !b.Done() {
		t.Errorf("%q %v %q", data, err, b.Trailer)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "GET" {
		t.Errorf("what follows: %q", rest)
	}
}

func TestResponses(t *testing.T) {
	f := func(method, in, want string, framing Framing, size int64, close bool) {
		t.Helper()
		var h Head
		if err := h.ReadResponse(bufio.NewReader(strings.NewReader(in)), []byte(method)); err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		if got := string(AppendResponse(nil, &h)); got != want || h.Framing != framing || h.Close != close || framing == Length && h.Size != size {
			t.Errorf("%q: framing %d, size %d, close %v\n%q", in, h.Framing, h.Size, h.Close, got)
		}
	}
	f("GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", Length, 3, false)
	f("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", NoBody, 0, false)
	f("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\nEtag: x\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\nEtag: x\r\n", NoBody, 0, false)
	f("GET", "HTTP/1.1 204 \r\n\r\n", "HTTP/1.1 204 \r\n", NoBody, 0, false)
	f("GET", "HTTP/1.1 299\r\nTransfer-Encoding: chunked\r\nX: 1\r\nx: 2\r\n\r\n", "HTTP/1.1 299 \r\nX: 1\r\nx: 2\r\n", Chunked, 0, false)
	f("GET", "HTTP/1.0 200 Fine \xc3\xbc\r\nServer: x\r\n\r\n", "HTTP/1.1 200 Fine \xc3\xbc\r\nServer: x\r\n", UntilClose, 0, true)
	f("GET", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\nKeep-Alive: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", Length, 3, true)
	f("GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\nX-Gabion-Request-Id: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n", Length, 3, true)
}

func TestRefusedResponses(t *testing.T) {
	f := func(in string) {
		t.Helper()
		var h Head
		var refused *Error
		if err := h.ReadResponse(bufio.NewReader(strings.NewReader(in)), []byte("GET")); !errors.As(err, &refused) {
			t.Errorf("%q: %v", in, err)
		}
	}
	f("HTTP/1.1 20 OK\r\n\r\n")
	f("HTTP/1.1 2000 OK\r\n\r\n")
	f("HTTP/1.1 099 OK\r\n\r\n")
	f("HTTP/2.0 200 OK\r\n\r\n")
	f("SSH-2.0-OpenSSH\r\n\r\n")
	f("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n")
	f("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n")
	f("HTTP/1.1 200 OK\r\nX: a\x00\r\n\r\n")
}

// Whatever is accepted must mean the same to net/http, and whatever net/http
// refuses must be refused.
func FuzzRequest(f *testing.F) {
	f.Add("GET /a?b HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n")
	f.Add("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET")
	f.Add("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\nrest")
	f.Add("PURGE http://a:1/x HTTP/1.1\r\nHost: a:1\r\nConnection: x, close\r\nX: 1\r\n\r\n")
	f.Fuzz(func(t *testing.T, message string) {
		h, body, err := readRequest(message)
		if err != nil {
			return
		}
		want, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.TrimPrefix(message, "\r\n"))))
		if err != nil {
			if lenientTarget(&h) {
				t.Skip("net/http parses the target, which we forward as it is")
			}
			t.Fatalf("net/http refuses %q: %v", message, err)
		}
		data, err := io.ReadAll(want.Body)
		if err != nil {
			t.Fatalf("net/http refuses the body of %q: %v", message, err)
		}
		if want.Method != string(h.Method) || want.RequestURI != string(h.Target) || string(data) != body || want.Host != string(h.Host) {
			t.Fatalf("%q: %q %q %q %q, net/http: %q %q %q %q", message, h.Method, h.Target, h.Host, body, want.Method, want.RequestURI, want.Host, data)
		}
		for name, values := range want.Header {
			got := []string{}
			for _, f := range h.Fields {
				if strings.EqualFold(string(f.Name), name) {
					got = append(got, string(f.Value))
				}
			}
			// net/http invents Cache-Control for Pragma: no-cache.
			if d := cmp.Diff(values, got); d != "" && (name != "Cache-Control" || h.Get("pragma") == nil) {
				t.Fatalf("%q: %s: %s", message, name, d)
			}
		}
		if h.Minor == 0 && h.Get("host") == nil {
			return // the caller adds one
		}
		again, _, err := readRequest(string(AppendRequest(nil, &h)) + "\r\n")
		if err != nil && h.Framing == NoBody {
			t.Fatalf("what is forwarded of %q is refused: %v", message, err)
		}
		if !bytes.Equal(again.Target, h.Target) {
			t.Fatalf("forwarded target %q", again.Target)
		}
	})
}

// lenientTarget says whether net/url may refuse what is a request for us.
func lenientTarget(h *Head) bool {
	return bytes.IndexByte(h.Target, '%') >= 0 || h.Target[0] != '/' || bytes.ContainsAny(h.Host, "%[]:")
}

func TestReadRequestDoesNotAllocate(t *testing.T) {
	message := []byte("GET /a/b?c=d HTTP/1.1\r\nHost: example.com\r\nUser-Agent: x\r\nAccept: */*\r\nCookie: a=b\r\nConnection: keep-alive\r\n\r\n")
	src := bytes.NewReader(message)
	r := bufio.NewReader(src)
	var h Head
	out := make([]byte, 0, 1024)
	n := testing.AllocsPerRun(100, func() {
		src.Reset(message)
		r.Reset(src)
		if err := h.ReadRequest(r); err != nil {
			t.Fatal(err)
		}
		out = AppendRequest(out[:0], &h)
	})
	if n != 0 {
		t.Errorf("%v allocations per request", n)
	}
}

func ExampleAppendLastChunk() {
	fmt.Printf("%q", AppendLastChunk(AppendChunk(nil, []byte("hello")), nil))
	// Output: "5\r\nhello\r\n0\r\n\r\n"
}

// Each option of Connection is compared with each field: a head full of both
// would be work of its length squared.
func TestConnectionNamesFewOptions(t *testing.T) {
	f := func(options int, want string) {
		t.Helper()
		var h Head
		err := h.ReadRequest(bufio.NewReader(strings.NewReader("GET / HTTP/1.1\r\nHost: a\r\nConnection: x" + strings.Repeat(",x", options-1) + "\r\n\r\n")))
		if got := fmt.Sprint(err); !strings.Contains(got, want) {
			t.Errorf("%d options: %s", options, got)
		}
	}
	f(maxOptions, "<nil>")
	f(maxOptions+1, "too many options")
}
