package spool

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gabionhq/gabion/internal/node/tape"
)

func open(t *testing.T, dir string, bytes int64) *Spool {
	t.Helper()
	s, err := Open(dir, bytes, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A ledger is a cloud that stores a batch once per number.
type ledger struct {
	seqs    map[uint64]string
	records map[string]int
}

func newLedger() *ledger {
	return &ledger{seqs: map[uint64]string{}, records: map[string]int{}}
}

func (l *ledger) push(t *testing.T, b Batch) {
	t.Helper()
	var whole strings.Builder
	for _, r := range b.Records {
		whole.Write(r)
		whole.WriteByte('\n')
	}
	if before, ok := l.seqs[b.Seq]; ok {
		if before != whole.String() {
			t.Fatalf("batch %d changed:\n%.60s\n%.60s", b.Seq, before, whole.String())
		}
		return
	}
	l.seqs[b.Seq] = whole.String()
	for _, r := range b.Records {
		l.records[string(r)]++
	}
}

func take(t *testing.T, s *Spool) Batch {
	t.Helper()
	b, err := s.Take()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ack(t *testing.T, s *Spool, seq uint64) {
	t.Helper()
	if err := s.Ack(seq); err != nil {
		t.Fatal(err)
	}
}

// Restarts at every step of a delivery: nothing lost, nothing twice, in order.
func TestExactlyOnceAcrossRestarts(t *testing.T) {
	dir := t.TempDir()
	cloud := newLedger()
	n := 0
	put := func(s *Spool, count int) {
		for range count {
			if err := s.Put(fmt.Appendf(nil, "record %05d %s", n, strings.Repeat(".", n%700))); err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	for round := range 40 {
		s := open(t, dir, 16<<20)
		put(s, 100+round*20)
		b := take(t, s)
		put(s, 10)
		switch round % 4 {
		case 0: // dies before the batch is sent
		case 1: // dies before the acknowledgement comes
			cloud.push(t, b)
		case 2: // dies right after it
			cloud.push(t, b)
			ack(t, s, b.Seq)
		case 3: // dies with the next batch cut
			cloud.push(t, b)
			ack(t, s, b.Seq)
			take(t, s)
		}
		s.Close()
	}
	s := open(t, dir, 16<<20)
	for b := take(t, s); b.Seq != 0; b = take(t, s) {
		cloud.push(t, b)
		ack(t, s, b.Seq)
	}
	if len(cloud.records) != n {
		t.Errorf("%d of %d records arrived", len(cloud.records), n)
	}
	for r, times := range cloud.records {
		if times != 1 {
			t.Errorf("%.20q arrived %d times", r, times)
		}
	}
	if st := s.Stats(); st.Dropped != 0 || st.Problem != "" {
		t.Errorf("%+v", st)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "records", "*")); len(names) > 2 {
		t.Errorf("%d files are left after all was acknowledged", len(names))
	}
}

func TestFullSpoolDropsTheOldestAndCounts(t *testing.T) {
	s := open(t, t.TempDir(), tape.MinBytes)
	const n = 4000
	for i := range n {
		if err := s.Put(fmt.Appendf(nil, "%05d%s", i, strings.Repeat(".", 200))); err != nil {
			t.Fatal(err)
		}
	}
	dropped := s.Stats().Dropped
	var got []string
	for s.Stats().Waiting > 0 {
		b := take(t, s)
		for _, r := range b.Records {
			got = append(got, string(r[:5]))
		}
		ack(t, s, b.Seq)
	}
	if dropped == 0 || dropped+uint64(len(got)) != n {
		t.Errorf("%d dropped and %d arrived of %d", dropped, len(got), n)
	}
	if after := s.Stats().Dropped; after != dropped {
		t.Errorf("dropped was %d and is %d", dropped, after)
	}
	for i, r := range got {
		if want := fmt.Sprintf("%05d", n-len(got)+i); r != want {
			t.Fatalf("record %d is %s, want %s", i, r, want)
		}
	}
}

func TestExpire(t *testing.T) {
	s, err := Open(t.TempDir(), 0, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 10 {
		s.Put(fmt.Appendf(nil, "old %d", i))
	}
	time.Sleep(60 * time.Millisecond) // the age itself is what is tested
	if err := s.Expire(); err != nil {
		t.Fatal(err)
	}
	s.Put([]byte("new"))
	if st := s.Stats(); st.Dropped != 10 || st.Waiting != 1 {
		t.Errorf("%+v", st)
	}
	if b := take(t, s); len(b.Records) != 1 || string(b.Records[0]) != "new" {
		t.Errorf("%q", b.Records)
	}
}

// The batch in flight loses its records to newer ones: they count as dropped
// only if they were never handed out.
func TestDroppedInFlight(t *testing.T) {
	s := open(t, t.TempDir(), tape.MinBytes)
	for i := range 100 {
		s.Put(fmt.Appendf(nil, "first %d", i))
	}
	b := take(t, s)
	for range 2 * tape.MinBytes / 1000 {
		s.Put(make([]byte, 1000))
	}
	ack(t, s, b.Seq)
	st := s.Stats()
	if want := uint64(2*tape.MinBytes/1000) - st.Waiting; st.Dropped != want {
		t.Errorf("%d dropped, want %d", st.Dropped, want)
	}
}

func TestNumbersNeverComeBack(t *testing.T) {
	f := func(name string, harm func(dir string) error) {
		t.Helper()
		dir := t.TempDir()
		s := open(t, dir, 0)
		s.Put([]byte("one"))
		first := take(t, s)
		ack(t, s, first.Seq)
		s.Put([]byte("two"))
		second := take(t, s)
		s.Close()
		if err := harm(dir); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir, 0)
		s.Put([]byte("three"))
		b := take(t, s)
		if b.Seq == second.Seq { // the same batch again: it must not hold anything new
			for _, r := range b.Records {
				if string(r) == "three" {
					t.Errorf("%s: batch %d was sent without the record it holds now", name, b.Seq)
				}
			}
			ack(t, s, b.Seq)
			b = take(t, s)
		}
		if b.Seq <= second.Seq {
			t.Errorf("%s: batch %d follows %d", name, b.Seq, second.Seq)
		}
		if n := len(b.Records); n == 0 || string(b.Records[n-1]) != "three" {
			t.Errorf("%s: the new record is not in %q", name, b.Records)
		}
	}
	cursor := func(dir string) string { return filepath.Join(dir, "cursor") }
	f("nothing", func(string) error { return nil })
	f("cursor removed", func(dir string) error { return os.Remove(cursor(dir)) })
	f("next slot torn", func(dir string) error {
		f, err := os.OpenFile(cursor(dir), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		c, err := readCursor(f)
		if err != nil {
			return err
		}
		_, err = f.WriteAt([]byte("torn"), int64((c.seq+1)%2)*slotSize)
		return errors.Join(err, f.Close())
	})
	f("cursor cut", func(dir string) error { return os.Truncate(cursor(dir), 10) })
	f("cursor overwritten", func(dir string) error { return os.WriteFile(cursor(dir), make([]byte, 2*slotSize), 0o600) })
	f("records removed", func(dir string) error { return os.RemoveAll(filepath.Join(dir, "records")) })
	f("all removed", func(dir string) error { return os.RemoveAll(dir) })
}

// A process that takes hits and delivers them is killed again and again. Each
// hit that it was told is safe arrives, once.
func TestKill(t *testing.T) {
	if dir := os.Getenv("SPOOL_CHILD"); dir != "" {
		s, err := Open(dir, 64<<20, 0)
		if err != nil {
			panic(err)
		}
		for i := 0; ; i++ {
			record := fmt.Sprintf("%s.%d", os.Getenv("SPOOL_ROUND"), i)
			if err := s.Put([]byte(record)); err != nil {
				panic(err)
			}
			fmt.Println("put", record)
			if i%7 != 0 {
				continue
			}
			b, err := s.Take()
			if err != nil {
				panic(err)
			}
			for _, r := range b.Records {
				fmt.Println("push", b.Seq, string(r))
			}
			fmt.Println("end", b.Seq)
			if err := s.Ack(b.Seq); err != nil {
				panic(err)
			}
		}
	}

	dir := t.TempDir()
	cloud, safe := newLedger(), map[string]bool{}
	for round := range 8 {
		child := exec.Command(os.Args[0], "-test.run=^TestKill$")
		child.Env = append(os.Environ(), "SPOOL_CHILD="+dir, fmt.Sprint("SPOOL_ROUND=", round))
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		var sending Batch
		for i := 0; ; i++ {
			line, err := lines.ReadString('\n')
			if err != nil {
				break
			}
			if i == 200+53*round {
				child.Process.Kill()
			}
			var seq uint64
			var record string
			switch {
			case strings.HasPrefix(line, "put "):
				safe[strings.TrimSpace(line[4:])] = true
			case strings.HasPrefix(line, "push "):
				fmt.Sscan(line[5:], &seq, &record)
				sending.Records = append(sending.Records, []byte(record))
			case strings.HasPrefix(line, "end "):
				fmt.Sscan(line[4:], &sending.Seq)
				cloud.push(t, sending)
				sending = Batch{}
			}
		}
		child.Wait()
	}
	s := open(t, dir, 64<<20)
	for b := take(t, s); b.Seq != 0; b = take(t, s) {
		cloud.push(t, b)
		ack(t, s, b.Seq)
	}
	for r := range safe {
		if cloud.records[r] != 1 {
			t.Errorf("record %s arrived %d times", r, cloud.records[r])
		}
	}
	if len(safe) < 500 {
		t.Errorf("only %d records were put", len(safe))
	}
}
