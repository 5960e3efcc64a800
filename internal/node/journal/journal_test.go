package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"log/slog"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/node/evidence"
	"github.com/gabionhq/gabion/internal/node/proxy"
	"github.com/gabionhq/gabion/internal/node/pseudonym"
	"github.com/gabionhq/gabion/internal/node/reveal"
	"github.com/gabionhq/gabion/internal/node/spool"
	"github.com/gabionhq/gabion/internal/node/vault"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// A tray is a spool in memory, which can be full.
type tray struct {
	batch wirepb.Batch
	full  bool
}

func (s *tray) Put(record []byte) error {
	if s.full {
		return errors.New("no space left on device")
	}
	return proto.UnmarshalOptions{Merge: true}.Unmarshal(record, &s.batch)
}

type fixture struct {
	*Journal
	spool    *tray
	evidence *evidence.Store
	now      time.Time
}

func newFixture(t *testing.T, k int) *fixture {
	t.Helper()
	f := &fixture{spool: &tray{}, now: time.Unix(1_800_000_000, 0)}
	key, err := pseudonym.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	names, err := reveal.New(reveal.Options{K: k})
	if err != nil {
		t.Fatal(err)
	}
	f.evidence, err = evidence.Open(t.TempDir(), make([]byte, 32), vault.Bounds{Now: func() time.Time { return f.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.evidence.Close() })
	f.Journal = New(Options{Spool: f.spool, Key: key, Names: names, Evidence: f.evidence, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return f.now }})
	return f
}

// flush returns what a flush spools.
func (f *fixture) flush(t *testing.T, all bool) []*wirepb.EndpointDelta {
	t.Helper()
	f.spool.batch.Reset()
	if err := f.Flush(all); err != nil {
		t.Fatal(err)
	}
	return f.spool.batch.Endpoints
}

// record makes a request as the proxy would tell it: points and values in
// turn.
func (f *fixture) record(source, method, target string, status int, values ...string) *proxy.Record {
	head := &engine.Head{Method: []byte(method), Target: []byte(target), Host: []byte("Shop.Jane.Example"), Scheme: []byte("http"), Proto: []byte("HTTP/1.1"),
		Header: []engine.HeaderField{{Name: []byte("Host"), Value: []byte("Shop.Jane.Example")}}}
	template := profile.AppendTemplate(nil, profile.AppendPath(nil, head.Target))
	r := &proxy.Record{RequestID: "req-1", Time: f.now, Source: netip.MustParseAddr(source), Head: head, Status: status,
		Verdict: engine.Verdict{Mode: rule.Block}, Share: 1,
		Report: &engine.Report{Endpoint: profile.Endpoint([]byte(strings.ToLower(string(head.Host))), head.Method, template)}}
	for i := 0; i < len(values); i += 2 {
		steps, err := parse.ParsePoint(values[i])
		if err != nil {
			panic(err)
		}
		v := engine.Value{Key: parse.Key(steps).Folded, Point: []byte(values[i]), Hash: crc64.Checksum([]byte(values[i+1]), crc64.MakeTable(crc64.ECMA))}
		v.Stat.Of([]byte(values[i+1]))
		r.Report.Values = append(r.Report.Values, v)
	}
	return r
}

func attack(r *proxy.Record, findings ...engine.Finding) *proxy.Record {
	r.Verdict = engine.Verdict{Decision: engine.Block, Attack: true, Mode: rule.Block, Score: 0.97}
	r.Report.Findings = findings
	return r
}

