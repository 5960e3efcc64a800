package rule

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"slices"
	"strings"

	"github.com/gabionhq/gabion/engine/detect"
)

// A blob holds a set. Integers are little endian where their size is given
// and unsigned varints elsewhere; a text is its length and its bytes.
//
//	+----------+---------+---------+ header
//	| GABIONRS | version | CRC-32C |   8 + 4 + 4 bytes; the sum is of all that follows
//	+----------+---------+---------+
//	| general mode       | u8      |
//	| threshold          | varint  |   thousandths, 0 for the engine's own
//	| rules              | varint  |   how many; in rising order of id
//	|   id kind app host method path
//	|   conditions: how many, each part op name value
//	|   point class mode expr flags name value shift rule
//	|   of GraphQL: document value depth aliases batch flags
//	|   of Upload: size total allow deny flags
//	| profiles           | varint  |   how many; in rising order of (endpoint, point)
//	|   endpoint point id|  3 x u64|   all of them, for binary search
//	|   end              |  u32    |   offset behind its model, from the first model
//	| models             |         |
//	+--------------------+---------+
//
// A set has exactly one blob: Load refuses any other order or form.
const (
	blobMagic   = "GABIONRS"
	blobVersion = 1
	headerSize  = len(blobMagic) + 4 + 4
	profileSize = 3*8 + 4
)

// limits of a blob. They bound what a hostile one can make a node allocate;
// rules are decoded, at less than 1 KiB each, profiles are not.
const (
	MaxBlob     = 256 << 20
	MaxRules    = 50_000
	MaxProfiles = 1 << 20
	maxParts    = 200_000 // components of paths and conditions of all rules together
	maxExprs    = 1_000   // expressions of all rules together
	maxCost     = 200_000 // and their instructions, of some 40 bytes
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Writer collects what a set shall hold. Its zero value holds nothing.
type Writer struct {
	General   Mode   // of the whole tenant; Inherit leaves it to the node
	Threshold uint16 // thousandths of a probability; 0 for the engine's own
	Rules     []Rule
	Profiles  []Profile
}

// Bytes returns the blob of the set: the same for any order of the rules
// and profiles. It is an error if a rule is not whole, or two have one id.
func (w *Writer) Bytes() ([]byte, error) {
	rules := slices.Clone(w.Rules)
	slices.SortFunc(rules, func(a, b Rule) int { return compareUint(a.ID, b.ID) })
	profiles := slices.Clone(w.Profiles)
	slices.SortFunc(profiles, compareProfiles)

	b := append(make([]byte, 0, 4096), blobMagic...)
	b = binary.LittleEndian.AppendUint32(b, blobVersion)
	b = append(b, 0, 0, 0, 0, byte(w.General))
	b = binary.AppendUvarint(b, uint64(w.Threshold))
	b = binary.AppendUvarint(b, uint64(len(rules)))
	for i := range rules {
		rules[i].Scope = rules[i].Scope.normal()
		b = rules[i].append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(profiles)))
	b, models := appendProfiles(b, nil, profiles)
	b = append(b, models...)
	binary.LittleEndian.PutUint32(b[headerSize-4:], crc32.Checksum(b[headerSize:], castagnoli))
	if _, err := Load(b); err != nil {
		return nil, fmt.Errorf("writing a ruleset: %w", err)
	}
	return b, nil
}

func compareUint(a, b uint64) int {
	if a < b {
		return -1
	}
	return int(min(a-b, 1))
}

func compareProfiles(a, b Profile) int {
	if c := compareUint(a.Endpoint, b.Endpoint); c != 0 {
		return c
	}
	return compareUint(a.Point, b.Point)
}

const (
	flagExperimental = 1 << iota
	flagAppend
	flagOn
	flagEnd
)

