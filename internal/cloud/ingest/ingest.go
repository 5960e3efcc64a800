// Package ingest is the cloud's end of the wire: nodes enrol here, deliver what they saw and wait for orders.
package ingest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/oklog/ulid/v2"

	"github.com/gabionhq/gabion/internal/cloud/attack"
	"github.com/gabionhq/gabion/internal/cloud/fleet"
	"github.com/gabionhq/gabion/internal/cloud/inventory"
	"github.com/gabionhq/gabion/internal/cloud/leak"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/wire/wirepb"
	"github.com/gabionhq/gabion/wire/wirepb/wirepbconnect"
)

const (
	// maxMessage bounds what a node sends at once, after decompression: four
	// times what a spool cuts. In memory it may take a hundred times that.
	maxMessage = 2 << 20
	// maxEnrol bounds what a stranger sends: a token and a certificate request.
	maxEnrol = 16 << 10
	// maxRows bounds the rows of a batch, each of which has the database to
	// itself for a moment. A spool cuts 500 records, of 9 rows at most but for
	// refusals, which are rare.
	maxRows = 1 << 14
	// callLimit is how long a call may take to arrive and to be answered, and
	// watchLimit how long a node may not read its stream, which has a ping more
	// often.
	callLimit, watchLimit = 30 * time.Second, time.Minute
	// maxText bounds one string of a hit; the node's own limits are lower.
	maxText = 4 << 10
	// horizon is how many batches of a node are remembered. An older one
	// counts as stored: nodes send in order and wait for each answer.
	horizon = 1 << 16
	// maxClasses bounds the classes of hits that a leak confirms.
	maxClasses = 16
	// skew is how far a node's clock may run ahead; later hits are of now.
	skew = 5 * time.Minute
)

// Server implements wire.Cloud.
type Server struct {
	db    *store.DB
	fleet *fleet.Fleet
	log   *slog.Logger
}

// New returns the service.
func New(db *store.DB, f *fleet.Fleet, log *slog.Logger) *Server {
	return &Server{db, f, log}
}

// Handler serves the wire over TLS that asks for client certificates.
func (s *Server) Handler() http.Handler {
	_, calls := wirepbconnect.NewCloudHandler(s, connect.WithReadMaxBytes(maxMessage))
	_, enrolling := wirepbconnect.NewCloudHandler(s, connect.WithReadMaxBytes(maxEnrol))
	refusing := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := http.NewResponseController(w)
		if r.URL.Path != wirepbconnect.CloudWatchProcedure {
			out.SetReadDeadline(time.Now().Add(callLimit))  //nolint:errcheck // every connection has them
			out.SetWriteDeadline(time.Now().Add(callLimit)) //nolint:errcheck
		}
		if r.URL.Path == wirepbconnect.CloudEnrollProcedure {
			enrolling.ServeHTTP(w, r)
			return
		}
		// Before anything of the message is read: 8 KB of a stranger can
		// become gigabytes of empty hits.
		node, err := s.authenticate(r)
		if err != nil {
			refusing.Write(w, r, s.fail("authenticating a node", err)) //nolint:errcheck // the client is gone
			return
		}
		calls.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), peer{}, caller{node, out})))
	})
}

func (s *Server) authenticate(r *http.Request) (store.Node, error) {
	var cert *x509.Certificate
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		cert = r.TLS.PeerCertificates[0]
	}
	return s.fleet.Authenticate(r.Context(), cert)
}

// peer is the context key of the caller.
type peer struct{}

// A caller is the node that calls.
type caller struct {
	store.Node
	out *http.ResponseController
}

// from returns who calls. The handler has seen to it that there is somebody.
func from(ctx context.Context) caller { return ctx.Value(peer{}).(caller) }

// fail turns an error into what the node is told. What is not the node's
// fault is logged here and not explained there.
func (s *Server) fail(doing string, err error) error {
	switch {
	case errors.Is(err, fleet.ErrRefused):
		return connect.NewError(connect.CodeUnauthenticated, err)
	case errors.Is(err, fleet.ErrRequest):
		return connect.NewError(connect.CodeInvalidArgument, err)
	case errors.Is(err, context.Canceled):
		return connect.NewError(connect.CodeUnavailable, errors.New("the cloud or the node is closing the stream"))
	}
	s.log.Error(doing, "err", err)
	return connect.NewError(connect.CodeUnavailable, errors.New("the cloud failed; its log says why"))
}

