package inquiry

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/node/evidence"
	"github.com/gabionhq/gabion/internal/node/proxy"
	"github.com/gabionhq/gabion/internal/node/pseudonym"
	"github.com/gabionhq/gabion/internal/node/recorder"
	"github.com/gabionhq/gabion/internal/node/vault"
	"github.com/gabionhq/gabion/wire"
	"github.com/gabionhq/gabion/wire/wirepb"
)

func desk(t *testing.T, may config.CloudMay) *Desk {
	t.Helper()
	dir, key := t.TempDir(), make([]byte, 32)
	tags, err := pseudonym.New(key)
	if err != nil {
		t.Fatal(err)
	}
	e, err := evidence.Open(dir, key, vault.Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := recorder.Open(dir, key, vault.Bounds{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close(); r.Close() })
	for i := range 20 {
		rec := &proxy.Record{RequestID: fmt.Sprint("r", i), Time: time.Now(), Source: netip.MustParseAddr("192.0.2.1"), Status: 200,
			Head:   &engine.Head{Method: []byte("GET"), Target: fmt.Appendf(nil, "/search?q=shoes%d&password=hunter2", i), Host: []byte("shop.example"), Scheme: []byte("http"), Proto: []byte("HTTP/1.1")},
			Report: &engine.Report{}}
		if i%2 == 0 {
			rec.Head.Target = fmt.Appendf(nil, "/item/%d", i)
		}
		if err := r.Offer(rec, nil); err != nil {
			t.Fatal(err)
		}
		if i == 7 {
			rec.Report.Findings = []engine.Finding{{Finding: detect.Finding{Class: detect.SQLi, To: 3}, Point: "get.q", Value: []byte("shoes7")}}
			if err := e.Put(evidence.New("e7", rec, nil)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return New(Options{May: may, Evidence: e, Recorder: r, Engine: engine.New(engine.Options{}), Key: tags, Log: slog.New(slog.DiscardHandler),
		Current: func() *rule.Set { return nil }, File: filepath.Join(dir, "asks.jsonl"),
		Resolve: func(keys [][]byte) []*wirepb.Name { return []*wirepb.Name{{Key: keys[0], Text: "jane"}} }})
}

func TestSealedAnswers(t *testing.T) {
	d := desk(t, config.CloudMay{Evidence: true})
	public, private, err := wire.NewReplyKey()
	if err != nil {
		t.Fatal(err)
	}
	a := d.Answer(t.Context(), &wirepb.Ask{Id: "a1", Kind: "evidence", EvidenceId: "e7", ReplyKey: public, AskedBy: "ada"})
	if a.Refused || a.AskId != "a1" || strings.Contains(string(a.Sealed), "shoes") {
		t.Fatalf("%v", a)
	}
	plain, err := wire.Open(private, "a1", a.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	e := new(wirepb.Evidence)
	if err := protojson.Unmarshal(plain, e); err != nil || !strings.Contains(string(e.Request), "shoes7") || e.Findings[0].To != 3 {
		t.Errorf("%v, %v", e, err)
	}

	a = d.Answer(t.Context(), &wirepb.Ask{Id: "a2", Kind: "names", Keys: [][]byte{{1}}, ReplyKey: public})
	plain, err = wire.Open(private, "a2", a.Sealed)
	names := new(wirepb.Names)
	if err != nil || protojson.Unmarshal(plain, names) != nil || len(names.Names) != 1 || names.Names[0].Text != "jane" {
		t.Errorf("%v, %v", names, err)
	}
	log, err := os.ReadFile(d.opts.File)
	if err != nil || strings.Count(string(log), "\n") != 2 || !strings.Contains(string(log), `"by":"ada","evidence_id":"e7","refused":false`) {
		t.Errorf("%s, %v", log, err)
	}
}

func TestRefusals(t *testing.T) {
	public, _, err := wire.NewReplyKey()
	if err != nil {
		t.Fatal(err)
	}
	f := func(may config.CloudMay, ask *wirepb.Ask, want string) {
		t.Helper()
		ask.Id = "a"
		a := desk(t, may).Answer(t.Context(), ask)
		if !a.Refused || !strings.Contains(a.Reason, want) || len(a.Sealed) > 0 || a.Matched+a.Examined > 0 {
			t.Errorf("%v: %v, want %q", ask, a, want)
		}
	}
	all := config.CloudMay{Evidence: true, Preview: true}
	f(config.CloudMay{Preview: true}, &wirepb.Ask{Kind: "evidence", EvidenceId: "e7", ReplyKey: public}, "cloud_may.evidence")
	f(config.CloudMay{Preview: true}, &wirepb.Ask{Kind: "names", Keys: [][]byte{{1}}, ReplyKey: public}, "cloud_may.evidence")
	f(config.CloudMay{Evidence: true}, &wirepb.Ask{Kind: "preview"}, "cloud_may.preview")
	f(all, &wirepb.Ask{Kind: "evidence", EvidenceId: "e8", ReplyKey: public}, "not kept here")
	f(all, &wirepb.Ask{Kind: "evidence", EvidenceId: "e7"}, "reply key")
	f(all, &wirepb.Ask{Kind: "evidence", EvidenceId: "e7", ReplyKey: public, ExpiresUnix: 1}, "expired")
	f(all, &wirepb.Ask{Kind: "everything"}, `kind "everything"`)
	f(all, &wirepb.Ask{Kind: "preview", Rule: []byte("nonsense")}, "not a ruleset")
	f(all, &wirepb.Ask{Kind: "names", Keys: make([][]byte, maxKeys+1), ReplyKey: public}, "more than")
	hostile, err := (&rule.Writer{Rules: []rule.Rule{{ID: 1, Kind: rule.Detector, Class: detect.Custom, Expr: "."}}}).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	f(all, &wirepb.Ask{Kind: "preview", Rule: hostile}, "cloud_may forbids")
}

func TestQuota(t *testing.T) {
	d := desk(t, config.CloudMay{Evidence: true})
	now := time.Unix(1_800_000_000, 0)
	d.opts.Now = func() time.Time { return now }
	public, _, _ := wire.NewReplyKey()
	ask := &wirepb.Ask{Id: "a", Kind: "evidence", EvidenceId: "e7", ReplyKey: public}
	refused := 0
	for range perMinute + 5 {
		if d.Answer(t.Context(), ask).Refused {
			refused++
		}
	}
	now = now.Add(time.Minute)
	if again := d.Answer(t.Context(), ask); refused != 5 || again.Refused {
		t.Errorf("%d refused, then %v", refused, again)
	}
}

func TestPreview(t *testing.T) {
	d := desk(t, config.CloudMay{Preview: true})
	f := func(expr string, matched, examined uint64) {
		t.Helper()
		set, err := (&rule.Writer{Rules: []rule.Rule{{ID: 1, Kind: rule.Detector, Class: detect.Custom, Expr: expr, Point: "get.q"}}}).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		a := d.Answer(t.Context(), &wirepb.Ask{Id: "a", Kind: "preview", Rule: set})
		if a.Refused || a.Matched != matched || a.Examined != examined || len(a.Sealed) != 0 || a.Sampling != 1 || a.WindowFrom == 0 || a.WindowTo < a.WindowFrom {
			t.Errorf("%q: %v", expr, a)
		}
	}
	// Ten searches and ten items recorded, and one search in the evidence.
	f("^shoes[0-9]+$", 11, 21)
	f("^shoes7$", 2, 21)
	f("hunter2", 0, 21)
}

// A question on which the node breaks is not answered, and nothing else ends.
func TestPanicIsNoAnswer(t *testing.T) {
	d := desk(t, config.CloudMay{Evidence: true})
	d.opts.Resolve = func([][]byte) []*wirepb.Name { panic("broken") }
	a := d.Answer(t.Context(), &wirepb.Ask{Id: "a1", Kind: "names", Keys: [][]byte{{1}}})
	if !a.Refused || !strings.Contains(a.Reason, "log") {
		t.Errorf("%v", a)
	}
}
