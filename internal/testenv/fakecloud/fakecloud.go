// Package fakecloud is a cloud for tests of nodes: it keeps everything that it is told.
package fakecloud

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/wire"
	"github.com/gabionhq/gabion/wire/wirepb"
	"github.com/gabionhq/gabion/wire/wirepb/wirepbconnect"
)

const (
	// Region and Group are those of every node that enrols.
	Region = "test"
	Group  = "group-1"
)

// A Cloud serves wire.Cloud over TLS, with its own CA. Its zero value works:
// call Start. Fields may be set before that.
type Cloud struct {
	Life time.Duration // of client certificates; 0: an hour
	// Fail, if set, is asked before each call is served; an error is the
	// answer. The message of a stream is nil. It may change under Do.
	Fail func(method string, m proto.Message) error

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at every change
	calls    []Call
	batches  map[uint64]*wirepb.Batch
	seqs     []uint64
	hits     []*wirepb.Hit
	leaks    []*wirepb.Leak
	deltas   []*wirepb.EndpointDelta
	refusals []*wirepb.Refusal
	answers  []*wirepb.AskAnswer
	status   *wirepb.Status
	asks     []*wirepb.Ask
	ruleset  *wirepb.Ruleset
	tokens   map[[16]byte]string // to the key that used it
	nodes    int

	ca      *x509.Certificate
	caKey   *ecdsa.PrivateKey
	signing ed25519.PrivateKey
	address string
	server  *http.Server
}

// A Call is what one request of a node held.
type Call struct {
	Method  string
	Header  http.Header
	Message proto.Message
}

// Start listens on loopback, or again where it did before Stop.
func (c *Cloud) Start(t testing.TB) {
	t.Helper()
	c.init(t)
	address := c.address
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c.address = l.Addr().String()
	mux := http.NewServeMux()
	mux.Handle(wirepbconnect.NewCloudHandler(c, connect.WithInterceptors(recorder{c})))
	c.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), peer{}, r.TLS)))
		}),
		ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{c.hostCertificate(t)}, ClientAuth: tls.RequestClientCert,
			MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", "http/1.1"}},
	}
	go c.server.ServeTLS(l, "", "")
	t.Cleanup(c.Stop)
}

// Stop ends all connections at once, as kill -9 would. What was stored stays.
func (c *Cloud) Stop() {
	if c.server != nil {
		c.server.Close()
	}
}

func (c *Cloud) init(t testing.TB) {
	if c.ca != nil {
		return
	}
	c.changed, c.batches, c.tokens = make(chan struct{}), map[uint64]*wirepb.Batch{}, map[[16]byte]string{}
	if c.Life == 0 {
		c.Life = time.Hour
	}
	var err error
	if c.caKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fake wire CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	if c.ca, err = c.sign(template, template, &c.caKey.PublicKey); err != nil {
		t.Fatal(err)
	}
	if _, c.signing, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
}

func (c *Cloud) sign(template, parent *x509.Certificate, key any) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, c.caKey)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func (c *Cloud) hostCertificate(t testing.TB) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := c.sign(&x509.Certificate{SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}, c.ca, &key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw, c.ca.Raw}, PrivateKey: key}
}

// Token returns a new enrolment token.
func (c *Cloud) Token() string {
	token := wire.Token{Region: Region, CA: wire.Fingerprint(c.ca), Address: c.address}
	rand.Read(token.Secret[:])
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens[token.Secret] = ""
	return token.String()
}

// Publish signs a ruleset and sends it to the nodes that are connected.
func (c *Cloud) Publish(version uint64, blob []byte) {
	c.Offer(&wirepb.Ruleset{Version: version, GroupId: Group, Blob: blob, Signature: wire.Sign(c.signing, Group, version, blob)})
}

// Offer sends a ruleset as it is, good or not.
func (c *Cloud) Offer(rs *wirepb.Ruleset) { c.Do(func() { c.ruleset = rs }) }

// Ask asks the nodes that are connected.
func (c *Cloud) Ask(ask *wirepb.Ask) { c.Do(func() { c.asks = append(c.asks, ask) }) }

// Do changes something while the cloud serves.
func (c *Cloud) Do(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

// Wait waits until ok, which is asked at every change, for ten seconds.
func (c *Cloud) Wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("waited ten seconds for %s", what)
		}
	}
}

// Hits returns the hits of all batches, each batch counted once.
func (c *Cloud) Hits() []*wirepb.Hit { return get(c, &c.hits) }

// Leaks returns the leaks of all batches, each batch counted once.
func (c *Cloud) Leaks() []*wirepb.Leak { return get(c, &c.leaks) }

// Endpoints returns the deltas of all batches.
func (c *Cloud) Endpoints() []*wirepb.EndpointDelta { return get(c, &c.deltas) }

// Refusals returns what nodes refused.
func (c *Cloud) Refusals() []*wirepb.Refusal { return get(c, &c.refusals) }

// Answers returns the answers to asks.
func (c *Cloud) Answers() []*wirepb.AskAnswer { return get(c, &c.answers) }

// Calls returns everything that nodes sent.
func (c *Cloud) Calls() []Call { return get(c, &c.calls) }

// Seqs returns the numbers of the batches, in the order of arrival.
func (c *Cloud) Seqs() []uint64 { return get(c, &c.seqs) }

func get[T any](c *Cloud, list *[]T) []T {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]T(nil), *list...)
}

// Status returns the last status, empty before the first.
func (c *Cloud) Status() *wirepb.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status == nil {
		return new(wirepb.Status)
	}
	return c.status
}

type peer struct{}

