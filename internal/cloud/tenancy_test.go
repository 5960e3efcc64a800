package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/gabionhq/gabion/internal/cloud/api"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/wire"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// TestTenancy calls every operation of the description, with the ids of
// everything that one tenant has, as an administrator of another.
func TestTenancy(t *testing.T) {
	r := start(t, t.TempDir(), "eu1")
	owner := r.user(r.bootstrap().APIToken)
	p := r.enrol()
	public, _, err := wire.NewReplyKey()
	if err != nil {
		t.Fatal(err)
	}
	h := hit("theirs", time.Now())
	delta := &wirepb.EndpointDelta{Endpoint: &wirepb.Endpoint{Host: "theirs.test", Method: "GET", Path: "/theirs", Key: []byte("12345678")}, Count: 1}
	p.push(t, &wirepb.Batch{Seq: 1, Hits: []*wirepb.Hit{h}, Endpoints: []*wirepb.EndpointDelta{delta},
		Refusals: []*wirepb.Refusal{{Ceiling: "theirs"}}, Leaks: []*wirepb.Leak{{Endpoint: delta.Endpoint, Kind: "sql_error", Reason: "theirs"}}})
	ids := map[string]string{"asks": "", "applications": "7", "nodes": p.id, "groups": p.group}
	take := func(kind string, o object) {
		ids[kind] = fmt.Sprint(o["id"])
	}
	var page items
	var o object
	for _, kind := range []string{"hits", "attacks", "endpoints"} {
		owner.get(kind, &page)
		take(kind, page.Items[0])
	}
	make := func(kind string, in object) {
		t.Helper()
		o = object{}
		owner.do(201, "POST", kind, in, &o)
		take(kind, o)
	}
	make("rules", object{"kind": "mode", "mode": "block", "comment": "theirs"})
	make("users", object{"name": "theirs", "role": "admin"})
	make("tokens", object{"name": "theirs", "role": "admin"})
	make("node-tokens", object{})
	make("applications", object{"id": 7, "name": "theirs", "learning": "auto"})
	make("asks", object{"kind": "evidence", "hit": ids["hits"], "reply_key": public})
	suggestion := store.Suggestion{ID: store.NewID(), Identity: "theirs", Point: "get.theirs", State: "open", Body: []byte(`{}`)}
	if err := r.tenant().Insert(t.Context(), &suggestion); err != nil {
		t.Fatal(err)
	}
	ids["suggestions"] = suggestion.ID

	other, err := r.dir.Create(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := r.dir.NewToken(t.Context(), r.db.Tenant(other.ID), "other", "admin", 0, false)
	if err != nil {
		t.Fatal(err)
	}
	stranger, anonymous := r.user(text), r.user("")

	bodies := map[string]object{ // valid input, so that only the owner can be what is wrong
		"PUT users/{id}":        {"role": "read-only"},
		"PUT applications/{id}": {"name": "mine", "learning": "frozen"},
		"PUT rules/{id}":        {"kind": "mode", "mode": "off"},
	}
	var description struct{ Paths map[string]map[string]any }
	b, err := api.Description()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &description); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for path, operations := range description.Paths {
		path = strings.TrimPrefix(path, "/api/v1/")
		for method := range operations {
			method = strings.ToUpper(method)
			if path == "status" || path == "session" {
				continue
			}
			anonymous.do(401, method, strings.NewReplacer("{id}", "1", "{version}", "1").Replace(path), nil, nil)
			kind, _, _ := strings.Cut(path, "/")
			switch {
			case strings.Contains(path, "{id}"):
				id, ok := ids[kind]
				if !ok || id == "" || id == "<nil>" {
					t.Errorf("%s %s: the test has no object of this kind", method, path)
				}
				stranger.do(404, method, strings.Replace(path, "{id}", id, 1), toAny(bodies[method+" "+path]), nil)
			case strings.Contains(path, "{version}"):
				stranger.do(404, method, strings.Replace(path, "{version}", "1", 1), nil, nil)
			case path == "events":
				continue // below
			case method == "GET":
				text := string(stranger.do(200, method, path+"?from=0&to=9007199254740991", nil, nil))
				if strings.Contains(text, "theirs") {
					t.Errorf("%s shows what another tenant has: %s", path, text)
				}
				for kind, id := range ids {
					if kind != "applications" && kind != "rules" && strings.Contains(text, id) {
						t.Errorf("%s shows the %s of another tenant: %s", path, kind, text)
					}
				}
			default:
				continue // creates something of the caller's own
			}
			checked++
		}
	}
	if checked < 35 {
		t.Errorf("only %d operations were checked", checked)
	}
	// Ids in bodies and queries.
	stranger.do(404, "POST", "asks", object{"kind": "evidence", "hit": ids["hits"], "reply_key": public}, nil)
	stranger.do(404, "POST", "node-tokens", object{"group": ids["groups"]}, nil)
	stranger.do(404, "POST", "rules/preview?group="+ids["groups"], object{"kind": "mode", "mode": "off"}, nil)
	stranger.get("hits?attack="+ids["attacks"], &page)
	if len(page.Items) != 0 {
		t.Errorf("hits by another tenant's attack: %v", page)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", stranger.base+"events?after=0", nil)
	req.Header.Set("Authorization", "Bearer "+stranger.token)
	res, err := stranger.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	stream, _ := io.ReadAll(res.Body) // until the deadline
	if strings.Contains(string(stream), "data:") {
		t.Errorf("events show what another tenant does: %s", stream)
	}
	// What is theirs is as it was.
	owner.get("rules/"+ids["rules"], &o)
	owner.get("users", &page)
	if o["mode"] != "block" || len(page.Items) != 1 {
		t.Errorf("the stranger changed %v, %v", o, page)
	}
}

func toAny(o object) any {
	if o == nil {
		return nil
	}
	return o
}

// TestKilled kills the cloud again and again while a node delivers. What was
// acknowledged is there at the end, and nothing is there twice.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir, "eu1")
	token := r.bootstrap().APIToken
	p := r.enrol()
	wireAddr, apiAddr := r.WireAddr(), r.APIAddr()
	r.stop()

	var child *exec.Cmd
	launches := 0
	launch := func() {
		t.Helper()
		launches++
		child = exec.Command(os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), "GABION_CLOUD_DATA="+dir, "GABION_CLOUD_WIRE="+wireAddr, "GABION_CLOUD_API="+apiAddr)
		child.Stderr = t.Output()
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
	}
	kill := func() {
		child.Process.Kill() //nolint:errcheck // it may be gone
		child.Wait()         //nolint:errcheck // killed
	}
	launch()
	t.Cleanup(func() { kill() })
	const batches, size, kills = 50, 10, 5
	for seq := 1; seq <= batches; seq++ {
		b := &wirepb.Batch{Seq: uint64(seq)}
		for i := range size {
			b.Hits = append(b.Hits, hit(fmt.Sprintf("k%d-%d", seq, i), time.Now()))
		}
		if seq%(batches/kills) == 5 {
			go func(c *exec.Cmd) { c.Process.Kill() }(child) // somewhere around the next push
		}
		for deadline := time.Now().Add(20 * time.Second); ; {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			_, err := p.client.Push(ctx, connect.NewRequest(b))
			cancel()
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("batch %d: %v", seq, err)
			}
			if child.ProcessState == nil && exited(child) {
				launch()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	u := &user{t, "http://" + apiAddr + "/api/v1/", token, &http.Client{}}
	seen := map[any]int{}
	var page items
	for path := "hits?limit=500"; ; path = "hits?limit=500&cursor=" + page.Next {
		page = items{}
		u.get(path, &page)
		for _, h := range page.Items {
			seen[h["request_id"]]++
		}
		if page.Next == "" {
			break
		}
	}
	if len(seen) != batches*size {
		t.Errorf("%d of %d hits arrived", len(seen), batches*size)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("hit %v is there %d times", id, n)
		}
	}
	u.get("attacks", &page)
	if len(page.Items) != 1 || page.Items[0]["hits"] != float64(batches*size) {
		t.Errorf("attacks: %v", page)
	}
	if launches != kills+1 {
		t.Errorf("the cloud was started %d times, want %d", launches, kills+1)
	}
}