func (r *Rule) append(b []byte) []byte {
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	b = append(binary.AppendUvarint(b, r.ID), byte(r.Kind))
	b = binary.AppendVarint(b, int64(r.Scope.App))
	text(r.Scope.Host)
	text(r.Scope.Method)
	text(r.Scope.Path)
	b = binary.AppendUvarint(b, uint64(len(r.Scope.Conds)))
	for _, c := range r.Scope.Conds {
		b = append(b, byte(c.Part), byte(c.Op))
		text(c.Name)
		text(c.Value)
	}
	text(r.Point)
	if r.Class == detect.NoClass {
		text("")
	} else {
		text(r.Class.String())
	}
	b = append(b, byte(r.Mode))
	text(r.Expr)
	b = append(b, flag(r.Experimental, flagExperimental)|flag(r.Append, flagAppend)|flag(r.On, flagOn))
	text(r.Name)
	text(r.Value)
	b = binary.AppendVarint(b, int64(r.Shift))
	return r.appendLimits(binary.AppendUvarint(b, r.Rule))
}

func flag(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

// A Set is a compiled ruleset. It is immutable and safe for concurrent use.
// The nil Set holds nothing.
type Set struct {
	general   Mode
	threshold uint16
	rules     []Active // in rising order of id
	profiles  []byte   // profileSize each
	models    []byte
	index     index
}

// Load reads a blob, which the set keeps: it must not change any more.
// The error names the offset at which the blob is wrong.
func Load(blob []byte) (*Set, error) {
	r := reader{in: blob}
	s := r.set()
	if r.err != nil {
		return nil, fmt.Errorf("loading a ruleset: byte %d: %w", r.at, r.err)
	}
	return s, nil
}

// General returns the mode of the whole tenant.
func (s *Set) General() Mode {
	if s == nil {
		return Inherit
	}
	return s.general
}

// Threshold returns the probability from which on a request counts as an
// attack, 0 for the engine's own.
func (s *Set) Threshold() float32 {
	if s == nil {
		return 0
	}
	return float32(s.threshold) / 1000
}

// Rules yields all rules in rising order of their ids.
func (s *Set) Rules() iter.Seq[Rule] {
	return func(yield func(Rule) bool) {
		if s == nil {
			return
		}
		for i := range s.rules {
			if !yield(s.rules[i].Rule) {
				return
			}
		}
	}
}

// String describes s for people, a line per rule and profile.
func (s *Set) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "general mode %v\n", s.General())
	if t := s.Threshold(); t > 0 {
		fmt.Fprintf(&b, "threshold %.3f\n", t)
	}
	for r := range s.Rules() {
		fmt.Fprintln(&b, r.String())
	}
	for p := range s.Profiles() {
		fmt.Fprintf(&b, "%d profile of point %016x of endpoint %016x: %v\n", p.ID, p.Point, p.Endpoint, p.Model)
	}
	return b.String()
}

// A reader reads a blob. Its first error is kept, and all reads after it
// return zero.
type reader struct {
	in  []byte
	at  int
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) set() *Set {
	if len(r.in) < headerSize || string(r.in[:len(blobMagic)]) != blobMagic {
		r.fail(errors.New("not a ruleset"))
		return nil
	}
	if len(r.in) > MaxBlob {
		r.fail(fmt.Errorf("%d bytes are more than %d", len(r.in), MaxBlob))
		return nil
	}
	r.at = len(blobMagic)
	if v := r.u32(); v != blobVersion {
		r.fail(fmt.Errorf("version %d, this program reads %d", v, blobVersion))
		return nil
	}
	if sum := r.u32(); sum != crc32.Checksum(r.in[r.at:], castagnoli) {
		r.fail(errors.New("checksum does not match: the blob is damaged"))
		return nil
	}
	s := &Set{general: Mode(r.byte())}
	if int(s.general) >= len(modeNames) {
		r.fail(fmt.Errorf("no such mode: %d", s.general))
	}
	threshold := r.uvarint(1000)
	s.threshold = uint16(threshold)
	s.rules = r.rules()
	r.profiles(s)
	if r.err == nil && r.at != len(r.in) {
		r.fail(errors.New("bytes behind the end"))
	}
	if r.err == nil {
		s.index = newIndex(s.rules)
	}
	return s
}