func TestHits(t *testing.T) {
	f := newFixture(t, 20)
	r := attack(f.record("192.0.2.77", "POST", "/users/jane/orders/42?q=1' or 1=1", 403),
		engine.Finding{Finding: detect.Finding{Class: detect.SQLi, Weight: 0.5, Reason: "weak"}, Point: "get.q"},
		engine.Finding{Finding: detect.Finding{Class: detect.SQLi, Weight: 0.9, Reason: "a condition that always holds", From: 1, To: 9}, Point: "post.json.jane.id", Value: []byte("1' or 1=1"), Fragment: "<num:1> ' or <num:1> = <num:1>"},
		engine.Finding{Finding: detect.Finding{Class: detect.Custom, Weight: 1, Reason: "a detector of this tenant"}, Point: "header.USER-AGENT", Fragment: "jane", Rule: 7})
	f.Attack(r)

	hits := f.spool.batch.Hits
	if len(hits) != 2 {
		t.Fatalf("%d hits for two classes", len(hits))
	}
	h := hits[0]
	if h.Class != detect.SQLi.String() || h.Point != `post.json."<word:4-8>".id` || h.Endpoint.Path != "/users/<word:4-8>/orders/{int}" ||
		h.Endpoint.Host != "<host>" || h.Endpoint.Method != "POST" || h.Decision != "block" || h.Mode != "block" || h.Score != 0.97 ||
		h.Reason != "a condition that always holds" || h.Fragment != "<num:1> ' or <num:1> = <num:1>" || h.RequestId != "req-1" || h.Status != 403 ||
		h.Source.Prefix != "192.0.2.0/24" || h.Source.Address != "" || len(h.Id) != 16 || len(h.PointKey) != 8 || len(h.Endpoint.Key) != 8 {
		t.Errorf("hit:\n%s", prototext.Format(h))
	}
	if c := hits[1]; c.Class != detect.Custom.String() || c.Fragment != "" || c.Rule != 7 || c.Point != "header.USER-AGENT" {
		t.Errorf("hit of a custom detector:\n%s", prototext.Format(c))
	}
	if steps, _ := parse.ParsePoint("post.json.jane.id"); binary.BigEndian.Uint64(h.PointKey) == parse.Key(steps).Folded || binary.BigEndian.Uint64(h.Endpoint.Key) == r.Report.Endpoint {
		t.Error("a hash that anybody can test guesses against leaves the node")
	}
	if string(hits[0].Id) == string(hits[1].Id) || hits[0].EvidenceId == "" || hits[0].EvidenceId != hits[1].EvidenceId {
		t.Errorf("ids %x %x, evidence %q %q", hits[0].Id, hits[1].Id, hits[0].EvidenceId, hits[1].EvidenceId)
	}
	for _, id := range []string{h.EvidenceId, "req-1"} {
		e, err := f.evidence.Get(id)
		if err != nil || !strings.HasPrefix(string(e.Request), "POST /users/jane/orders/42?q=1' or 1=1 HTTP/1.1\r\nHost: Shop.Jane.Example\r\n\r\n") ||
			len(e.Findings) != 3 || string(e.Findings[1].Value) != "1' or 1=1" || e.Source != "192.0.2.77" {
			t.Errorf("evidence %s: %v\n%s", id, err, prototext.Format(e))
		}
	}
	names := f.Resolve([][]byte{h.Endpoint.Key, h.PointKey, []byte("short"), make([]byte, 8)})
	if len(names) != 2 || names[0].Text != "shop.jane.example/users/jane/orders/{int}" || names[1].Text != "post.json.jane.id" {
		t.Errorf("resolved %v", names)
	}

	f.spool.full = true
	f.Attack(r)
	if st := f.Stats(); st.Hits != 2 || st.LostHits != 2 {
		t.Errorf("%+v", st)
	}
}

func TestMasks(t *testing.T) {
	f := newFixture(t, 20)
	f.Mask([]string{"get.q"})
	f.Attack(attack(f.record("192.0.2.77", "GET", "/?q=4111&r=2", 403)))
	e, err := f.evidence.Get("req-1")
	if err != nil || !strings.HasPrefix(string(e.Request), "GET /?q=removed&r=2 ") {
		t.Errorf("%v, %v", e, err)
	}
	f.Mask(nil)
	f.Attack(attack(f.record("192.0.2.77", "GET", "/?q=4111&r=2", 403)))
	if e, err := f.evidence.Get("req-1"); err != nil || !strings.HasPrefix(string(e.Request), "GET /?q=4111&r=2 ") {
		t.Errorf("without masks: %v, %v", e, err)
	}
}

