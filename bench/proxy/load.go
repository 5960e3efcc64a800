package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gabionhq/gabion/bench/traffic"
)

// wire returns requests as they stand on a connection.
func wire(requests []traffic.Request) [][]byte {
	out := make([][]byte, len(requests))
	for i, q := range requests {
		var b bytes.Buffer
		fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", q.Method, q.Target)
		for _, h := range q.Header {
			fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
		}
		b.WriteString("\r\n")
		b.Write(q.Body)
		out[i] = b.Bytes()
	}
	return out
}

// ask sends requests over a number of connections for a time, each as soon
// as the one before it is answered, and returns how many were answered. An
// answer other than 200 is an error.
func ask(ctx context.Context, addr string, requests [][]byte, conns int, long time.Duration) (int, error) {
	var answered, next atomic.Int64
	end := time.Now().Add(long)
	g, ctx := errgroup.WithContext(ctx)
	for range conns {
		g.Go(func() error {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				return err
			}
			defer c.Close()
			r := bufio.NewReader(c)
			for ctx.Err() == nil && time.Now().Before(end) {
				q := requests[int(next.Add(1))%len(requests)]
				status, err := exchange(c, r, q)
				if err != nil {
					return err
				}
				if status != 200 {
					return fmt.Errorf("status %d for %q", status, q)
				}
				answered.Add(1)
			}
			return ctx.Err()
		})
	}
	err := g.Wait()
	return int(answered.Load()), err
}

// exchange sends a request and reads the answer, which must have a length.
func exchange(c net.Conn, r *bufio.Reader, q []byte) (status int, err error) {
	c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := c.Write(q); err != nil {
		return 0, err
	}
	length := -1
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if first {
			if len(line) < 12 {
				return 0, fmt.Errorf("no status line: %q", line)
			}
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, err
			}
			continue
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, fmt.Errorf("an answer without length, status %d", status)
	}
	_, err = io.CopyN(io.Discard, r, int64(length))
	return status, err
}
