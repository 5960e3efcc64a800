package engine

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"go/format"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/rule"
)

// The calibration is fitted to counts: how many requests of each source and
// label got which fused evidence. The counts are committed, so that everybody
// gets the same table; making them anew needs the corpora (docs/model.md).
const (
	evidenceFile    = "testdata/evidence.tsv"
	calibrationFile = "calibration.go"
)

var (
	updateCalibration = flag.Bool("calibration.update", false, "fit calibration.go to "+evidenceFile)
	evidenceCorpora   = flag.String("calibration.corpora", "", "count "+evidenceFile+" anew from labelled requests in these directories, separated by commas")
)

// A count is how many requests of a source got evidence that rounds down to
// a knot of the calibration.
type count struct {
	source string
	attack bool
	knot   int
}

// permissive are the sources whose licences allow to learn from them what
// the engine ships. Recorded applications and contested labels are not among
// them.
var permissive = strings.Fields(`
	patt patt-md patt-files payloadbox httpparams afrog libinjection crs-tests fuzzdb nosql-lists ssrf-gen
	blns gsm8k twilio-oas adyen-oas digitalocean-oas box-oas laravel-docs prometheus-docs sqlfluff saleor-graphql
	caddy-md aigw-md mcp-md 30s-code gen-b64 gen-ctx gen-dollar gen-math gen-names gen-odata gen-paths gen-sqlish
	gen-token gen-upload gabion`)