func TestVerdictWithoutFindings(t *testing.T) {
	f := newFixture(t, 20)
	f.Attack(attack(f.record("192.0.2.77", "GET", "/", 403)))
	if hits := f.spool.batch.Hits; len(hits) != 1 || hits[0].Decision != "block" || hits[0].Point != "" {
		t.Errorf("%v", hits)
	}
}

// Whatever bytes a client sends, its hit and its evidence are kept.
func TestBytesThatAreNoText(t *testing.T) {
	f := newFixture(t, 1)
	bad := string([]byte{0xff, 0xc3, 0x28, 0})
	for range 2 {
		f.Done(f.record("192.0.2.1", "GET", "/"+bad+"/a."+bad, 200, `get."\xff\xc3("`, bad))
		r := attack(f.record("192.0.2.1", bad, "/"+bad+"?"+bad+"="+bad, 403),
			engine.Finding{Finding: detect.Finding{Class: detect.SQLi}, Point: "get." + bad, Value: []byte(bad), Fragment: bad},
			engine.Finding{Finding: detect.Finding{Class: detect.XSS}, Point: `get."ü` + bad[:1] + `"`, Value: []byte(bad), Fragment: strings.Repeat("ü", maxFragment)})
		r.Head.Host, r.Head.Scheme = []byte(bad), []byte(bad)
		f.Attack(r)
	}
	if st := f.Stats(); st.Hits != 4 || st.LostHits != 0 || st.EvidenceLost != 0 {
		t.Errorf("%+v", st)
	}
	for _, d := range f.flush(t, true) {
		if d.Endpoint.Path != "/<text:4-8>/<text:4-8>" {
			t.Errorf("path %q", d.Endpoint.Path)
		}
	}
}

func TestOneSourceCannotFillTheEvidence(t *testing.T) {
	f := newFixture(t, 20)
	for range evidencePerMinute + 100 {
		f.Attack(attack(f.record("192.0.2.77", "GET", "/", 403)))
	}
	f.Attack(attack(f.record("198.51.100.1", "GET", "/", 403)))
	st, hits := f.Stats(), f.spool.batch.Hits
	if st.EvidenceSkipped != 100 || st.Hits != evidencePerMinute+101 || hits[len(hits)-1].EvidenceId == "" || hits[len(hits)-2].EvidenceId != "" {
		t.Errorf("%+v", st)
	}
	f.now = f.now.Add(time.Minute)
	f.Attack(attack(f.record("192.0.2.77", "GET", "/", 403)))
	if hits := f.spool.batch.Hits; hits[len(hits)-1].EvidenceId == "" {
		t.Error("the next minute keeps nothing")
	}
}

