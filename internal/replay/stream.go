package replay

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

const (
	// maxLine bounds one recorded request: a 48 MiB body in base64. A longer
	// line is an error, since nothing useful can be said of half a request.
	maxLine = 64 << 20
	// maxAhead and maxAheadBytes bound what is read before the oldest line is
	// handed out: enough to keep the cores busy while one request is slow.
	maxAhead      = 1024
	maxAheadBytes = 2 * maxLine
)

// A job is one line on its way through Each.
type job[T any] struct {
	n    int
	line []byte
	done chan struct{}
	out  T
	err  error
}

// Each calls work for each line of r on all cores, and done with what came
// of it in the order of the lines. Empty lines are skipped. The first error
// ends it, after done has seen all lines before.
func Each[T any](ctx context.Context, r io.Reader, work func(line []byte) (T, error), done func(T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	todo, order := make(chan *job[T], maxAhead), make(chan *job[T], maxAhead)
	room := semaphore.NewWeighted(maxAheadBytes)
	g.Go(func() error {
		defer close(todo)
		defer close(order)
		err := eachLine(r, func(n int, line []byte) error {
			if err := room.Acquire(ctx, int64(len(line))); err != nil {
				return err
			}
			j := &job[T]{n: n, line: bytes.Clone(line), done: make(chan struct{})}
			return errors.Join(send(ctx, order, j), send(ctx, todo, j))
		})
		if err != nil {
			// Queued, so that the lines before it are handed out first.
			j := &job[T]{err: err, done: make(chan struct{})}
			close(j.done)
			return send(ctx, order, j)
		}
		return nil
	})
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			for j := range todo {
				if j.out, j.err = work(j.line); j.err != nil {
					j.err = fmt.Errorf("line %d: %w", j.n, j.err)
				}
				close(j.done)
			}
			return nil
		})
	}
	g.Go(func() error {
		for j := range order {
			select {
			case <-j.done:
			case <-ctx.Done(): // it may never have been handed to a worker
				return ctx.Err()
			}
			if j.err != nil {
				return j.err
			}
			if err := done(j.out); err != nil {
				return err
			}
			room.Release(int64(len(j.line)))
		}
		return nil
	})
	return g.Wait()
}

func send[T any](ctx context.Context, c chan<- T, v T) error {
	select {
	case c <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// eachLine calls f with the number and the bytes of each line that is not
// empty. The bytes are valid until f returns.
func eachLine(r io.Reader, f func(n int, line []byte) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), maxLine)
	n := 0
	for s.Scan() {
		n++
		if len(s.Bytes()) == 0 {
			continue
		}
		if err := f(n, s.Bytes()); err != nil {
			return err
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d: longer than %d MiB", n+1, maxLine>>20)
	}
	if s.Err() != nil {
		return fmt.Errorf("reading line %d: %w", n+1, s.Err())
	}
	return nil
}
