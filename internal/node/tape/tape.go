// Package tape keeps records in bounded, append-only files that survive kill -9.
//
//	tape    = segment*                    one file each, named by its first record's number
//	segment = record*
//	record  = length[4] crc[4] payload    big endian; CRC-32C over number[8] payload
//
// A record that Append has accepted was handed to the operating system with
// one write, so it outlives the process whatever happens to it. Power loss is
// another matter: files are synced when a segment is full, on Sync and on
// Close, so a machine that loses power may lose the records of the segment it
// was writing, and nothing older. A torn end is cut off when the tape is
// opened; a damaged record in the middle is skipped and counted.
package tape

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	headerSize = 8
	suffix     = ".tape"

	// A tape is at least this many segments, because the oldest is dropped
	// whole: a full tape always keeps 15/16 of what it may.
	segmentsPerTape = 16
	minSegment      = 16 << 10 // below, the file system's blocks are wasted
	maxSegment      = 8 << 20  // above, opening reads too much at once
	largeDisk       = 4 << 30  // on larger ones the share to leave free is of this
	maxNumber       = 1 << 62  // far beyond what a node can write, and safe to add to

	// MinBytes is the smallest bound of a tape.
	MinBytes = segmentsPerTape * minSegment
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrTooLarge is returned for a record that the bound leaves no room for.
var ErrTooLarge = errors.New("record larger than half of the bound")

// errNearlyFull is as good as what the operating system says on a full disk.
var errNearlyFull = errors.New("no space left on device but what is kept free for others")

// Options are the bounds of a tape.
type Options struct {
	Bytes int64            // of all files; the oldest segment is dropped to stay below
	Free  float64          // share of the file system, or of 4 GiB of it, that is left free for others
	Span  time.Duration    // a segment takes records for this long at most; 0: any time
	Now   func() time.Time // nil: time.Now
}

// A Pos is where a record is. The zero Pos is before the first record.
type Pos struct {
	Number  uint64 // counts records from 1, never reused
	segment uint64 // number of the segment's first record
	offset  int64
	size    int64 // with header
}

type segment struct {
	first   uint64
	count   uint64
	size    int64
	started time.Time // when its first record was written, as far as known
	written time.Time // when its last record was
}

func (s segment) end() uint64 { return s.first + s.count }

// A Tape is safe for concurrent use.
type Tape struct {
	dir  string
	opts Options
	roll int64 // bytes at which a segment is full

	mu       sync.Mutex
	segments []segment // oldest first; the last one is written to
	bytes    int64     // of all segments
	file     *os.File  // of the last segment; nil when the next record starts one
	buf      []byte
	total    int64    // size of the file system, 0 if unknown
	free     int64    // of it, when it was last looked at
	unlooked int64    // bytes written since
	reader   *os.File // of the segment that was read last
	reading  uint64
	damaged  uint64 // records found damaged
}

// Open opens the tape in dir, making the directory if needed. It hands every
// record that it finds to each, if not nil, oldest first; the payload is
// valid during the call.
func Open(dir string, opts Options, each func(Pos, []byte)) (*Tape, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening tape: %w", err)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	total, free, _ := disk(dir)
	if total > 0 {
		// On a small disk segments are small: the oldest must be able to
		// make room for the newest.
		opts.Bytes = min(opts.Bytes, total/2)
	}
	opts.Bytes = max(opts.Bytes, MinBytes)
	t := &Tape{dir: dir, opts: opts, roll: min(opts.Bytes/segmentsPerTape, maxSegment), total: total, free: free}
	if err := t.recover(each); err != nil {
		return nil, fmt.Errorf("opening tape %s: %w", dir, err)
	}
	return t, nil
}