func TestStatistics(t *testing.T) {
	f := newFixture(t, 3)
	done := func(source, target string, status int, values ...string) {
		f.Done(f.record(source, "GET", target, status, values...))
	}
	done("192.0.2.1", "/search/frobnicate", 200, "get.q", "shoes", "get.jane", "1")
	got := f.flush(t, false)
	if len(got) != 1 || got[0].Count != 1 || got[0].Endpoint.Path != "/search/<word:8-16>" || got[0].StatusClass[1] != 1 || len(got[0].Params) != 2 {
		t.Fatalf("after one request: %v", got)
	}
	for _, p := range got[0].Params {
		var sketch profile.Sketch
		if err := sketch.UnmarshalBinary(p.Sketch); err != nil || sketch.Count != 1 || p.Count != 1 {
			t.Errorf("%s: %v, count %d", p.Point, err, sketch.Count)
		}
		if p.Point != "get.q" && p.Point != `get."<word:4-8>"` {
			t.Errorf("point %s", p.Point)
		}
	}
	if got[0].FirstUnix%300 != 0 || got[0].LastUnix%300 != 0 {
		t.Errorf("times %d %d are finer than five minutes", got[0].FirstUnix, got[0].LastUnix)
	}
	if again := f.flush(t, false); len(again) != 0 {
		t.Errorf("nothing happened, and spooled is %v", again)
	}
	done("192.0.2.1", "/search/frobnicate", 200)
	done("192.0.2.1", "/search/frobnicate", 200)
	done("192.0.2.1", "/search/frobnicate", 200)
	if got := f.flush(t, false); len(got) != 1 || got[0].Count != 3 {
		t.Errorf("from 1 to 4: %v", got)
	}
	done("192.0.2.1", "/search/frobnicate", 200)
	if got := f.flush(t, false); len(got) != 0 {
		t.Errorf("from 4 to 5: %v", got)
	}
	if got := f.flush(t, true); len(got) != 1 || got[0].Count != 1 {
		t.Errorf("all that is left: %v", got)
	}

	// Three networks use the same names: they are public from then on.
	for i := range 3 {
		done(fmt.Sprintf("192.0.%d.1", i), "/search/frobnicate", 200, "get.jane", "1")
	}
	got = f.flush(t, false)
	if len(got) != 1 || got[0].Endpoint.Path != "/search/frobnicate" || len(got[0].Params) != 1 || got[0].Params[0].Point != "get.jane" || got[0].Endpoint.Host != "shop.jane.example" {
		t.Errorf("after three sources: %v", got)
	}
	var sources profile.Cardinality
	if err := sources.UnmarshalBinary(got[0].Sources); err != nil || int(sources.Estimate()+.5) != 3 {
		t.Errorf("sources: %v, %.1f", err, sources.Estimate())
	}
	names := f.Resolve([][]byte{got[0].Endpoint.Key})
	if len(names) != 1 || names[0].Text != "shop.jane.example/search/frobnicate" {
		t.Errorf("Resolve: %v", names)
	}
}

func TestWhatTeachesNothing(t *testing.T) {
	f := newFixture(t, 3)
	a := f.record("192.0.2.1", "GET", "/a", 200, "get.q", "x")
	a.Verdict.Attack = true
	f.Done(a)
	b := f.record("192.0.2.1", "GET", "/a", 200, "get.q", "x")
	b.Verdict.Score = 0.5
	f.Done(b)
	f.Done(f.record("192.0.2.1", "GET", "/a", 404, "get.q", "x"))
	f.Done(f.record("192.0.2.1", "GET", "/a", 0, "get.q", "x"))
	c := f.record("192.0.2.1", "GET", "/a", 200, "get.q", "x")
	c.Report.Limits = []string{"nodes"}
	f.Done(c)
	if got := f.flush(t, true); len(got) != 0 {
		t.Errorf("%v", got)
	}
	f.Done(f.record("192.0.2.1", "GET", "/a", 200))
	f.Done(f.record("192.0.2.1", "GET", "/a", 404, "get.q", "x"))
	got := f.flush(t, true)
	if len(got) != 1 || got[0].Count != 2 || got[0].StatusClass[3] != 1 || len(got[0].Params) != 0 {
		t.Errorf("%v", got)
	}
}

func TestFullSpoolLosesNoStatistics(t *testing.T) {
	f := newFixture(t, 0)
	for i := range 100 {
		f.Done(f.record("192.0.2.1", "GET", "/a", 200, fmt.Sprintf("get.p%d", i), "x"))
	}
	f.spool.full = true
	if err := f.Flush(false); err == nil {
		t.Error("the spool is full and Flush says nothing")
	}
	f.spool.full = false
	total, params := uint64(0), map[uint64]uint64{}
	for _, d := range f.flush(t, true) {
		total += d.Count
		for _, p := range d.Params {
			params[p.Key] += p.Count
		}
	}
	if total != 100 || len(params) != 100 {
		t.Errorf("%d requests and %d parameters arrived of 100", total, len(params))
	}
}

