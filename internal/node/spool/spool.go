// Package spool keeps what a node has to tell until the cloud has acknowledged it.
//
// Records go in one by one, each durable against kill -9 when Put returns.
// They come out in order, in batches: a batch is cut, its number and bounds
// are synced to disk, and only then may it be sent. Whatever dies when, the
// same number is sent again with the same records until it is acknowledged,
// so a cloud that remembers (node, seq) stores each record exactly once.
//
// Power loss may take the records of the last seconds, never a batch number:
// the cursor is synced before every send.
package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gabionhq/gabion/internal/node/tape"
)

const (
	// A batch is at most this many records and bytes: one transaction of the
	// cloud and one second of a slow line.
	maxRecords = 500
	maxBytes   = 512 << 10

	// DefaultBytes holds about half a million hits.
	DefaultBytes = 256 << 20

	// keepFree is what is left of the disk for the egress log, without which
	// nothing may be sent and nothing here would ever make room.
	keepFree = 0.05
)

// A Batch is what is sent at once. Records is empty when they had to make
// room since the batch was cut.
type Batch struct {
	Seq     uint64
	Records [][]byte
}

// Stats says how the spool is.
type Stats struct {
	Waiting uint64 // records not yet acknowledged
	Bytes   int64  // on disk
	Dropped uint64 // records lost for want of room, or damaged, as far as seen since Open
	Problem string // why the last record was not taken; empty if it was
}

// A Spool is safe for concurrent use; batches are for one sender.
type Spool struct {
	tape  *tape.Tape
	file  *os.File // of the cursor
	age   time.Duration
	ready chan struct{}

	mu       sync.Mutex
	cursor   cursor
	inFlight bool
	acked    tape.Pos // last record that was acknowledged or skipped
	taken    tape.Pos // last record that was read for the batch in flight
	count    uint64   // of its records
	lost     uint64
	problem  string
}

// Open opens the spool in dir. A damaged cursor does not stop it: the batch
// in flight is then sent under a new number.
// bytes 0 is DefaultBytes, and age 0 any age.
func Open(dir string, bytes int64, age time.Duration) (*Spool, error) {
	if bytes == 0 {
		bytes = DefaultBytes
	}
	t, err := tape.Open(filepath.Join(dir, "records"), tape.Options{Bytes: bytes, Free: keepFree, Span: age / 8}, nil)
	if err != nil {
		return nil, fmt.Errorf("opening spool: %w", err)
	}
	file, err := openCursor(filepath.Join(dir, "cursor"))
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("opening spool: %w", err)
	}
	s := &Spool{tape: t, file: file, age: age, ready: make(chan struct{}, 1)}
	c, err := readCursor(file)
	if err != nil {
		// The count is lost, or this is the first start. Microseconds outrun
		// any count of batches, so no number comes back.
		c = cursor{seq: uint64(time.Now().UnixMicro()), from: t.First() - 1, to: t.First() - 1}
	}
	s.cursor = c
	s.acked.Number = c.from
	s.inFlight = err == nil
	t.Reserve(c.to + 1)
	if s.waiting() > 0 {
		s.signal()
	}
	return s, nil
}

// Put adds a record. When it returns nil the record survives kill -9.
func (s *Spool) Put(record []byte) error {
	_, err := s.tape.Append(record)
	s.mu.Lock()
	s.problem = ""
	if err != nil {
		s.lost++
		s.problem = err.Error()
	}
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("spooling: %w", err)
	}
	s.signal()
	return nil
}

func (s *Spool) signal() {
	select {
	case s.ready <- struct{}{}:
	default: // the sender has been told and has not looked yet
	}
}

// Ready receives when there may be records to take.
func (s *Spool) Ready() <-chan struct{} { return s.ready }

// Take returns the batch to send: the one in flight if there is one,
// otherwise a new one. A batch without number and records says that there is
// nothing to send; it is not acknowledged.
func (s *Spool) Take() (Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.inFlight && s.waiting() == 0 {
		return Batch{}, nil
	}
	limit := uint64(0)
	if s.inFlight {
		limit = s.cursor.to
	}
	records, last, err := s.read(limit)
	if err != nil {
		return Batch{}, fmt.Errorf("cutting a batch: %w", err)
	}
	if !s.inFlight {
		if err := s.cut(last.Number); err != nil {
			return Batch{}, fmt.Errorf("cutting a batch: %w", err)
		}
	}
	s.taken, s.count = last, uint64(len(records))
	return Batch{Seq: s.cursor.seq, Records: records}, nil
}

