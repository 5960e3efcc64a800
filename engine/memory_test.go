package engine

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/engine/rule"
)

// maxRetained is what one request may take beside the body that the host
// holds: a node with thousands of them in flight must not run out of memory.
const maxRetained = 64 << 10

// TestRetainedMemory holds what a Tx takes, in the middle of a request and
// in the pool behind it.
func TestRetainedMemory(t *testing.T) {
	file := strings.Repeat("A line of an ordinary text file, as people upload it.\n", 300)
	multipart := "--gAbIoN\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nsome notes\r\n" +
		"--gAbIoN\r\nContent-Disposition: form-data; name=\"f\"; filename=\"notes.txt\"\r\nContent-Type: text/plain\r\n\r\n" + file + "\r\n--gAbIoN--\r\n"
	tenKB := "[" + strings.Repeat(jsonBody()+",", 10<<10/len(jsonBody())) + "1]"
	with := func(contentType string, more ...string) []string {
		return append(append([]string{"Content-Type", contentType}, more...), browser...)
	}
	for _, c := range []struct {
		name string
		request
	}{
		{"GET", benignGet},
		{"form", benignForm},
		{"JSON", benignJSON},
		{"JSON, 10 KB", request{"POST", "/api/v1/carts", with("application/json"), tenKB}},
		{"multipart", request{"POST", "/notes", with("multipart/form-data; boundary=gAbIoN"), multipart}},
		{"GraphQL", request{"POST", "/graphql", with("application/json"), `{"query":"query Q($id: ID!) { product(id: $id) { id title reviews(first: 3) { text } } }","variables":{"id":"12"}}`}},
		{"XML", request{"POST", "/feed", with("application/xml"), "<feed>" + strings.Repeat("<entry id=\"a\"><title>A quiet house</title></entry>", 100) + "</feed>"}},
		{"gzip", request{"POST", "/api/v1/cart", with("application/json", "Content-Encoding", "gzip"), zipped(jsonBody())}},
		{"JSON, 1 MB", request{"POST", "/api/v1/carts", with("application/json"), "[" + strings.Repeat(jsonBody()+",", 1<<20/len(jsonBody())) + "1]"}},
		{"a long value", request{"POST", "/notes", with("application/json"), `{"text":"` + strings.Repeat("many words and no end ", 1<<15) + `"}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tx := New(Options{}).Begin(nil, Env{Mode: rule.Block, Observe: true})
			tx.Headers(c.head())
			inFlight := 0
			for chunk := range slices.Chunk([]byte(c.body), 16<<10) {
				tx.Body(chunk)
				inFlight = max(inFlight, retained(tx)-windowOf(tx))
			}
			tx.End()
			inFlight = max(inFlight, retained(tx)-windowOf(tx))
			tx.Close()
			if behind := retained(tx); inFlight > maxRetained || behind > maxRetained {
				t.Errorf("%d bytes are taken beside the window, %d stay behind, want at most %d", inFlight, behind, maxRetained)
			} else {
				t.Logf("%d bytes beside the window, %d stay behind", inFlight, behind)
			}
		})
	}
}

// retained returns the bytes that can be reached from tx, but for the engine,
// the ruleset and what the host lent.
func retained(tx *Tx) int {
	seen := map[unsafe.Pointer]bool{}
	return int(unsafe.Sizeof(*tx)) + reachable(reflect.ValueOf(tx).Elem(), seen)
}

func reachable(v reflect.Value, seen map[unsafe.Pointer]bool) (n int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			switch v.Type().Field(i).Name {
			case "engine", "set", "visitor", "request", "fields", "decoders", "inflaters", "match":
				continue // not its own
			case "Point", "src", "toRead", "hl", "hd":
				continue // parts of what is counted
			case "hist":
				continue // the window of deflate, 32 KB that RFC 1951 demands
			}
			n += reachable(v.Field(i), seen)
		}
	case reflect.Array:
		for i := range v.Len() {
			n += reachable(v.Index(i), seen)
		}
	case reflect.Slice:
		if v.Cap() == 0 || seen[v.UnsafePointer()] {
			return 0
		}
		seen[v.UnsafePointer()] = true
		n = v.Cap() * int(v.Type().Elem().Size())
		if v.Type().Elem().Kind() != reflect.Uint8 {
			v = v.Slice(0, v.Cap())
			for i := range v.Len() {
				n += reachable(v.Index(i), seen)
			}
		}
	case reflect.Pointer:
		if v.IsNil() || v.Type() == reflect.TypeFor[*Tx]() || seen[v.UnsafePointer()] {
			return 0
		}
		seen[v.UnsafePointer()] = true
		n = int(v.Type().Elem().Size()) + reachable(v.Elem(), seen)
	case reflect.Interface:
		n = reachable(v.Elem(), seen)
	}
	return n
}

// windowOf returns the bytes of the window of the body, which the limits set.
func windowOf(tx *Tx) int {
	return reflect.ValueOf(tx).Elem().FieldByName("walk").FieldByName("body").FieldByName("buf").Cap()
}

// TestKnown inspects requests with engines that know nothing and with one that
// has seen all of them: what it remembers must not show.
func TestKnown(t *testing.T) {
	attack := "' union select password from users -- "
	values := []string{"navigate", "same-origin", "*/*", "YWJjZGVmZ2hpamts", "a=b&c=d", "{\"a\":[1,2]}", "%27%20or", "&lt;b&gt;", attack,
		"\xc0\xae\xc0\xae/", "line\nfeed", "a.b.c", strings.Repeat("x", 600), strings.Repeat("%25", 100) + "41", "<a>b</a>", "$ne", "__proto__"}
	var requests []request
	for _, v := range values {
		requests = append(requests,
			request{"GET", "/?" + v + "=1&a=" + v, append([]string{"X-A", v, "Sec-Fetch-Mode", v, "User-Agent", v, v, "1", "X-A", "other"}, browser...), ""},
			request{"POST", "/", append([]string{"Content-Type", "application/json", "Cookie", v + "=1"}, browser...), "{" + strconv.Quote(v) + ":1}"},
			request{"POST", "/", append([]string{"Content-Type", "application/x-www-form-urlencoded"}, browser...), v + "=1"})
	}
	env := Env{Mode: rule.Block, Observe: true}
	knowing := New(Options{})
	for range 3 {
		for i := range requests {
			inspect(knowing, nil, env, &requests[i], whole)
		}
	}
	for i := range requests {
		v, rep := inspect(New(Options{}), nil, env, &requests[i], whole)
		v2, rep2 := inspect(knowing, nil, env, &requests[i], whole)
		if d := cmp.Diff(v, v2); d != "" {
			t.Errorf("%q: %s", requests[i], d)
		}
		if d := cmp.Diff(rep, rep2); d != "" {
			t.Errorf("%q: %s", requests[i], d)
		}
	}
}