// Enroll implements wire.Cloud.
func (s *Server) Enroll(ctx context.Context, req *connect.Request[wirepb.EnrollRequest]) (*connect.Response[wirepb.EnrollResponse], error) {
	res, err := s.fleet.Enroll(ctx, req.Msg)
	if err != nil {
		return nil, s.fail("enrolling a node", err)
	}
	s.log.Info("node enrolled", "node", res.NodeId, "name", text(req.Msg.Name))
	return connect.NewResponse(res), nil
}

// Renew implements wire.Cloud.
func (s *Server) Renew(ctx context.Context, req *connect.Request[wirepb.RenewRequest]) (*connect.Response[wirepb.EnrollResponse], error) {
	res, err := s.fleet.Renew(from(ctx).Node, req.Msg)
	if err != nil {
		return nil, s.fail("renewing a certificate", err)
	}
	return connect.NewResponse(res), nil
}

// Push implements wire.Cloud: everything of a batch in one transaction.
func (s *Server) Push(ctx context.Context, req *connect.Request[wirepb.Batch]) (*connect.Response[wirepb.Ack], error) {
	node, b := from(ctx).Node, req.Msg
	if b.Seq > math.MaxInt64 || b.Seq == 0 && len(b.Hits)+len(b.Endpoints)+len(b.Refusals)+len(b.Leaks) > 0 {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("batch without a number"))
	}
	if n := rows(b); n > maxRows {
		return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("batch of %d rows, more than %d", n, maxRows))
	}
	err := s.db.Tenant(node.Tenant).Tx(ctx, func(sc store.Scope) error { return s.keep(ctx, sc, node, b) })
	if err != nil {
		return nil, s.fail("storing a batch of node "+node.ID, err)
	}
	return connect.NewResponse(&wirepb.Ack{Seq: b.Seq}), nil
}

// rows is how many rows a batch makes.
func rows(b *wirepb.Batch) int {
	n := len(b.Hits) + len(b.Endpoints) + len(b.Refusals) + len(b.Leaks)
	for _, e := range b.Endpoints {
		n += len(e.GetParams())
	}
	return n
}

func (s *Server) keep(ctx context.Context, sc store.Scope, node store.Node, b *wirepb.Batch) error {
	if err := s.fleet.Report(ctx, sc, &node, b.Status); err != nil || b.Seq == 0 {
		return err
	}
	fresh, err := first(ctx, sc, node.ID, int64(b.Seq))
	if err != nil || !fresh {
		return err
	}
	now := time.Now()
	if err := attack.Add(ctx, sc, s.hits(node.ID, b.Hits, now)); err != nil {
		return err
	}
	if err := leak.Add(ctx, sc, leaks(node, b.Leaks, now)); err != nil {
		return err
	}
	if err := inventory.Add(ctx, sc, node.Group, b.Endpoints, now); err != nil {
		return err
	}
	for _, r := range b.Refusals {
		row := store.Refusal{ID: store.NewID(), At: now.UnixMilli(), Node: node.ID, Ruleset: count(r.Ruleset), Ask: text(r.Ask), Ceiling: text(r.Ceiling), What: text(r.What)}
		if err := sc.Insert(ctx, &row); err != nil {
			return err
		}
		if err := sc.Emit(ctx, "refusal", row.ID, row); err != nil {
			return err
		}
	}
	return nil
}

// first notes the batch and says whether it is new.
func first(ctx context.Context, sc store.Scope, node string, seq int64) (bool, error) {
	var newest store.Batch
	err := store.First(ctx, sc.Select(&newest).Where("node_id = ?", node).Order("seq DESC"))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	if seq <= newest.Seq-horizon {
		return false, nil
	}
	if seq%1024 == 0 {
		if err := sc.DeleteWhere(ctx, (*store.Batch)(nil), "node_id = ? AND seq <= ?", node, seq-horizon); err != nil {
			return false, err
		}
	}
	return sc.InsertNew(ctx, &store.Batch{Node: node, Seq: seq})
}

