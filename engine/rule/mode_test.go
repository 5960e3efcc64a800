package rule

import "testing"

func TestResolve(t *testing.T) {
	f := func(local Mode, o Override, scoped, general, want Mode) {
		t.Helper()
		if got := Resolve(local, o, scoped, general); got != want {
			t.Errorf("Resolve(%v, %v, %v, %v) = %v, want %v", local, o, scoped, general, got, want)
		}
	}
	f(Monitoring, OverrideOn, Inherit, Inherit, Monitoring)
	f(Monitoring, OverrideOn, Inherit, Block, Block)
	f(Monitoring, OverrideOn, Inherit, Default, Monitoring)
	f(Block, OverrideOn, Off, Monitoring, Off)
	f(Block, OverrideOn, Default, Monitoring, Block)
	f(Block, OverrideStrict, Off, Off, Block)
	f(Off, OverrideStrict, Inherit, SafeBlocking, SafeBlocking)
	f(Monitoring, OverrideStrict, Block, Off, Block)
	f(Monitoring, OverrideStrict, Monitoring, Block, Monitoring)
	f(Monitoring, OverrideOff, Block, Block, Monitoring)
	f(Off, OverrideOff, Inherit, Block, Off)
}

func TestResolveIsAMode(t *testing.T) {
	for local := Off; local <= Block; local++ {
		for o := OverrideOn; o <= OverrideOff; o++ {
			for scoped := Inherit; scoped <= Block; scoped++ {
				for general := Inherit; general <= Block; general++ {
					got := Resolve(local, o, scoped, general)
					if got < Off || o == OverrideStrict && got < local || o == OverrideOff && got != local {
						t.Errorf("Resolve(%v, %v, %v, %v) = %v", local, o, scoped, general, got)
					}
				}
			}
		}
	}
}

func TestModeNames(t *testing.T) {
	for m := Inherit; m <= Block; m++ {
		if got, err := ParseMode(m.String()); got != m || err != nil {
			t.Errorf("ParseMode(%q) = %v, %v", m.String(), got, err)
		}
	}
	for o := OverrideOn; o <= OverrideOff; o++ {
		if got, err := ParseOverride(o.String()); got != o || err != nil {
			t.Errorf("ParseOverride(%q) = %v, %v", o.String(), got, err)
		}
	}
	for _, s := range []string{"", "Block", "blocking", "%!(9)"} {
		if m, err := ParseMode(s); err == nil {
			t.Errorf("ParseMode(%q) = %v, want an error", s, m)
		}
	}
}

// A server whose locations have modes of their own, and a cloud that is of
// another opinion.
func TestModeByScope(t *testing.T) {
	scope := func(method, pattern string) Scope {
		s, err := ParseScope("", method, pattern)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	set := load(t, Writer{General: Monitoring, Rules: []Rule{
		{ID: 1, Kind: SetMode, Mode: Default, Scope: scope("POST", "/main/apply")},
		{ID: 2, Kind: SetMode, Mode: Block, Scope: scope("", "/main/**")},
		{ID: 3, Kind: SetMode, Mode: Monitoring, Scope: scope("", "/main/login")},
	}})
	f := func(method, target string, local Mode, o Override, want Mode) {
		t.Helper()
		var m Match
		set.Match(&m, &Request{Method: []byte(method), Host: []byte("a.example"), Target: []byte(target)})
		if got := Resolve(local, o, m.Mode, set.General()); got != want {
			t.Errorf("%s %s: %v, want %v (rule %d)", method, target, got, want, m.ModeRule)
		}
	}
	f("GET", "/news", Monitoring, OverrideOff, Monitoring)
	f("GET", "/main", Monitoring, OverrideOff, Monitoring)
	f("GET", "/main/login", Block, OverrideStrict, Block)
	f("GET", "/main/signup", Monitoring, OverrideStrict, Block)
	f("GET", "/main/apply", Block, OverrideOn, Block)
	f("POST", "/main/apply", Block, OverrideOn, Block)
	f("POST", "/main/apply", Monitoring, OverrideOn, Monitoring)
	f("GET", "/main/feedback", SafeBlocking, OverrideOff, SafeBlocking)
	f("GET", "/main/%6Cogin", Monitoring, OverrideOn, Monitoring)
	f("GET", "/other/..//main/./x?y", Monitoring, OverrideOn, Block)
}

func load(t testing.TB, w Writer) *Set {
	t.Helper()
	b, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
