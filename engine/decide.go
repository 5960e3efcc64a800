package engine

import (
	"hash/maphash"
	"math"
	"slices"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/engine/rule"
)

// fields shows header fields to the matcher of scopes.
type fields []HeaderField

func (f *fields) Field(i int) (name, value []byte, ok bool) {
	if i >= len(*f) {
		return nil, nil, false
	}
	return (*f)[i].Name, (*f)[i].Value, true
}

// scope finds what the ruleset decides for the request.
func (tx *Tx) scope(h *Head) {
	tx.fields = h.Header
	tx.request = rule.Request{
		App: h.App, Method: h.Method, Scheme: h.Scheme, Proto: h.Proto, Host: h.Host,
		Target: h.Target, Fields: &tx.fields,
	}
	tx.set.Match(&tx.match, &tx.request)
	tx.report.Endpoint = tx.match.Endpoint
	if tx.env.Observe && tx.env.Enough != nil {
		tx.env.Observe = !tx.env.Enough(tx.report.Endpoint)
	}
	for range tx.set.Profiles() {
		tx.profiled = true
		break
	}
	tx.verdict.Mode = rule.Resolve(tx.env.Mode, tx.env.Override, tx.match.Mode, tx.set.General())
	tx.enough = 0
	if !tx.readsAll() && !tx.weighs() {
		tx.enough = evidenceFor(tx.limit())
	}
}

// weighs reports whether rules make of findings what the engine does not.
func (tx *Tx) weighs() bool {
	m := &tx.match
	return len(m.Ignores) > 0 || len(m.Shifts) > 0 || len(m.Patches) > 0
}

// limit returns the probability from which on the request is an attack.
func (tx *Tx) limit() float32 {
	if limit := tx.set.Threshold(); limit != 0 {
		return limit
	}
	return threshold
}

// Visit is called by the walk for each value.
func (tx *Tx) Visit(t *parse.Tree, n parse.Node, value []byte) (effort int) {
	effort = tx.scan(t, n, value)
	if t.Excerpt(n) > 0 {
		return effort // all but the detectors went by the whole
	}
	if len(tx.match.Detectors) > 0 {
		tx.custom(t, n, value)
	}
	if tx.file(t, n, value); len(tx.match.Queries) > 0 {
		tx.query(t, n, value)
	}
	if (tx.env.Observe || tx.profiled) && isParameter(t, n) {
		tx.measure(t, n, value)
	}
	return effort
}

// What looking on may take once the verdict is settled: at values of the request
// or of its document, and, so that an attack is reported where it stands, at what
// decoders, and many decoders, make of those. Behind the first part of that, below many
// decoders, what is decoded further is passed over: the attack stands in what comes of
// it. A bit later only what was obvious is looked for: the layers of one attack are of
// one class.
const (
	patience        = 6 << 10
	decodedPatience = 14 << 10
	deepPatience    = 32 << 10
	breadth         = 11 << 10 // for all classes
	deep            = 4        // decoders
	obvious         = 0.7      // weight
)

// What it takes to walk on through a byte that nobody looks at, in units of a
// nanosecond, and where decoders count what they take.
const (
	walkEffort = 8
	passEffort = 4
)

// findingEffort is what it takes to keep a finding, in units of a nanosecond.
const findingEffort = 300

// work is what looking at the values of a request took.
type work struct {
	took int  // effort
	sure bool // the request is an attack, whatever follows
	then int  // what it had taken when that was known
}

// settle notes that the request is an attack.
func (w *work) settle() {
	if !w.sure {
		w.sure, w.then = true, w.took
	}
}

// left returns what looking at n may take, which only tells more of what is known
// to be an attack. It keeps requests that are meant to take long from doing so.
func (w *work) left(t *parse.Tree, n parse.Node) int {
	if !w.sure {
		return math.MaxInt
	}
	switch since, depth := w.took-w.then, t.Depth(n); {
	case depth <= 1:
		return patience - since
	case depth < deep:
		return decodedPatience - since
	default:
		return deepPatience - since
	}
}

// hurries reports whether the value at n is passed over if it is decoded further.
func (w *work) hurries(t *parse.Tree, n parse.Node) bool {
	return w.sure && w.took-w.then >= patience && t.Depth(n) >= deep
}

// pass counts a value that nobody looks at.
func (w *work) pass(t *parse.Tree, value []byte) {
	each := walkEffort
	if t.Decodes() {
		each = passEffort
	}
	w.took += each * len(value)
}

