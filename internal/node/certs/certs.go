// Package certs serves TLS certificates from files and notices when the files change.
package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
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
	log   *slog.Logger

	mu      sync.Mutex
	loaded  []tls.Certificate
	changed []time.Time // of the files, when loaded
	looked  time.Time
}

// New loads the pairs. The first is used for clients that name no host.
func New(pairs []Pair, log *slog.Logger) (*Store, error) {
	if len(pairs) == 0 {
		return nil, errors.New("no certificate is configured")
	}
	s := &Store{pairs: pairs, log: log, looked: time.Now()}
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
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: s.get}
}

func (s *Store) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.looked) > every {
		s.looked = now
		s.reload()
	}
	for i := range s.loaded {
		if hello.SupportsCertificate(&s.loaded[i]) == nil {
			return &s.loaded[i], nil
		}
	}
	return &s.loaded[0], nil
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
