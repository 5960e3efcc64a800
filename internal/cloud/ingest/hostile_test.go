package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"testing"

	"connectrpc.com/connect"

	"github.com/gabionhq/gabion/internal/cloud/fleet"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/wire/wirepb"
	"github.com/gabionhq/gabion/wire/wirepb/wirepbconnect"
)

// server returns one with a store of its own.
func server(t testing.TB) *Server {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	authority, err := fleet.OpenAuthority(t.TempDir(), "eu1")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	return New(db, fleet.New(db, authority, func() string { return "" }, log), log)
}

// 8 KB of a stranger are not unpacked to 4 million empty hits, which took a
// second and 1.3 GB.
func TestStrangersAreNotRead(t *testing.T) {
	srv := httptest.NewServer(server(t).Handler())
	defer srv.Close()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(bytes.Repeat([]byte{0x1a, 0}, 4<<20-10)) // field hits, empty
	w.Close()
	f := func(procedure string, want int) {
		t.Helper()
		r, err := http.NewRequest("POST", srv.URL+procedure, bytes.NewReader(z.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/proto")
		r.Header.Set("Content-Encoding", "gzip")
		before := allocated()
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if took := allocated() - before; res.StatusCode != want || took > 16<<20 {
			t.Errorf("%s: status %d, %d bytes allocated", procedure, res.StatusCode, took)
		}
	}
	f(wirepbconnect.CloudPushProcedure, http.StatusUnauthorized)
	f(wirepbconnect.CloudAnswerProcedure, http.StatusUnauthorized)
	f(wirepbconnect.CloudEnrollProcedure, http.StatusTooManyRequests) // resource exhausted: longer than maxEnrol
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// A batch of very many rows would have the database to itself for minutes.
func TestBatchOfManyRows(t *testing.T) {
	s := server(t)
	node := store.Node{ID: "n"}
	node.Tenant = "a"
	ctx := context.WithValue(t.Context(), peer{}, caller{Node: node})
	b := &wirepb.Batch{Seq: 1, Endpoints: []*wirepb.EndpointDelta{{Params: make([]*wirepb.ParamDelta, maxRows)}}}
	if _, err := s.Push(ctx, connect.NewRequest(b)); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Error(err)
	}
}