// scan runs the engine's detectors and returns what they took.
func (tx *Tx) scan(t *parse.Tree, n parse.Node, value []byte) (effort int) {
	left := tx.work.left(t, n)
	if tx.enough > 0 {
		left = min(left, t.Bound())
	}
	if left <= 0 || t.Decodes() && tx.work.hurries(t, n) {
		tx.work.pass(t, value)
		return 0
	}
	tx.scanner.Settle(tx.enough, left)
	tx.scanner.Look(tx.sought())
	var w detect.Where
	tx.where(&w, t, n, value)
	found := tx.scanner.Scan(value, &w)
	tx.doubted = tx.doubted || len(found) > 0
	for i := range found {
		tx.add(t, n, value, &found[i], 0)
	}
	effort = tx.scanner.Effort() + findingEffort*len(found)
	tx.work.took += effort
	return effort
}

// sought returns the classes that are looked for, none for all.
func (tx *Tx) sought() (c detect.Classes) {
	if w := &tx.work; !w.sure || w.took-w.then <= breadth {
		return 0
	}
	for class, weight := range tx.strongest {
		if weight >= obvious {
			c = c.With(detect.Class(class))
		}
	}
	return c
}

// Known is called by the walk before it visits a name or header field. It
// takes the statistics of one that it knows, and has nothing else to do.
func (tx *Tx) Known(t *parse.Tree, n parse.Node, value []byte) bool {
	if tx.readsAll() || string(value) == detect.Prototype && t.IsName(n) {
		return false // which is known by what it is a member of
	}
	if tx.work.sure {
		return false // what is read in part, or not at all, tells nothing of the next request
	}
	tx.asked, tx.doubted, tx.took = maphash.Bytes(tx.engine.seed, value)^tx.placeKey(t, n), false, tx.work.took
	if !tx.engine.clean.has(tx.asked) {
		return false
	}
	if (tx.env.Observe || tx.profiled) && !t.IsName(n) {
		tx.measure(t, n, value)
	}
	return true
}

// readsAll reports whether rules want to read values, whatever they hold.
func (tx *Tx) readsAll() bool {
	m := &tx.match
	return len(m.Detectors) > 0 || len(m.Parsers) > 0 || len(m.Queries) > 0 || len(m.Uploads) > 0
}

// placeKey tells apart where one value may mean different things: the fields,
// all that the place of a name follows from, and the referrer of what may hold a
// session.
func (tx *Tx) placeKey(t *parse.Tree, n parse.Node) uint64 {
	if !t.IsName(n) {
		return t.Keys(n).Exact
	}
	key := uint64(t.Kind(n))<<56 | uint64(t.Base(n))<<48 | uint64(t.Format(n))<<40
	if t.InFile(n) {
		key |= 1 << 39
	}
	if base := t.Base(n); base == parse.Get || base == parse.GetName || base == parse.Post && t.Format(n) == parse.Form {
		key |= uint64(tx.referrer()) << 32
	}
	return key
}

// Remember is called by the walk for what Known did not know. What is found is
// never remembered, and the hash is keyed, so that no one can make one value
// pass for another.
func (tx *Tx) Remember(t *parse.Tree, n parse.Node, value []byte) bool {
	if tx.readsAll() || tx.work.sure || tx.doubted || t.IsContainer(n) {
		return false
	}
	tx.engine.clean.add(tx.asked)
	tx.work.took = tx.took // as if it had been known
	return true
}

// maxMeasured is how many steps lead to parameters. Their points are rendered.
const maxMeasured = 32

// isParameter reports whether the value at n is one that an application
// reads: as sent and for itself, no name, and neither the target nor the
// cookies as a whole. Points too deep to be told apart are nobody's.
func isParameter(t *parse.Tree, n parse.Node) bool {
	return t.Opaque(n) == 0 && t.Steps(n) <= maxMeasured && !t.IsName(n) && t.Kind(n) != parse.URI && (t.Kind(n) != parse.Header || !t.IsContainer(n))
}

// Decode is called by the walk before it decodes a value. Rules turn parsers
// off, and on again.
func (tx *Tx) Decode(t *parse.Tree, n parse.Node, kind parse.Kind) bool {
	if w := &tx.work; w.sure && w.took-w.then >= deepPatience {
		return false
	}
	for _, a := range tx.match.Parsers {
		if a.Name == kind.String() && holdsAt(a, t, n) {
			return a.On
		}
	}
	return true
}

// customWeight is that of a detector that a user wrote: who writes one means
// to block what it finds.
const customWeight = 0.95

