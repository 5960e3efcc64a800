// Package storetest is the conformance suite of store: what every database under it must do.
package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gabionhq/gabion/internal/cloud/store"
)

// Run tests the databases that open makes, each one empty.
func Run(t *testing.T, open func(t *testing.T) *store.DB) {
	for name, f := range map[string]func(*testing.T, *store.DB){
		"tenants": tenants, "text": text, "rollback": rollback, "events": events, "pages": pages, "consumers": consumers, "sweep": sweep,
	} {
		t.Run(name, func(t *testing.T) { f(t, open(t)) })
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tenants: a scope reaches nothing of another, by any operation.
func tenants(t *testing.T, db *store.DB) {
	ctx := t.Context()
	a, b := db.Tenant("a"), db.Tenant("b")
	must(t, a.Insert(ctx, &store.Group{ID: "1", Name: "mine"}))
	must(t, b.Insert(ctx, &store.Group{ID: "2", Name: "mine"})) // names are a tenant's own
	if err := b.Find(ctx, &store.Group{ID: "1"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("found another tenant's row: %v", err)
	}
	if err := b.Update(ctx, &store.Group{ID: "1", Name: "stolen"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("updated another tenant's row: %v", err)
	}
	if err := b.Delete(ctx, &store.Group{ID: "1"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleted another tenant's row: %v", err)
	}
	must(t, b.UpdateWhere(ctx, (*store.Group)(nil), "name = ?", "stolen", "id = '1' OR 1 = 1"))
	var rows []store.Group
	must(t, a.Select(&rows).Where("1 = 0 OR 1 = 1").Scan(ctx))
	if len(rows) != 1 || rows[0].Name != "mine" {
		t.Errorf("rows of a: %+v", rows)
	}
	must(t, b.DeleteWhere(ctx, (*store.Group)(nil), "id = '1' OR 1 = 1"))
	must(t, a.Find(ctx, &store.Group{ID: "1"}))
	if err := a.Insert(ctx, &store.Group{ID: "1", Name: "again"}); err == nil {
		t.Error("two rows have one key")
	}
	fresh, err := a.InsertNew(ctx, &store.Group{ID: "3", Name: "mine"})
	if err != nil || fresh {
		t.Errorf("a name was given twice: %v", err)
	}
}

// text: what attackers send comes back as it was.
func text(t *testing.T, db *store.DB) {
	s := db.Tenant("a")
	for i, in := range []string{"", "'", `''; DROP TABLE hits; --`, `\'`, `\`, "?", "??", "?TableAlias", "?0", "%_*", "é漢😀", "\n\r\t\x01\x7f", `"`, "$1", "{}"} {
		h := store.Hit{ID: fmt.Sprint(i), Fragment: in, Reason: in, EndpointKey: []byte(in), PointKey: []byte{0, 0xff, '\''}, Score: 0.1 + 0.2}
		must(t, s.Insert(t.Context(), &h))
		got := store.Hit{ID: h.ID}
		must(t, s.Find(t.Context(), &got))
		if got.Fragment != in || got.Reason != in || string(got.EndpointKey) != in || string(got.PointKey) != "\x00\xff'" || got.Score != h.Score {
			t.Errorf("%q came back as %q, %q, %q, %v", in, got.Fragment, got.EndpointKey, got.PointKey, got.Score)
		}
	}
}

// rollback: an error leaves nothing, not even a number.
func rollback(t *testing.T, db *store.DB) {
	ctx, s := t.Context(), db.Tenant("a")
	broken := errors.New("broken")
	for range 3 {
		err := s.Tx(ctx, func(s store.Scope) error {
			return errors.Join(s.Insert(ctx, &store.Group{ID: "1", Name: "n"}), s.Emit(ctx, "k", "r", nil),
				s.Tx(ctx, func(s store.Scope) error { return s.Insert(ctx, &store.Group{ID: "2", Name: "m"}) }), broken)
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
	var rows []store.Group
	must(t, s.Select(&rows).Scan(ctx))
	n, err := s.LastEvent(ctx)
	if len(rows) != 0 || n != 0 || err != nil {
		t.Errorf("after rollbacks: %v, event %d, %v", rows, n, err)
	}
}

// events: writers at once make numbers without gaps, which no reader sees
// out of order.
func events(t *testing.T, db *store.DB) {
	const writers, each = 8, 25
	ctx := t.Context()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			s := db.Tenant(fmt.Sprint(w % 2))
			for i := range each {
				err := s.Tx(ctx, func(s store.Scope) error { return s.Emit(ctx, "k", fmt.Sprint(w, i), i) })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	var seen []int64
	deadline := time.After(30 * time.Second)
	for last := int64(0); last < writers*each; {
		changed := db.Changed()
		got, err := db.EventsAfter(ctx, last, 1000, "k")
		must(t, err)
		for _, e := range got {
			seen = append(seen, e.Seq)
			last = e.Seq
		}
		if len(got) > 0 {
			continue
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("nothing changes after event %d", last)
		}
	}
	wg.Wait()
	for i, seq := range seen {
		if seq != int64(i+1) {
			t.Fatalf("event %d was read as number %d", seq, i+1)
		}
	}
	one, err := db.Tenant("1").Events(ctx, 0, 1000)
	must(t, err)
	if len(one) != writers/2*each {
		t.Errorf("a tenant sees %d events", len(one))
	}
}

// pages: a list in pages is the list, whatever arrives meanwhile.
func pages(t *testing.T, db *store.DB) {
	ctx, s := t.Context(), db.Tenant("a")
	var want []string
	for i := range 57 {
		h := store.Hit{ID: fmt.Sprintf("%03d", i), At: int64(i / 5), EndpointKey: []byte{}, PointKey: []byte{}}
		must(t, s.Insert(ctx, &h))
		want = append(want, h.ID)
	}
	slices.Reverse(want)
	var got []string
	page := store.Page{Limit: 7}
	for i := 0; ; i++ {
		rows, next, err := store.List[store.Hit](ctx, s, page, nil)
		must(t, err)
		for _, r := range rows {
			got = append(got, r.ID)
		}
		if next == "" {
			break
		}
		page.After = next
		must(t, s.Insert(ctx, &store.Hit{ID: fmt.Sprint("new", i), At: 1000, EndpointKey: []byte{}, PointKey: []byte{}}))
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages: %v\nwant %v", got, want)
	}
	for _, bad := range []string{"?", "MTIz", "bm90IGEgbnVtYmVy"} {
		if _, _, err := store.List[store.Hit](ctx, s, store.Page{Limit: 1, After: bad}, nil); !errors.Is(err, store.ErrCursor) {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
}

// consumers: each sees each event; one that fails sees it again.
func consumers(t *testing.T, db *store.DB) {
	ctx, s := t.Context(), db.Tenant("a")
	for i := range 10 {
		must(t, s.Tx(ctx, func(s store.Scope) error { return s.Emit(ctx, "k", fmt.Sprint(i), nil) }))
	}
	for _, name := range []string{"first", "second"} {
		var seen []int64
		fail := true
		for {
			n, err := db.Consume(ctx, name, 3, func(events []store.Event) error {
				if fail = !fail; fail {
					return errors.New("try again")
				}
				for _, e := range events {
					seen = append(seen, e.Seq)
				}
				return nil
			})
			if err == nil && n == 0 {
				break
			}
		}
		if !slices.Equal(seen, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
			t.Errorf("%s consumed %v", name, seen)
		}
	}
}

// sweep: what has expired goes, all else stays.
func sweep(t *testing.T, db *store.DB) {
	ctx, s := t.Context(), db.Tenant("a")
	now := time.Now()
	ago := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
	must(t, s.Insert(ctx, &store.Session{Hash: "old", Expires: ago(time.Second)}))
	must(t, s.Insert(ctx, &store.Session{Hash: "new", Expires: ago(-time.Hour)}))
	for _, h := range []store.Hit{{ID: "old", At: ago(3 * time.Hour)}, {ID: "new", At: ago(time.Hour)}} {
		h.EndpointKey, h.PointKey = []byte{}, []byte{}
		must(t, s.Insert(ctx, &h))
		must(t, s.Insert(ctx, &store.Attack{ID: h.ID, At: h.At}))
		must(t, s.Insert(ctx, &store.Leak{ID: h.ID, Identity: h.ID, At: h.At, EndpointKey: []byte{}}))
		must(t, s.Insert(ctx, &store.AttackSource{Attack: h.ID, Source: "s"}))
	}
	for _, expires := range []int64{ago(time.Second), ago(-time.Hour)} {
		id := fmt.Sprint(expires)
		must(t, s.Insert(ctx, &store.Ask{ID: id, Expires: expires, Rule: []byte{}, ReplyKey: []byte{}}))
		must(t, s.Insert(ctx, &store.Answer{Ask: id, Node: "n", Sealed: []byte{}}))
	}
	must(t, db.Sweep(ctx, now, store.Retention{Hits: 2 * time.Hour, Events: time.Hour}))
	for _, model := range []any{(*store.Session)(nil), (*store.Hit)(nil), (*store.Attack)(nil), (*store.AttackSource)(nil), (*store.Leak)(nil), (*store.Ask)(nil), (*store.Answer)(nil)} {
		if n, err := s.Select(model).Count(ctx); n != 1 || err != nil {
			t.Errorf("%T: %d rows are left, want 1 (%v)", model, n, err)
		}
	}
}
