package main_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// update makes the fixtures of a release. Those of an older one are never
// made anew: they are what that release wrote.
//
//	go test ./cmd/gabion -run TestUpgrade -update v0.2.0
var update = flag.String("update", "", "make the fixtures of this new release")

// A fixture is what a cloud and a node of a release have left on disk, and
// what they said of it. Its keys and tokens were made for it alone.
type fixture struct {
	dir string // of cloud and node, unpacked

	Token    string                     // of the API
	Session  string                     // cookie of a browser
	Newest   int64                      // latest time in the database, Unix milliseconds
	API      map[string]json.RawMessage // answers by path
	Requests []decided                  // and what the ruleset decides of them
	Spooled  []string                   // requests whose hits were not delivered
	Evidence map[string]string          // request id to a text in it
}

type decided struct {
	Target, Header string
	Status         int
}

// headers are the header fields of d, and a source.
func (d decided) headers(i int) []string {
	h := []string{"X-Forwarded-For", fmt.Sprintf("198.18.%d.9", i)}
	if name, value, ok := strings.Cut(d.Header, ": "); ok {
		h = append(h, name, value)
	}
	return h
}

// TestUpgrade opens what each release has left: with the cloud away the node
// decides as it did; every row is in the API as it was; the hits that waited
// arrive, once.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	if *update != "" {
		makeFixture(t, filepath.Join("testdata", *update))
	}
	releases, err := filepath.Glob("testdata/v*/fixture.json")
	if err != nil || len(releases) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range releases {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			upgrade(t, dir)
		})
	}
}

func upgrade(t *testing.T, release string) {
	f := openFixture(t, release)
	ahead := time.Now().UnixMilli() - f.Newest
	f.age(t, ahead)

	up := echo(t)
	n := f.node(t, up, port(t), "")
	spooled := slices.Clone(f.Spooled)
	for i, r := range f.Requests {
		if id := n.expect(r.Target, r.Status, r.headers(i)...); r.Status == 403 {
			spooled = append(spooled, id)
		}
	}
	n.stop()
	for id, text := range f.Evidence {
		if out := f.run(t, "evidence", "show", id, "--data", filepath.Join(f.dir, "node")); !strings.Contains(out, text) {
			t.Errorf("the evidence of %s does not hold %q:\n%s", id, text, out)
		}
	}

	c, wireAddr := f.cloud(t, "")
	for path, want := range f.API {
		var was, is any
		if err := json.Unmarshal(want, &was); err != nil {
			t.Fatal(err)
		}
		c.call("GET", path, nil, &is)
		if why := holds(was, is, float64(ahead)); why != "" {
			t.Errorf("GET %s: %s", path, why)
		}
	}
	f.loggedIn(t, c)

	waiting := map[string]bool{}
	for _, id := range spooled {
		waiting[id] = true
	}
	for range 2 { // a second start delivers nothing twice
		n = f.node(t, up, wireAddr, "")
		eventually(t, 30*time.Second, "the hits that waited arrive", func() error { return c.arrived(waiting) })
		n.stop()
	}
	f.counted(t, c)
	n = f.node(t, up, wireAddr, "")
	if examined := preview(t, c); examined == 0 {
		t.Error("the recorded requests are gone")
	}
	n.stop()
	c.stop()
}

// counted wants statistics of the node under the endpoint that they were
// under: the group key is the one it was.
func (f *fixture) counted(t *testing.T, c *cloud) {
	t.Helper()
	type list struct {
		Items []struct {
			ID, Path string
			Count    int
		}
	}
	var was list
	const path = "/api/v1/endpoints?limit=500"
	if err := json.Unmarshal(f.API[path], &was); err != nil {
		t.Fatal(err)
	}
	before := map[string]int{}
	for _, e := range was.Items {
		if e.Path == "/orders" {
			before[e.ID] = e.Count
		}
	}
	eventually(t, 10*time.Second, "the statistics that waited arrive", func() error {
		var now list
		c.call("GET", path, nil, &now)
		for _, e := range now.Items {
			if e.Path == "/orders" && (before[e.ID] == 0 || e.Count <= before[e.ID]) {
				return fmt.Errorf("%+v was counted %v", e, before)
			}
		}
		return nil
	})
}