// custom runs the detectors of the ruleset.
func (tx *Tx) custom(t *parse.Tree, n parse.Node, value []byte) {
	for _, a := range tx.match.Detectors {
		if !holdsAt(a, t, n) {
			continue
		}
		from, to, ok := a.Find(value)
		if !ok {
			continue
		}
		f := detect.Finding{Class: a.Class, Reason: "A detector of the ruleset matches.", From: int32(from), To: int32(to)}
		if f.Class == detect.NoClass {
			f.Class = detect.Custom
		}
		if !a.Experimental {
			f.Weight = customWeight
		}
		tx.add(t, n, value, &f, a.ID)
	}
}

// measure takes the statistics of a value where somebody asks for them:
// compares them with the profile of its parameter, and keeps them for
// learning.
func (tx *Tx) measure(t *parse.Tree, n parse.Node, value []byte) {
	observe := tx.env.Observe && !tx.work.sure && len(tx.report.Values) < MaxValues
	if !observe && !tx.profiled {
		return
	}
	key := t.Keys(n).Folded
	observe = tx.sampled(key) && observe
	p, known := tx.match.Profile(key)
	if !known && !observe {
		return
	}
	last := len(tx.report.Values)
	if last == cap(tx.report.Values) {
		tx.report.Values = append(make([]Value, 0, max(last+1, min(2*last, MaxValues))), tx.report.Values...)
	}
	tx.report.Values = tx.report.Values[:last+1]
	v := &tx.report.Values[last] // all of it is set below
	v.Key = key
	v.Of(value)
	if known {
		if d := p.Model.Score(&v.Stat); d.Surprise > 0 {
			f := detect.Finding{Class: detect.Anomaly, Weight: d.Weight, Reason: d.Reason, To: int32(len(value))}
			tx.add(t, n, value, &f, p.ID)
		}
	}
	if !observe {
		tx.report.Values = tx.report.Values[:last]
		return
	}
	v.Hash = uint64(profile.Hash(0).Add(value))
	v.Point = tx.points.of(t, n, key)
}

// sampled reports whether the value with that key is one of the first in a row with it, as
// the elements of a list have.
func (tx *Tx) sampled(key uint64) bool {
	if tx.list != key {
		tx.list, tx.listed = key, 0
	}
	tx.listed++
	return tx.listed <= MaxListed
}

// Trouble is called by the walk for evidence beside values.
func (tx *Tx) Trouble(t *parse.Tree, n parse.Node, what parse.Trouble, value []byte) {
	e := troubles[what]
	if e.class == detect.GraphQL && len(tx.match.Queries) > 0 {
		return // the limits of the rule count
	}
	if e.limit {
		tx.report.Limits = append(tx.report.Limits, what.String())
	}
	if e.class == detect.NoClass {
		return
	}
	tx.add(t, n, value, &detect.Finding{Class: e.class, Weight: e.weight, Reason: e.reason, To: int32(len(value))}, 0)
}

// troubles says what each kind of trouble counts for. None of them alone is
// an attack, but for a bomb and for what is too dense: large uploads, old clients
// and broken proxies cause them too.
var troubles = [parse.NumTroubles]struct {
	class  detect.Class
	weight float32
	limit  bool
	reason string
}{
	parse.TooDeep:       {detect.Overlimit, 0.4, true, "The value is encoded more often than any application decodes."},
	parse.TooMany:       {detect.Overlimit, 0.1, true, "The request has more values than are looked into."},
	parse.TooLong:       {detect.Overlimit, 0.2, true, "The request decodes to more bytes than are looked into."},
	parse.TooDear:       {detect.Overlimit, 0.1, true, "The request takes more work to look into than requests of its size do."},
	parse.TooNested:     {detect.Overlimit, 0.4, true, "The document nests deeper than parsers allow."},
	parse.Bomb:          {detect.DataBomb, 0.9, true, "The data expands far more than ordinary data does, to exhaust whoever expands it."},
	parse.TooDense:      {detect.Overlimit, 0.9, true, "Looking into the values takes more work than any text or program of their size takes, as if they were made for that."},
	parse.Undecodable:   {detect.Smuggling, 0.2, false, "The body is not in the coding that its header names."},
	parse.BareLine:      {detect.Smuggling, 0.6, false, "A line end or NUL stands where the protocol allows none, so that servers may read another request."},
	parse.TwoLengths:    {detect.Smuggling, 0.6, false, "The length of the body is stated twice, so that servers may disagree where the request ends."},
	parse.TwoTypes:      {detect.Smuggling, 0.3, false, "Two content types are stated, so that servers may read different bodies."},
	parse.BadBoundary:   {detect.Smuggling, 0.3, false, "The boundary of the multipart body is ambiguous, so that servers may read different parts."},
	parse.Overlong:      {detect.PathTraversal, 0.3, false, "Characters are spelled in a form that decoders must reject, as to slip past a filter."},
	parse.BadXML:        {detect.InvalidXML, 0.1, false, "The document is not well-formed, so that servers may read it differently."},
	parse.GraphQLLimit:  {detect.GraphQL, 0.4, true, "The query is deeper or wider than its limit."},
	parse.Duplicate:     {detect.Smuggling, 0.2, false, "A name occurs twice in one object, so that servers may read different values."},
	parse.Mismatch:      {detect.Smuggling, 0.6, false, "The header fields name another call than the body, so that a gateway allows what the server does not do."},
	parse.Introspection: {detect.GraphQL, 0.1, false, "The query asks for the schema."},
	parse.Probing:       {detect.GraphQL, 0.6, false, "The schema is asked for by a query that no client of GraphQL sends."},
}

