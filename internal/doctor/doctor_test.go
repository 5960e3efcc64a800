package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/node"
	"github.com/gabionhq/gabion/internal/testenv/fakecloud"
	"github.com/gabionhq/gabion/wire"
)

// healthy returns a patient with nothing wrong, in a directory of the test.
func healthy(t *testing.T) Patient {
	t.Helper()
	app := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(app.Close)
	cfg := config.Default()
	cfg.Data = filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(cfg.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg.Node.Listen, cfg.Node.Admin = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Node.Evidence.MaxBytes, cfg.Node.Recorder.MaxBytes, cfg.Node.Spool.MaxBytes = 1, 1, 1
	cfg.Node.Sites = []config.Site{{Upstream: app.URL}}
	return Patient{Config: cfg, Node: true, NodeData: cfg.Data}
}

// expect examines p and wants exactly one finding, which names the check and
// holds both texts.
func expect(t *testing.T, p Patient, status Status, name, found, remedy string) {
	t.Helper()
	var bad []Check
	for _, c := range Examine(t.Context(), p) {
		if c.Status != OK {
			bad = append(bad, c)
		}
	}
	if len(bad) != 1 {
		t.Fatalf("findings %+v, want one of %s", bad, name)
	}
	c := bad[0]
	if c.Status != status || c.Name != name || !strings.Contains(c.Found, found) || !strings.Contains(c.Remedy, remedy) {
		t.Errorf("got  %+v\nwant %s %s ... %s ... -> ... %s", c, status, name, found, remedy)
	}
}

func TestHealthy(t *testing.T) {
	if checks := Examine(t.Context(), healthy(t)); Findings(checks) {
		t.Errorf("findings in a healthy installation: %+v", checks)
	}
}

func TestData(t *testing.T) {
	p := healthy(t)
	if err := os.Chmod(p.Config.Data, 0o755); err != nil {
		t.Fatal(err)
	}
	expect(t, p, Warn, "data directory", "mode 0755", "chmod 700")

	p = healthy(t)
	p.Config.Data = filepath.Join(p.Config.Data, "file")
	if err := os.WriteFile(p.Config.Data, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, p, Fail, "data directory", "is not a directory", "--data")

	p = healthy(t)
	p.Config.Data = filepath.Join(p.Config.Data, "not", "yet")
	if checks := Examine(t.Context(), p); Findings(checks) {
		t.Errorf("a data directory that will be made: %+v", checks)
	}
}

func TestDisk(t *testing.T) {
	p := healthy(t)
	p.Config.Node.Evidence.MaxBytes = 1 << 60
	expect(t, p, Warn, "disk", "MiB free in", "max_bytes")
}

func TestPorts(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := healthy(t)
	p.Config.Node.Listen = ln.Addr().String()
	expect(t, p, Fail, "node.listen", "in use by another program", "ss -ltnp")

	p = healthy(t)
	p.Config.Node.Listen = "192.0.2.1:0"
	expect(t, p, Fail, "node.listen", "not an address of this machine", "ip addr")
}

func TestExposure(t *testing.T) {
	p := healthy(t)
	p.Config.Node.Admin = ":0"
	expect(t, p, Warn, "exposure", "node.admin", "127.0.0.1")

	p = healthy(t)
	p.Config.Node.TrustedProxies = []string{"10.0.0.0/8", "0.0.0.0/0"}
	expect(t, p, Warn, "trusted proxies", "0.0.0.0/0", "only the proxies")
}

// serveTLS serves a certificate for localhost and returns its URL.
func serveTLS(t *testing.T, end time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: end.Add(-time.Hour), NotAfter: end,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
}

func TestUpstream(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	f := func(upstream string, status Status, found, remedy string) {
		t.Helper()
		p := healthy(t)
		p.Config.Node.Sites[0].Upstream = upstream
		expect(t, p, status, "node.sites[0]", found, remedy)
	}
	f("http://"+closed.Addr().String(), Fail, "refuses connections", "start the application")
	f("http://app..invalid:80", Fail, "app..invalid has no address", "check the name")
	f(serveTLS(t, time.Now().Add(-time.Minute)), Fail, "is not valid now", "renew")
	f(serveTLS(t, time.Now().Add(time.Minute)), Fail, "nobody this machine trusts", "update-ca-certificates")
	f(strings.Replace(plain.URL, "http:", "https:", 1), Fail, "TLS with 127.0.0.1 fails", "http://")

	p := healthy(t)
	p.Config.Node.Sites = nil
	expect(t, p, Warn, "sites", "nothing is protected", "--upstream")
}

func TestEnrolment(t *testing.T) {
	p := healthy(t)
	p.Config.Node.Uplink.Token = "gbn1_local_nonsense"
	expect(t, p, Fail, "enrolment", "damaged", "new token")

	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	p = healthy(t)
	p.Config.Node.Uplink.Token = wire.Token{Region: "local", Address: closed.Addr().String()}.String()
	expect(t, p, Warn, "cloud", "refuses connections", "keeps what it has to report")

	p = healthy(t)
	if err := os.Mkdir(filepath.Join(p.NodeData, "uplink"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.NodeData, "uplink", "identity.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, p, Fail, "enrolment", "is damaged", "enrol again")
}

// TestEnrolled enrols a real node, gives it a ruleset, stops it, and examines
// what it left.
func TestEnrolled(t *testing.T) {
	cloud := &fakecloud.Cloud{Life: time.Hour}
	cloud.Start(t)
	p := healthy(t)
	p.Config.Node.Uplink.Token = cloud.Token()
	blob, err := new(rule.Writer).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	cloud.Publish(1, blob)
	n, err := node.New(p.Config.Node, p.NodeData, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	ruleset := filepath.Join(p.NodeData, "uplink", "ruleset.pb")
	cloud.Wait(t, "the node says that it runs version 1", func() bool { return cloud.Status().GetRuleset() == 1 })
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	// An hour is soon.
	expect(t, p, Warn, "enrolment", "of region test; certificate until", "renews it by itself")

	whole, err := os.ReadFile(ruleset)
	if err != nil {
		t.Fatal(err)
	}
	whole[len(whole)/2] ^= 1
	if err := os.WriteFile(ruleset, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	checks := Examine(t.Context(), p)
	if i := slices.IndexFunc(checks, func(c Check) bool { return c.Name == "ruleset" }); i < 0 || checks[i].Status != Fail ||
		!strings.Contains(checks[i].Remedy, "ruleset.pb") {
		t.Errorf("with a damaged ruleset: %+v", checks)
	}
}

// TestReadiness examines a data directory that a program has locked.
func TestReadiness(t *testing.T) {
	f := func(answer string, status Status, found, remedy string) {
		t.Helper()
		p := healthy(t)
		lock, err := os.Create(filepath.Join(p.Config.Data, "lock"))
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, answer) }))
		defer admin.Close()
		p.Config.Node.Admin = strings.TrimPrefix(admin.URL, "http://")
		if status == OK {
			if checks := Examine(t.Context(), p); Findings(checks) {
				t.Errorf("a healthy node that runs: %+v", checks)
			}
			return
		}
		expect(t, p, status, "readiness", found, remedy)
	}
	f(`{"ready":true,"reasons":[]}`, OK, "", "")
	f(`{"ready":true,"reasons":["spool: no space left on device"]}`, Warn, "spool: no space", "free disk space")
	f(`{"ready":true,"reasons":["moon: full"]}`, Warn, "moon: full", "log")
	f(`{"ready":false,"reasons":[]}`, Fail, "starting or stopping", "wait")
	f(`<html>`, Fail, "is not the node", "another program")
}