// Requests are counted while others are and while deltas are taken, several
// records of an endpoint too, and while the disk is full: none is lost, none
// counts twice.
func TestConcurrent(t *testing.T) {
	f := newFixture(t, 3)
	const workers, each = 8, plenty / 8 // all are looked at
	const params = 3 * chunk
	var g sync.WaitGroup
	for w := range workers {
		g.Go(func() {
			for i := range each {
				var values []string
				for k := range params {
					values = append(values, fmt.Sprintf("get.q%c", 'a'+k), fmt.Sprint(i))
				}
				f.Done(f.record(fmt.Sprintf("192.%d.%d.1", w, i%100), "GET", fmt.Sprintf("/frobnicate/%d", i%3), 200, values...))
			}
		})
	}
	for i := range 50 {
		f.spool.full = i%4 == 2
		if err := f.Flush(false); err != nil && !f.spool.full {
			t.Fatal(err)
		}
	}
	f.spool.full = false
	g.Wait()
	if err := f.Flush(true); err != nil {
		t.Fatal(err)
	}
	var total, held, values uint64
	for _, d := range f.spool.batch.Endpoints {
		total += d.Count
		for _, p := range d.Params {
			held += p.Count
			var s profile.Sketch
			if err := s.UnmarshalBinary(p.Sketch); len(p.Sketch) > 0 && err != nil {
				t.Fatal(err)
			}
			values += uint64(s.Count)
		}
	}
	if total != workers*each || held != params*total {
		t.Errorf("%d requests and %d values of %d with %d each", total, held, workers*each, params)
	}
	// A sketch leaves out what one source alone has shown.
	if values > held || values < held*9/10 {
		t.Errorf("the sketches hold %d of %d values", values, held)
	}
}

// Of an endpoint that is known well a sample of requests is looked at, and
// stands for the others. However much one source sends, nearly all that
// others do is looked at until they have shown plenty.
func TestSample(t *testing.T) {
	f := newFixture(t, 20)
	looked := map[string]int{}
	send := func(source string, n int) {
		for range n {
			r := f.record(source, "GET", "/item", 200, "get.id", "7")
			if r.Share = f.Share(r, r.Report.Endpoint); r.Share > 0 {
				looked[source]++
			} else {
				r.Report.Values = nil
			}
			f.now = f.now.Add(time.Second / perSecond)
			f.Done(r)
		}
	}
	f.Done(f.record("198.51.100.7", "GET", "/item", 200, "get.id", "7")) // of an endpoint that is not known all is looked at
	const flood, others, each = 40 * plenty, 50, plenty / 100
	send("203.0.113.66", flood)
	for i := range others {
		send(fmt.Sprintf("192.0.%d.1", i), each)
	}
	send("203.0.113.66", flood)
	if n := looked["203.0.113.66"]; n > 2*flood/oneIn*5/4+plenty {
		t.Errorf("%d of %d requests of one source were looked at", n, 2*flood)
	}
	for source, n := range looked {
		if source != "203.0.113.66" && n < each*9/10 {
			t.Errorf("%d of %d requests of %s were looked at", n, each, source)
		}
	}
	total, counted := uint64(0), uint64(0)
	for _, d := range f.flush(t, true) {
		total += d.Count
		counted += d.Params[0].Count
	}
	if want := uint64(2*flood + others*each + 1); total != want || counted < want*9/10 || counted > want*11/10 {
		t.Errorf("%d requests and %d values of %d", total, counted, want)
	}
}

