package score

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/internal/replay"
)

// TestInterval compares with the values of Wilson's formula as published
// tables have them.
func TestInterval(t *testing.T) {
	f := func(right, n int, low, high float64) {
		t.Helper()
		l, h := Rate{right, n}.Interval()
		if math.Abs(l-low) > 0.01 || math.Abs(h-high) > 0.01 {
			t.Errorf("%d of %d: %.2f-%.2f, want %.2f-%.2f", right, n, l, h, low, high)
		}
	}
	f(0, 0, 0, 0)
	f(0, 10, 0, 27.75)
	f(10, 10, 72.25, 100)
	f(5, 10, 23.66, 76.34)
	f(81, 263, 25.53, 36.62) // Newcombe 1998, table I, with z = 1.96
	f(15, 148, 6.24, 16.05)  // the same
}

// TestSealed compares with the definition: sha256 as a number, modulo 5.
func TestSealed(t *testing.T) {
	sealed := 0
	for i := range 5000 {
		s := Sample{Family: fmt.Sprint(i)}
		sum := sha256.Sum256([]byte(s.Family))
		n := new(big.Int).SetBytes(sum[:])
		if want := n.Mod(n, big.NewInt(5)).Sign() == 0; s.Sealed() != want {
			t.Fatalf("family %d: sealed %v, want %v", i, s.Sealed(), want)
		}
		if s.Sealed() {
			sealed++
		}
	}
	if sealed < 900 || sealed > 1100 {
		t.Errorf("%d of 5000 families are sealed, want about a fifth", sealed)
	}
}

func TestParseSampleRefuses(t *testing.T) {
	for _, line := range []string{
		`{`,
		`{"label":"attack"}`,
		`{"method":"GET","target":"/"}`,
		`{"method":"GET","target":"/","label":"bad"}`,
		`{"method":"GET","target":"/","label":"attack","family":7}`,
	} {
		if _, err := ParseSample([]byte(line)); err == nil {
			t.Errorf("%s: was accepted", line)
		}
	}
}

// sampled makes the outcome of one request.
func sampled(label, class, tier, verdict string, score float32) *outcome {
	return newOutcome(
		&Sample{Label: label, Class: class, Tier: tier, Source: "s", Family: "a", Request: replay.Request{Method: "GET", Target: "/"}},
		replay.Verdict{Verdict: verdict, Score: score, NS: 1000})
}

func TestTally(t *testing.T) {
	tally := Tally{Misses: 1}
	for range 30 {
		tally.add(sampled(Attack, "sqli", "gold", replay.Block, 1))
		tally.add(sampled(Benign, "shop", "real", replay.Pass, 0))
	}
	for i := range 10 {
		tally.add(sampled(Attack, "sqli", "silver", replay.Pass, float32(i)/100))
		tally.add(sampled(Benign, "shop", "synth", replay.Block, float32(i)/10))
		tally.add(sampled(Attack, "xss", "hard", replay.Pass, 0))
		tally.add(sampled(Benign, "shop", "noisy", replay.Block, 1))
	}
	tally.add(&outcome{leftOut: true})
	tally.add(nil)
	r := tally.Report()

	if diff := cmp.Diff(Headline{Rate{30, 40}, Rate{30, 40}}, r.Headline); diff != "" {
		t.Error(diff)
	}
	if r.Balanced != 75 || r.LeftOut != 1 || r.Macro != 75 || r.Worst != "sqli" {
		t.Errorf("balanced %v, left out %d, macro %v, worst %q", r.Balanced, r.LeftOut, r.Macro, r.Worst)
	}
	var rows strings.Builder
	for _, row := range r.Rows {
		fmt.Fprintln(&rows, row.By, row.Label, row.Name, row.Headline, row.Right, row.N)
	}
	want := `class attack sqli true 30 40
class attack xss false 0 10
class benign shop true 30 40
class benign shop false 0 10
context attack - true 30 40
context attack - false 0 10
context benign - true 30 40
context benign - false 0 10
source attack s true 30 40
source attack s false 0 10
source benign s true 30 40
source benign s false 0 10
tier attack silver true 0 10
tier attack gold true 30 30
tier attack hard false 0 10
tier benign synth true 0 10
tier benign real true 30 30
tier benign noisy false 0 10
`
	if diff := cmp.Diff(want, rows.String()); diff != "" {
		t.Error(diff)
	}
	// The furthest from right: an attack with the lowest score, a benign
	// request with the highest.
	var misses []string
	for _, m := range r.Misses {
		misses = append(misses, fmt.Sprint(m.Label, " ", m.Class, " ", m.Tier, " ", m.Score))
	}
	if diff := cmp.Diff([]string{"attack sqli silver 0", "attack xss hard 0", "benign shop noisy 1"}, misses); diff != "" {
		t.Error(diff)
	}
	if r.Attack != (Cost{1000, 1000, 1000, 1000}) {
		t.Errorf("cost %+v", r.Attack)
	}
}

func TestFiles(t *testing.T) {
	if _, err := Files(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no .jsonl") {
		t.Errorf("an empty directory: %v", err)
	}
	if _, err := Files("testdata/missing"); err == nil {
		t.Error("a missing directory was accepted")
	}
}
