package tape

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func open(t *testing.T, dir string, o Options) *Tape {
	t.Helper()
	tape, err := Open(dir, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tape.Close() })
	return tape
}

func put(t *testing.T, tape *Tape, record string) Pos {
	t.Helper()
	pos, err := tape.Append([]byte(record))
	if err != nil {
		t.Fatal(err)
	}
	return pos
}

// all reads the tape from the start, by number.
func all(t *testing.T, tape *Tape) map[uint64]string {
	t.Helper()
	got := map[uint64]string{}
	for pos := (Pos{}); ; {
		next, payload, err := tape.Next(pos)
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		if next.Number <= pos.Number {
			t.Fatalf("record %d follows %d", next.Number, pos.Number)
		}
		got[next.Number] = string(payload)
		pos = next
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// roomy holds all that these tests write, in several segments.
var roomy = Options{Bytes: 8 << 20}

func TestKeepsRecordsAcrossRestarts(t *testing.T) {
	dir := t.TempDir()
	want := map[uint64]string{}
	for round := range 3 {
		tape := open(t, dir, roomy)
		for i := range 500 {
			record := fmt.Sprintf("round %d record %d %s", round, i, strings.Repeat("x", 2*i))
			want[put(t, tape, record).Number] = record
		}
		if diff := cmp.Diff(want, all(t, tape)); diff != "" {
			t.Fatal(diff)
		}
		tape.Close()
	}
	if len(want) != 1500 {
		t.Fatalf("%d numbers for 1500 records", len(want))
	}
	if len(files(t, dir)) < 2 {
		t.Error("the tape did not roll")
	}

	again := map[uint64]string{}
	tape, err := Open(dir, roomy, func(p Pos, b []byte) { again[p.Number] = string(b) })
	if err != nil {
		t.Fatal(err)
	}
	defer tape.Close()
	if diff := cmp.Diff(want, again); diff != "" {
		t.Error(diff)
	}
}

func TestReadsAtReportedPositions(t *testing.T) {
	dir := t.TempDir()
	tape := open(t, dir, roomy)
	var at []Pos
	for i := range 2000 {
		at = append(at, put(t, tape, fmt.Sprint("record ", i, strings.Repeat("-", 100))))
	}
	tape.Close()
	found := 0
	tape, err := Open(dir, roomy, func(p Pos, _ []byte) {
		if p != at[p.Number-1] {
			t.Errorf("record %d: opened at %+v, written at %+v", p.Number, p, at[p.Number-1])
		}
		found++
	})
	if err != nil || found != 2000 {
		t.Fatal(found, err)
	}
	defer tape.Close()
	for i, p := range at {
		if b, err := tape.At(p); err != nil || !strings.HasPrefix(string(b), fmt.Sprint("record ", i, "-")) {
			t.Fatalf("At(%+v) = %q, %v", p, b, err)
		}
	}
}

// The tape is cut at every byte of its last records: what lies before the cut
// stays, what was cut is gone, and the next record is appended and read.
func TestTornEnd(t *testing.T) {
	dir := t.TempDir()
	tape := open(t, dir, roomy)
	ends := []int64{0}
	for i := range 6 {
		ends = append(ends, put(t, tape, fmt.Sprintf("record %d", i)).offset)
	}
	tape.Close()
	whole, err := os.ReadFile(files(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%016x%s", 1, suffix)), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		tape := open(t, dir, roomy)
		want := map[uint64]string{}
		for i := range ends[1:] {
			if ends[i+1] <= int64(cut) {
				want[uint64(i+1)] = fmt.Sprintf("record %d", i)
			}
		}
		want[put(t, tape, "new").Number] = "new"
		if diff := cmp.Diff(want, all(t, tape)); diff != "" {
			t.Fatalf("cut at byte %d: %s", cut, diff)
		}
		tape.Close()
	}
}

// Every byte is flipped in turn: opening never fails, and no record is ever
// read back changed.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	tape := open(t, dir, roomy)
	written := map[string]bool{"new": true}
	for i := range 8 {
		written[fmt.Sprintf("record %d", i)] = true
		put(t, tape, fmt.Sprintf("record %d", i))
	}
	tape.Close()
	name := files(t, dir)[0]
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		bad := append([]byte(nil), whole...)
		bad[i] ^= 0x55
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		tape := open(t, dir, roomy)
		put(t, tape, "new")
		got := all(t, tape)
		for n, record := range got {
			if !written[record] {
				t.Fatalf("byte %d flipped: record %d reads %q", i, n, record)
			}
		}
		if len(got) >= 9 {
			t.Fatalf("byte %d flipped and nothing was noticed", i)
		}
		tape.Close()
		for _, f := range files(t, dir) {
			os.Remove(f)
		}
	}
}

func TestBoundDropsTheOldest(t *testing.T) {
	dir := t.TempDir()
	tape := open(t, dir, Options{Bytes: MinBytes})
	record := strings.Repeat("r", 1000)
	for range 2000 {
		put(t, tape, record)
		if tape.Bytes() > MinBytes {
			t.Fatalf("%d bytes, bound is %d", tape.Bytes(), MinBytes)
		}
	}
	got := all(t, tape)
	if got[2000] == "" || got[1] != "" || len(got) < 200 {
		t.Errorf("%d records left, newest kept: %v, oldest kept: %v", len(got), got[2000] != "", got[1] != "")
	}
	if first := tape.First(); first != 2001-uint64(len(got)) {
		t.Errorf("First = %d with %d of 2000 left", first, len(got))
	}
	if _, err := tape.Append(make([]byte, MinBytes)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a record as large as the tape: %v", err)
	}
	for range 3 {
		put(t, tape, strings.Repeat("B", MinBytes/2-headerSize))
	}
	if got := all(t, tape); len(got) != 2 || tape.Bytes() > MinBytes {
		t.Errorf("%d large records in %d bytes", len(got), tape.Bytes())
	}
}

func TestReleaseExpireReserve(t *testing.T) {
	now := time.Unix(1000, 0)
	dir := t.TempDir()
	tape := open(t, dir, Options{Span: time.Minute, Now: func() time.Time { return now }})
	for range 10 {
		put(t, tape, "a")
		now = now.Add(30 * time.Second)
	}
	if n := len(files(t, dir)); n != 5 {
		t.Errorf("%d segments of a minute for 10 records in 5 minutes", n)
	}
	if err := tape.Release(4); err != nil {
		t.Fatal(err)
	}
	if first := tape.First(); first != 3 {
		t.Errorf("released below 4: first is %d, want 3: its segment holds 4", first)
	}
	if err := tape.Expire(now.Add(-2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	if first := tape.First(); first != 7 {
		t.Errorf("after Expire first is %d, want 7", first)
	}
	if err := tape.Expire(now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := all(t, tape); len(got) != 0 || len(files(t, dir)) != 0 {
		t.Errorf("all expired, and %d records in %d files are left", len(got), len(files(t, dir)))
	}
	if n := put(t, tape, "b").Number; n != 11 {
		t.Errorf("number %d after all were dropped, want 11", n)
	}
	tape.Reserve(100)
	tape.Reserve(50)
	if n := put(t, tape, "c").Number; n != 100 {
		t.Errorf("number %d after Reserve(100)", n)
	}
	tape.Close()
	if diff := cmp.Diff(map[uint64]string{11: "b", 100: "c"}, all(t, open(t, dir, roomy))); diff != "" {
		t.Error(diff)
	}
}

// A child process appends and reports each record that was accepted; it is
// killed in the middle. Every reported record must be there.
func TestKill(t *testing.T) {
	if dir := os.Getenv("TAPE_CHILD"); dir != "" {
		tape, err := Open(dir, roomy, nil)
		if err != nil {
			panic(err)
		}
		for i := 0; ; i++ {
			record := fmt.Sprintf("%s %d %s", os.Getenv("TAPE_ROUND"), i, strings.Repeat("z", i%3000))
			pos, err := tape.Append([]byte(record))
			if err != nil {
				panic(err)
			}
			fmt.Println(pos.Number, record)
		}
	}

	dir := t.TempDir()
	accepted := map[uint64]string{}
	for round := range 5 {
		child := exec.Command(os.Args[0], "-test.run=^TestKill$")
		child.Env = append(os.Environ(), "TAPE_CHILD="+dir, fmt.Sprint("TAPE_ROUND=", round))
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		for i := 0; ; i++ {
			line, err := lines.ReadString('\n')
			if err != nil {
				break // killed; a last line without its end was not reported
			}
			if i == 300+100*round {
				child.Process.Kill()
			}
			var number uint64
			if _, err := fmt.Sscan(line, &number); err != nil {
				t.Fatal(err, line)
			}
			if accepted[number] != "" {
				t.Fatalf("number %d was given twice", number)
			}
			_, accepted[number], _ = strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		}
		child.Wait()
		got := all(t, open(t, dir, roomy))
		for n, record := range accepted {
			if got[n] != record {
				t.Fatalf("round %d: record %d was accepted and reads %.40q", round, n, got[n])
			}
		}
	}
	if len(accepted) < 1500 {
		t.Errorf("only %d records were written", len(accepted))
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(appendRecord(appendRecord(nil, 1, []byte("one")), 2, []byte("two")))
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%016x%s", 1, suffix)), b, 0o600); err != nil {
			t.Fatal(err)
		}
		opened := map[uint64]string{}
		tape, err := Open(dir, roomy, func(p Pos, b []byte) { opened[p.Number] = string(b) })
		if err != nil {
			t.Fatal(err)
		}
		defer tape.Close()
		if diff := cmp.Diff(opened, all(t, tape)); diff != "" {
			t.Fatal(diff)
		}
		opened[put(t, tape, "more").Number] = "more"
		if diff := cmp.Diff(opened, all(t, tape)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	tape, err := Open(b.TempDir(), Options{Bytes: 64 << 20}, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer tape.Close()
	record := make([]byte, 400)
	b.SetBytes(int64(len(record)))
	for b.Loop() {
		if _, err := tape.Append(record); err != nil {
			b.Fatal(err)
		}
	}
}
