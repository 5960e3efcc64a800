package uplink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/node/egress"
	"github.com/gabionhq/gabion/internal/node/pseudonym"
	"github.com/gabionhq/gabion/internal/node/spool"
	"github.com/gabionhq/gabion/internal/testenv/fakecloud"
	"github.com/gabionhq/gabion/wire"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// board remembers what is degraded.
type board struct {
	mu    sync.Mutex
	parts map[string]string
	ever  string
}

func (b *board) Degrade(part, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.parts == nil {
		b.parts = map[string]string{}
	}
	b.parts[part] = reason
	b.ever += part + ": " + reason + "\n"
}

func (b *board) Restore(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.parts, part)
}

func (b *board) get() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.parts)
}

// A host is a node as far as the uplink knows it.
type host struct {
	*Uplink
	dir   string
	spool *spool.Spool
	board board
	stop  func()

	mu        sync.Mutex
	installed map[uint64]*rule.Set
	names     []string
	broken    error
}

func (h *host) install(version uint64, set *rule.Set) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broken != nil {
		return h.broken
	}
	h.installed[version] = set
	return nil
}

func (h *host) set(version uint64) *rule.Set {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.installed[version]
}

// start starts a node in dir.
func start(t *testing.T, dir, token string, may config.CloudMay) *host {
	t.Helper()
	h := &host{dir: dir, installed: map[uint64]*rule.Set{}}
	var err error
	if h.spool, err = spool.Open(filepath.Join(dir, "spool"), 0, 0); err != nil {
		t.Fatal(err)
	}
	log, err := egress.Open(filepath.Join(dir, "egress"), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pseudonym.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	h.Uplink, err = Open(Options{
		Dir: filepath.Join(dir, "uplink"), Token: token, Name: "test", Version: "1", May: may, Heartbeat: 50 * time.Millisecond,
		Spool: h.spool, Egress: log, Key: key, Health: &h.board, Log: slog.New(slog.DiscardHandler),
		Flush: func(bool) error { return nil }, Status: func() *wirepb.Status { return &wirepb.Status{Received: 7} },
		Install: h.install, Names: func(names []string) { h.names = names },
		Answer: func(_ context.Context, a *wirepb.Ask) *wirepb.AskAnswer {
			return &wirepb.AskAnswer{AskId: a.Id, Refused: a.Kind == "no", Reason: "because"}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Run(ctx)
	}()
	h.stop = sync.OnceFunc(func() {
		cancel()
		<-done
		h.spool.Close()
		log.Close()
	})
	t.Cleanup(h.stop)
	return h
}

func (h *host) hit(t *testing.T, n int) {
	t.Helper()
	b, err := proto.Marshal(&wirepb.Batch{Hits: []*wirepb.Hit{{RequestId: fmt.Sprint("r", n)}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.spool.Put(b); err != nil {
		t.Fatal(err)
	}
}

// check says which of the hits 0 to n-1 are missing or double.
func check(t *testing.T, c *fakecloud.Cloud, n int) {
	t.Helper()
	seen := map[string]int{}
	for _, h := range c.Hits() {
		seen[h.RequestId]++
	}
	for i := range n {
		if seen[fmt.Sprint("r", i)] != 1 {
			t.Errorf("hit %d arrived %d times", i, seen[fmt.Sprint("r", i)])
		}
	}
	if len(seen) != n {
		t.Errorf("%d hits arrived, want %d", len(seen), n)
	}
	seqs := c.Seqs()
	if !slices.IsSorted(seqs) {
		t.Errorf("batches arrived out of order: %v", seqs)
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited ten seconds for %s", what)
		}
	}
}

func TestEnrolsAndDelivers(t *testing.T) {
	var c fakecloud.Cloud
	c.Start(t)
	dir, token := t.TempDir(), c.Token()
	h := start(t, dir, token, config.CloudMay{})
	for i := range 100 {
		h.hit(t, i)
	}
	c.Wait(t, "100 hits", func() bool { return len(c.Hits()) == 100 })
	waitFor(t, "contact", func() bool { return !h.State().Contact.IsZero() })
	if s := h.State(); s.Node != "node-1" || s.Group != fakecloud.Group || s.Region != fakecloud.Region || s.Expires.IsZero() {
		t.Errorf("%+v", s)
	}
	if s := c.Status(); s.Received != 7 || s.CertificateUnix == 0 || s.SentUnixMs == 0 || s.Version != "1" {
		t.Errorf("status %v", s)
	}
	for _, f := range []string{identityFile, keyName} {
		if info, err := os.Stat(filepath.Join(dir, "uplink", f)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info, err)
		}
	}
	h.stop()

	// Again, with the used token still in its configuration.
	h = start(t, dir, token, config.CloudMay{})
	h.hit(t, 100)
	c.Wait(t, "the hit after a restart", func() bool { return len(c.Hits()) == 101 })
	h.stop()
	check(t, &c, 101)

	// Another node with the same token.
	other := start(t, t.TempDir(), token, config.CloudMay{})
	waitFor(t, "a refusal", func() bool { return strings.Contains(other.board.get()["uplink"], "token unknown or used") })

	var out bytes.Buffer
	if err := egress.Copy(t.Context(), &out, filepath.Join(dir, "egress"), false); err != nil {
		t.Fatal(err)
	}
	for i := range 101 {
		if !strings.Contains(out.String(), fmt.Sprintf(`"r%d"`, i)) {
			t.Errorf("the egress log does not hold hit %d", i)
		}
	}
	if parsed, _ := wire.ParseToken(token); strings.Contains(out.String(), token) || parsed.Region == "" {
		t.Error("the egress log holds the token")
	}
}

func TestCloudAway(t *testing.T) {
	var c fakecloud.Cloud
	c.Start(t)
	h := start(t, t.TempDir(), c.Token(), config.CloudMay{})
	h.hit(t, 0)
	c.Wait(t, "the first hit", func() bool { return len(c.Hits()) == 1 })
	c.Stop()
	for i := range 500 {
		h.hit(t, 1+i)
	}
	waitFor(t, "a reason", func() bool { return h.board.get()["uplink"] != "" })
	if n := h.spool.Stats().Waiting; n < 400 {
		t.Errorf("%d hits wait", n)
	}
	c.Start(t)
	c.Wait(t, "all hits", func() bool { return len(c.Hits()) == 501 })
	waitFor(t, "health", func() bool { return len(h.board.get()) == 0 })
	check(t, &c, 501)
}

// The answer to every other batch is lost after it was stored.
func TestLostAnswers(t *testing.T) {
	var c fakecloud.Cloud
	n := 0
	c.Fail = func(method string, _ proto.Message) error {
		if n++; strings.HasSuffix(method, "/Push") && n%2 == 0 {
			return connect.NewError(connect.CodeUnavailable, errors.New("try again"))
		}
		return nil
	}
	c.Start(t)
	h := start(t, t.TempDir(), c.Token(), config.CloudMay{})
	for i := range 50 {
		h.hit(t, i)
		h.nudge()
	}
	c.Wait(t, "all hits", func() bool { return len(c.Hits()) == 50 })
	check(t, &c, 50)
}

func TestPoisonedBatchDoesNotBlock(t *testing.T) {
	var c fakecloud.Cloud
	c.Start(t)
	h := start(t, t.TempDir(), c.Token(), config.CloudMay{})
	c.Wait(t, "contact", func() bool { return c.Status().Received > 0 })
	pushes := 0
	c.Do(func() {
		c.Fail = func(_ string, m proto.Message) error {
			if b, ok := m.(*wirepb.Batch); ok && b.Seq != 0 && pushes == 0 {
				pushes++
				return connect.NewError(connect.CodeInvalidArgument, errors.New("cannot read it"))
			}
			return nil
		}
	})
	h.hit(t, 0)
	waitFor(t, "the refused batch to be dropped", func() bool { return h.spool.Stats().Waiting == 0 })
	h.hit(t, 1)
	c.Wait(t, "the next hit", func() bool { return len(c.Hits()) > 0 })
	if got := c.Hits(); pushes != 1 || len(got) != 1 || got[0].RequestId != "r1" {
		t.Errorf("%d refused, hits %v", pushes, got)
	}
}

func TestStrangersAreNotTrusted(t *testing.T) {
	var c, other fakecloud.Cloud
	c.Start(t)
	other.Start(t)
	f := func(change func(*wire.Token), want string) {
		t.Helper()
		token, err := wire.ParseToken(c.Token())
		if err != nil {
			t.Fatal(err)
		}
		change(&token)
		h := start(t, t.TempDir(), token.String(), config.CloudMay{})
		waitFor(t, want, func() bool { return strings.Contains(h.board.get()["uplink"], want) })
		h.stop()
	}
	theirs, err := wire.ParseToken(other.Token())
	if err != nil {
		t.Fatal(err)
	}
	f(func(t *wire.Token) { t.Address = theirs.Address }, "somebody in between")
	f(func(t *wire.Token) { t.CA[0] ^= 1 }, "somebody in between")
	f(func(t *wire.Token) { t.Secret[0] ^= 1 }, "token unknown or used")
	f(func(t *wire.Token) { t.Region = "elsewhere" }, `it is of region "test", the token is for "elsewhere"`)
	f(func(t *wire.Token) { t.Address = "127.0.0.1:1" }, "refused")
	h := start(t, t.TempDir(), "gbn1_eu_nonsense", config.CloudMay{})
	waitFor(t, "the reason", func() bool { return strings.Contains(h.board.get()["uplink"], "damaged") })
	if len(other.Calls()) != 0 {
		t.Errorf("a stranger was told %v", other.Calls())
	}
}

func blob(t *testing.T, w rule.Writer) []byte {
	t.Helper()
	b, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRulesets(t *testing.T) {
	var c fakecloud.Cloud
	c.Start(t)
	dir := t.TempDir()
	h := start(t, dir, c.Token(), config.CloudMay{})
	good := blob(t, rule.Writer{Rules: []rule.Rule{
		{ID: 1, Kind: rule.Patch, Class: detect.SQLi, Point: "get.frobnicate", Scope: rule.Scope{Path: "/plugh/*"}},
		{ID: 2, Kind: rule.SetMode, Mode: rule.Off},
	}})
	c.Publish(3, good)
	c.Wait(t, "version 3 to be acknowledged", func() bool { return c.Status().Ruleset == 3 })
	if n := len(slices.Collect(h.set(3).Rules())); n != 1 {
		t.Errorf("%d rules in force, want that without the refused one", n)
	}
	c.Wait(t, "a refusal", func() bool { return len(c.Refusals()) == 1 })
	if r := c.Refusals()[0]; r.Ruleset != 3 || r.Ceiling != "lowest_mode" || !strings.Contains(r.What, "rule 2") {
		t.Errorf("refusal %v", r)
	}
	if !slices.Contains(h.names, "frobnicate") || !slices.Contains(h.names, "plugh") {
		t.Errorf("names %q", h.names)
	}

	f := func(name, want string, offer func()) {
		t.Helper()
		before := len(c.Refusals())
		offer()
		c.Wait(t, "the refusal of "+name, func() bool { return len(c.Refusals()) > before && strings.Contains(c.Status().RulesetError, want) })
		if r := c.Refusals()[before:]; !slices.ContainsFunc(r, func(r *wirepb.Refusal) bool { return r.Ceiling == "ruleset" && strings.Contains(r.What, want) }) {
			t.Errorf("%s: %v", name, r)
		}
		if v := h.State().Ruleset; v != 3 {
			t.Errorf("%s: version %d is in force", name, v)
		}
	}
	f("an older one", "is older than 3", func() { c.Publish(2, good) })
	f("an unsigned one", "is not signed", func() { c.Offer(&wirepb.Ruleset{Version: 4, GroupId: fakecloud.Group, Blob: good}) })
	f("another group's", "another node group", func() { c.Offer(&wirepb.Ruleset{Version: 5, GroupId: "group-2", Blob: good}) })
	f("a damaged one", "checksum", func() { c.Publish(6, append(slices.Clone(good[:len(good)-1]), good[len(good)-1]^1)) })
	f("an absurd one", "threshold", func() { c.Publish(7, blob(t, rule.Writer{Threshold: 1})) })
	h.mu.Lock()
	h.broken = errors.New("the self-test failed")
	h.mu.Unlock()
	f("one that fails its test", "the self-test failed", func() { c.Publish(8, good) })
	h.mu.Lock()
	h.broken = nil
	h.mu.Unlock()
	h.stop()
	c.Stop()

	// A cold start without the cloud.
	h = start(t, dir, "", config.CloudMay{})
	if h.set(3) == nil || h.State().Ruleset != 3 {
		t.Error("the last good ruleset is not in force at the start")
	}
	h.stop()
	// The same, with stricter ceilings.
	h = start(t, dir, "", config.CloudMay{NeverOff: []string{"/"}})
	if h.set(3) == nil {
		t.Error("not in force under other ceilings")
	}
	h.stop()
	path := filepath.Join(dir, "uplink", rulesetFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, b[:len(b)/2], []byte("nonsense"), append(b[:len(b)-1:len(b)-1], b[len(b)-1]^1)} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		h = start(t, dir, "", config.CloudMay{})
		if h.State().Ruleset != 0 || !strings.Contains(h.board.get()["ruleset_file"], "cannot be used") {
			t.Errorf("%d bytes: version %d, %v", len(bad), h.State().Ruleset, h.board.get())
		}
		h.stop()
	}
}

func TestCertificateIsRenewed(t *testing.T) {
	c := fakecloud.Cloud{Life: 2 * time.Second}
	c.Start(t)
	dir := t.TempDir()
	h := start(t, dir, c.Token(), config.CloudMay{})
	waitFor(t, "enrolment", func() bool { return h.State().Node != "" })
	first := h.State().Expires
	c.Do(func() { c.Life = time.Hour })
	waitFor(t, "a new certificate", func() bool { return h.State().Expires.After(first.Add(time.Minute)) })
	h.stop()
	h = start(t, dir, "", config.CloudMay{})
	h.hit(t, 0)
	c.Wait(t, "a hit under the new certificate", func() bool { return len(c.Hits()) == 1 })
	if ever := h.board.ever; ever != "" {
		t.Errorf("degraded: %s", ever)
	}
}

func TestExpiredCertificate(t *testing.T) {
	c := fakecloud.Cloud{Life: 100 * time.Millisecond, Fail: func(method string, _ proto.Message) error {
		if strings.HasSuffix(method, "/Renew") {
			return connect.NewError(connect.CodeUnavailable, errors.New("not now"))
		}
		return nil
	}}
	c.Start(t)
	h := start(t, t.TempDir(), c.Token(), config.CloudMay{})
	waitFor(t, "both reasons", func() bool {
		p := h.board.get()
		return strings.Contains(p["certificate"], "could not be renewed") && strings.Contains(p["uplink"], "unauthenticated")
	})
}

// Renewal writes two files; whichever crash comes between them, the node
// starts with a key that fits.
func TestTornRenewal(t *testing.T) {
	var c fakecloud.Cloud
	c.Start(t)
	dir := t.TempDir()
	h := start(t, dir, c.Token(), config.CloudMay{})
	waitFor(t, "enrolment", func() bool { return h.State().Node != "" })
	next, err := h.renew(t.Context(), h.identity())
	if err != nil {
		t.Fatal(err)
	}
	h.stop()
	up := filepath.Join(dir, "uplink")
	if err := os.Rename(filepath.Join(up, keyName), filepath.Join(up, nextKeyName)); err != nil {
		t.Fatal(err)
	}
	if _, err := makeKey(filepath.Join(up, keyName)); err != nil { // the old one
		t.Fatal(err)
	}
	id, err := loadIdentity(up)
	if err != nil || !bytes.Equal(id.Certificate, next.Certificate) {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(up, nextKeyName)); err != nil {
		t.Fatal(err)
	}
	h = start(t, dir, "", config.CloudMay{})
	if !strings.Contains(h.board.get()["uplink"], "fits its certificate") {
		t.Errorf("%v", h.board.get())
	}
}

func TestAsks(t *testing.T) {
	var c fakecloud.Cloud
	c.Start(t)
	start(t, t.TempDir(), c.Token(), config.CloudMay{})
	c.Ask(&wirepb.Ask{Id: "a1", Kind: "yes"})
	c.Ask(&wirepb.Ask{Id: "a2", Kind: "no"})
	c.Wait(t, "two answers and a refusal", func() bool { return len(c.Answers()) == 2 && len(c.Refusals()) == 1 })
	if a := c.Answers(); a[0].AskId != "a1" || a[0].Refused || a[1].AskId != "a2" || !a[1].Refused {
		t.Errorf("%v", a)
	}
	if r := c.Refusals()[0]; r.Ask != "a2" || r.What != "because" {
		t.Errorf("%v", r)
	}
}

func TestAlone(t *testing.T) {
	h := start(t, t.TempDir(), "", config.CloudMay{})
	h.hit(t, 0)
	if len(h.board.get()) != 0 || h.State().Node != "" {
		t.Errorf("%v", h.board.get())
	}
}
