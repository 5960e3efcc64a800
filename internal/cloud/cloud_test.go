package cloud

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/oklog/ulid/v2"

	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/wire"
	"github.com/gabionhq/gabion/wire/wirepb"
	"github.com/gabionhq/gabion/wire/wirepb/wirepbconnect"
)

// A region is a running cloud.
type region struct {
	*Cloud
	t    *testing.T
	stop func() // waits
}

func start(t *testing.T, dir, name string) *region {
	t.Helper()
	cfg := config.Cloud{Region: name, Listen: "127.0.0.1:0", Wire: "127.0.0.1:0", Publish: 50 * time.Millisecond}
	c, err := New(cfg, dir, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	r := &region{Cloud: c, t: t}
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(r.stop)
	return r
}

// A probe is a node as far as the wire can tell.
type probe struct {
	id, group string
	key       ed25519.PublicKey
	cert      tls.Certificate
	client    wirepbconnect.CloudClient
}

func client(address string, ca [32]byte, cert ...tls.Certificate) wirepbconnect.CloudClient {
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{
		Certificates:       cert,
		InsecureSkipVerify: true, // the pin below replaces it
		VerifyPeerCertificate: func(chain [][]byte, _ [][]*x509.Certificate) error {
			if len(chain) != 2 || sha256.Sum256(chain[1]) != ca {
				return errors.New("the cloud does not present the pinned CA")
			}
			return nil
		},
	}}
	return wirepbconnect.NewCloudClient(&http.Client{Transport: transport}, "https://"+address)
}

func request(t *testing.T) ([]byte, ed25519.PrivateKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return csr, key
}

// enrol makes a node of a token.
func enrol(t *testing.T, address, token string) *probe {
	t.Helper()
	text, err := wire.ParseToken(token)
	if err != nil {
		t.Fatal(err)
	}
	csr, key := request(t)
	res, err := client(address, text.CA).Enroll(t.Context(), connect.NewRequest(&wirepb.EnrollRequest{Token: token, Name: "probe", Csr: csr, WireVersion: wire.Version}))
	if err != nil {
		t.Fatal(err)
	}
	cert := tls.Certificate{Certificate: [][]byte{res.Msg.Certificate}, PrivateKey: key}
	return &probe{res.Msg.NodeId, res.Msg.GroupId, res.Msg.RulesetKey, cert, client(address, text.CA, cert)}
}

