package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACME says how to obtain certificates from an authority (RFC 8555). Its
// challenge is TLS-ALPN-01 (RFC 8737), which takes no path from applications.
type ACME struct {
	Hosts     []string // names to obtain certificates for
	Email     string   // where the authority may write to; optional
	Directory string   // URL of the authority
	Roots     []byte   // PEM that the authority's own TLS is checked with; nil for the system's
	Agree     bool     // to the authority's terms of service
	Dir       string   // keeps account and certificates, made with 0700
}

// patience is how long one exchange with the authority may take. A handshake
// waits for it the first time a host is asked for.
const patience = 30 * time.Second

func (a *ACME) manager() (*autocert.Manager, error) {
	if !a.Agree {
		return nil, errors.New("obtaining certificates needs agreement to the authority's terms of service: set node.acme.agree")
	}
	for _, h := range a.Hosts {
		if !strings.Contains(h, ".") || strings.ContainsAny(h, "*/: ") {
			return nil, fmt.Errorf("obtaining certificates: %q is not a host name that an authority can check", h)
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if a.Roots != nil {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(a.Roots) {
			return nil, errors.New("obtaining certificates: node.acme.ca holds no certificate in PEM")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(a.Dir),
		HostPolicy: autocert.HostWhitelist(a.Hosts...),
		Email:      a.Email,
		Client:     &acme.Client{DirectoryURL: a.Directory, HTTPClient: &http.Client{Transport: transport, Timeout: patience}},
	}, nil
}

// challenges says whether a client is the authority that checks a host.
func challenges(hello *tls.ClientHelloInfo) bool {
	return slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto})
}

// obtained returns the certificate of a host from the authority, or from
// what it issued before.
func (s *Store) obtained(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c, err := s.acme.GetCertificate(hello)
	if err != nil && s.acme.HostPolicy(context.Background(), hello.ServerName) == nil {
		s.complain(hello.ServerName, err)
	}
	return c, err
}

// complain logs that a host has no certificate, not more often than the
// files are looked at: strangers choose when they connect.
func (s *Store) complain(host string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.complained) > every {
		s.complained = now
		s.log.Error("obtaining a certificate", "host", host, "err", err)
	}
}