// A leak is told of once a minute, the effect of an attack always; what was
// no attack by itself becomes a hit with the effect that it had.
func TestLeaks(t *testing.T) {
	f := newFixture(t, 20)
	leak := engine.Leak{Kind: engine.SQLError, Weight: 0.8, Reason: "The response holds a message."}
	quote := engine.Finding{Finding: detect.Finding{Class: detect.SQLi, Weight: 0.3}, Point: "get.id", Value: []byte("7'")}
	tags := engine.Finding{Finding: detect.Finding{Class: detect.XSS, Weight: 0.3}, Point: "get.id", Value: []byte("<b>")}
	spooled := func(r *proxy.Record, leaks ...engine.Leak) (hits []*wirepb.Hit, told []*wirepb.Leak) {
		t.Helper()
		f.spool.batch.Reset()
		r.Leaks = leaks
		if r.Verdict.Attack {
			f.Attack(r)
		}
		f.Done(r)
		return f.spool.batch.Hits, f.spool.batch.Leaks
	}
	get := func() *proxy.Record { return f.record("198.51.100.7", "GET", "/item/jane", 500, "get.id", "7") }
	check := func(name string, hits []*wirepb.Hit, told []*wirepb.Leak, wantHits, wantTold int, wantLeak string) {
		t.Helper()
		if len(hits) != wantHits || len(told) != wantTold {
			t.Fatalf("%s: %d hits and %d leaks, want %d and %d", name, len(hits), len(told), wantHits, wantTold)
		}
		for _, h := range hits {
			if h.Leak != wantLeak {
				t.Errorf("%s: the hit is confirmed by %q, want %q", name, h.Leak, wantLeak)
			}
		}
	}
	hits, told := spooled(get(), leak)
	check("first", hits, told, 0, 1, "")
	if l := told[0]; l.Kind != "sql_error" || l.Status != 500 || l.RequestId != "req-1" || l.Endpoint.Path != "/item/<word:4-8>" || l.Reason != leak.Reason {
		t.Errorf("%+v", l)
	}
	hits, told = spooled(get(), leak)
	check("in the same minute", hits, told, 0, 0, "")
	hits, told = spooled(get(), engine.Leak{Kind: engine.StackTrace, Weight: 0.8})
	check("another kind", hits, told, 0, 1, "")
	f.now = f.now.Add(time.Minute)
	hits, told = spooled(get(), engine.Leak{Kind: engine.SQLError, Weight: 0.5})
	check("unlikely", hits, told, 0, 0, "")
	r := get()
	r.Report.Findings = []engine.Finding{quote, tags}
	hits, told = spooled(r, leak)
	check("effect of no attack", hits, told, 1, 1, "sql_error")
	if hits[0].Class != "sqli" || hits[0].EvidenceId == "" {
		t.Errorf("%+v", hits[0])
	}
	for range 2 {
		hits, told = spooled(attack(get(), quote, tags), leak)
		check("effect of an attack", hits, told, 2, 1, "")
	}
	hits, told = spooled(attack(get(), tags), leak)
	check("not the effect of this attack", hits, told, 1, 0, "")
	quote.Weight = 0.05
	r = get()
	r.Report.Findings = []engine.Finding{quote}
	hits, told = spooled(r, leak)
	check("faint", hits, told, 0, 0, "")
}

// However many requests there are, so many a second are looked at, and a
// sample of the others, which stands for them.
func TestPace(t *testing.T) {
	f := newFixture(t, 20)
	looked, counted := 0, uint32(0)
	const n = 20 * perSecond
	for i := range n {
		r := f.record("198.51.100.7", "GET", fmt.Sprint("/item", i%100), 200, "get.id", "7")
		share := f.Share(r, r.Report.Endpoint)
		looked += int(min(share, 1))
		counted += share
		f.now = f.now.Add(time.Second / n)
	}
	const paced = 2 * perSecond // at once and in the second that follows
	if looked < paced+n/oneIn/2 || looked > paced+n/oneIn*2 || counted < n*8/10 || counted > n*12/10 {
		t.Errorf("%d of %d were looked at, and stand for %d", looked, n, counted)
	}
	f.now = f.now.Add(time.Second)
	for range perSecond {
		if r := f.record("198.51.100.7", "GET", "/", 200); f.Share(r, r.Report.Endpoint) != 1 {
			t.Fatal("in a second of few requests all are looked at again")
		}
		f.now = f.now.Add(time.Second / perSecond)
	}
}

func TestBounds(t *testing.T) {
	f := newFixture(t, 3)
	for i := range 3 * maxParamsOf {
		f.Done(f.record("192.0.2.1", "GET", "/a", 200, fmt.Sprintf("get.p%d", i), "x"))
	}
	if st := f.Stats(); st.Params != maxParamsOf || st.Dropped != 2*maxParamsOf {
		t.Errorf("%+v", st)
	}
	for i := range 2 * shards * maxEndpoints {
		f.Done(f.record("192.0.2.1", "GET", fmt.Sprintf("/a%dx", i), 200))
	}
	if st := f.Stats(); st.Endpoints > shards*maxEndpoints || st.Endpoints < shards*maxEndpoints*9/10 {
		t.Errorf("%+v", st)
	}
	f.flush(t, true)
	f.now = f.now.Add(48 * time.Hour)
	f.flush(t, true)
	if st := f.Stats(); st.Endpoints != 0 || st.Params != 0 {
		t.Errorf("after two days: %+v", st)
	}
}