// keepFloor is the weight below which a finding is neither kept nor counts
// for the score: most ordinary requests hold a word or two that could be part
// of something, and words of several languages must not add up.
const keepFloor = 0.2

// hardWeight is the least weight of hard evidence.
const hardWeight = 0.99

// add records a finding and its weight, unless a rule ignores it.
func (tx *Tx) add(t *parse.Tree, n parse.Node, value []byte, f *detect.Finding, by uint64) {
	if tx.ignored(t, n, f.Class, by) {
		return
	}
	weight, before := tx.shifted(t, n, f), tx.strongest[f.Class]
	tx.strongest[f.Class] = max(before, weight)
	if tx.enough > 0 && weight >= tx.enough {
		tx.work.settle()
	}
	// Behind a settled verdict a hint explains nothing but that there is a class.
	hint := tx.work.sure && weight < tx.enough && weight <= before
	if by != 0 || f.Weight >= keepFloor && !hint && tx.takes(f.Class, weight, before) {
		tx.keep(t, n, value, f, by)
	}
	tx.patch(t, n, value, f)
}

// takes reports whether the report takes a finding: a hint only while it has few of the
// class, or none as strong. It counts the hints that it takes.
func (tx *Tx) takes(c detect.Class, weight, before float32) bool {
	if weight >= threshold {
		return true
	}
	if tx.hints[c] == MaxHints && weight <= before {
		tx.report.Dropped++
		return false
	}
	tx.hints[c] = min(tx.hints[c]+1, MaxHints)
	return true
}

// shifted returns the weight of a finding where rules move the threshold: a
// threshold that is higher by some amount is evidence that is lower by it.
// Hard evidence stays.
func (tx *Tx) shifted(t *parse.Tree, n parse.Node, f *detect.Finding) float32 {
	if f.Hard {
		return max(f.Weight, hardWeight)
	}
	for _, a := range tx.match.Shifts {
		if holdsAt(a, t, n) {
			return min(max(f.Weight-float32(a.Shift)/1000, 0), hardWeight)
		}
	}
	return f.Weight
}

// patchFloor is the evidence from which on a virtual patch blocks. Who
// patches a point wants no benefit of the doubt there.
const patchFloor = 0.2

// patch notes the virtual patches that a finding meets.
func (tx *Tx) patch(t *parse.Tree, n parse.Node, value []byte, f *detect.Finding) {
	if f.Weight < patchFloor {
		return
	}
	for _, a := range tx.match.Patches {
		if a.Class != detect.NoClass && a.Class != f.Class || !holdsAt(a, t, n) {
			continue
		}
		tx.patched = true
		p := detect.Finding{Class: detect.VirtualPatch, Weight: 1, Hard: true, Reason: "A virtual patch covers this point.", From: f.From, To: f.To}
		tx.strongest[p.Class] = 1
		tx.keep(t, n, value, &p, a.ID)
		return
	}
}

// ignored reports whether a rule drops findings of that class at n or at a
// point that n was decoded from.
func (tx *Tx) ignored(t *parse.Tree, n parse.Node, c detect.Class, by uint64) bool {
	for _, a := range tx.match.Ignores {
		if a.Class != detect.NoClass && a.Class != c || a.Rule.Rule != 0 && a.Rule.Rule != by {
			continue
		}
		if holdsAt(a, t, n) {
			return true
		}
	}
	return false
}

// holdsAt reports whether a rule names n or a point that n was parsed or decoded from.
func holdsAt(a *rule.Active, t *parse.Tree, n parse.Node) bool {
	above := n
	if steps := a.Steps(); steps > 0 {
		if above = t.Above(n, steps); above < 0 {
			return false
		}
	}
	return a.At(t.Base(n), t.Keys(above))
}

