package evidence

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/internal/node/proxy"
	"github.com/gabionhq/gabion/internal/node/vault"
)

func record(body int, findings int) *proxy.Record {
	r := &proxy.Record{RequestID: "r1", Time: time.Unix(1_800_000_000, 0), Source: netip.MustParseAddr("192.0.2.1"), Status: 403,
		Head:   &engine.Head{Method: []byte("POST"), Target: []byte("/"), Proto: []byte("HTTP/1.1"), Host: []byte("a"), Scheme: []byte("https"), App: 3},
		Report: &engine.Report{}, Body: bytes.Repeat([]byte("b"), body), BodyLen: int64(body)}
	for range findings {
		r.Report.Findings = append(r.Report.Findings, engine.Finding{Point: "post", Value: r.Body,
			Finding: detect.Finding{Class: detect.XSS, From: -1, To: int32(body)}})
	}
	return r
}

func TestBounds(t *testing.T) {
	f := func(body, findings int, truncated bool) {
		t.Helper()
		e := New("e1", record(body, findings), nil)
		if len(e.Request) > maxBody+1000 || len(e.Findings) > maxFindings || e.Truncated != truncated || e.BodyBytes != int64(body) {
			t.Errorf("%d bytes of body, %d findings: %d bytes, %d findings, truncated %v", body, findings, len(e.Request), len(e.Findings), e.Truncated)
		}
		for _, g := range e.Findings {
			if len(g.Value) > maxValue || int(g.From) > len(g.Value) || int(g.To) > len(g.Value) {
				t.Errorf("a finding of %d bytes, %d to %d", len(g.Value), g.From, g.To)
			}
		}
	}
	f(0, 0, false)
	f(10, 1, false)
	f(maxBody, maxFindings, false)
	f(maxBody+1, maxFindings+1, true)
	f(8<<20, 1000, true)
}

func TestKeepsACopy(t *testing.T) {
	s, err := Open(t.TempDir(), make([]byte, 32), vault.Bounds{Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := record(10, 1)
	if err := s.Put(New("e1", r, nil)); err != nil {
		t.Fatal(err)
	}
	copy(r.Body, "changed ...")
	e, err := s.Get("r1")
	if err != nil || !strings.HasSuffix(string(e.Request), "\r\n\r\nbbbbbbbbbb") || string(e.Findings[0].Value) != "bbbbbbbbbb" ||
		e.Source != "192.0.2.1" || e.Scheme != "https" || e.Application != 3 || e.Status != 403 || e.Findings[0].Class != detect.XSS.String() {
		t.Errorf("%v, %v", e, err)
	}
}
