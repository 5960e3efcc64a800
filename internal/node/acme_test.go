package node

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gabionhq/gabion/internal/config"
)

// pebble is the authority for tests of ACME clients, by those who run Let's
// Encrypt, with the DNS server that belongs to it.
const pebble = "github.com/letsencrypt/pebble/v2"

// authority runs pebble, which checks hosts at the address checked, and
// returns its directory and the roots that it issues under.
func authority(t *testing.T, checked string) (directory, ca string, issued func() *x509.CertPool) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"pebble", "pebble-challtestsrv"} {
		install := exec.Command("go", "install", pebble+"/cmd/"+name+"@v2.10.1")
		install.Dir, install.Env = dir, append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("installing %s: %v\n%s", name, err, out)
		}
	}
	files, pool := selfSigned(t, dir, "localhost")
	api, management, dns, control := free(t), free(t), free(t), free(t)
	_, port, err := net.SplitHostPort(checked)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": api, "managementListenAddress": management,
		"certificate": files.Cert, "privateKey": files.Key, "tlsPort": json.Number(port), "httpPort": 1,
		"profiles": map[string]any{"default": map[string]any{"description": "default", "validityPeriod": 7776000}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(file, cfg, 0o600); err != nil {
		t.Fatal(err)
	}
	launch(t, filepath.Join(dir, "pebble-challtestsrv"), "-dnsserver", dns, "-management", control,
		"-defaultIPv6", "", "-doh", "", "-http01", "", "-https01", "", "-tlsalpn01", "")
	launch(t, filepath.Join(dir, "pebble"), "-config", file, "-dnsserver", dns)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	host := func(address string) string {
		_, port, _ := net.SplitHostPort(address)
		return "https://localhost:" + port
	}
	fetch := func(url string) ([]byte, error) {
		res, err := client.Get(url)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		return io.ReadAll(res.Body)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := fetch(host(api) + "/dir"); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatalf("pebble does not answer: %v", err)
		}
	}
	return host(api) + "/dir", files.Cert, func() *x509.CertPool {
		b, err := fetch(host(management) + "/roots/0")
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(b) {
			t.Fatalf("pebble's root is %q", b)
		}
		return roots
	}
}

func launch(t *testing.T, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() //nolint:errcheck // it was killed
	})
}

// free returns an address where nothing listens. Its port is below those that
// connections are given, so that it stays free until somebody listens there.
func free(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// TestACME obtains a certificate from a real authority, keeps it over a
// restart, and obtains none for hosts that are not configured.
func TestACME(t *testing.T) {
	const host = "shop.gabion.example"
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "welcome") }))
	t.Cleanup(up.Close)
	address, data := free(t), t.TempDir()
	directory, ca, issued := authority(t, address)
	change := func(cfg *config.Node) {
		cfg.ListenTLS = address
		cfg.Sites = []config.Site{{Upstream: up.URL, Mode: "block"}}
		cfg.ACME = config.ACME{Hosts: []string{host}, Directory: directory, CA: ca, Agree: true}
	}
	get := func(name string) (*x509.Certificate, error) {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: issued(), ServerName: name}}
		defer tr.CloseIdleConnections()
		r, err := http.NewRequest("GET", "https://"+address+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = name
		res, err := (&http.Client{Transport: tr, Timeout: 30 * time.Second}).Do(r)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		if b, err := io.ReadAll(res.Body); err != nil || string(b) != "welcome" {
			return nil, fmt.Errorf("answered %d %q, %v", res.StatusCode, b, err)
		}
		return res.TLS.PeerCertificates[0], nil
	}
	var first *x509.Certificate
	t.Run("obtain", func(t *testing.T) {
		startIn(t, data, change)
		var err error
		if first, err = get(host); err != nil {
			t.Fatal(err)
		}
		if _, err := get("other.example"); err == nil {
			t.Error("there is a certificate for a host that is not configured")
		}
	})
	if first == nil {
		return
	}
	t.Run("restart", func(t *testing.T) {
		startIn(t, data, change)
		again, err := get(host)
		if err != nil {
			t.Fatal(err)
		}
		if !again.Equal(first) {
			t.Error("a restart obtained another certificate")
		}
	})
	info, err := os.Stat(filepath.Join(data, "acme"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the account's directory: %v, %v; want mode 0700", info, err)
	}
}

// TestBadACME wants one clear line for what can't work.
func TestBadACME(t *testing.T) {
	f := func(a config.ACME, want string) {
		t.Helper()
		cfg := config.Default().Node
		cfg.Listen, cfg.Admin, cfg.ListenTLS, cfg.ACME = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", a
		if n, err := New(cfg, t.TempDir(), slog.New(slog.DiscardHandler)); err == nil || err.Error() != "listening for traffic over TLS: "+want {
			t.Errorf("%+v: %v, %v; want %q", a, n, err, want)
		}
	}
	f(config.ACME{Hosts: []string{"a.example"}}, "obtaining certificates needs agreement to the authority's terms of service: set node.acme.agree")
	f(config.ACME{Hosts: []string{"*.example"}, Agree: true}, `obtaining certificates: "*.example" is not a host name that an authority can check`)
	f(config.ACME{Hosts: []string{"a.example"}, Agree: true, CA: "missing.pem"}, "reading node.acme.ca: open missing.pem: no such file or directory")
}