// hits turns hits of the wire into rows. One without an identifier cannot
// be told from its repetition and is left out.
func (s *Server) hits(node string, in []*wirepb.Hit, now time.Time) []store.Hit {
	out := make([]store.Hit, 0, len(in))
	for _, h := range in {
		if len(h.Id) != 16 {
			s.log.Warn("hit without an identifier left out", "node", node)
			continue
		}
		e, src := h.GetEndpoint(), h.GetSource()
		out = append(out, store.Hit{
			ID: ulid.ULID(h.Id).String(), At: millis(h.UnixMs, now), Node: node,
			RequestID: text(h.RequestId), Application: e.GetApplication(), Host: text(e.GetHost()),
			Method: text(e.GetMethod()), Path: text(e.GetPath()), EndpointKey: key(e.GetKey()), PointKey: key(h.PointKey),
			Class: text(h.Class), Point: text(h.Point), Mode: text(h.Mode), Decision: text(h.Decision),
			Score: probability(h.Score), Reason: text(h.Reason), Fragment: text(h.Fragment),
			Source: text(src.GetTag()), Prefix: text(src.GetPrefix()), Country: text(src.GetCountry()), ASN: src.GetAsn(), Address: text(src.GetAddress()),
			Evidence: text(h.EvidenceId), Status: h.Status, Ruleset: count(h.Ruleset), Rule: count(h.Rule), Leak: text(h.Leak),
		})
	}
	return out
}

// leaks turns leaks of the wire into what package leak keeps.
func leaks(node store.Node, in []*wirepb.Leak, now time.Time) []leak.Sighting {
	out := make([]leak.Sighting, 0, len(in))
	for _, l := range in {
		e := l.GetEndpoint()
		seen := leak.Sighting{Node: node.ID, Leak: store.Leak{
			At: millis(l.UnixMs, now), Group: node.Group, EndpointKey: key(e.GetKey()), Application: e.GetApplication(),
			Host: text(e.GetHost()), Method: text(e.GetMethod()), Path: text(e.GetPath()),
			Kind: text(l.Kind), Reason: text(l.Reason), Weight: probability(l.Weight), Status: l.Status, RequestID: text(l.RequestId),
		}}
		for _, class := range l.Confirms[:min(len(l.Confirms), maxClasses)] {
			seen.Confirms = append(seen.Confirms, text(class))
		}
		out = append(out, seen)
	}
	return out
}

// millis is a node's time, within what can be.
func millis(unix int64, now time.Time) int64 {
	return max(0, min(unix, now.Add(skew).UnixMilli()))
}

// text bounds a string and removes NUL, which PostgreSQL does not store.
func text(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

func key(b []byte) []byte {
	return append([]byte{}, b[:min(len(b), 32)]...)
}

func probability(f float32) float64 {
	if f != f {
		return 0
	}
	return float64(max(0, min(f, 1)))
}

// Watch implements wire.Cloud.
func (s *Server) Watch(ctx context.Context, req *connect.Request[wirepb.WatchRequest], stream *connect.ServerStream[wirepb.Order]) error {
	c := from(ctx)
	send := func(o *wirepb.Order) error {
		if err := c.out.SetWriteDeadline(time.Now().Add(watchLimit)); err != nil {
			return err
		}
		return stream.Send(o)
	}
	return s.fail("serving the stream of node "+c.ID, s.fleet.Watch(ctx, c.Node, req.Msg.Ruleset, send))
}

// Answer implements wire.Cloud. Only a node that was asked can answer, once.
func (s *Server) Answer(ctx context.Context, req *connect.Request[wirepb.AskAnswer]) (*connect.Response[wirepb.Ack], error) {
	node, a := from(ctx).Node, req.Msg
	err := s.db.Tenant(node.Tenant).Tx(ctx, func(sc store.Scope) error {
		ask := store.Ask{ID: a.AskId}
		err := sc.Find(ctx, &ask)
		if errors.Is(err, store.ErrNotFound) {
			return nil // it expired: nobody waits for it
		}
		if err != nil || ask.Node != "" && ask.Node != node.ID && ask.Node != node.Group {
			return err
		}
		row := store.Answer{Ask: ask.ID, Node: node.ID, At: time.Now().UnixMilli(), Refused: a.Refused, Reason: text(a.Reason),
			Matched: count(a.Matched), Examined: count(a.Examined), WindowFrom: a.WindowFrom, WindowTo: a.WindowTo,
			Sampling: probability(float32(a.Sampling)), Sealed: append([]byte{}, a.Sealed...)}
		fresh, err := sc.InsertNew(ctx, &row)
		if err != nil || !fresh {
			return err
		}
		return sc.Emit(ctx, "answer", ask.ID, map[string]string{"node": node.ID})
	})
	if err != nil {
		return nil, s.fail("storing an answer of node "+node.ID, err)
	}
	return connect.NewResponse(&wirepb.Ack{}), nil
}

func count(n uint64) int64 { return int64(min(n, math.MaxInt64)) }
