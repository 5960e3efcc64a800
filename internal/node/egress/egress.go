// Package egress writes down, decoded, every message that the node sends to the cloud.
//
// The log is the operator's proof of what leaves: it is written before a
// message is sent, by the one client that can send any, and it is read with
// `gabion node egress`. A message that cannot be written down is not sent.
package egress

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/wire/wirepb"
)

const (
	// DefaultBytes is how much is kept at least: about two days of a busy
	// node. At most twice as much is on disk.
	DefaultBytes = 64 << 20

	name, older = "egress.jsonl", "egress.1.jsonl"
)

// An Entry is one line of the log.
type Entry struct {
	Time    time.Time       `json:"time"`
	To      string          `json:"to"`     // host and port
	Method  string          `json:"method"` // of wire.Cloud
	Bytes   int             `json:"bytes"`  // encoded, before compression
	Message json.RawMessage `json:"message"`
}

// A Log is safe for concurrent use.
type Log struct {
	dir   string
	limit int64
	room  func() bool

	mu   sync.Mutex
	file *os.File
	size int64
}

// Open opens the log in dir. limit 0 is DefaultBytes. On a full disk room, if
// not nil, is asked to make some until it says that there is none to make.
func Open(dir string, limit int64, room func() bool) (*Log, error) {
	if limit == 0 {
		limit = DefaultBytes
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening egress log: %w", err)
	}
	l := &Log{dir: dir, limit: limit, room: room}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("opening egress log: %w", err)
	}
	return l, nil
}

func (l *Log) open() error {
	f, err := os.OpenFile(filepath.Join(l.dir, name), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	// kill -9 in the middle of a line: the next one must not join it.
	last := make([]byte, 1)
	if n, _ := f.ReadAt(last, max(size-1, 0)); n == 1 && last[0] != '\n' {
		n, _ := f.Write([]byte("\n"))
		size += int64(n)
	}
	l.file, l.size = f, size
	return nil
}

// Close closes the log.
func (l *Log) Close() error { return l.file.Close() }

// Write writes down one message.
func (l *Log) Write(to, method string, m proto.Message) error {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(withoutToken(m))
	if err != nil {
		return fmt.Errorf("writing down what leaves: %w", err)
	}
	line, err := json.Marshal(Entry{Time: time.Now().UTC(), To: to, Method: method, Bytes: proto.Size(m), Message: text})
	if err != nil {
		return fmt.Errorf("writing down what leaves: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > 0 && l.size+int64(len(line)) > l.limit {
		if err := l.rotate(); err != nil {
			return fmt.Errorf("rotating the egress log: %w", err)
		}
	}
	line = append(line, '\n')
	if l.append(line) == nil {
		return nil
	}
	// The disk is full: the older half of the log makes room, then others.
	if err := l.rotate(); err != nil {
		return fmt.Errorf("rotating the egress log: %w", err)
	}
	err = l.append(line)
	for err != nil && l.room != nil && l.room() {
		err = l.append(line)
	}
	if err != nil {
		return fmt.Errorf("writing down what leaves: %w", err)
	}
	return nil
}

// append writes a line, or nothing.
func (l *Log) append(line []byte) error {
	n, err := l.file.Write(line)
	if err != nil {
		return errors.Join(err, l.file.Truncate(l.size))
	}
	l.size += int64(n)
	return nil
}

// withoutToken hides the enrolment token, which is not the log's to tell.
func withoutToken(m proto.Message) proto.Message {
	e, ok := m.(*wirepb.EnrollRequest)
	if !ok {
		return m
	}
	hidden := proto.CloneOf(e)
	// The secret part may hold '_' itself.
	prefix, rest, _ := strings.Cut(e.Token, "_")
	region, _, _ := strings.Cut(rest, "_")
	hidden.Token = prefix + "_" + region + "_(hidden)"
	return hidden
}

func (l *Log) rotate() error {
	if err := os.Rename(filepath.Join(l.dir, name), filepath.Join(l.dir, older)); err != nil {
		return err
	}
	l.file.Close()
	return l.open()
}

// Interceptor writes down what a client sends before it is sent.
func (l *Log) Interceptor() connect.Interceptor { return interceptor{l} }

type interceptor struct{ log *Log }

func (i interceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if err := i.write(req.Peer(), req.Spec(), req.Any()); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

func (i interceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		return stream{next(ctx, spec), i}
	}
}

func (i interceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func (i interceptor) write(to connect.Peer, spec connect.Spec, m any) error {
	message, ok := m.(proto.Message)
	if !ok {
		return fmt.Errorf("writing down what leaves: %T is not a message", m)
	}
	method := spec.Procedure[strings.LastIndexByte(spec.Procedure, '/')+1:]
	return i.log.Write(to.Addr, method, message)
}

type stream struct {
	connect.StreamingClientConn
	interceptor
}

func (s stream) Send(m any) error {
	if err := s.write(s.Peer(), s.Spec(), m); err != nil {
		return err
	}
	return s.StreamingClientConn.Send(m)
}

// Copy writes the log in dir to w. With follow it goes on with what is
// written later, until ctx ends.
func Copy(ctx context.Context, w io.Writer, dir string, follow bool) error {
	if err := copyFile(w, filepath.Join(dir, older)); err != nil {
		return fmt.Errorf("reading egress log: %w", err)
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return fmt.Errorf("reading egress log: %w", err)
	}
	defer func() { f.Close() }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := copyLines(w, f); err != nil || !follow {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if f, err = reopen(w, f, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("reading egress log: %w", err)
		}
	}
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return copyLines(w, f)
}

// reopen returns the file that the log is written to now; what is left of f
// is copied first.
func reopen(w io.Writer, f *os.File, path string) (*os.File, error) {
	before, err := f.Stat()
	if err != nil {
		return f, err
	}
	after, err := os.Stat(path)
	if err != nil || os.SameFile(before, after) {
		return f, nil // between rename and create it is not there
	}
	if err := copyLines(w, f); err != nil {
		return f, err
	}
	next, err := os.Open(path)
	if err != nil {
		return f, err
	}
	f.Close()
	return next, nil
}

// copyLines copies whole lines and leaves f behind the last of them.
func copyLines(w io.Writer, f *os.File) error {
	buf := make([]byte, 64<<10)
	var rest []byte
	for {
		n, err := f.Read(buf)
		rest = append(rest, buf[:n]...)
		if i := bytes.LastIndexByte(rest, '\n'); i >= 0 {
			if _, err := w.Write(rest[:i+1]); err != nil {
				return err
			}
			rest = append(rest[:0], rest[i+1:]...)
		}
		if errors.Is(err, io.EOF) {
			_, err := f.Seek(-int64(len(rest)), io.SeekCurrent)
			return err
		}
		if err != nil {
			return err
		}
	}
}
