package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// answer is the application: it says 200 to everything, and as GraphQL that
// it exists.
func answer(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // the client is gone
	}
	if strings.HasSuffix(r.URL.Path, "/graphql") {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"data":{"__typename":"Query"}}`)
		return
	}
	io.WriteString(w, "Hello, world!")
}

// method is the only one of the suite's gRPC service: a message with one
// string, answered by the same.
const method = "/encoder.ServiceFooBar/foo"

func echo(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var in wrapperspb.StringValue // the same on the wire: field 1, string
	if err := decode(&in); err != nil {
		return nil, err
	}
	return &in, nil
}

// An upstream is what stands behind the nodes.
type upstream struct {
	web    http.Server
	grpc   *grpc.Server
	webAt  string
	grpcAt string
}

func (u *upstream) start() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	u.webAt, u.web.Handler = "http://"+l.Addr().String(), http.HandlerFunc(answer)
	go u.web.Serve(l)

	l, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	u.grpcAt, u.grpc = "h2c://"+l.Addr().String(), grpc.NewServer()
	u.grpc.RegisterService(&grpc.ServiceDesc{
		ServiceName: "encoder.ServiceFooBar",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "foo", Handler: echo}},
	}, u)
	go u.grpc.Serve(l)
	return nil
}

func (u *upstream) stop() {
	u.web.Close()
	if u.grpc != nil {
		u.grpc.Stop()
	}
}