// cut makes a batch of the records up to number. What the batch before it
// held is let go only now: until then a restart would send it again.
func (s *Spool) cut(number uint64) error {
	next := cursor{seq: s.cursor.seq + 1, from: s.acked.Number, to: number}
	if err := next.write(s.file); err != nil {
		return err
	}
	s.cursor, s.inFlight = next, true
	return s.tape.Release(next.from + 1)
}

// Ack says that the cloud has stored the batch.
func (s *Spool) Ack(seq uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.inFlight || seq != s.cursor.seq {
		return fmt.Errorf("acknowledging batch %d: it is not in flight", seq)
	}
	s.lost += s.cursor.to - s.cursor.from - s.count
	if s.taken.Number == s.cursor.to {
		s.acked = s.taken
	}
	s.acked.Number = s.cursor.to
	s.inFlight = false
	if s.waiting() > 0 {
		s.signal()
	}
	return nil
}

// Stats says how the spool is.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Waiting: s.waiting(), Bytes: s.tape.Bytes(), Dropped: s.lost, Problem: s.problem}
	seen := s.acked.Number
	if s.inFlight {
		seen = s.cursor.to
	}
	if first := s.tape.First(); first > seen+1 {
		st.Dropped += first - seen - 1
	}
	return st
}

// Expire drops records that are too old. They count as dropped.
func (s *Spool) Expire() error {
	if s.age == 0 {
		return nil
	}
	return s.tape.Expire(time.Now().Add(-s.age))
}

// Close syncs the spool.
func (s *Spool) Close() error { return errors.Join(s.tape.Close(), s.file.Close()) }

func (s *Spool) waiting() uint64 {
	from := max(s.acked.Number+1, s.tape.First())
	return s.tape.End() - min(from, s.tape.End())
}

// read returns the records after the acknowledged ones, up to the number
// limit if that is not 0.
func (s *Spool) read(limit uint64) (records [][]byte, last tape.Pos, err error) {
	last = s.acked
	for size := 0; len(records) < maxRecords && size < maxBytes; {
		next, payload, err := s.tape.Next(last)
		if errors.Is(err, io.EOF) || limit > 0 && next.Number > limit {
			break
		}
		if err != nil {
			return nil, last, err
		}
		records, last = append(records, payload), next
		size += len(payload)
	}
	return records, last, nil
}

// cursor is what must survive power loss: the last batch number given out
// and the records it stands for, those after from and up to to.
type cursor struct {
	seq, from, to uint64
}

// A cursor file has two slots that are written in turn, so that one is whole
// whenever power fails. It is written in place, which a full disk allows:
// otherwise nothing could be sent any more and make room.
const (
	cursorSize = 3*8 + 4
	slotSize   = 512 // a sector
)

// readCursor returns the newest whole slot.
func readCursor(f *os.File) (newest cursor, err error) {
	err = errors.New("no whole cursor")
	for i := range int64(2) {
		b := make([]byte, cursorSize)
		if _, e := f.ReadAt(b, i*slotSize); e != nil || binary.BigEndian.Uint32(b[24:]) != crc32.ChecksumIEEE(b[:24]) {
			continue
		}
		c := cursor{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])}
		if c.seq > newest.seq {
			newest, err = c, nil
		}
	}
	return newest, err
}

func (c cursor) write(f *os.File) error {
	b := make([]byte, 0, slotSize)
	for _, v := range []uint64{c.seq, c.from, c.to} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	if _, err := f.WriteAt(b[:slotSize], int64(c.seq%2)*slotSize); err != nil {
		return err
	}
	return f.Sync()
}

// openCursor opens the file and takes the room that both slots need.
func openCursor(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.Size() >= 2*slotSize {
		return f, err
	}
	_, err = f.WriteAt(make([]byte, 2*slotSize), 0)
	if err := errors.Join(err, f.Sync(), syncDir(filepath.Dir(path))); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
