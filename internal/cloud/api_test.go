package cloud

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/getkin/kin-openapi/openapi3"

	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/cloud/api"
	"github.com/gabionhq/gabion/wire"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// A user calls the API.
type user struct {
	t     *testing.T
	base  string
	token string
	http  *http.Client
}

func (r *region) user(token string) *user {
	return &user{r.t, "http://" + r.APIAddr() + "/api/v1/", token, &http.Client{}}
}

// do sends a request and decodes the answer into out, if it is not nil.
func (u *user) do(want int, method, path string, in, out any) []byte {
	u.t.Helper()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			u.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(u.t.Context(), method, u.base+path, body)
	if err != nil {
		u.t.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if u.token != "" {
		req.Header.Set("Authorization", "Bearer "+u.token)
	}
	res, err := u.http.Do(req)
	if err != nil {
		u.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		u.t.Fatal(err)
	}
	if res.StatusCode != want {
		u.t.Fatalf("%s %s: %d, want %d: %s", method, path, res.StatusCode, want, text)
	}
	if want >= 400 && !strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") {
		u.t.Errorf("%s %s: an error of type %s: %s", method, path, res.Header.Get("Content-Type"), text)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			u.t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
	return text
}

func (u *user) get(path string, out any) { u.t.Helper(); u.do(200, "GET", path, nil, out) }

type object map[string]any

type items struct {
	Items []object
	Next  string
}

// watch collects what the cloud tells a node.
func (p *probe) watch(t *testing.T, ruleset uint64) chan *wirepb.Order {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	stream, err := p.client.Watch(ctx, connect.NewRequest(&wirepb.WatchRequest{Ruleset: ruleset}))
	if err != nil {
		t.Fatal(err)
	}
	orders := make(chan *wirepb.Order, 100)
	go func() {
		defer close(orders)
		for stream.Receive() {
			orders <- stream.Msg()
		}
	}()
	return orders
}

func next(t *testing.T, orders chan *wirepb.Order) *wirepb.Order {
	t.Helper()
	for late := time.After(5 * time.Second); ; {
		select {
		case o, ok := <-orders:
			if !ok {
				t.Fatal("the stream ended")
			}
			if o.GetPing() == nil {
				return o
			}
		case <-late:
			t.Fatal("no order within 5 s")
		}
	}
}

func TestRuleReachesNodes(t *testing.T) {
	r := start(t, t.TempDir(), "eu1")
	u := r.user(r.bootstrap().APIToken)
	a, b := r.enrol(), r.enrol()
	first, second := a.watch(t, 0), b.watch(t, 0)

	var made object
	u.do(201, "POST", "rules", object{"kind": "patch", "scope": object{"host": "shop.test", "path": "/search"}, "point": "get.q", "class": "sqli"}, &made)
	id := int64(made["id"].(float64))
	for node, orders := range map[*probe]chan *wirepb.Order{a: first, b: second} {
		rs := next(t, orders).GetRuleset()
		if rs == nil || !wire.Verify(node.key, node.group, rs.Version, rs.Blob, rs.Signature) {
			t.Fatalf("not a ruleset signed for this group: %v", rs)
		}
		set, err := rule.Load(rs.Blob)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for held := range set.Rules() {
			n++
			if held.ID != uint64(id) || held.Kind != rule.Patch || held.Point != "get.q" {
				t.Errorf("the ruleset holds %v", &held)
			}
		}
		if n != 1 {
			t.Errorf("the ruleset holds %d rules", n)
		}
	}
	var state struct {
		Version int64
		Nodes   []struct {
			ID   string
			Runs bool
		}
	}
	u.get(fmt.Sprint("rules/", id), &state)
	for _, n := range state.Nodes {
		if n.Runs {
			t.Errorf("node %s is said to run what it did not acknowledge", n.ID)
		}
	}
	a.push(t, &wirepb.Batch{Seq: 1, Status: &wirepb.Status{Ruleset: 1}})
	u.get(fmt.Sprint("rules/", id), &state)
	for _, n := range state.Nodes {
		if n.Runs != (n.ID == a.id) {
			t.Errorf("node %s: runs %v", n.ID, n.Runs)
		}
	}
	var nodes items
	u.get("nodes", &nodes)
	for _, n := range nodes.Items {
		if n["online"] != true || n["newest"] != 1.0 || n["current"] != (n["id"] == a.id) {
			t.Errorf("node: %v", n)
		}
	}

	// A node that runs the newest is told nothing; one that does not, at once.
	again := a.watch(t, 1)
	late := r.enrol().watch(t, 0)
	if rs := next(t, late).GetRuleset(); rs == nil || rs.Version != 1 {
		t.Errorf("a late node got %v", rs)
	}
	u.do(200, "PUT", fmt.Sprint("rules/", id), object{"kind": "patch", "point": "get.q", "comment": "wider"}, nil)
	if rs := next(t, again).GetRuleset(); rs == nil || rs.Version != 2 {
		t.Errorf("after a change: %v", rs)
	}
	u.do(200, "PUT", fmt.Sprint("rules/", id), object{"kind": "patch", "point": "get.q", "comment": "only a comment"}, nil)
	u.do(200, "POST", "policy/versions/1/rollback", nil, nil)
	rs := next(t, again).GetRuleset()
	if rs == nil || rs.Version != 3 { // the comment alone made no ruleset
		t.Errorf("after undoing: %v", rs)
	}
	u.get(fmt.Sprint("rules/", id), &made)
	if made["class"] != "sqli" {
		t.Errorf("undone to %v", made)
	}
	var diff items
	u.get("policy/diff?from=0&to=4", &diff)
	if len(diff.Items) != 1 || diff.Items[0]["before"] != nil {
		t.Errorf("diff from nothing: %v", diff)
	}
	u.get("policy/diff?from=1&to=4", &diff)
	if len(diff.Items) != 0 {
		t.Errorf("diff to the undone version: %v", diff)
	}
	u.do(204, "DELETE", fmt.Sprint("rules/", id), nil, nil)
	u.do(404, "GET", fmt.Sprint("rules/", id), nil, nil)
	u.do(200, "POST", "policy/versions/4/rollback", nil, nil)
	u.get(fmt.Sprint("rules/", id), &made)
	var audit items
	u.get("audit", &audit)
	if len(audit.Items) < 6 {
		t.Errorf("audit: %v", audit)
	}
}

func TestRuleErrors(t *testing.T) {
	r := start(t, t.TempDir(), "eu1")
	u := r.user(r.bootstrap().APIToken)
	f := func(want string, in object) {
		t.Helper()
		if text := u.do(422, "POST", "rules", in, nil); !strings.Contains(string(text), want) {
			t.Errorf("%v: %s\nwants %q", in, text, want)
		}
	}
	f("mode", object{"kind": "mode"})
	f("strict", object{"kind": "mode", "mode": "strict"})
	f("kind", object{"kind": "allow"})
	f("not an attack class", object{"kind": "patch", "class": "sql"})
	f("point", object{"kind": "patch", "point": "get.."})
	f("expression", object{"kind": "detector", "point": "get.q"})
	f("missing", object{"kind": "detector", "point": "get.q", "expression": "(("})
	f("needs a point", object{"kind": "mask"})
	f("accepting", object{"kind": "profile"})
	f("another kind", object{"kind": "mode", "mode": "block", "point": "get.q"})
	f("condition", object{"kind": "mode", "mode": "block", "scope": object{"conditions": []string{"cookie a equal b"}}})
	f("unexpected", object{"kind": "mode", "mode": "block", "colour": "red"})
	var rules items
	u.get("rules", &rules)
	if len(rules.Items) != 0 {
		t.Errorf("refused rules are stored: %v", rules)
	}
	u.do(422, "GET", "hits?q=colour:red", nil, nil)
	u.do(422, "GET", "hits?cursor=nonsense", nil, nil)
	u.do(422, "GET", "hits?limit=501", nil, nil)
	u.do(422, "POST", "users", object{"name": "a\x00b", "role": "admin"}, nil)
	u.do(422, "POST", "asks", object{"kind": "evidence", "hit": "\x00", "reply_key": make([]byte, 65)}, nil)
	u.do(201, "POST", "rules", object{"kind": "mode", "mode": "monitoring", "comment": "a\x00b ' \\ ?"}, nil)
	u.do(404, "GET", "hits/'%3B%20DROP%20TABLE%20hits%3B--", nil, nil)
	for _, path := range []string{"hits/%00", "hits?attack=%00"} {
		res, err := http.Get(u.base + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 400 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	u.do(404, "POST", "policy/versions/9/rollback", nil, nil)
}

func TestTraffic(t *testing.T) {
	r := start(t, t.TempDir(), "eu1")
	u := r.user(r.bootstrap().APIToken)
	p := r.enrol()
	now := time.Now().Add(-time.Minute)
	b := &wirepb.Batch{Seq: 1}
	for i := range 25 {
		h := hit(fmt.Sprint("r", i), now.Add(time.Duration(i)*time.Second))
		h.Status = 403
		if i%5 == 0 {
			h.Class, h.Status, h.Decision = "xss", 200, "pass"
			h.Endpoint.Path = "/a_b"
		}
		b.Hits = append(b.Hits, h)
	}
	p.push(t, b)
	var page items
	seen := map[string]bool{}
	for path := "hits?limit=10"; ; path = "hits?limit=10&cursor=" + page.Next {
		page = items{}
		u.get(path, &page)
		for _, h := range page.Items {
			seen[h["request_id"].(string)] = true
		}
		if page.Next == "" {
			break
		}
	}
	if len(seen) != 25 {
		t.Errorf("pages hold %d hits", len(seen))
	}
	f := func(q string, want int) {
		t.Helper()
		var page items
		u.get("hits?limit=500&q="+strings.NewReplacer(" ", "%20", `"`, "%22", "<", "%3C", ">", "%3E", "+", "%2B", "%", "%25").Replace(q), &page)
		if len(page.Items) != want {
			t.Errorf("%s: %d hits, want %d", q, len(page.Items), want)
		}
	}
	f("class:sqli", 20)
	f("-class:sqli", 5)
	f("class:sqli class:xss", 25)
	f("class:(xss, rce)", 5)
	f("status:>=400", 20)
	f("status:200..299 action:pass", 5)
	f("path:/a_b", 5)
	f("path:/a_*", 5)
	f("path:/se*ch", 20)
	f(`path:"/SEARCH"`, 0)
	f("path:/_*", 0)
	f(`"<str:1> or"`, 25)
	f("TRUE !class:xss", 20)
	f("request_id:r3", 1)
	f(`"' OR 1=1 --"`, 0)
	f("path:'%'", 0)
	u.get("hits/tally?from=1&by=class", &page)
	if len(page.Items) != 2 || page.Items[0]["key"] != "sqli" || page.Items[0]["hits"] != 20.0 || page.Items[0]["blocked"] != 20.0 || page.Items[1]["blocked"] != 0.0 {
		t.Errorf("tally: %v", page)
	}
	u.get(fmt.Sprintf("hits/tally?from=%d&by=decision&stretch=5000&q=class:sqli", now.UnixMilli()), &page)
	total := 0.0
	for _, one := range page.Items {
		total += one["hits"].(float64)
	}
	if len(page.Items) < 5 || total != 20 {
		t.Errorf("tally over time: %v", page)
	}
	u.get("hits?request_id=r7", &page)
	if len(page.Items) != 1 || page.Items[0]["request_id"] != "r7" {
		t.Fatalf("by request id: %v", page)
	}
	h := page.Items[0]
	var one object
	u.get("hits/"+h["id"].(string), &one)
	u.get("attacks/"+h["attack"].(string), &one)
	if one["hits"] != 20.0 || one["blocked"] != 20.0 {
		t.Errorf("attack: %v", one)
	}
	u.get("attacks?q=hits:>=10", &page)
	if len(page.Items) != 1 {
		t.Errorf("attacks: %v", page)
	}
	u.get("hits?attack="+h["attack"].(string)+"&limit=500", &page)
	if len(page.Items) != 20 {
		t.Errorf("hits of the attack: %d", len(page.Items))
	}
}

func TestSessions(t *testing.T) {
	r := start(t, t.TempDir(), "eu1")
	b := r.bootstrap()
	anonymous := r.user("")
	anonymous.get("status", nil)
	anonymous.do(401, "GET", "hits", nil, nil)
	anonymous.do(401, "POST", "rules", object{"not even": "valid"}, nil)
	_, link, _ := strings.Cut(b.ConsoleURL, "#")

	browser := r.user("")
	browser.http.Jar, _ = cookiejar.New(nil)
	var me object
	browser.do(201, "POST", "session", object{"link": link}, &me)
	if me["role"] != "admin" {
		t.Errorf("logged in as %v", me)
	}
	browser.get("session", &me)
	anonymous.do(401, "POST", "session", object{"link": link}, nil) // once
	r.user(b.APIToken).do(401, "GET", "hits", nil, nil)             // ended by the first administrator

	// A page of another site cannot use the session.
	req, _ := http.NewRequest("POST", browser.base+"rules", strings.NewReader(`{"kind":"mode","mode":"off"}`))
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	req.Header.Set("Content-Type", "application/json")
	res, err := browser.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 403 {
		t.Errorf("a request of another site: %d", res.StatusCode)
	}

	var made object
	browser.do(201, "POST", "tokens", object{"name": "reader", "role": "read-only", "life": 3600}, &made)
	reader := r.user(made["text"].(string))
	reader.get("hits", nil)
	reader.do(403, "POST", "rules", object{"kind": "mode", "mode": "off"}, nil)
	reader.do(403, "GET", "users", nil, nil)
	reader.do(403, "POST", "node-tokens", object{}, nil)
	browser.do(201, "POST", "tokens", object{"name": "pipeline", "role": "deploy"}, &made)
	pipeline := r.user(made["text"].(string))
	pipeline.do(201, "POST", "node-tokens", object{}, nil)
	pipeline.do(403, "GET", "hits", nil, nil)

	browser.do(201, "POST", "users", object{"name": "ana", "role": "analyst"}, &made)
	ana := made["id"].(string)
	browser.do(409, "POST", "users", object{"name": "ana", "role": "analyst"}, nil)
	var l object
	browser.do(200, "POST", "users/"+ana+"/link", nil, &l)
	second := r.user("")
	second.http.Jar, _ = cookiejar.New(nil)
	second.do(201, "POST", "session", object{"link": l["link"]}, nil)
	second.do(201, "POST", "rules", object{"kind": "mode", "mode": "monitoring"}, nil)
	second.do(403, "GET", "tokens", nil, nil)
	browser.do(204, "DELETE", "users/"+ana, nil, nil)
	second.do(401, "GET", "hits", nil, nil)
	browser.get("session", &me)
	browser.do(409, "DELETE", "users/"+me["id"].(string), nil, nil) // nobody could log in again
	browser.do(204, "DELETE", "session", nil, nil)
	browser.do(401, "GET", "session", nil, nil)

	for i := range 12 {
		want := 401
		if i >= 9 { // one was refused before
			want = 429
		}
		anonymous.do(want, "POST", "session", object{"link": "gbl1_eu1_guess"}, nil)
	}
	again := r.bootstrap()
	if again.APIToken != "" || strings.Contains(again.ConsoleURL, "#") {
		t.Errorf("a second start with an administrator still bootstraps: %+v", again)
	}
}

// TestAsk runs evidence from the asker to the node and back, sealed.
func TestAsk(t *testing.T) {
	r := start(t, t.TempDir(), "eu1")
	u := r.user(r.bootstrap().APIToken)
	p, other := r.enrol(), r.enrol()
	p.push(t, &wirepb.Batch{Seq: 1, Hits: []*wirepb.Hit{hit("r1", time.Now())}})
	orders, strange := p.watch(t, 0), other.watch(t, 0)
	var page items
	u.get("hits?request_id=r1", &page)
	public, private, err := wire.NewReplyKey()
	if err != nil {
		t.Fatal(err)
	}
	var ask struct {
		ID      string
		Nodes   int
		Online  int
		Answers []struct {
			Node    string
			Sealed  []byte
			Matched int64
		}
	}
	u.do(422, "POST", "asks", object{"kind": "evidence", "hit": page.Items[0]["id"], "reply_key": []byte("short")}, nil)
	u.do(404, "POST", "asks", object{"kind": "evidence", "hit": "none", "reply_key": public}, nil)
	u.do(201, "POST", "asks", object{"kind": "evidence", "hit": page.Items[0]["id"], "reply_key": public}, &ask)
	if ask.Nodes != 1 || ask.Online != 1 {
		t.Errorf("asked %+v", ask)
	}
	order := next(t, orders).GetAsk()
	if order == nil || order.EvidenceId != "e-r1" || !bytes.Equal(order.ReplyKey, public) {
		t.Fatalf("the node was asked %v", order)
	}
	sealed, err := wire.Seal(order.ReplyKey, order.Id, []byte("GET /secret"))
	if err != nil {
		t.Fatal(err)
	}
	answer := func(p *probe, sealed []byte) {
		t.Helper()
		if _, err := p.client.Answer(t.Context(), connect.NewRequest(&wirepb.AskAnswer{AskId: order.Id, Sealed: sealed})); err != nil {
			t.Fatal(err)
		}
	}
	answer(other, []byte("forged")) // was not asked
	answer(p, sealed)
	answer(p, []byte("second thoughts"))
	u.get("asks/"+ask.ID, &ask)
	if len(ask.Answers) != 1 || ask.Answers[0].Node != p.id {
		t.Fatalf("answers: %+v", ask)
	}
	plain, err := wire.Open(private, ask.ID, ask.Answers[0].Sealed)
	if err != nil || string(plain) != "GET /secret" {
		t.Errorf("opened %q, %v", plain, err)
	}
	u.do(201, "POST", "rules/preview", object{"kind": "patch", "point": "get.q"}, &ask)
	for _, o := range []chan *wirepb.Order{orders, strange} {
		order := next(t, o).GetAsk()
		if order == nil || order.Kind != "preview" {
			t.Fatalf("the node was asked %v", order)
		}
		if set, err := rule.Load(order.Rule); err != nil || set == nil {
			t.Errorf("preview's ruleset: %v", err)
		}
	}
}

func TestEventStream(t *testing.T) {
	r := start(t, t.TempDir(), "eu1")
	u := r.user(r.bootstrap().APIToken)
	p := r.enrol()
	open := func(query, last string) *bufio.Scanner {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", u.base+"events"+query, nil)
		req.Header.Set("Authorization", "Bearer "+u.token)
		if last != "" {
			req.Header.Set("Last-Event-ID", last)
		}
		res, err := u.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		if res.StatusCode != 200 {
			t.Fatalf("events: %d", res.StatusCode)
		}
		s := bufio.NewScanner(res.Body)
		s.Scan() // the greeting: the stream stands
		return s
	}
	hits := func(s *bufio.Scanner, n int) (ids []string) {
		t.Helper()
		for len(ids) < n && s.Scan() {
			if id, ok := strings.CutPrefix(s.Text(), "id: "); ok {
				ids = append(ids, id)
			}
		}
		if len(ids) < n {
			t.Fatalf("the stream ended after %d of %d events", len(ids), n)
		}
		return ids
	}
	s := open("?kinds=hit", "")
	for i := range 10 {
		p.push(t, &wirepb.Batch{Seq: uint64(i + 1), Hits: []*wirepb.Hit{hit(fmt.Sprint("r", i), time.Now())}})
	}
	ids := hits(s, 10)
	rest := hits(open("?kinds=hit", ids[3]), 6)
	if fmt.Sprint(rest) != fmt.Sprint(ids[4:]) {
		t.Errorf("resumed behind %s with %v, want %v", ids[3], rest, ids[4:])
	}
}

// TestDescription wants the description valid and the committed copy current.
func TestDescription(t *testing.T) {
	text, err := api.Description()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	const path = "../../docs/api/openapi.json"
	if os.Getenv("GABION_GEN") != "" {
		if err := os.WriteFile(path, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(committed, pretty.Bytes()) {
		t.Errorf("%s is not what the program says (%v); run make gen", path, err)
	}
}