func (r *reader) rules() []Active {
	n := int(r.uvarint(MaxRules))
	const least = 16 // bytes of the smallest rule
	if n > (len(r.in)-r.at)/least {
		r.fail(fmt.Errorf("%d rules do not fit", n))
		return nil
	}
	rules := make([]Active, 0, n)
	left := budget{exprs: maxExprs, cost: maxCost, parts: maxParts}
	for range n {
		start := r.at
		a := Active{Rule: r.rule()}
		if r.err != nil {
			return nil
		}
		if len(rules) > 0 && rules[len(rules)-1].ID >= a.ID {
			r.fail(fmt.Errorf("rule %d is not in rising order of ids", a.ID))
		} else if err := a.prepare(&left); err != nil {
			r.at = start
			r.fail(fmt.Errorf("rule %d: %w", a.ID, err))
		}
		rules = append(rules, a)
	}
	return rules
}

func (r *reader) rule() (a Rule) {
	a.ID, a.Kind = r.uvarint(maxID), Kind(r.byte())
	a.Scope.App = int32(r.varint(-1<<31, 1<<31-1))
	a.Scope.Host, a.Scope.Method, a.Scope.Path = r.text(), r.text(), r.text()
	for range r.uvarint(maxConds) {
		c := Cond{Part: Part(r.byte()), Op: Op(r.byte()), Name: r.text(), Value: r.text()}
		a.Scope.Conds = append(a.Scope.Conds, c)
	}
	a.Point = r.text()
	a.Class, a.Mode = r.class(), Mode(r.byte())
	a.Expr = r.text()
	flags := r.byte()
	a.Experimental, a.Append, a.On = flags&flagExperimental != 0, flags&flagAppend != 0, flags&flagOn != 0
	a.Name, a.Value = r.text(), r.text()
	a.Shift = int16(r.varint(-1<<15, 1<<15-1))
	a.Rule = r.uvarint(maxID)
	r.limits(&a)
	if flags >= flagEnd {
		r.fail(fmt.Errorf("rule %d: unknown flags %#x", a.ID, flags))
	}
	return a
}

// class reads the name of a class, "" for none: numbers may change.
func (r *reader) class() detect.Class {
	name := r.text()
	c, ok := detect.ParseClass(name)
	if !ok && name != "" {
		r.fail(fmt.Errorf("no such class: %q", name))
	}
	return c
}

func (r *reader) profiles(s *Set) {
	n := int(r.uvarint(MaxProfiles))
	if s.profiles = r.take(n * profileSize); r.err != nil {
		return
	}
	s.models = r.in[r.at:]
	base, end := r.at, 0
	for i := range n {
		if to := s.end(i); to < end || to > len(s.models) {
			r.fail(fmt.Errorf("profile %d ends at %d of %d", i, to, len(s.models)))
			return
		}
		p := s.profile(i)
		r.at, end = base+end, s.end(i)
		if err := p.Model.Check(); err != nil {
			r.fail(fmt.Errorf("profile %d: %w", i, err))
			return
		}
		if i > 0 && compareProfiles(s.profile(i-1), p) >= 0 || p.ID == 0 || p.ID > maxID {
			r.fail(fmt.Errorf("profile %d is not in rising order, or has no id", i))
			return
		}
	}
	r.at = base + end
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n > len(r.in)-r.at {
		r.fail(errors.New("it ends early"))
		return nil
	}
	r.at += n
	return r.in[r.at-n : r.at]
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// uvarint reads a varint of at most limit, in its shortest form.
func (r *reader) uvarint(limit uint64) uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.in[r.at:])
	if n <= 0 || n > 1 && r.in[r.at+n-1] == 0 {
		r.fail(errors.New("not a varint"))
		return 0
	}
	if v > limit {
		r.fail(fmt.Errorf("%d is more than %d", v, limit))
		return 0
	}
	r.at += n
	return v
}

func (r *reader) varint(low, high int64) int64 {
	u := r.uvarint(1<<64 - 1)
	v := int64(u>>1) ^ -int64(u&1)
	if v < low || v > high {
		r.fail(fmt.Errorf("%d is not within %d and %d", v, low, high))
		return 0
	}
	return v
}

func (r *reader) text() string {
	return string(r.take(int(r.uvarint(maxText))))
}
