// Gotestwaf sends the test cases of GoTestWAF through a Gabion node in mode
// block, and scores it as that tool does.
//
// The cases are not part of this repository: get them from
// github.com/wallarm/gotestwaf and name their directory, testcases, by
// -cases. Requests travel over the loopback interface to nodes of their own
// processes, which have an application behind them that answers everything,
// GraphQL and gRPC included.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// workers is how many requests are under way at once.
const workers = 8

// patience is how long an answer may take.
const patience = 30 * time.Second

func main() {
	var o options
	flag.StringVar(&o.cases, "cases", "", "the `DIR` of the test cases")
	flag.StringVar(&o.program, "gabion-node", "", "the `PROGRAM`; empty builds it")
	flag.BoolVar(&o.list, "list", false, "list the attacks that pass and the texts that are blocked")
	flag.BoolVar(&o.stay, "stay", false, "only start the nodes, say where they are, and stay until interrupted")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, &o); err != nil {
		fmt.Fprintln(os.Stderr, "gotestwaf:", err)
		os.Exit(1)
	}
}

type options struct {
	cases, program string
	list, stay     bool
}

func run(ctx context.Context, out io.Writer, o *options) (err error) {
	if o.cases == "" && !o.stay {
		return errors.New("name the directory of the test cases by -cases")
	}
	dir, err := os.MkdirTemp("", "gabion-bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.program == "" {
		if o.program, err = build(ctx, dir); err != nil {
			return err
		}
	}
	var up upstream
	defer up.stop()
	if err := up.start(); err != nil {
		return err
	}
	web, err := startNode(o.program, dir, "web", up.webAt)
	if err != nil {
		return err
	}
	defer web.stop()
	calls, err := startNode(o.program, dir, "grpc", up.grpcAt)
	if err != nil {
		return err
	}
	defer calls.stop()
	if o.stay {
		fmt.Fprintf(out, "http://%s, gRPC at %s\n", web.addr, calls.addr)
		<-ctx.Done()
		return nil
	}
	return measure(ctx, out, o, web.addr, calls.addr)
}

func measure(ctx context.Context, out io.Writer, o *options, web, calls string) error {
	sets, err := cases(o.cases)
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient(calls, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	c := &client{web: "http://" + web, grpc: conn, http: http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	counts := make([]count, len(sets))
	for i := range sets {
		tries := sets[i].tries()
		if err := c.all(ctx, tries); err != nil {
			return err
		}
		for _, t := range tries {
			counts[i].add(t.outcome)
			if wrong := t.outcome.passed > 0 && !sets[i].benign() || t.outcome.blocked > 0 && sets[i].benign(); o.list && (wrong || t.outcome.resolved() == 0) {
				fmt.Fprintf(out, "%s/%s %s %s: %.300q %+v\n", sets[i].group, sets[i].name, t.encoding, t.place.name, t.payload, t.outcome)
			}
		}
	}
	return table(out, sets, counts)
}

// A try is one request.
type try struct {
	place             *place
	encoding, payload string
	outcome           count // of one
}

func (s *set) tries() []try {
	var tries []try
	for _, p := range s.Payloads {
		for _, e := range s.Encoders {
			for i := range s.Places {
				tries = append(tries, try{place: &s.Places[i], encoding: e, payload: p})
			}
		}
	}
	return tries
}

// A client sends requests to the nodes.
type client struct {
	web  string
	http http.Client
	grpc *grpc.ClientConn
}

func (c *client) all(ctx context.Context, tries []try) error {
	var g errgroup.Group
	g.SetLimit(workers)
	for i := range tries {
		t := &tries[i]
		g.Go(func() (err error) {
			t.outcome, err = c.send(ctx, t)
			return err
		})
	}
	return g.Wait()
}

// send sends one request. What the node makes of it is no error.
func (c *client) send(ctx context.Context, t *try) (count, error) {
	payload, err := encode(t.encoding, t.payload)
	if err != nil {
		return count{}, err
	}
	if t.place.name == "gRPC" {
		return c.call(ctx, payload)
	}
	r, err := t.place.request(c.web, payload)
	if err != nil {
		return count{failed: 1}, nil
	}
	resp, err := c.http.Do(r.WithContext(ctx))
	if errors.Is(err, io.EOF) {
		return count{unresolved: 1}, nil
	}
	if err != nil {
		return count{failed: 1}, ctx.Err()
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return count{failed: 1}, nil
	}
	switch resp.StatusCode {
	case http.StatusForbidden:
		return count{blocked: 1}, nil
	case http.StatusOK, http.StatusNotFound:
		return count{passed: 1}, nil
	}
	return count{unresolved: 1}, nil
}

func (c *client) call(ctx context.Context, payload string) (count, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := c.grpc.Invoke(ctx, method, wrapperspb.String(payload), &wrapperspb.StringValue{})
	switch status.Code(err) {
	case codes.OK:
		return count{passed: 1}, nil
	case codes.PermissionDenied:
		return count{blocked: 1}, nil
	}
	return count{unresolved: 1}, nil
}