// preview asks what a rule would have done to recorded requests.
func preview(t *testing.T, c *cloud) (examined int64) {
	t.Helper()
	var ask struct {
		ID      string
		Answers []struct{ Examined int64 }
	}
	c.call("POST", "/api/v1/rules/preview", map[string]any{"kind": "detector", "point": "get.ref", "expression": "7$"}, &ask)
	eventually(t, 10*time.Second, "the node answers", func() error {
		c.call("GET", "/api/v1/asks/"+ask.ID, nil, &ask)
		if len(ask.Answers) == 0 {
			return errors.New("no answer")
		}
		examined = ask.Answers[0].Examined
		return nil
	})
	return examined
}

func (f *fixture) loggedIn(t *testing.T, c *cloud) {
	t.Helper()
	r, err := http.NewRequest("GET", c.api+"/session", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", f.Session)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("a browser that was logged in gets %s", res.Status)
	}
}

// holds says where is does not hold all that was holds; new fields do not
// matter. Times may have moved ahead.
func holds(was, is any, ahead float64) string {
	switch was := was.(type) {
	case map[string]any:
		is, ok := is.(map[string]any)
		if !ok {
			return fmt.Sprintf("%v is no object", is)
		}
		for name, v := range was {
			if name == "online" { // a state, not a row
				continue
			}
			if why := holds(v, is[name], ahead); why != "" {
				return "." + name + why
			}
		}
		return ""
	case []any:
		is, _ := is.([]any)
		if len(is) != len(was) {
			return fmt.Sprintf(" has %d elements, had %d", len(is), len(was))
		}
		for i, v := range was {
			if why := holds(v, is[i], ahead); why != "" {
				return fmt.Sprintf("[%d]%s", i, why)
			}
		}
		return ""
	}
	if n, ok := was.(float64); ok && is == n+ahead || is == was {
		return ""
	}
	return fmt.Sprintf(" is %v, was %v", is, was)
}

// age moves all times in the database, so that nothing of it has expired.
// Those are the integers between 2020 and 2100 in Unix milliseconds.
func (f *fixture) age(t *testing.T, ahead int64) {
	t.Helper()
	for table, columns := range f.tables(t) {
		for _, c := range columns {
			f.sql(t, fmt.Sprintf("UPDATE %s SET %[2]s = %[2]s + %d WHERE typeof(%[2]s) = 'integer' AND %[2]s BETWEEN 1577836800000 AND 4102444800000", table, c, ahead))
		}
	}
}

// tables are the tables of the database with their columns.
func (f *fixture) tables(t *testing.T) map[string][]string {
	t.Helper()
	tables := map[string][]string{}
	for _, r := range f.sql(t, "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'") {
		tables[r[0]] = append(tables[r[0]], r[1])
	}
	return tables
}

