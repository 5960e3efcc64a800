package detect

import (
	"math/rand"
	"testing"
)

// goals are what namesGoal looks for, and the names around them.
var goals = []string{"/etc/passwd", "/etc/shadow", "/bin/sh", "/bin/bash", "/dev/tcp", "boot.ini", "win.ini", "/etc/issue", "/etc/hosts", "id_rsa"}

// TestNamesGoal compares namesGoal, which looks from single signs on, with a search for
// each name.
func TestNamesGoal(t *testing.T) {
	pieces := append([]string{"/", ".", "_", "i", "id", "_rsa", "boot", "win", ".ini", "BOOT", "/ETC", "/etc", "passwd", "/bin/", "sh", "ba", " ", "x", "\x00"}, goals...)
	rng := rand.New(rand.NewSource(1))
	found := 0
	for range 200_000 {
		v := crumb(rng, pieces, 6)
		want := false
		for _, g := range goals {
			want = want || hasFold(v, g)
		}
		if got := namesGoal(v); got != want {
			t.Fatalf("%q: %t, want %t", v, got, want)
		}
		if want {
			found++
		}
	}
	if found < 10_000 {
		t.Errorf("only %d have one", found)
	}
}
