package proxy

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
)

// grpcThrough runs a gRPC server behind a proxy and returns a client of it.
// reached counts the messages that handlers of the server received.
func grpcThrough(t *testing.T) (conn *grpc.ClientConn, p *Proxy, reached *atomic.Int64) {
	t.Helper()
	reached = new(atomic.Int64)
	s := grpc.NewServer(
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
			reached.Add(1)
			grpc.SetTrailer(ctx, metadata.Pairs("x-sum", "1"))
			return h(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			return h(srv, &countingStream{ss, reached})
		}),
	)
	hs := health.NewServer()
	hs.SetServingStatus("summer", healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(s, hs)
	reflection.Register(s)
	l := listen(t)
	go s.Serve(l)
	t.Cleanup(s.Stop)
	p, addr := start(t, "http://unused", func(o *Options) {
		o.Sites[0].Upstreams = []*url.URL{{Scheme: "h2c", Host: l.Addr().String()}}
	})
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, p, reached
}

type countingStream struct {
	grpc.ServerStream
	n *atomic.Int64
}

func (s *countingStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil {
		s.n.Add(1)
	}
	return err
}

func TestGRPCUnary(t *testing.T) {
	conn, p, reached := grpcThrough(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	client := healthpb.NewHealthClient(conn)
	var trailer metadata.MD
	got, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: "summer"}, grpc.Trailer(&trailer))
	if err != nil || got.Status != healthpb.HealthCheckResponse_SERVING || len(trailer["x-sum"]) != 1 {
		t.Fatalf("%v %v %v", got, err, trailer)
	}
	// What the server says of its own arrives as well.
	if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: "winter"}); status.Code(err) != codes.NotFound {
		t.Errorf("%v", err)
	}
	if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: attack}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("%v", err)
	}
	if n := reached.Load(); n != 2 {
		t.Errorf("%d messages reached the server", n)
	}
	waitIdle(t, p)
	if c := p.Counts(); c.Received != 3 || c.Inspected != 3 || c.Blocked != 1 || c.UpstreamErrors != 0 {
		t.Errorf("%+v", c)
	}
}

// Messages of a stream pass one by one, and a malicious one never arrives.
func TestGRPCStream(t *testing.T) {
	conn, p, reached := grpcThrough(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(symbol string) error {
		err := stream.Send(&reflectionpb.ServerReflectionRequest{
			MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: symbol},
		})
		if err != nil {
			return err
		}
		_, err = stream.Recv()
		return err
	}
	for range 3 {
		if err := ask("grpc.health.v1.Health"); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask(attack); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the stream went on: %v", err)
	}
	if n := reached.Load(); n != 3 {
		t.Errorf("%d messages reached the server", n)
	}
	waitIdle(t, p)
	if c := p.Counts(); c.Received != 1 || c.Inspected != 1 || c.Blocked != 1 {
		t.Errorf("%+v", c)
	}
}

// An HTTP/2 upstream gets ordinary requests as well.
func TestHTTP2Upstream(t *testing.T) {
	up := serveHTTP2(t, echo)
	r := rand.New(rand.NewPCG(9, 10))
	p, addr := start(t, "http://unused", func(o *Options) { o.Sites[0].Upstreams = []*url.URL{up} })
	for _, size := range []int{10, 3 << 20} {
		contentType, body := formBody(size, "summer")
		if got := post(t, addr, "x", contentType, body, chunked, r); got != "HTTP/1.1 200 OK" {
			t.Errorf("%d: %s", size, got)
		}
		contentType, body = formBody(size, attack)
		if got := post(t, addr, "x", contentType, body, sized, r); got != "HTTP/1.1 403 Forbidden" {
			t.Errorf("%d: %s", size, got)
		}
	}
	if got := raw(t, addr, "GET /a//b?c HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"); !strings.Contains(got, "X-Target: /a//b?c\r\n") {
		t.Errorf("%s", got)
	}
	waitIdle(t, p)
	if c := p.Counts(); c.Received != 5 || c.Inspected != 5 || c.Blocked != 2 || c.UpstreamErrors != 0 {
		t.Errorf("%+v", c)
	}
}