func (f *fixture) sql(t *testing.T, query string) (rows [][2]string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(f.dir, "cloud", "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer r.Close()
	for r.Next() {
		var row [2]string
		if err := r.Scan(&row[0], &row[1]); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		rows = append(rows, row)
	}
	if err := r.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return rows
}

// ageless is a bound that no fixture reaches: 100 years.
const ageless = "876000h"

// cloud starts the fixture's cloud and returns it and its wire address.
func (f *fixture) cloud(t *testing.T, more string) (*cloud, string) {
	t.Helper()
	listen, wireAddr := port(t), port(t)
	c := &cloud{data: filepath.Join(f.dir, "cloud"), api: "http://" + listen + "/api/v1", token: f.Token}
	file := write(t, "cloud.yaml", fmt.Sprintf("data: %s\ncloud:\n  region: test\n  listen: %s\n  wire: %s\n%s", c.data, listen, wireAddr, more))
	c.process = start(t, "cloud", "--config", file)
	eventually(t, 30*time.Second, "the cloud answers", func() error { return c.try("GET", "/api/v1/status", nil, nil) })
	return c, wireAddr
}

// node starts the fixture's node.
func (f *fixture) node(t *testing.T, upstream, wireAddr, token string) *node {
	t.Helper()
	listen := port(t)
	file := write(t, "node.yaml", fmt.Sprintf(`data: %s
node:
  listen: %s
  admin: %s
  sites: [{upstream: '%s', mode: block}]
  trusted_proxies: [127.0.0.1]
  uplink: {url: 'https://%s', token: '%s', interval: 1s}
  cloud_may: {lowest_mode: monitoring}
  spool: {max_age: %[7]s}
  evidence: {max_age: %[7]s}
  recorder: {max_age: %[7]s, sample: 0.15}
`, filepath.Join(f.dir, "node"), listen, port(t), upstream, wireAddr, token, ageless))
	n := &node{process: start(t, "node", "--config", file), url: "http://" + listen}
	n.ready()
	return n
}

// run runs a command of the program to its end and returns what it prints.
func (f *fixture) run(t *testing.T, args ...string) string {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(bin, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("gabion %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// openFixture unpacks what a release has left.
func openFixture(t *testing.T, release string) *fixture {
	t.Helper()
	f := &fixture{dir: t.TempDir()}
	b, err := os.ReadFile(filepath.Join(release, "fixture.json"))
	if err == nil {
		err = json.Unmarshal(b, f)
	}
	if err != nil {
		t.Fatal(err)
	}
	packed, err := os.Open(filepath.Join(release, "data.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return f
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(f.dir, filepath.FromSlash(h.Name))
		content, err := io.ReadAll(r)
		err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700))
		if err == nil {
			err = os.WriteFile(path, content, h.FileInfo().Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// makeFixture lets this code run for a while and packs what it leaves.
func makeFixture(t *testing.T, release string) {
	t.Helper()
	if _, err := os.Stat(release); err == nil {
		t.Fatalf("%s is there: fixtures of a release stay as they are", release)
	}
	f := &fixture{dir: t.TempDir(), API: map[string]json.RawMessage{}, Evidence: map[string]string{}}
	c, wireAddr := f.cloud(t, eager)
	f.people(t, c)
	var token struct {
		Text string `json:"text"`
	}
	c.call("POST", "/api/v1/node-tokens", map[string]any{}, &token)
	up := echo(t)
	n := f.node(t, up, wireAddr, token.Text)
	f.decide(t, c, n)
	f.attack(t, c, n)
	n.stop()
	f.remember(t, c)
	c.stop()
	f.longLived(t)

	n = f.node(t, up, wireAddr, "")
	f.wait(t, n)
	n.stop()

	for table := range f.tables(t) {
		if len(f.sql(t, "SELECT 1, 1 FROM "+table+" LIMIT 1")) == 0 {
			t.Errorf("table %s is empty", table)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	f.pack(t, release)
}

// people makes accounts and logs in.
func (f *fixture) people(t *testing.T, c *cloud) {
	t.Helper()
	var boot struct {
		URL   string `json:"console_url"`
		Token string `json:"api_token"`
	}
	b, err := os.ReadFile(filepath.Join(c.data, "bootstrap.json"))
	if err == nil {
		err = json.Unmarshal(b, &boot)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.token = boot.Token
	var made struct{ ID, Text string }
	c.call("POST", "/api/v1/tokens", map[string]any{"name": "fixture", "role": "admin"}, &made)
	f.Token, c.token = made.Text, made.Text
	_, link, _ := strings.Cut(boot.URL, "#")
	res, err := http.Post(c.api+"/session", "application/json", strings.NewReader(`{"link":"`+link+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	f.Session, _, _ = strings.Cut(res.Header.Get("Set-Cookie"), ";")
	c.call("POST", "/api/v1/users", map[string]any{"name": "Ada", "role": "analyst"}, &made)
	c.call("POST", "/api/v1/users/"+made.ID+"/link", nil, nil)
	c.call("PUT", "/api/v1/applications/0", map[string]any{"name": "shop", "learning": "approve"}, nil)
	c.call("POST", "/api/v1/groups", map[string]any{"name": "edge"}, nil)
}

// decide makes a rule of each kind, the learned one among them.
func (f *fixture) decide(t *testing.T, c *cloud, n *node) {
	t.Helper()
	type object = map[string]any
	for _, r := range []object{
		{"kind": "mode", "mode": "monitoring", "scope": object{"path": "/quiet"}},
		{"kind": "patch", "point": "get.q", "class": "sqli", "scope": object{"path": "/quiet"}},
		{"kind": "ignore", "point": "get.note", "class": "sqli", "scope": object{"path": "/notes"}},
		{"kind": "mask", "point": "get.card"},
		{"kind": "detector", "point": "get.tag", "expression": "^gabion-[0-9]$", "scope": object{"path": "/orders", "conditions": []string{"header X-Api-Version equal 2"}}},
		{"kind": "detector", "point": "get.tag", "expression": "^seen$", "experimental": true},
		{"kind": "detector", "point": "get.tag", "expression": "^never$", "disabled": true, "comment": "kept"},
	} {
		c.call("POST", "/api/v1/rules", r, nil)
	}
	f.overreach(t, c)
	for i := range 400 {
		n.expect(fmt.Sprintf("/orders?ref=%d", 1000+i*7), 200, "X-Forwarded-For", fmt.Sprintf("198.18.%d.%d", i%40, 1+i%200))
	}
	c.call("POST", "/api/v1/suggestions/"+suggested(t, c)+"/accept", nil, nil)
	eventually(t, 10*time.Second, "the profile is in force", func() error {
		status, _, err := n.get(odd)
		if err == nil && status != 403 {
			err = fmt.Errorf("answered %d", status)
		}
		return err
	})
	if preview(t, c) == 0 {
		t.Error("no request was recorded")
	}
}

const union = "%27%20UNION%20SELECT%20name%2C%20password%20FROM%20users--%20"

// attack sends requests that the rules tell apart, and notes the decisions.
func (f *fixture) attack(t *testing.T, c *cloud, n *node) {
	t.Helper()
	requests := map[string]bool{}
	for i, r := range []decided{
		{"/", "", 200}, {"/orders?ref=4242", "", 200}, {odd, "", 403},
		{attack, "", 403}, {"/notes?note=" + union, "", 200}, {"/notes?text=" + union, "", 403},
		{"/quiet?p=" + union, "", 200}, {"/quiet?q=" + union, "", 403}, {"/off?q=" + union, "", 403},
		{"/orders?tag=gabion-7", "X-Api-Version: 2", 403}, {"/orders?tag=gabion-7", "X-Api-Version: 1", 200},
		{"/orders?tag=seen", "", 200}, {"/orders?tag=never", "", 200},
		{"/pay?card=4111111111111111&x=" + union, "", 403},
		{"/page?q=%3Cscript%3Ealert(1)%3C/script%3E", "", 403}, {"/file?name=../../../../etc/passwd", "", 403},
	} {
		id := n.expect(r.Target, r.Status, r.headers(i)...)
		f.Requests = append(f.Requests, r)
		if r.Status == 403 {
			requests[id] = true
			f.Evidence[id] = strings.SplitN(r.Target, "?", 2)[0]
		}
	}
	eventually(t, 10*time.Second, "the hits arrive", func() error { return c.arrived(requests) })
}

// overreach makes a rule that the node refuses, and deletes it.
func (f *fixture) overreach(t *testing.T, c *cloud) {
	t.Helper()
	var rule struct{ ID int64 }
	c.call("POST", "/api/v1/rules", map[string]any{"kind": "mode", "mode": "off", "scope": map[string]any{"path": "/off"}}, &rule)
	eventually(t, 10*time.Second, "the node reports what it refused", func() error {
		var page struct{ Items []any }
		if err := c.try("GET", "/api/v1/refusals", nil, &page); err != nil || len(page.Items) == 0 {
			return fmt.Errorf("%d refusals, %v", len(page.Items), err)
		}
		return nil
	})
	c.call("DELETE", fmt.Sprintf("/api/v1/rules/%d", rule.ID), nil, nil)
}

// remember notes what the API says of every row.
func (f *fixture) remember(t *testing.T, c *cloud) {
	t.Helper()
	note := func(path string) (ids []string) {
		var raw json.RawMessage
		c.call("GET", path, nil, &raw)
		f.API[path] = raw
		var list struct{ Items []struct{ ID any } }
		if err := json.Unmarshal(raw, &list); err != nil {
			t.Fatal(err)
		}
		for _, i := range list.Items {
			ids = append(ids, fmt.Sprint(i.ID))
		}
		return ids
	}
	for _, path := range []string{"users", "tokens", "applications", "node-tokens", "nodes", "refusals", "hits", "attacks",
		"rules", "policy/versions", "suggestions", "audit"} {
		if ids := note("/api/v1/" + path + "?limit=500"); len(ids) == 0 {
			t.Errorf("GET %s: nothing", path)
		}
	}
	for _, id := range note("/api/v1/endpoints?limit=500") {
		note("/api/v1/endpoints/" + id)
	}
	for _, id := range note("/api/v1/groups") {
		note("/api/v1/groups/" + id + "/rulesets")
	}
	for _, r := range f.sql(t, "SELECT id, kind FROM asks") {
		note("/api/v1/asks/" + r[0])
	}
	f.Newest = time.Now().UnixMilli()
}

// wait sends what the node keeps for a cloud that is away.
func (f *fixture) wait(t *testing.T, n *node) {
	t.Helper()
	for i := range 5 {
		f.Spooled = append(f.Spooled, n.expect(fmt.Sprintf("/waiting%d%s", i, attack), 403))
	}
	for i := range 10 {
		n.expect(fmt.Sprintf("/orders?ref=%d", 2000+i), 200, "X-Forwarded-For", fmt.Sprintf("198.18.%d.9", 50+i))
	}
}

// longLived gives the node a certificate that outlives the tests, as its
// cloud would make it: with the key that is derived from region.key.
func (f *fixture) longLived(t *testing.T) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	seed, err := os.ReadFile(filepath.Join(f.dir, "cloud", "region.key"))
	check(err)
	derived, err := hkdf.Key(sha256.New, seed, nil, "gabion wire ca", ed25519.SeedSize)
	check(err)
	file := filepath.Join(f.dir, "node", "uplink", "identity.json")
	text, err := os.ReadFile(file)
	check(err)
	id := map[string]any{}
	check(json.Unmarshal(text, &id))
	certificate := func(name string) *x509.Certificate {
		var raw struct{ DER []byte }
		check(json.Unmarshal(fmt.Appendf(nil, `{"DER":%q}`, id[name]), &raw))
		c, err := x509.ParseCertificate(raw.DER)
		check(err)
		return c
	}
	leaf, ca := certificate("certificate"), certificate("ca")
	leaf.NotAfter = ca.NotAfter
	if id["certificate"], err = x509.CreateCertificate(rand.Reader, leaf, ca, leaf.PublicKey, ed25519.NewKeyFromSeed(derived)); err != nil {
		t.Fatal(err)
	}
	text, err = json.Marshal(id)
	check(err)
	check(os.WriteFile(file, text, 0o600))
}

// pack writes the fixture, without what says nothing.
func (f *fixture) pack(t *testing.T, release string) {
	t.Helper()
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	err = filepath.WalkDir(f.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(f.dir, path)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o600, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err = w.Write(content)
		return err
	})
	text, err2 := json.Marshal(f)
	if err := errors.Join(err, err2, w.Close(), z.Close(), os.MkdirAll(release, 0o755),
		os.WriteFile(filepath.Join(release, "data.tar.gz"), packed.Bytes(), 0o644),
		os.WriteFile(filepath.Join(release, "fixture.json"), append(text, '\n'), 0o644)); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d bytes", release, packed.Len()+len(text))
}