// Append writes one record behind all others. When it fails the tape is as
// before, and the next call tries again.
func (t *Tape) Append(payload []byte) (Pos, error) {
	size := int64(headerSize + len(payload))
	if size > t.opts.Bytes/2 || len(payload) == 0 {
		return Pos{}, fmt.Errorf("appending %d bytes to tape: %w", len(payload), ErrTooLarge)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.opts.Now()
	t.makeRoom(size)
	for {
		pos, err := Pos{}, errNearlyFull
		if t.fits(size) {
			pos, err = t.write(payload, now)
		}
		if err == nil {
			return pos, nil
		}
		// The disk is full before the bound is reached: what is old gives
		// way, but for the last segments, which would not help.
		if len(t.segments) < 2 || t.drop(0) != nil {
			return Pos{}, fmt.Errorf("appending to tape: %w", err)
		}
	}
}

// fits says whether the file system has room for size bytes and for what is
// left to others. It asks the system each time a thousandth of the disk was
// written, and always when it is nearly full.
func (t *Tape) fits(size int64) bool {
	if t.total == 0 || t.opts.Free == 0 {
		return true
	}
	keep := int64(float64(min(t.total, largeDisk)) * t.opts.Free)
	if t.unlooked += size; t.unlooked > t.total/1024 || t.free-t.unlooked < 2*keep {
		if _, free, ok := disk(t.dir); ok {
			t.free, t.unlooked = free, size
		}
	}
	return t.free-t.unlooked >= keep
}

// Next returns the first record after pos, or io.EOF. Records that were
// dropped or are damaged are skipped, which shows in the numbers.
func (t *Tape) Next(pos Pos) (Pos, []byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := t.after(pos); i < len(t.segments); i++ {
		s := t.segments[i]
		at := Pos{Number: s.first - 1, segment: s.first}
		if s.first == pos.segment {
			at = pos
		}
		for at.Number+1 < s.end() {
			next, payload, err := t.read(s, at)
			if next.Number == 0 {
				return Pos{}, nil, fmt.Errorf("reading tape: %w", err)
			}
			if at = next; err == nil && at.Number > pos.Number {
				return at, payload, nil
			}
		}
	}
	return Pos{}, nil, io.EOF
}

// At returns the record at pos, which Open, Append or Next has reported.
func (t *Tape) At(pos Pos) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.find(pos.segment)
	if i < 0 {
		return nil, fmt.Errorf("reading record %d of tape: it was dropped for newer ones", pos.Number)
	}
	_, payload, err := t.read(t.segments[i], Pos{Number: pos.Number - 1, segment: pos.segment, offset: pos.offset - pos.size, size: pos.size})
	if err != nil {
		return nil, fmt.Errorf("reading record %d of tape: %w", pos.Number, err)
	}
	return payload, nil
}

// First is the number of the oldest record, or of the next if there is none.
func (t *Tape) First() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.segments) == 0 {
		return 1
	}
	return t.segments[0].first
}

// End is the number that the next record gets.
func (t *Tape) End() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.end()
}

// Bytes is the size of all files.
func (t *Tape) Bytes() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bytes
}

// Damaged counts records that could not be read back.
func (t *Tape) Damaged() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.damaged
}

// Reserve makes sure that no number below n is given to a new record. A
// reader that remembers numbers calls it after power loss may have cut the
// tape behind what it has read.
func (t *Tape) Reserve(n uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n <= t.end() {
		return
	}
	t.seal()
	t.segments = append(t.segments, segment{first: n})
}

// Release drops segments that hold only records below n.
func (t *Tape) Release(n uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.segments) > 1 && t.segments[0].end() <= n {
		if err := t.drop(0); err != nil {
			return fmt.Errorf("releasing records of tape: %w", err)
		}
	}
	return nil
}

// Expire drops segments whose last record was written before the given time.
func (t *Tape) Expire(before time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.segments) > 0 && t.segments[0].count > 0 && t.segments[0].written.Before(before) {
		if len(t.segments) == 1 {
			end := t.end()
			t.seal()
			t.segments = append(t.segments, segment{first: end})
		}
		if err := t.drop(0); err != nil {
			return fmt.Errorf("expiring records of tape: %w", err)
		}
	}
	return nil
}

// Shrink drops the oldest segment but the one that is written to, and says
// whether there was one.
func (t *Tape) Shrink() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.segments) > 1 && t.drop(0) == nil
}

