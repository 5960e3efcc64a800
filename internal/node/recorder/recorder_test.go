package recorder

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/internal/node/proxy"
	"github.com/gabionhq/gabion/internal/node/redact"
	"github.com/gabionhq/gabion/internal/node/vault"
	"github.com/gabionhq/gabion/wire/wirepb"
)

func TestSampling(t *testing.T) {
	f := func(sample float64, want int, share float64) {
		t.Helper()
		r, err := Open(t.TempDir(), make([]byte, 32), vault.Bounds{}, sample)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for i := range 100 {
			rec := &proxy.Record{RequestID: fmt.Sprint(i), Time: time.Now(), Source: netip.MustParseAddr("192.0.2.1"), Report: &engine.Report{},
				Head: &engine.Head{Method: []byte("GET"), Target: []byte("/?token=hunter2&city=hunter2"), Proto: []byte("HTTP/1.1")}}
			if err := r.Offer(rec, redact.Masks([]string{"get.city"})); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(r.List()); got != want || r.Sampling() != share {
			t.Errorf("sample %v: %d of 100 kept, want %d; says %v", sample, got, want, r.Sampling())
		}
		r.Each(func(e *wirepb.Evidence) bool {
			if strings.Contains(string(e.Request), "hunter2") || e.Source != "" {
				t.Errorf("kept %q from %q", e.Request, e.Source)
			}
			return true
		})
	}
	f(0, 0, 0)
	f(0.01, 1, 0.01)
	f(0.1, 10, 0.1)
	f(1, 100, 1)
	f(7, 100, 1)
}
