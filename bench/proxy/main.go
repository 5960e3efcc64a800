// Proxy measures the processor time that proxies spend per request: a Gabion
// node with inspection and without, nginx, nginx with ModSecurity and the
// Core Rule Set, and httputil.ReverseProxy. And how long answers of the node
// take when requests arrive at a constant rate.
//
// Each is a process of its own and has a core to itself, in front of the same
// nginx that answers at once and runs, as the clients do, on the others.
// Requests differ from each other and are the same for all.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gabionhq/gabion/bench/cpu"
	"github.com/gabionhq/gabion/bench/traffic"
)

func main() {
	var o options
	flag.StringVar(&o.gabion, "gabion", "", "the `PROGRAM`; empty builds it")
	flag.StringVar(&o.module, "modsecurity", "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so", "ModSecurity's module for nginx, left out where there is no such `FILE`")
	flag.StringVar(&o.crs, "crs", "/", "`DIR` into which Debian's packages libnginx-mod-http-modsecurity and modsecurity-crs were unpacked")
	flag.IntVar(&o.repeats, "repeats", 5, "interleaved repeats; the median counts")
	flag.DurationVar(&o.each, "each", 2*time.Second, "how long each proxy is asked in each repeat")
	flag.StringVar(&o.only, "only", "", "measure the proxies whose names contain `TEXT`, and nginx")
	flag.StringVar(&o.kind, "kind", "", "measure the requests whose names contain `TEXT`")
	flag.DurationVar(&o.latency, "latency", 5*time.Second, "how long each node is asked at a constant rate in each repeat; 0 to leave that out")
	flag.Float64Var(&o.rate, "rate", 0, "that constant rate, in requests a second; 0: a share of what mode block keeps up with")
	flag.IntVar(&o.conns, "connections", 16, "connections that ask")
	ordinary := flag.Bool("ordinary", false, "run with the priority of ordinary processes")
	reverse := flag.String("reverseproxy", "", "be httputil.ReverseProxy in front of `ADDRESS`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := error(nil)
	if *reverse != "" {
		err = serveReverseProxy(ctx, *reverse)
	} else {
		err = measure(ctx, &o, *ordinary)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "proxy:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, o *options, ordinary bool) error {
	if !ordinary {
		if err := priority(); err != nil {
			return err
		}
	}
	return run(ctx, os.Stdout, o)
}

type options struct {
	gabion, module, crs string
	only, kind          string
	repeats, conns      int
	rate                float64
	each, latency       time.Duration
}

// asked are the kinds of requests, and which kind of traffic they are.
var asked = [...]string{"GET, 5 parameters", "JSON, 2 KB"}

func run(ctx context.Context, out io.Writer, o *options) (err error) {
	dir, err := os.MkdirTemp("", "gabion-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f := fleet{}
	if f.cores, err = divide(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	if err := f.start(ctx, dir, o); err != nil {
		return err
	}
	f.proxies = slices.DeleteFunc(f.proxies, func(p *proxy) bool { return p.name != "nginx" && !strings.Contains(p.name, o.only) })
	for _, p := range f.proxies {
		if err := p.verify(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "request\tproxy\tCPU us\tspread\tto nginx\tspread\trequests\t\n")
	for _, kind := range asked {
		if !strings.Contains(kind, o.kind) {
			continue
		}
		requests, err := traffic.Pool(kind, 2000)
		if err != nil {
			return err
		}
		if err := pinned(&f.cores.others, func() error { return f.measure(ctx, wire(requests), o) }); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		for _, p := range f.proxies {
			c, q := cpu.Of(p.us), cpu.Of(p.ratio)
			fmt.Fprintf(w, "%s\t%s\t%.1f\t%.1f-%.1f\t%.1fx\t%.1f-%.1f\t%d\t\n", kind, p.name, c.Median, c.Low, c.High, q.Median, q.Low, q.High, p.answered)
		}
	}
	if err := w.Flush(); err != nil || o.latency == 0 {
		return err
	}
	requests, err := traffic.Pool(asked[0], 2000)
	if err != nil {
		return err
	}
	return pinned(&f.cores.others, func() error { return f.latency(ctx, out, wire(requests), o) })
}

// measure asks each proxy in turn, again and again, so that what else the
// machine does meets all of them.
func (f *fleet) measure(ctx context.Context, requests [][]byte, o *options) error {
	all := load{requests: requests, conns: o.conns, long: o.each}
	for _, p := range f.proxies {
		p.us, p.ratio, p.answered = nil, nil, 0
		if _, err := all.put(ctx, p.addr); err != nil { // warm-up
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	for range o.repeats {
		for _, p := range f.proxies {
			before, err := p.cpu()
			if err != nil {
				return err
			}
			done, err := all.put(ctx, p.addr)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			after, err := p.cpu()
			if err != nil {
				return err
			}
			n := len(done.took)
			p.us = append(p.us, (after-before).Seconds()*1e6/float64(cmp.Or(n, 1)))
			p.answered += n
		}
		for _, p := range f.proxies {
			p.ratio = append(p.ratio, p.us[len(p.us)-1]/f.proxies[0].us[len(p.us)-1])
		}
	}
	return nil
}
