// Package certs serves TLS certificates from files, and from an authority that speaks ACME.
package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// A Pair names the files of a certificate chain and its key, in PEM.
type Pair struct {
	Cert, Key string
}

// every is how often the files are looked at: soon enough for a renewal,
// rarely enough for handshakes to stay cheap.
const every = 10 * time.Second

// A Store holds the certificates of a listener.
type Store struct {
	pairs []Pair
	acme  *autocert.Manager // nil without an authority
	log   *slog.Logger

	mu         sync.Mutex
	loaded     []tls.Certificate
	changed    []time.Time // of the files, when loaded
	looked     time.Time
	complained time.Time
}

// New loads the pairs. The first is used for clients that name no host. What
// the pairs don't cover is obtained from an authority, if there is one.
func New(pairs []Pair, authority *ACME, log *slog.Logger) (*Store, error) {
	if len(pairs) == 0 && authority == nil {
		return nil, errors.New("no certificate is configured")
	}
	s := &Store{pairs: pairs, log: log, looked: time.Now()}
	if authority != nil {
		var err error
		if s.acme, err = authority.manager(); err != nil {
			return nil, err
		}
	}
	return s, s.load()
}

func (s *Store) load() error {
	loaded := make([]tls.Certificate, len(s.pairs))
	for i, p := range s.pairs {
		c, err := tls.LoadX509KeyPair(p.Cert, p.Key)
		if err != nil {
			return fmt.Errorf("loading certificate %s: %w", p.Cert, err)
		}
		loaded[i] = c
	}
	s.loaded, s.changed = loaded, s.times()
	return nil
}

func (s *Store) times() (list []time.Time) {
	for _, p := range s.pairs {
		for _, name := range []string{p.Cert, p.Key} {
			t := time.Time{}
			if info, err := os.Stat(name); err == nil {
				t = info.ModTime()
			}
			list = append(list, t)
		}
	}
	return list
}

// Config returns the configuration of a server with these certificates.
func (s *Store) Config() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: s.get}
	if s.acme != nil {
		c.NextProtos = append(c.NextProtos, acme.ALPNProto)
	}
	return c
}

func (s *Store) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if s.acme == nil {
		return s.fromFile(hello, true), nil
	}
	if !challenges(hello) {
		if c := s.fromFile(hello, false); c != nil {
			return c, nil
		}
	}
	c, err := s.obtained(hello)
	if err != nil && len(s.pairs) > 0 {
		return s.fromFile(hello, true), nil
	}
	return c, err
}

// fromFile returns the loaded certificate that suits the client, or else the
// first if any will do, or nil.
func (s *Store) fromFile(hello *tls.ClientHelloInfo, anyone bool) *tls.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.looked) > every {
		s.looked = now
		s.reload()
	}
	for i := range s.loaded {
		if hello.SupportsCertificate(&s.loaded[i]) == nil {
			return &s.loaded[i]
		}
	}
	if anyone {
		return &s.loaded[0]
	}
	return nil
}

// reload loads changed files. Half-written ones leave the old certificates
// in use until the next look.
func (s *Store) reload() {
	same := true
	for i, t := range s.times() {
		same = same && t.Equal(s.changed[i])
	}
	if same {
		return
	}
	if err := s.load(); err != nil {
		s.log.Error("certificates stay as they were", "err", err)
		return
	}
	s.log.Info("certificates reloaded")
}
