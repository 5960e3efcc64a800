package tenant

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gabionhq/gabion/internal/cloud/store"
)

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func directory(t *testing.T) (*Directory, *clock) {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	c := &clock{time.Unix(1e9, 0)}
	return New(db, "eu1", c.now), c
}

// TestExpiry: each secret ends when it should and not before.
func TestExpiry(t *testing.T) {
	d, c := directory(t)
	b, err := d.Bootstrap(t.Context(), Bootstrap{}, false)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, want bool, err error) {
		t.Helper()
		if (err == nil) != want || err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
	c.at = c.at.Add(bootstrapLife - time.Second)
	_, err = d.Bearer(t.Context(), b.Token)
	check("bootstrap token in time", true, err)
	session, who, err := d.Login(t.Context(), "x", b.Link)
	check("link in time", true, err)
	_, err = d.Bearer(t.Context(), b.Token)
	check("bootstrap token with an administrator", false, err)
	s := d.db.Tenant(who.Tenant)
	short, _, err := d.NewToken(t.Context(), s, "short", "read-only", time.Minute, false)
	check("token", true, err)
	long, _, err := d.NewToken(t.Context(), s, "long", "read-only", 0, false)
	check("token", true, err)
	link, err := d.NewLink(t.Context(), s, who.ID)
	check("link", true, err)
	c.at = c.at.Add(time.Minute)
	_, err = d.Bearer(t.Context(), short)
	check("expired token", false, err)
	c.at = c.at.Add(LinkLife)
	_, _, err = d.Login(t.Context(), "x", link)
	check("expired link", false, err)
	c.at = c.at.Add(SessionLife - LinkLife - 2*time.Minute)
	_, err = d.Cookie(t.Context(), session)
	check("session in time", true, err)
	c.at = c.at.Add(2 * time.Minute)
	_, err = d.Cookie(t.Context(), session)
	check("expired session", false, err)
	c.at = c.at.Add(5 * 365 * 24 * time.Hour)
	_, err = d.Bearer(t.Context(), long)
	check("token for ever", true, err)

	late, err := d.Bootstrap(t.Context(), b, false)
	if err != nil || late.Token != "" {
		t.Errorf("with an administrator: %+v, %v", late, err)
	}
}

// TestBootstrapExpires: what nobody used in a day is replaced.
func TestBootstrapExpires(t *testing.T) {
	d, c := directory(t)
	first, err := d.Bootstrap(t.Context(), Bootstrap{}, false)
	if err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(bootstrapLife)
	if _, err := d.Bearer(t.Context(), first.Token); !errors.Is(err, ErrRefused) {
		t.Errorf("after a day: %v", err)
	}
	second, err := d.Bootstrap(t.Context(), first, false)
	if err != nil || second.Token == first.Token || second.Link == first.Link {
		t.Errorf("%+v, then %+v, %v", first, second, err)
	}
	if _, err := d.Bearer(t.Context(), second.Token); err != nil {
		t.Error(err)
	}
}

// TestLinkOnce: of many who use a link at once, one gets in.
func TestLinkOnce(t *testing.T) {
	d, _ := directory(t)
	b, err := d.Bootstrap(t.Context(), Bootstrap{}, false)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	in := 0
	for range 8 {
		wg.Go(func() {
			if _, _, err := d.Login(t.Context(), "x", b.Link); err == nil {
				mu.Lock()
				in++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if in != 1 {
		t.Errorf("%d logged in with one link", in)
	}
}

func TestRoles(t *testing.T) {
	f := func(role string, may ...Access) {
		t.Helper()
		for _, a := range []Access{Self, Read, Decide, Deploy, Admin} {
			want := false
			for _, m := range may {
				want = want || m == a
			}
			if (Actor{Role: role}).May(a) != want {
				t.Errorf("%s may %s: %v", role, a, !want)
			}
		}
	}
	f("admin", Self, Read, Decide, Deploy, Admin)
	f("analyst", Self, Read, Decide)
	f("read-only", Self, Read)
	f("deploy", Self, Deploy)
	f("")
	f("root")
}
