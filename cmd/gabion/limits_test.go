package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// post sends a body and returns status and request id. The status is 0 if the
// node aborts the exchange.
func (n *node) post(target, kind string, body []byte) (int, string) {
	n.t.Helper()
	r, err := http.NewRequest("POST", n.url+target, bytes.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("X-Gabion-Request-Id")
}

// TestLimits makes rules of limits through the API. Each limit at n passes;
// at n+1 a node in mode block blocks, and one in monitoring reports.
func TestLimits(t *testing.T) {
	t.Parallel()
	var whole atomic.Int64 // requests that the application read to their end
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			whole.Add(1)
		}
	}))
	t.Cleanup(app.Close)
	c := startCloud(t, "")
	blocks, monitors := startNode(t, c, app.URL, "block", ""), startNode(t, c, app.URL, "monitoring", "")

	type object = map[string]any
	var last struct{ ID int64 }
	for _, r := range []object{
		{"kind": "graphql", "scope": object{"path": "/graphql"}},
		{"kind": "graphql", "scope": object{"path": "/open"}, "mode": "off"},
		{"kind": "graphql", "scope": object{"path": "/watched"}, "mode": "monitoring", "query": object{"depth": 1}},
		{"kind": "upload", "scope": object{"path": "/avatar"}, "point": "post.multipart.avatar", "upload": object{"size": 2 << 20, "allow": []string{"image"}, "deny": []string{"svg"}, "match": true}},
		{"kind": "upload", "scope": object{"path": "/small"}, "upload": object{"total": 5000}},
	} {
		c.call("POST", "/api/v1/rules", r, &last)
	}
	eventually(t, 10*time.Second, "the rules are in force", func() error {
		var state struct{ Nodes []struct{ Runs bool } }
		if err := c.try("GET", fmt.Sprintf("/api/v1/rules/%d", last.ID), nil, &state); err != nil {
			return err
		}
		for _, n := range state.Nodes {
			if !n.Runs {
				return fmt.Errorf("%+v", state)
			}
		}
		return nil
	})

	reported := map[string]string{} // request id to class
	f := func(violates bool, class, target, kind string, body []byte) {
		t.Helper()
		want, before := http.StatusOK, whole.Load()
		if violates {
			want = http.StatusForbidden
		}
		status, id := blocks.post(target, kind, body)
		if passed := whole.Load() - before; status != want && !(violates && status == 0) || violates && passed != 0 {
			t.Errorf("%s, %.60q of %d bytes: %d, and the application read %d; want %d", target, body, len(body), status, passed, want)
		}
		if violates && id != "" {
			reported[id] = class
		}
		status, id = monitors.post(target, kind, body)
		if status != http.StatusOK {
			t.Errorf("%s, %.60q under monitoring: %d", target, body, status)
		}
		if violates {
			reported[id] = class
		}
	}
	query := func(doc string) []byte {
		b, err := json.Marshal(object{"query": doc})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	gql := func(violates bool, target string, body []byte) {
		t.Helper()
		f(violates, "graphql", target, "application/json", body)
	}
	nested := func(n int) []byte { return query(strings.Repeat("{a", n) + strings.Repeat("}", n)) }
	aliases := func(n int) string {
		doc := "{"
		for i := range n {
			doc += fmt.Sprintf(" a%d: x", i)
		}
		return doc + " }"
	}
	gql(false, "/graphql", nested(10))
	gql(true, "/graphql", nested(11))
	gql(false, "/graphql", query(aliases(10)))
	gql(true, "/graphql", query(aliases(11)))
	gql(false, "/graphql", query("{"+strings.Repeat(" a", 100<<9-1)+"}"))
	gql(true, "/graphql", query("{"+strings.Repeat(" a", 100<<9-1)+" }"))
	gql(false, "/graphql", query(`{ a(x: "`+strings.Repeat("v", 10<<10)+`") }`))
	gql(true, "/graphql", query(`{ a(x: "`+strings.Repeat("v", 10<<10+1)+`") }`))
	batch := func(n int) []byte {
		return []byte("[" + string(bytes.Join(slices.Repeat([][]byte{query("{ a }")}, n), []byte(","))) + "]")
	}
	gql(false, "/graphql", batch(5))
	gql(true, "/graphql", batch(6))
	gql(true, "/graphql", query("{ __schema { types { name } } }"))
	gql(true, "/graphql", []byte(`{"extensions":{"tracing":true},"query":"{ a }"}`))
	f(true, "graphql", "/graphql?query=%7B__type(name:%22A%22)%7Bname%7D%7D", "text/plain", nil)
	f(true, "graphql", "/graphql", "application/graphql", []byte(aliases(11)))
	gql(false, "/open", nested(11))
	gql(false, "/elsewhere", nested(11))

	avatar := func(violates bool, name, kind string, content []byte) {
		t.Helper()
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {fmt.Sprintf(`form-data; name="avatar"; filename=%q`, name)}, "Content-Type": {kind}})
		if err != nil {
			t.Fatal(err)
		}
		part.Write(content)
		w.Close()
		f(violates, "upload", "/avatar", w.FormDataContentType(), b.Bytes())
	}
	png := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 2<<20-8)...)
	avatar(false, "me.png", "image/png", png)
	avatar(true, "me.png", "image/png", append(png, 0))
	avatar(true, "me.txt", "text/plain", []byte("a text"))
	avatar(true, "me.png", "image/png", []byte("a text"))
	avatar(true, "me.svg", "image/svg+xml", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"))
	f(false, "upload", "/small", "text/plain", bytes.Repeat([]byte("a "), 2500))
	f(true, "upload", "/small", "text/plain", bytes.Repeat([]byte("a "), 2501))

	status, id := blocks.post("/watched", "application/json", nested(2))
	if reported[id] = "graphql"; status != http.StatusOK {
		t.Errorf("a rule in mode monitoring: %d", status)
	}
	eventually(t, 20*time.Second, "every violation is reported", func() error {
		hits, err := c.hits()
		if err != nil {
			return err
		}
		missing := len(reported)
		for _, h := range hits {
			if class, ok := reported[h.RequestID]; ok && class == h.Class && strings.Contains(h.Reason, "rule") {
				delete(reported, h.RequestID)
				missing--
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d violations have no hit: %v", missing, reported)
		}
		return nil
	})
}