// Sync makes all records survive power loss.
func (t *Tape) Sync() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == nil {
		return nil
	}
	return t.file.Sync()
}

// Close syncs and closes the files. The tape must not be used after.
func (t *Tape) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reader != nil {
		t.reader.Close()
		t.reader, t.reading = nil, 0
	}
	return t.seal()
}

func (t *Tape) end() uint64 {
	if len(t.segments) == 0 {
		return 1
	}
	return t.segments[len(t.segments)-1].end()
}

func (t *Tape) name(first uint64) string {
	return filepath.Join(t.dir, fmt.Sprintf("%016x%s", first, suffix))
}

// makeRoom drops the oldest segments until size more bytes fit. The segment
// that is written to is dropped last.
func (t *Tape) makeRoom(size int64) {
	for t.bytes+size > t.opts.Bytes && len(t.segments) > 1 {
		if t.drop(0) != nil {
			return
		}
	}
}

func (t *Tape) drop(i int) error {
	s := t.segments[i]
	if t.reading == s.first && t.reader != nil {
		t.reader.Close()
		t.reader, t.reading = nil, 0
	}
	if err := os.Remove(t.name(s.first)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	t.bytes -= s.size
	t.segments = slices.Delete(t.segments, i, i+1)
	return nil
}

// write appends to the last segment, or to a new one when that is full.
func (t *Tape) write(payload []byte, now time.Time) (Pos, error) {
	if err := t.ready(int64(headerSize+len(payload)), now); err != nil {
		return Pos{}, err
	}
	s := &t.segments[len(t.segments)-1]
	t.buf = appendRecord(t.buf[:0], s.end(), payload)
	if _, err := t.file.WriteAt(t.buf, s.size); err != nil {
		// Part of the record may be there: cut it off, or leave this segment.
		if t.file.Truncate(s.size) != nil {
			t.seal()
		}
		return Pos{}, err
	}
	if s.count == 0 {
		s.started = now
	}
	s.count++
	s.size += int64(len(t.buf))
	s.written = now
	t.bytes += int64(len(t.buf))
	return Pos{Number: s.end() - 1, segment: s.first, offset: s.size, size: int64(len(t.buf))}, nil
}

// ready makes t.file the file that a record of size bytes goes to.
func (t *Tape) ready(size int64, now time.Time) error {
	if t.file != nil {
		s := t.segments[len(t.segments)-1]
		full := s.size > 0 && s.size+size > t.roll
		old := t.opts.Span > 0 && s.count > 0 && now.Sub(s.started) >= t.opts.Span
		if !full && !old {
			return nil
		}
		if err := t.seal(); err != nil {
			return err
		}
	}
	first := t.end()
	f, err := os.OpenFile(t.name(first), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	t.file = f
	if n := len(t.segments); n == 0 || t.segments[n-1].first != first {
		t.segments = append(t.segments, segment{first: first})
	}
	return nil
}

// seal syncs and closes the last segment: it takes no more records.
func (t *Tape) seal() error {
	if t.file == nil {
		return nil
	}
	f := t.file
	t.file = nil
	return errors.Join(f.Sync(), f.Close())
}

// after returns the index of the first segment that may hold a record after pos.
func (t *Tape) after(pos Pos) int {
	for i, s := range t.segments {
		if s.end() > pos.Number+1 {
			return i
		}
	}
	return len(t.segments)
}

func (t *Tape) find(first uint64) int {
	return slices.IndexFunc(t.segments, func(s segment) bool { return s.first == first })
}

// read reads the record behind pos, which must be within s. With a zero Pos
// nothing more of the tape can be read now; with an error and another Pos
// the record is damaged and can be skipped.
func (t *Tape) read(s segment, pos Pos) (Pos, []byte, error) {
	if t.reader == nil || t.reading != s.first {
		f, err := os.Open(t.name(s.first))
		if err != nil {
			return Pos{}, nil, err
		}
		if t.reader != nil {
			t.reader.Close()
		}
		t.reader, t.reading = f, s.first
	}
	var header [headerSize]byte
	rest := Pos{Number: s.end() - 1, segment: s.first, offset: s.size}
	if _, err := t.reader.ReadAt(header[:], pos.offset); err != nil {
		t.damaged += rest.Number - pos.Number
		return rest, nil, err
	}
	size := int64(binary.BigEndian.Uint32(header[:4]))
	if size == 0 || pos.offset+headerSize+size > s.size {
		t.damaged += rest.Number - pos.Number
		return rest, nil, errors.New("damaged record")
	}
	payload := make([]byte, size)
	if _, err := t.reader.ReadAt(payload, pos.offset+headerSize); err != nil {
		t.damaged += rest.Number - pos.Number
		return rest, nil, err
	}
	next := Pos{Number: pos.Number + 1, segment: s.first, offset: pos.offset + headerSize + size, size: headerSize + size}
	if checksum(next.Number, payload) != binary.BigEndian.Uint32(header[4:]) {
		t.damaged++
		return next, nil, errors.New("damaged record")
	}
	return next, payload, nil
}

// Scan hands every record of the tape in dir to each, oldest first, and
// changes nothing, so that a tape can be read while its owner writes it. The
// payload is valid during the call.
func Scan(dir string, each func([]byte)) error {
	t := &Tape{dir: dir}
	if err := t.load(func(_ Pos, payload []byte) { each(payload) }); err != nil {
		return fmt.Errorf("reading tape %s: %w", dir, err)
	}
	return nil
}

// recover reads every segment, cuts the torn end of the last one, and leaves
// the tape ready to append.
func (t *Tape) recover(each func(Pos, []byte)) error {
	if err := t.load(each); err != nil {
		return err
	}
	n := len(t.segments)
	if n == 0 {
		return nil
	}
	last := t.segments[n-1]
	f, err := os.OpenFile(t.name(last.first), os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Truncate(last.size); err != nil {
		f.Close()
		return err
	}
	t.file = f
	return nil
}

// load reads the segments.
func (t *Tape) load(each func(Pos, []byte)) error {
	entries, err := os.ReadDir(t.dir) // sorted by name, which is by number
	if err != nil {
		return err
	}
	for _, e := range entries {
		hex, ok := strings.CutSuffix(e.Name(), suffix)
		first, err := strconv.ParseUint(hex, 16, 64)
		if !ok || err != nil || first < t.end() || first > maxNumber {
			continue // not a name that this package gave
		}
		if err := t.recoverSegment(first, each); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tape) recoverSegment(first uint64, each func(Pos, []byte)) error {
	b, err := os.ReadFile(t.name(first))
	if err != nil {
		return err
	}
	s := segment{first: first}
	if info, err := os.Stat(t.name(first)); err == nil {
		s.started, s.written = info.ModTime(), info.ModTime()
	}
	for {
		payload, size := cutRecord(b[s.size:])
		if size == 0 {
			break
		}
		number := s.end()
		if checksum(number, payload) != binary.BigEndian.Uint32(b[s.size+4:]) {
			t.damaged++
		} else if each != nil {
			each(Pos{Number: number, segment: first, offset: s.size + size, size: size}, payload)
		}
		s.count++
		s.size += size
	}
	t.segments = append(t.segments, s)
	t.bytes += s.size
	return nil
}

// cutRecord returns the first record of b and its size, or 0 when b does not
// hold a whole one.
func cutRecord(b []byte) (payload []byte, size int64) {
	if len(b) < headerSize {
		return nil, 0
	}
	n := int64(binary.BigEndian.Uint32(b))
	if n == 0 || n > int64(len(b)-headerSize) {
		return nil, 0
	}
	return b[headerSize : headerSize+n], headerSize + n
}

func appendRecord(dst []byte, number uint64, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	dst = binary.BigEndian.AppendUint32(dst, checksum(number, payload))
	return append(dst, payload...)
}

// checksum covers the number too, so that a block of an older file that shows
// up again is not taken for a record.
func checksum(number uint64, payload []byte) uint32 {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], number)
	return crc32.Update(crc32.Checksum(n[:], castagnoli), castagnoli, payload)
}