// caller checks the client certificate as a cloud would.
func (c *Cloud) caller(ctx context.Context) error {
	state, _ := ctx.Value(peer{}).(*tls.ConnectionState)
	if state == nil || len(state.PeerCertificates) == 0 {
		return connect.NewError(connect.CodeUnauthenticated, errors.New("no certificate"))
	}
	roots := x509.NewCertPool()
	roots.AddCert(c.ca)
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return connect.NewError(connect.CodeUnauthenticated, err)
	}
	return nil
}

// Enroll implements wire.Cloud.
func (c *Cloud) Enroll(_ context.Context, req *connect.Request[wirepb.EnrollRequest]) (*connect.Response[wirepb.EnrollResponse], error) {
	token, err := wire.ParseToken(req.Msg.Token)
	if err != nil {
		return nil, connect.NewError(connect.CodeUnauthenticated, err)
	}
	csr, err := x509.ParseCertificateRequest(req.Msg.Csr)
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	key := string(csr.RawSubjectPublicKeyInfo)
	c.mu.Lock()
	user, known := c.tokens[token.Secret]
	fresh := known && (user == "" || user == key)
	if fresh {
		c.tokens[token.Secret] = key
		c.nodes++
	}
	c.mu.Unlock()
	if !fresh {
		return nil, connect.NewError(connect.CodeUnauthenticated, errors.New("token unknown or used"))
	}
	return c.welcome(csr)
}

// Renew implements wire.Cloud.
func (c *Cloud) Renew(ctx context.Context, req *connect.Request[wirepb.RenewRequest]) (*connect.Response[wirepb.EnrollResponse], error) {
	if err := c.caller(ctx); err != nil {
		return nil, err
	}
	csr, err := x509.ParseCertificateRequest(req.Msg.Csr)
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	return c.welcome(csr)
}

func (c *Cloud) welcome(csr *x509.CertificateRequest) (*connect.Response[wirepb.EnrollResponse], error) {
	c.mu.Lock()
	life := c.Life
	c.mu.Unlock()
	cert, err := c.sign(&x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "node-1"},
		NotBefore: time.Now().Add(-time.Second), NotAfter: time.Now().Add(life), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, c.ca, csr.PublicKey)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&wirepb.EnrollResponse{NodeId: "node-1", GroupId: Group, Region: Region,
		Certificate: cert.Raw, Ca: c.ca.Raw, RulesetKey: c.signing.Public().(ed25519.PublicKey)}), nil
}

// Push implements wire.Cloud.
func (c *Cloud) Push(ctx context.Context, req *connect.Request[wirepb.Batch]) (*connect.Response[wirepb.Ack], error) {
	if err := c.caller(ctx); err != nil {
		return nil, err
	}
	b := req.Msg
	c.Do(func() {
		c.status = b.Status
		if b.Seq == 0 || c.batches[b.Seq] != nil {
			return
		}
		c.batches[b.Seq] = b
		c.seqs = append(c.seqs, b.Seq)
		c.hits = append(c.hits, b.Hits...)
		c.leaks = append(c.leaks, b.Leaks...)
		c.deltas = append(c.deltas, b.Endpoints...)
		c.refusals = append(c.refusals, b.Refusals...)
	})
	return connect.NewResponse(&wirepb.Ack{Seq: b.Seq}), nil
}

// Watch implements wire.Cloud.
func (c *Cloud) Watch(ctx context.Context, req *connect.Request[wirepb.WatchRequest], stream *connect.ServerStream[wirepb.Order]) error {
	if err := c.caller(ctx); err != nil {
		return err
	}
	if err := stream.Send(&wirepb.Order{Order: &wirepb.Order_Ping{Ping: &wirepb.Ping{}}}); err != nil {
		return err
	}
	sent, asked := req.Msg.Ruleset, 0
	for {
		c.mu.Lock()
		changed, rs, asks := c.changed, c.ruleset, c.asks[asked:]
		c.mu.Unlock()
		if rs != nil && rs.Version != sent {
			sent = rs.Version
			if err := stream.Send(&wirepb.Order{Order: &wirepb.Order_Ruleset{Ruleset: rs}}); err != nil {
				return err
			}
		}
		for _, a := range asks {
			asked++
			if err := stream.Send(&wirepb.Order{Order: &wirepb.Order_Ask{Ask: a}}); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// Answer implements wire.Cloud.
func (c *Cloud) Answer(ctx context.Context, req *connect.Request[wirepb.AskAnswer]) (*connect.Response[wirepb.Ack], error) {
	if err := c.caller(ctx); err != nil {
		return nil, err
	}
	c.Do(func() { c.answers = append(c.answers, req.Msg) })
	return connect.NewResponse(&wirepb.Ack{}), nil
}

// recorder keeps every message and lets Fail answer instead.
type recorder struct{ c *Cloud }

func (r recorder) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		message, _ := req.Any().(proto.Message)
		if err := r.keep(req.Spec().Procedure, req.Header(), message); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

func (r recorder) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (r recorder) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if err := r.keep(conn.Spec().Procedure, conn.RequestHeader(), nil); err != nil {
			return err
		}
		return next(ctx, conn)
	}
}

func (r recorder) keep(procedure string, header http.Header, m proto.Message) error {
	var err error
	r.c.Do(func() {
		r.c.calls = append(r.c.calls, Call{Method: procedure, Header: header.Clone(), Message: m})
		if r.c.Fail != nil {
			err = r.c.Fail(procedure, m)
		}
	})
	if err != nil {
		return fmt.Errorf("asked to fail: %w", err)
	}
	return nil
}