func TestPaths(t *testing.T) {
	f := newFixture(t, 0)
	check := func(target, want string) {
		t.Helper()
		head := &engine.Head{Method: []byte("FROB"), Target: []byte(target), Host: []byte("[::1]")}
		e := f.labels.endpoint(1, head)
		if e.Path != want || e.Host != "[::1]" || e.Method != "<word:4-8>" {
			t.Errorf("%s is told as %s %s %s, want %s", target, e.Method, e.Host, e.Path, want)
		}
	}
	check("/", "/")
	check("/api/v1/users/42/orders/0b7cbd3a-1111-4222-8333-444455556666.json?x=jane", "/api/v1/users/{int}/orders/{uuid}.json")
	check("/jane%40example.com/{jane}/{int}jane/{int}.jane", "/{email}/<text:4-8>/<text:8-16>/{int}.<word:4-8>")
	check("/a//b/../jane;x=1/", "/a/<word:4-8>/")
	check("http://h/user/J%C3%BCrgen", "/user/<text:4-8>")
	check("/"+strings.Repeat("a/", 100), strings.Repeat("/a", maxSegments)+"/<more>")
}

func BenchmarkAttack(b *testing.B) {
	key, _ := pseudonym.New(make([]byte, 32))
	names, _ := reveal.New(reveal.Options{K: 20})
	store, err := evidence.Open(b.TempDir(), make([]byte, 32), vault.Bounds{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	waiting, err := spool.Open(b.TempDir(), 0, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer waiting.Close()
	j := New(Options{Spool: waiting, Key: key, Names: names, Evidence: store, Log: slog.New(slog.DiscardHandler)})
	f := &fixture{Journal: j, now: time.Unix(1_800_000_000, 0)}
	r := attack(f.record("192.0.2.1", "GET", "/search?q=1", 403), engine.Finding{Finding: detect.Finding{Class: detect.SQLi}, Point: "get.q", Value: []byte("1")})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.Source = netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})
		j.Attack(r)
	}
}

func BenchmarkDone(b *testing.B) {
	key, _ := pseudonym.New(make([]byte, 32))
	names, _ := reveal.New(reveal.Options{K: 20})
	j := New(Options{Spool: &tray{}, Key: key, Names: names, Log: slog.New(slog.DiscardHandler)})
	f := &fixture{Journal: j, now: time.Unix(1_800_000_000, 0)}
	values := []string{"get.q", "shoes", "get.page", "2", "header.USER-AGENT", strings.Repeat("Mozilla/5.0 ", 10), "header.ACCEPT", "*/*", "get.jane", "1"}
	r := f.record("192.0.2.1", "GET", "/search", 200, values...)
	b.ReportAllocs()
	for b.Loop() {
		j.Done(r)
	}
}

// Clients invent paths and hosts of 64 KiB. What is remembered of them is not
// a piece of memory that keeps the whole.
func TestLongNamesAreNotKept(t *testing.T) {
	f := newFixture(t, 2)
	before := heap()
	for i := range 200 {
		r := f.record("192.0.2.1", "GET", fmt.Sprintf("/%d/%s", i, strings.Repeat("x/", 30<<10)), 200)
		f.told.put(fmt.Append(nil, i), func() string { return hostOf(r.Head) + template(r.Head) })
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("200 texts keep %d bytes", grown)
	}
	r := f.record("192.0.2.1", "GET", "/", 200)
	r.Head.Host = []byte(strings.Repeat("x", 60<<10))
	f.Done(r)
	if s := f.Stats(); s.Endpoints != 0 || s.Dropped != 1 {
		t.Errorf("%+v", s)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