// keep adds a finding to the report. Once that is full it takes the place of
// the weakest one, if it is stronger.
func (tx *Tx) keep(t *parse.Tree, n parse.Node, value []byte, f *detect.Finding, by uint64) {
	kept := tx.report.Findings
	if len(kept) < MaxFindings {
		tx.report.Findings, tx.weakest = append(kept, tx.render(t, n, value, f, by)), -1
		return
	}
	tx.report.Dropped++
	if tx.weakest < 0 {
		tx.weakest = weakest(kept)
	}
	if f.Weight > kept[tx.weakest].Weight {
		kept[tx.weakest], tx.weakest = tx.render(t, n, value, f, by), -1
	}
}

// weakest returns the index of the weakest finding, the first of several.
func weakest(kept []Finding) int {
	at := 0
	for i := range kept {
		if kept[i].Weight < kept[at].Weight {
			at = i
		}
	}
	return at
}

// render copies what a finding borrows. A mask leaves its value out.
func (tx *Tx) render(t *parse.Tree, n parse.Node, value []byte, f *detect.Finding, by uint64) Finding {
	out := Finding{Finding: *f, Point: string(t.AppendPoint(nil, n)), Rule: by}
	out.Fragment = string(detect.AppendFragment(nil, value, f.Tokens))
	from := 0
	if len(value) > MaxFindingValue {
		from = max(0, min(int(f.From)-MaxFindingValue/4, len(value)-MaxFindingValue))
		value = value[from : from+MaxFindingValue]
	}
	if !tx.masked(t, n) {
		out.Value = append([]byte(nil), value...)
	}
	out.From, out.To = shift(f.From, from, len(value)), shift(f.To, from, len(value))
	out.Tokens = slices.Grow([]detect.Token(nil), len(f.Tokens))
	for _, k := range f.Tokens {
		k.From, k.To = shift(k.From, from, len(value)), shift(k.To, from, len(value))
		out.Tokens = append(out.Tokens, k)
	}
	return out
}

func (tx *Tx) masked(t *parse.Tree, n parse.Node) bool {
	for _, a := range tx.match.Masks {
		if holdsAt(a, t, n) {
			return true
		}
	}
	return false
}

func shift(at int32, by, most int) int32 {
	return int32(min(max(int(at)-by, 0), most))
}

// evidence fuses the findings so far. Classes are taken as independent: each
// adds its share of what the others leave open, so that more evidence never
// lowers the score. Of the languages of which there are only hints, the
// strongest counts: a text on computers holds words of several. So does a
// budget that was spent: what holds much may hold some words of that kind, too.
func (tx *Tx) evidence() float32 {
	innocent, hint := float32(1), float32(0)
	for c, w := range tx.strongest {
		switch {
		case w < keepFloor:
		case w < threshold && (detect.Class(c).Textual() || detect.Class(c) == detect.Overlimit):
			hint = max(hint, w)
		default:
			innocent *= 1 - w
		}
	}
	return 1 - innocent*(1-hint)
}

// knots is how many points the calibration has, from no evidence to 1.
const knots = 21

// calibrated turns fused evidence into the probability of an attack, were
// attacks as frequent as ordinary requests. It rises with the evidence and
// leaves it on its side of the threshold.
func calibrated(evidence float32) float32 {
	at := evidence * (knots - 1)
	k := min(int(at), knots-2)
	return calibration[k] + (calibration[k+1]-calibration[k])*(at-float32(k))
}

// evidenceFor returns evidence that is enough for a score, 0 if none is.
func evidenceFor(score float32) float32 {
	for k, c := range calibration {
		if c >= score {
			return float32(k) / (knots - 1)
		}
	}
	return 0
}

//go:generate go test -run ^TestCalibration$ -calibration.update .

// decide compares the evidence so far with the threshold.
func (tx *Tx) decide() Verdict {
	v := &tx.verdict
	v.Score = calibrated(tx.evidence())
	attack := v.Score >= tx.limit() || tx.patched
	v.Attack = attack || tx.limited.violated
	v.Decision = Pass
	if tx.blocks(attack) || tx.limited.enforced {
		v.Decision = Block
	}
	return *v
}

// blocks reports whether the mode makes an attack a block. A virtual patch
// holds in every mode but Off.
func (tx *Tx) blocks(attack bool) bool {
	switch tx.verdict.Mode {
	case rule.Block:
		return attack
	case rule.SafeBlocking:
		return attack && tx.env.Gray || tx.patched
	case rule.Monitoring:
		return tx.patched
	}
	return false
}