// TestCalibration holds calibration.go to the counts it was fitted to, byte
// by byte, and measures it on the sources that it was not fitted to.
func TestCalibration(t *testing.T) {
	if *evidenceCorpora != "" {
		writeEvidence(t, countEvidence(t, strings.Split(*evidenceCorpora, ",")))
	}
	counts := readEvidence(t)
	want := renderCalibration(t, fit(counts, fitted))
	if *updateCalibration {
		if err := os.WriteFile(calibrationFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Skip("calibration.go is written; run the test again")
	}
	got, err := os.ReadFile(calibrationFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("calibration.go is not what " + evidenceFile + " leads to; run go generate ./engine")
	}
	off := calibrationError(counts, func(source string) bool { return !fitted(source) })
	t.Logf("expected calibration error on sources not fitted to: %.3f", off)
	if off > 0.05 {
		t.Errorf("calibrated scores are %.3f off on average where they were not fitted", off)
	}
}

func TestCalibratedIsMonotone(t *testing.T) {
	last := float32(0)
	for i := range 1001 {
		raw := float32(i) / 1000
		p := calibrated(raw)
		if p < last || p < 0 || p > 1 {
			t.Errorf("calibrated(%v) = %v after %v", raw, p, last)
		}
		if (raw >= threshold) != (p >= threshold) {
			t.Errorf("calibrated(%v) = %v is on the other side of the threshold", raw, p)
		}
		last = p
	}
}

// fitted reports whether the curve is fitted to a source: two thirds of them,
// chosen by hash. The others measure it.
func fitted(source string) bool {
	h := fnv.New32a()
	h.Write([]byte(source))
	return h.Sum32()%3 != 0
}

// shares returns, per knot, the share of all attacks and of all benign
// requests of the wanted sources: attacks and ordinary requests count as if
// they were equally frequent.
func shares(counts map[count]int, wanted func(string) bool) (attack, benign [knots]float64) {
	var all [2]float64
	for c, n := range counts {
		switch {
		case !wanted(c.source):
		case c.attack:
			attack[c.knot] += float64(n)
			all[0] += float64(n)
		default:
			benign[c.knot] += float64(n)
			all[1] += float64(n)
		}
	}
	for k := range attack {
		attack[k] /= max(all[0], 1)
		benign[k] /= max(all[1], 1)
	}
	return attack, benign
}

// prior is how much the detectors' own weights count beside the requests of
// one knot, as a share of all requests.
const prior = 0.0005

// fit returns the probability of an attack at each knot: the shares, drawn
// towards the detectors' own weights, made monotone by pooling neighbours
// (Ayer et al. 1955), and on the detectors' side of the threshold.
func fit(counts map[count]int, wanted func(string) bool) [knots]float64 {
	attack, benign := shares(counts, wanted)
	type pool struct {
		attack, all float64
		n           int
	}
	var pools []pool
	for k := range attack {
		raw := float64(k) / (knots - 1)
		next := pool{attack[k] + prior*raw, attack[k] + benign[k] + prior, 1}
		for len(pools) > 0 && pools[len(pools)-1].attack*next.all >= next.attack*pools[len(pools)-1].all {
			last := pools[len(pools)-1]
			next = pool{next.attack + last.attack, next.all + last.all, next.n + last.n}
			pools = pools[:len(pools)-1]
		}
		pools = append(pools, next)
	}
	var curve [knots]float64
	k := 0
	for _, p := range pools {
		for range p.n {
			curve[k] = p.attack / p.all
			k++
		}
	}
	middle := (knots - 1) / 2
	for k := range curve {
		if k < middle {
			curve[k] = min(curve[k], threshold-0.01)
		} else if k > middle {
			curve[k] = max(curve[k], threshold)
		}
	}
	curve[0], curve[middle], curve[knots-1] = 0, threshold, 1
	return curve
}

// calibrationError is the expected calibration error (Naeini et al. 2015):
// how far the probability at a knot is from the share of attacks there,
// averaged over requests. Requests without any evidence have no score.
func calibrationError(counts map[count]int, wanted func(string) bool) float64 {
	attack, benign := shares(counts, wanted)
	sum, all := 0.0, 0.0
	for k := 1; k < knots; k++ {
		n := attack[k] + benign[k]
		if n == 0 {
			continue
		}
		middle := (float32(k) + 0.5) / (knots - 1)
		sum += n * math.Abs(float64(calibrated(min(middle, 1)))-attack[k]/n)
		all += n
	}
	return sum / all
}

func renderCalibration(t *testing.T, curve [knots]float64) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("// Code generated by go generate from " + evidenceFile + ". DO NOT EDIT.\n\npackage engine\n\n")
	b.WriteString("// calibration is the probability of an attack where the fused evidence is a\n// multiple of 1/20.\n")
	b.WriteString("var calibration = [knots]float32{\n")
	for _, p := range curve {
		fmt.Fprintf(&b, "%.4f,\n", p)
	}
	b.WriteString("}\n")
	out, err := format.Source(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func readEvidence(t *testing.T) map[count]int {
	t.Helper()
	data, err := os.ReadFile(evidenceFile)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[count]int{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		knot, err1 := strconv.Atoi(f[2])
		n, err2 := strconv.Atoi(f[3])
		if err := cmp.Or(err1, err2); err != nil {
			t.Fatal(err)
		}
		counts[count{f[0], f[1] == "attack", knot}] = n
	}
	return counts
}

func writeEvidence(t *testing.T, counts map[count]int) {
	t.Helper()
	var lines []string
	for c, n := range counts {
		label := "benign"
		if c.attack {
			label = "attack"
		}
		lines = append(lines, fmt.Sprintf("%s\t%s\t%02d\t%d\n", c.source, label, c.knot, n))
	}
	slices.Sort(lines)
	out := "# source, label, fused evidence in twentieths, requests\n" + strings.Join(lines, "")
	if err := os.WriteFile(evidenceFile, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
}

// countEvidence inspects the labelled requests of permissive sources.
func countEvidence(t *testing.T, dirs []string) map[count]int {
	t.Helper()
	counts := map[count]int{}
	e := New(Options{})
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.jsonl.gz"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no labelled requests in %s", dir)
		}
		for _, file := range files {
			eachSample(t, file, func(s *sample) {
				if slices.Contains(permissive, s.Source) && s.Tier != "noisy" && !s.sealed() {
					counts[count{s.Source, s.Label == "attack", knot(s.evidence(e))}]++
				}
			})
		}
	}
	return counts
}

func knot(raw float32) int { return int(raw*(knots-1) + 1e-4) }

// A sample is a labelled request; see internal/score.
type sample struct {
	Source, Label, Tier, Family, Method, Target string

	Headers [][2]string
	Body    []byte `json:"body_b64"`
}

// sealed reports whether s belongs to the fifth of the families that is kept
// for measurements; see internal/score.
func (s *sample) sealed() bool {
	sum := 0
	for _, b := range sha256.Sum256([]byte(s.Family)) {
		sum += int(b)
	}
	return sum%5 == 0
}

// evidence returns the fused evidence of the whole request.
func (s *sample) evidence(e *Engine) float32 {
	h := Head{Method: []byte(s.Method), Target: []byte(s.Target)}
	for _, f := range s.Headers {
		h.Header = append(h.Header, HeaderField{Name: []byte(f[0]), Value: []byte(f[1])})
	}
	tx := e.Begin(nil, Env{Mode: rule.Block})
	defer tx.Close()
	tx.Headers(&h)
	tx.Body(s.Body)
	tx.End()
	return tx.evidence()
}

func eachSample(t *testing.T, file string, f func(*sample)) {
	t.Helper()
	r, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		f(&s)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}
