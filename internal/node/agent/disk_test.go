package agent

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/node/proxy"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// board remembers what is degraded.
type board struct {
	mu    sync.Mutex
	parts map[string]string
}

func (b *board) Degrade(part, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parts[part] = reason
}

func (b *board) Restore(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.parts, part)
}

func (b *board) get(part string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.parts[part]
}

// host is a node that runs no traffic.
type host struct{}

func (host) Use(uint64, *rule.Set) error { return nil }
func (host) Set() *rule.Set              { return nil }
func (host) Status() *wirepb.Status      { return new(wirepb.Status) }

func open(t *testing.T, data string, b *board) *Agent {
	t.Helper()
	a, err := Open(Options{Config: config.Default().Node, Data: data, Engine: engine.New(engine.Options{}), Health: b, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Join(host{}); err != nil {
		t.Fatal(err)
	}
	return a
}

func attack(i int) *proxy.Record {
	return &proxy.Record{RequestID: fmt.Sprint("r", i), Time: time.Now(), Source: netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), Status: 403,
		Head:    &engine.Head{Method: []byte("GET"), Target: []byte("/?q=" + strings.Repeat("x", 2000)), Host: []byte("a.example"), Proto: []byte("HTTP/1.1")},
		Verdict: engine.Verdict{Decision: engine.Block, Attack: true, Score: 1},
		Report:  &engine.Report{Findings: []engine.Finding{{Finding: detect.Finding{Class: detect.SQLi}, Point: "get.q"}}}}
}

// drain takes the hits out of the spool as an uplink would.
func drain(t *testing.T, a *Agent) map[string]int {
	t.Helper()
	got := map[string]int{}
	for {
		b, err := a.spool.Take()
		if err != nil {
			t.Fatal(err)
		}
		if b.Seq == 0 {
			return got
		}
		m := new(wirepb.Batch)
		for _, r := range b.Records {
			if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(r, m); err != nil {
				t.Fatal(err)
			}
		}
		for _, h := range m.Hits {
			got[h.RequestId]++
		}
		if err := a.egress.Write("cloud", "Push", m); err != nil {
			t.Errorf("what leaves cannot be written down: %v", err)
		}
		if err := a.spool.Ack(b.Seq); err != nil {
			t.Fatal(err)
		}
	}
}

// The data directory is on a file system of 1 MiB, which fills up: the node
// says why it is degraded, drops the oldest, and recovers when there is room.
// The test runs itself again in a mount namespace of its own.
func TestFullDisk(t *testing.T) {
	dir := os.Getenv("GABION_FULL_DISK")
	if dir == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
		cmd.Env = append(os.Environ(), "GABION_FULL_DISK="+t.TempDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		if os.Getuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, ""); err != nil {
		t.Fatalf("keeping the mount to this process: %v", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatalf("mounting a small file system: %v", err)
	}
	b := &board{parts: map[string]string{}}
	a := open(t, dir, b)
	const n = 3000
	for i := range n {
		a.journal.Attack(attack(i))
	}
	st := a.journal.Stats()
	if st.EvidenceLost == 0 && a.evidence.Bytes() > 1<<20 {
		t.Errorf("the disk did not fill up: %+v", st)
	}
	t.Logf("disk full: %+v, spool %+v, evidence %d bytes", st, a.spool.Stats(), a.evidence.Bytes())
	if st.LostHits > 0 {
		a.say("spool", a.spool.Stats().Problem)
		if why := b.get("spool"); !strings.Contains(why, "no space left") {
			t.Errorf("hits were lost, and the reason is %q", why)
		}
	}
	// What the spool says waits does arrive, once each.
	waiting := a.spool.Stats().Waiting
	got := drain(t, a)
	if uint64(len(got)) != waiting {
		t.Errorf("%d hits waited, %d arrived", waiting, len(got))
	}
	for id, times := range got {
		if times != 1 {
			t.Errorf("%s arrived %d times", id, times)
		}
	}

	// There is room again.
	if err := a.Close(); err != nil {
		t.Logf("closing on a full disk: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "evidence")); err != nil {
		t.Fatal(err)
	}
	a = open(t, dir, b)
	a.journal.Attack(attack(n))
	a.say("spool", a.spool.Stats().Problem)
	if got := drain(t, a); got[fmt.Sprint("r", n)] != 1 || b.get("spool") != "" {
		t.Errorf("with room again: %v, %q", got, b.get("spool"))
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	f := func(harm func(data string) error, want string) {
		t.Helper()
		data := filepath.Join(t.TempDir(), "node")
		a := open(t, data, &board{parts: map[string]string{}})
		a.journal.Attack(attack(1))
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if err := harm(data); err != nil {
			t.Fatal(err)
		}
		a, err := Open(Options{Config: config.Default().Node, Data: data, Engine: engine.New(engine.Options{}), Health: &board{parts: map[string]string{}}, Log: slog.New(slog.DiscardHandler)})
		if want == "" {
			if err != nil {
				t.Errorf("want it to open, got %v", err)
				return
			}
			a.Close()
			return
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one line with %q", err, want)
		}
	}
	at := func(name string, do func(path string) error) func(string) error {
		return func(data string) error { return do(filepath.Join(data, name)) }
	}
	f(at(evidenceKey, func(p string) error { return os.Chmod(p, 0o644) }), "others can read it")
	f(at(groupKey, func(p string) error { return os.Truncate(p, 5) }), "it has 5 bytes")
	f(at("spool", func(p string) error { return os.RemoveAll(p) }), "")
	f(at("evidence", func(p string) error { return os.RemoveAll(p) }), "")
	f(at(evidenceKey, func(p string) error { return os.Remove(p) }), "")
	f(at("spool", func(p string) error { return os.Rename(p, p+".x") }), "")
	f(at("spool/cursor", func(p string) error { return os.WriteFile(p, []byte("x"), 0o600) }), "")
	f(at(revealed, func(p string) error { return os.WriteFile(p, []byte("\x00nonsense"), 0o600) }), "")
	f(func(data string) error {
		if err := os.RemoveAll(filepath.Join(data, "egress")); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(data, "egress"), nil, 0o600)
	}, "opening egress log")
}

func TestGroupKeyFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "shared.key")
	if err := os.WriteFile(file, []byte(strings.Repeat("k", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(data, file string) *Agent {
		t.Helper()
		cfg := config.Default().Node
		cfg.Privacy.GroupKeyFile = file
		a, err := Open(Options{Config: cfg, Data: filepath.Join(dir, data), Engine: engine.New(engine.Options{}), Health: &board{parts: map[string]string{}}, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.Close() })
		return a
	}
	x, y, z := f("x", file), f("y", file), f("z", "")
	if x.key.Seal(1) != y.key.Seal(1) || x.key.Seal(1) == z.key.Seal(1) {
		t.Error("nodes share tags exactly when they share the key file")
	}
	cfg := config.Default().Node
	cfg.Privacy.GroupKeyFile = filepath.Join(dir, "missing")
	if _, err := Open(Options{Config: cfg, Data: filepath.Join(dir, "w")}); err == nil || !strings.Contains(err.Error(), "group key") {
		t.Errorf("a key file that is missing: %v", err)
	}
	if _, err := os.Stat(cfg.Privacy.GroupKeyFile); err == nil {
		t.Error("the operator's key file was made up")
	}
}
