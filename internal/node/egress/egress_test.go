package egress

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gabionhq/gabion/wire/wirepb"
)

func batch(seq uint64) *wirepb.Batch { return &wirepb.Batch{Seq: seq} }

func TestLog(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Write("cloud:1", "Push", batch(7)); err != nil {
		t.Fatal(err)
	}
	if err := l.Write("cloud:1", "Enroll", &wirepb.EnrollRequest{Token: "gbn1_eu_SECRET", Name: "n"}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(b, `{"time":"torn`...), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(dir, 0, nil); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Write("cloud:1", "Push", batch(8)); err != nil {
		t.Fatal(err)
	}

	var out bytes.Buffer
	if err := Copy(t.Context(), &out, dir, false); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 || strings.Contains(out.String(), "SECRET") {
		t.Fatalf("%s", out.String())
	}
	var e Entry
	if err := json.Unmarshal([]byte(lines[0]), &e); err != nil || e.To != "cloud:1" || e.Method != "Push" || !strings.Contains(string(e.Message), `"seq":"7"`) || e.Bytes != 2 {
		t.Errorf("%+v, %v", e, err)
	}
	if err := json.Unmarshal([]byte(lines[3]), &e); err != nil || !strings.Contains(string(e.Message), `"seq":"8"`) {
		t.Errorf("the line behind a torn one: %s, %v", lines[3], err)
	}
}

// buffer is a bytes.Buffer for a writer and a reader at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestFollowsAcrossRotation(t *testing.T) {
	dir := t.TempDir()
	const limit = 20 << 10
	l, err := Open(dir, limit, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var out buffer
	done := make(chan error, 1)
	go func() { done <- Copy(ctx, &out, dir, true) }()
	const n = 400
	for i := range uint64(n) {
		if err := l.Write("cloud:1", "Push", batch(i+1)); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 { // let the reader see each file
			waitFor(t, func() bool { return strings.Contains(out.String(), fmt.Sprintf(`"seq":"%d"`, i+1)) })
		}
	}
	waitFor(t, func() bool { return strings.Count(out.String(), "\n") == n })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for i := range n {
		if !strings.Contains(out.String(), fmt.Sprintf(`"seq":"%d"`, i+1)) {
			t.Fatalf("message %d is missing", i+1)
		}
	}
	for _, f := range []string{name, older} {
		if info, err := os.Stat(filepath.Join(dir, f)); err != nil || info.Size() > limit || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info, err)
		}
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited for ten seconds")
		}
	}
}