func (r *region) enrol() *probe {
	r.t.Helper()
	token, err := r.NodeToken(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return enrol(r.t, r.WireAddr(), token)
}

func (p *probe) push(t *testing.T, b *wirepb.Batch) {
	t.Helper()
	ack, err := p.client.Push(t.Context(), connect.NewRequest(b))
	if err != nil {
		t.Fatalf("push %d: %v", b.Seq, err)
	}
	if ack.Msg.Seq != b.Seq {
		t.Fatalf("push %d: acknowledged %d", b.Seq, ack.Msg.Seq)
	}
}

func hit(name string, at time.Time) *wirepb.Hit {
	id := ulid.MustNew(ulid.Timestamp(at), rand.Reader)
	return &wirepb.Hit{Id: id[:], RequestId: name, UnixMs: at.UnixMilli(), Class: "sqli", Point: "get.q", Mode: "block", Decision: "block", Score: 0.9,
		Reason: "boolean condition that is always true", Fragment: "<str:1> or <num:1> = <num:1>",
		Endpoint: &wirepb.Endpoint{Host: "shop.test", Method: "GET", Path: "/search"}, Source: &wirepb.Source{Tag: "s1"}, EvidenceId: "e-" + name}
}

func code(err error) connect.Code { return connect.CodeOf(err) }

func (r *region) tenant() store.Scope {
	r.t.Helper()
	ts, err := r.db.Tenants(r.t.Context())
	if err != nil || len(ts) == 0 {
		r.t.Fatalf("tenants: %v %v", ts, err)
	}
	return r.db.Tenant(ts[0].ID)
}

func (r *region) bootstrap() Bootstrap {
	r.t.Helper()
	b, err := r.Bootstrap(r.t.Context(), "http://127.0.0.1:8080", false)
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

func TestFirstStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r := start(t, dir, "eu1")
	b := r.bootstrap()
	text, err := os.ReadFile(filepath.Join(dir, "bootstrap.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file Bootstrap
	if err := json.Unmarshal(text, &file); err != nil || file != b {
		t.Errorf("bootstrap.json holds %+v, Bootstrap returned %+v (%v)", file, b, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, _ := f.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
		content, _ := os.ReadFile(filepath.Join(dir, f.Name()))
		if f.Name() != "bootstrap.json" && bytes.Contains(content, []byte(b.APIToken)) {
			t.Errorf("%s holds the API token in clear", f.Name())
		}
	}
}

// TestRestart: a restart takes no secret from anybody who was given it,
// until there is an administrator.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir, "eu1")
	first := r.bootstrap()
	r.stop()
	r = start(t, dir, "eu1")
	if b := r.bootstrap(); b.APIToken != first.APIToken || strings.SplitAfter(b.ConsoleURL, "#")[1] != strings.SplitAfter(first.ConsoleURL, "#")[1] {
		t.Errorf("another start: %+v, then %+v", first, b)
	}
	r.user(first.APIToken).get("hits", nil)
	_, link, _ := strings.Cut(first.ConsoleURL, "#")
	r.user("").do(201, "POST", "session", object{"link": link}, nil)
	if b := r.bootstrap(); b.APIToken != "" {
		t.Errorf("with an administrator: %+v", b)
	}
	if _, err := os.Stat(filepath.Join(dir, "bootstrap.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("bootstrap.json is still there: %v", err)
	}
}

func TestHealth(t *testing.T) {
	r := start(t, t.TempDir(), "eu1")
	f := func(path string, want int, text string) {
		t.Helper()
		res, err := http.Get("http://" + r.APIAddr() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != want || !strings.Contains(string(b), text) {
			t.Errorf("%s: %d %s %v", path, res.StatusCode, b, err)
		}
	}
	f("/healthz", 200, "")
	f("/readyz", 200, `{"reasons":[]}`)
	why := "the disk is full"
	r.degraded.Store(&why)
	f("/readyz", 503, why)
}

// TestAddressInUse: one clear line, and nothing stays open.
func TestAddressInUse(t *testing.T) {
	r := start(t, t.TempDir(), "eu1")
	for _, cfg := range []config.Cloud{{Region: "a", Listen: r.APIAddr(), Wire: "127.0.0.1:0"}, {Region: "a", Listen: "127.0.0.1:0", Wire: r.WireAddr()}} {
		_, err := New(cfg, t.TempDir(), slog.Default())
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "address already in use") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// TestDemo: a demo's link and token work again and again.
func TestDemo(t *testing.T) {
	r := start(t, t.TempDir(), "demo")
	var b Bootstrap
	for range 2 {
		var err error
		if b, err = r.Bootstrap(t.Context(), "http://127.0.0.1:8080", true); err != nil {
			t.Fatal(err)
		}
		_, link, _ := strings.Cut(b.ConsoleURL, "#")
		for range 2 {
			r.user("").do(201, "POST", "session", object{"link": link}, nil)
			r.user(b.APIToken).get("hits", nil)
		}
	}
	var users items
	r.user(b.APIToken).get("users", &users)
	if len(users.Items) != 1 {
		t.Errorf("%d administrators", len(users.Items))
	}
}

func TestEnrolment(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir, "eu1")
	r.bootstrap()
	token, err := r.NodeToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := enrol(t, r.WireAddr(), token)
	p.push(t, &wirepb.Batch{Seq: 1, Status: &wirepb.Status{Version: "1.2"}})

	pin, _ := wire.ParseToken(token)
	refused := func(what, token string, want connect.Code) {
		t.Helper()
		csr, _ := request(t)
		_, err := client(r.WireAddr(), pin.CA).Enroll(t.Context(), connect.NewRequest(&wirepb.EnrollRequest{Token: token, Csr: csr}))
		if code(err) != want {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	refused("used token", token, connect.CodeUnauthenticated)
	refused("no token", "", connect.CodeUnauthenticated)
	unknown := pin
	unknown.Secret[0]++
	refused("unknown token", unknown.String(), connect.CodeUnauthenticated)
	foreign := pin
	foreign.Region = "us1"
	refused("token of another region", foreign.String(), connect.CodeUnauthenticated)

	other := start(t, t.TempDir(), "us1")
	other.bootstrap()
	stranger := other.enrol()
	_, err = client(r.WireAddr(), pin.CA, stranger.cert).Push(t.Context(), connect.NewRequest(&wirepb.Batch{Seq: 1}))
	if code(err) != connect.CodeUnauthenticated {
		t.Errorf("certificate of another region: %v", err)
	}
	_, err = client(r.WireAddr(), pin.CA).Push(t.Context(), connect.NewRequest(&wirepb.Batch{Seq: 1}))
	if code(err) != connect.CodeUnauthenticated {
		t.Errorf("no certificate: %v", err)
	}
	csr, key := request(t)
	res, err := p.client.Renew(t.Context(), connect.NewRequest(&wirepb.RenewRequest{Csr: csr}))
	if err != nil || res.Msg.NodeId != p.id {
		t.Fatalf("renew: %v", err)
	}
	p.client = client(r.WireAddr(), pin.CA, tls.Certificate{Certificate: [][]byte{res.Msg.Certificate}, PrivateKey: key})
	p.push(t, &wirepb.Batch{Seq: 2})
	if err := r.tenant().Delete(t.Context(), &store.Node{ID: p.id}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.client.Push(t.Context(), connect.NewRequest(&wirepb.Batch{Seq: 3})); code(err) != connect.CodeUnauthenticated {
		t.Errorf("removed node: %v", err)
	}
	r.stop()
	if _, err := New(config.Cloud{Region: "us1", Listen: "127.0.0.1:0", Wire: "127.0.0.1:0"}, dir, slog.Default()); err == nil {
		t.Error("the data directory of one region was opened as another")
	}
}

func TestPushOnce(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir, "eu1")
	r.bootstrap()
	p := r.enrol()
	now := time.Now()
	var batches []*wirepb.Batch
	for i := range 5 {
		b := &wirepb.Batch{Seq: uint64(i + 1)}
		for j := range 10 {
			b.Hits = append(b.Hits, hit(fmt.Sprintf("r%d-%d", i, j), now.Add(time.Duration(i*10+j)*time.Second)))
		}
		batches = append(batches, b)
	}
	batches[4].Hits = append(batches[4].Hits, batches[0].Hits[3]) // the node's spool was cut differently
	for _, i := range []int{2, 0, 0, 4, 1, 2, 3, 4} {
		p.push(t, batches[i])
	}
	r.stop()

	r = start(t, dir, "eu1")
	s := r.tenant()
	n, err := s.Select(&store.Hit{}).Count(t.Context())
	if err != nil || n != 50 {
		t.Errorf("%d hits are stored, %v; want 50", n, err)
	}
	var attacks []store.Attack
	if err := s.Select(&attacks).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(attacks) != 1 || attacks[0].Hits != 50 || attacks[0].Blocked != 50 || attacks[0].Sources != 1 {
		t.Errorf("attacks: %+v", attacks)
	}
	events, err := s.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	hits := map[string]int{}
	for i, e := range events {
		if e.Seq != int64(i+1) {
			t.Fatalf("event %d has number %d", i, e.Seq)
		}
		if e.Kind == "hit" {
			hits[e.Ref]++
		}
	}
	if len(hits) != 50 {
		t.Errorf("%d hits have events", len(hits))
	}
}
