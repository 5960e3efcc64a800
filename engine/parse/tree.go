package parse

import (
	"math"
	"slices"
)

// Limits bound the work of one request. They count bytes, points and
// decoders, never time, so that the same bytes give the same result.
type Limits struct {
	Depth   int // decoders applied on top of each other; the same bytes rarely hold more than four
	Points  int // values visited; a form or document with more is not read by people
	Decoded int // bytes that decoders may produce
	Effort  int // what one byte received may cost, decoders included; see Visitor.Visit
	Ratio   int // bytes that one compressed byte may become on average; deflate reaches 1032
	Nesting int // containers of one format inside each other; JSON parsers stop at 512 to 10000
	Window  int // bytes of the body held at a time
	Overlap int // bytes of a longer value that are looked at twice, so that none falls between windows
}

// DefaultLimits returns the limits that zero fields of Limits stand for.
func DefaultLimits() Limits {
	return Limits{
		Depth: 16, Points: 20_000, Decoded: 8 << 20, Effort: 48, Ratio: 100, Nesting: 512,
		Window: 64 << 10, Overlap: 4 << 10,
	}
}

// fill replaces what is unset.
func (l Limits) fill() Limits {
	d := DefaultLimits()
	for _, f := range []struct {
		v *int
		d int
	}{
		{&l.Depth, d.Depth}, {&l.Points, d.Points}, {&l.Decoded, d.Decoded}, {&l.Effort, d.Effort}, {&l.Ratio, d.Ratio},
		{&l.Nesting, d.Nesting}, {&l.Window, d.Window}, {&l.Overlap, d.Overlap},
	} {
		if *f.v <= 0 {
			*f.v = f.d
		}
	}
	l.Window = max(l.Window, 4<<10)
	l.Overlap = min(l.Overlap, l.Window/4)
	return l
}

// piece returns how much of a value that is longer than a window is visited
// now, v being what is there of it, and where the next piece begins. Both are
// multiples of four letters of base64 away from the beginning of the value,
// so that each piece of encoded text decodes by itself, unless that makes no
// progress: then there are hardly any letters.
func (l *Limits) piece(v []byte) (n, next int) {
	before := len(v) - l.Overlap
	letters, edge := 0, 0
	for i := 0; i < len(v); i++ {
		if i <= before {
			edge = i
		}
		if letters&3 == 0 {
			n = i
			if i <= before {
				next = i
			}
		}
		switch b := v[i]; {
		case b == '%' && i+2 < len(v):
			i += 2
			letters++
		case base64Value[b] != 0xff:
			letters++
		}
	}
	if letters&3 == 0 {
		n = len(v)
	}
	if next < before/2 {
		return len(v), edge
	}
	return n, max(next, 1)
}

// maxGrowth is how many bytes decoders may produce per byte received. Pages
// and documents compress to a tenth. A small request may grow by growthSlack
// whatever it came from: the allowance means nothing for a few bytes.
const (
	maxGrowth   = 16
	growthSlack = 96 << 10
)

// What a request may take beside the effort for its bytes, so that short values
// are decoded to the last layer: as much as one of freeBytes, and deepEffort that
// is kept for what stands below shallow decoders and takes no more than that per
// byte, and beside. Who hides something goes deep, and what is encoded is cheap to
// read; who only wants work done would spend it at once, or on signs of all kinds.
const (
	freeBytes     = 1 << 10
	deepEffort    = 40 << 10
	shallow       = 3
	encodedEffort = 18
	encodedValue  = 5000
)

// What visiting values may take: more per byte and value than any text, program or list
// takes, and some beside. What is beyond that was made to take long. Where a body is read
// in several ways each may take less per byte, and so may a path as a whole. What a decoder
// made may also take no more than is left, and some beside.
const (
	denseByte   = 80
	sharedByte  = 64
	denseValue  = 1000
	denseExcess = 4 << 10
	beyondByte  = 24
)

// maxName bounds what is kept of a name. The whole of it is visited as a value.
const maxName = 256

// Trouble is something about a request that is evidence by itself.
type Trouble uint8

// What a walk can report besides values.
const (
	NoTrouble     Trouble = iota
	TooDeep               // Limits.Depth was reached
	TooMany               // Limits.Points was reached
	TooLong               // Limits.Decoded was reached
	TooDear               // Limits.Effort was reached
	TooNested             // Limits.Nesting was reached
	Bomb                  // Limits.Ratio was passed, or entities that multiply
	Undecodable           // the declared content coding does not hold
	BareLine              // a CR or LF alone where a line ends, or a NUL, in a name or target
	TwoLengths            // several Content-Length, or one beside Transfer-Encoding
	TwoTypes              // several Content-Type fields that differ
	BadBoundary           // a multipart body that servers would split differently
	Overlong              // UTF-8 longer than needed, or full-width letters
	BadXML                // markup that is not well-formed
	GraphQLLimit          // a query deeper or wider than its limit
	Introspection         // a GraphQL query for the schema
	Probing               // one that no client of GraphQL sends
	Duplicate             // a name that occurs twice in one JSON object
	Mismatch              // fields name another MCP call than the body
	TooDense              // values take more than texts of their size do

	NumTroubles
)

var troubleNames = [NumTroubles]string{
	TooDeep: "depth", TooMany: "points", TooLong: "decoded", TooDear: "effort", TooNested: "nesting", Bomb: "ratio",
	Undecodable: "undecodable", BareLine: "bare-line", TwoLengths: "two-lengths", TwoTypes: "two-types",
	BadBoundary: "bad-boundary", Overlong: "overlong", BadXML: "bad-xml",
	GraphQLLimit: "graphql-limit", Introspection: "introspection", Duplicate: "duplicate", Mismatch: "mismatch",
	Probing: "probing", TooDense: "density",
}

// String returns the name of t, which for limits is the name of the budget.
func (t Trouble) String() string { return troubleNames[t] }

// A Visitor is told what a walk finds, in the order of the bytes.
type Visitor interface {
	// Visit is told of each value. The bytes are valid during the call. It
	// returns the effort that looking at the value took, in units of what it
	// takes to look at one byte once and find nothing of interest.
	Visit(t *Tree, n Node, value []byte) (effort int)
	// Decode is asked whether the value just visited shall be decoded as
	// kind.
	Decode(t *Tree, n Node, kind Kind) bool
	// Trouble is told of evidence that is not a value, with the bytes
	// around it where there are any.
	Trouble(t *Tree, n Node, what Trouble, value []byte)
}

// A Memory is a Visitor that knows values which come again from request to
// request. Only names and header fields are asked for: a client repeats them.
type Memory interface {
	Visitor
	// Known reports whether the value at n was remembered, by Remember, at such
	// a point. It is then not visited.
	Known(t *Tree, n Node, value []byte) bool
	// Remember is told of the value that Known did not know last, which has been
	// visited and decodes to nothing. It reports whether nothing was found in
	// it, so that the value may be known the next time.
	Remember(t *Tree, n Node, value []byte) bool
}

// A Node is a point of a Tree. It is valid while the tree's visitor runs.
type Node int32

type node struct {
	keys    Keys
	parent  Node
	named   Node // the closest node with a name, itself included; -1 for none
	markup  Node // the closest document of markup, itself included; -1 for none
	upper   Node // the closest node with upperSteps steps or fewer, itself included
	index   int32
	steps   int32 // from the part of the request to here
	key     int32 // offset in names
	keyLen  uint16
	kind    Kind
	base    Kind
	format  Kind  // the innermost format with parts, None outside of any
	depth   uint8 // decoders above
	opaque  uint8 // those of them that made one value of another
	bare    uint8 // forms right above in each other, in which nothing is escaped
	marks   Marks
	excerpt int32 // length of the data that the value is a text in
}

// Marks are what is known of a point beside its kinds.
type Marks uint8

// The marks of points, and of their values.
const (
	InFile      Marks = 1 << iota // inside an uploaded file
	InArchive                     // inside an archive
	IsName                        // the value is itself a name
	IsContainer                   // the value is also visited in parts, so that its own syntax proves nothing
	IsMarkup                      // it is so as a document of markup, but may be part of a page
	IsEncoded                     // the value is nothing but escapes, so that all that it says is in what it decodes to
	IsBinary                      // the value is data
	isSplit                       // the same bytes are visited in parts elsewhere
)

// mark sets those of some marks that are in now, and takes off the others.
func (n *node) mark(some, now Marks) { n.marks = n.marks&^some | now }

// A Tree holds the path from the request to the value being visited. What
// has been visited is forgotten, so that its size follows the depth of a
// request and not its length.
type Tree struct {
	visitor Visitor
	memory  Memory // the visitor, nil for one without
	limits  Limits
	effort  int   // that a byte received allows
	usual   int32 // effort that a byte may take at most
	bound   int32 // effort from which on the value that is visited takes too much
	excess  int32 // effort beyond that of the values so far
	spent   *spending
	purse   purse
	nodes   []node
	names   []byte
	scratch []byte  // decoded bytes of the values on the path
	frames  []frame // open containers of the JSON documents on the path
	written charset // the declared charset of the values
	call    *call   // what the fields say of an MCP call, nil for nothing
	relay   coding  // what undoes the value that comes next, which shows nothing by itself
	parts   bool    // the parts of the value that comes next are visited after it, for which it reserves effort
	pairs   pairing // of the text of a body
	decodes bool    // decoders are going to be tried on the value that is visited
	long    stretch
	roll    *roll // of the value that parts are visited of, nil for none
}

// A pairing says whether the text of a body is declared a form, and so read as one,
// too, in which each pair is decoded.
type pairing uint8

const (
	unpaired     pairing = iota
	paired               // and it begins as forms do
	declaredOnly         // but it does not begin as forms do
)

// A stretch is a part of a value that is longer than a window.
type stretch struct {
	node   Node // of the value, -1 for none
	before int  // bytes of it in front of the part
	own    int  // bytes of the part that no later one repeats
}

// part visits a part of the value at n.
func (t *Tree) part(n Node, v []byte, before, own int) {
	outer := t.long
	t.long = stretch{n, before, own}
	t.value(n, v)
	t.long = outer
	t.unroll(n, v, before, own)
}

// Extent returns, of a value v that may be a part of a longer one, how many
// bytes there are in front of it, and how many of its own no later part
// repeats: all of them but for parts in front of the last.
func (t *Tree) Extent(n Node, v []byte) (before, own int) {
	if t.long.node == n {
		return t.long.before, t.long.own
	}
	return 0, len(v)
}

// A spending is what a request used of its limits.
type spending struct {
	points  int
	in      int // bytes received
	decoded int
	trouble int // how often there was any
	told    [NumTroubles]bool

	unpacked int // bytes of members of archives that expand much

	inflaters *Inflaters
	borrowed  []*inflater
	own       *inflater // of them, for values; nil for none yet
}

func (s *spending) reset() {
	s.giveBack(0)
	*s = spending{inflaters: s.inflaters, borrowed: s.borrowed}
}

// A purse holds the effort that a tree may take. Each has its own, so that how
// a body is cut decides nothing where it is read in several ways.
type purse struct {
	room    int // what is left
	free    int // of it, what was given ahead of the bytes that allow for it
	allowed int // for the bytes visited so far
	grown   int // bytes that decoders made beyond those they read
	deep    int // of the room, what waits for what is below shallow decoders
	reserve int // of the room, what waits for other decoders
	inside  int // decoders that run
}

// fullPurse returns the purse that a request begins with.
func fullPurse(l *Limits) purse {
	free := freeBytes * l.Effort
	return purse{room: free + deepEffort, free: free, deep: deepEffort}
}

// since returns what was taken since the purse was as before.
func (p *purse) since(before purse) int {
	given := p.allowed - before.allowed - (before.free - p.free)
	return before.room + given - p.room
}

// share returns one of n equal parts of what is left.
func (p purse) share(n int) purse {
	return purse{room: max(0, p.room) / n, free: p.free / n, deep: p.deep / n}
}

// visit visits the value v at n, own bytes of which were not visited before,
// and returns what that took.
func (t *Tree) visit(n Node, v []byte, own int) int {
	_, size := t.Extent(n, v)
	most := int(t.usual)*size + denseValue // what a value of that size takes
	t.bound = t.bounded(most, size)
	took := t.visitor.Visit(t, n, v)
	t.decodes = false
	if took >= int(t.bound) && t.purse.inside > 0 {
		t.trouble(n, TooDear, nil)
	}
	t.count(own, took)
	t.weigh(n, took-most)
	return took
}

// bounded returns the bound of a value of a size, which takes so much at most.
func (t *Tree) bounded(most, size int) int32 {
	bound := denseExcess - int(t.excess) + most
	if t.purse.inside > 0 {
		bound = min(bound, max(0, t.purse.room)+beyondByte*size+denseExcess)
	}
	return int32(min(bound, math.MaxInt32))
}

// weigh counts what a visit took beyond what values take at most. What others take less
// is not saved up, so that nothing cheap makes room for what is dear.
func (t *Tree) weigh(n Node, beyond int) {
	t.excess = int32(min(max(0, int(t.excess)+beyond), denseExcess))
	if t.excess == denseExcess {
		t.trouble(n, TooDense, nil)
	}
}

// Bound returns, during a visit, the effort from which on it takes too much for a value
// of its size, or for what is left.
func (t *Tree) Bound() int { return int(t.bound) }

// count counts what a visit took. Bytes that were received, and not visited
// before, allow for effort. They are visited whatever that takes; what they
// lack, and what decoders took too much, is not taken from what comes later, so
// that no value takes from what the next ones bring.
func (t *Tree) count(own, took int) {
	switch p := &t.purse; {
	case p.inside > 0:
		p.room -= took
	case own > 0:
		p.room = max(0, max(0, p.room)+t.allow(own)-took)
	}
}

// spare counts n bytes that were received beside a value, as its escapes and
// the syntax around it.
func (t *Tree) spare(n int) {
	if t.purse.inside == 0 {
		t.purse.room += t.allow(n)
	}
}

// allow counts the effort that n bytes allow for, and returns what of it was not
// given ahead. Bytes that are visited several times allow for it once.
func (t *Tree) allow(n int) int {
	p := &t.purse
	more := max(0, min(n*t.effort, t.effort*(t.spent.in+p.grown)-p.allowed))
	p.allowed += more
	given := min(p.free, more)
	p.free -= given
	return more - given
}

func (t *Tree) reset(v Visitor, l Limits, s *spending) {
	t.visitor, t.limits, t.spent, t.written = v, l, s, ascii
	t.effort, t.purse, t.usual, t.excess = l.Effort, fullPurse(&l), denseByte, 0
	t.memory, _ = v.(Memory)
	t.call, t.relay, t.parts, t.pairs, t.decodes, t.long.node, t.roll = nil, 0, false, unpaired, false, -1, nil
	t.nodes, t.names, t.scratch, t.frames = t.nodes[:0], t.names[:0], t.scratch[:0], t.frames[:0]
}

// root begins a point at a part of the request.
func (t *Tree) root(kind Kind, key []byte, index int32) Node {
	return t.push(-1, kind, key, index)
}

// push adds a child of parent. The caller drops it when it is done.
func (t *Tree) push(parent Node, kind Kind, key []byte, index int32) Node {
	key = key[:min(len(key), maxName)]
	at := len(t.nodes)
	if at < cap(t.nodes) {
		t.nodes = t.nodes[:at+1]
	} else {
		t.nodes = append(roomFor(t.nodes, t.limits.Nesting), node{})
	}
	// Field by field: a whole node put together and copied takes the processor
	// three times as long.
	n := &t.nodes[at]
	n.parent, n.index, n.key, n.keyLen = parent, index, int32(len(t.names)), uint16(len(key))
	var keys Keys
	var marks Marks
	if n.upper = Node(at); parent >= 0 {
		p := &t.nodes[parent]
		keys = p.keys
		if p.steps >= upperSteps {
			n.upper = p.upper
		}
		n.named, n.markup, n.steps = p.named, p.markup, p.steps+1
		n.base, n.format, n.depth, n.opaque, n.bare = p.base, p.format, p.depth, p.opaque, p.bare
		marks = p.marks & (InFile | InArchive)
	} else {
		n.named, n.markup, n.steps = -1, -1, 1
		n.base, n.format, n.depth, n.opaque, n.bare = kind, None, 0, 0, 0
	}
	n.kind, n.excerpt = kind, 0
	switch kind {
	case HashName, GetName, HeaderName:
		marks |= IsName
	case Archive:
		marks |= InArchive
	case XML:
		n.markup = Node(at)
	}
	n.marks = marks
	if kind.keyed() {
		n.named = Node(at)
	}
	n.keys = keys.step(kind, key, index)
	t.names = append(t.names, key...)
	return Node(at)
}

// usualDepth is how many nodes requests have above a value that are not meant to
// have many.
const usualDepth = 32

// roomFor makes room for one more of s. From usualDepth on it makes room for as
// deep a document as is walked, at once: growing step by step took longer than
// walking it.
func roomFor[T any](s []T, nesting int) []T {
	if len(s) < cap(s) || len(s) < usualDepth || len(s) > nesting {
		return s
	}
	return slices.Grow(s, nesting+usualDepth-len(s))
}

// pushDecoder adds the child that holds what a decoder made of parent.
func (t *Tree) pushDecoder(parent Node, kind Kind) Node {
	n := t.push(parent, kind, nil, 0)
	t.nodes[n].depth++
	if kind != Form {
		t.nodes[n].bare = 0
	}
	if kind.parted() {
		t.nodes[n].format = kind
	} else {
		t.nodes[n].opaque++
	}
	return n
}

// drop forgets n and all nodes after it.
func (t *Tree) drop(n Node) {
	t.names = t.names[:t.nodes[n].key]
	t.nodes = t.nodes[:n]
}

// leaf visits a value at a new child of parent.
func (t *Tree) leaf(parent Node, kind Kind, key []byte, index int32, value []byte) {
	n := t.push(parent, kind, key, index)
	t.value(n, value)
	t.drop(n)
}

func (t *Tree) trouble(n Node, what Trouble, value []byte) {
	t.spent.trouble++
	if t.spent.told[what] {
		return
	}
	t.spent.told[what] = true
	t.visitor.Trouble(t, n, what, value)
}

// Keys returns the hashes of the point n.
func (t *Tree) Keys(n Node) Keys { return t.nodes[n].keys }

// Kind returns the last step of the point n.
func (t *Tree) Kind(n Node) Kind { return t.nodes[n].kind }

// Parent returns the point above n, negative for a part of the request.
func (t *Tree) Parent(n Node) Node { return t.nodes[n].parent }

// upperSteps is how many steps lead to what is found at once from any point below.
const upperSteps = 16

// Above returns n or the point above it to which that many steps lead, -1 for none.
func (t *Tree) Above(n Node, steps int) Node {
	if n >= 0 && steps <= upperSteps {
		n = t.nodes[n].upper
	}
	for n >= 0 && t.Steps(n) > steps {
		n = t.nodes[n].parent
	}
	if n >= 0 && t.Steps(n) < steps {
		return -1
	}
	return n
}

// Base returns the part of the request that n is in.
func (t *Tree) Base(n Node) Kind { return t.nodes[n].base }

// Depth returns how many decoders were applied to get to n.
func (t *Tree) Depth(n Node) int { return int(t.nodes[n].depth) }

// Steps returns how many steps lead to n, the part of the request included.
func (t *Tree) Steps(n Node) int { return int(t.nodes[n].steps) }

// Opaque returns how many of those made one value of another, as base64 does
// and JSON does not.
func (t *Tree) Opaque(n Node) int { return int(t.nodes[n].opaque) }

// Format returns the innermost format with parts that n is in, None outside
// of any.
func (t *Tree) Format(n Node) Kind { return t.nodes[n].format }

// InFile reports whether n is in an uploaded file.
func (t *Tree) InFile(n Node) bool { return t.nodes[n].marks&InFile != 0 }

// NearestKey returns the name of NearestNamed, nil for none.
func (t *Tree) NearestKey(n Node) []byte {
	if n = t.NearestNamed(n); n >= 0 {
		return t.Key(n)
	}
	return nil
}

// NearestNamed returns n or the closest point above it that has a name, -1
// for none, so that the elements of an array share the name of the array.
func (t *Tree) NearestNamed(n Node) Node {
	if n < 0 {
		return n
	}
	return t.nodes[n].named
}

// Markup returns n or the closest point above it that is a document of markup, -1
// for none.
func (t *Tree) Markup(n Node) Node { return t.nodes[n].markup }

// IsName reports whether the value at n is itself a name.
func (t *Tree) IsName(n Node) bool { return t.nodes[n].marks&IsName != 0 }

// IsContainer reports whether the value at n is also visited in parts, so
// that its own syntax proves nothing.
func (t *Tree) IsContainer(n Node) bool { return t.nodes[n].marks&IsContainer != 0 }

// Marks returns what else is known of n.
func (t *Tree) Marks(n Node) Marks { return t.nodes[n].marks }

// Decodes reports whether decoders are going to be tried on the value that is being
// visited.
func (t *Tree) Decodes() bool { return t.decodes }

// Key returns the name of n, empty where its kind has none.
func (t *Tree) Key(n Node) []byte {
	p := &t.nodes[n]
	return t.names[p.key : p.key+int32(p.keyLen)]
}

// Index returns the number of n among its siblings, 0 where its kind has none.
func (t *Tree) Index(n Node) int { return int(t.nodes[n].index) }

// AppendPoint appends the rendering of the point n to dst; see AppendSteps.
func (t *Tree) AppendPoint(dst []byte, n Node) []byte {
	return t.appendPoint(dst, n, false)
}

// AppendFolded is AppendPoint with all elements of an array rendered as [0].
func (t *Tree) AppendFolded(dst []byte, n Node) []byte {
	return t.appendPoint(dst, n, true)
}

// AppendFoldedBehind is AppendFolded where that of the parent of n is known: above.
// n has at most MaxRendered steps.
func (t *Tree) AppendFoldedBehind(dst []byte, n Node, above []byte) []byte {
	most := len(dst) + maxRenderedBytes
	return t.appendLast(append(dst, above...), n, true, most)
}

// MaxRendered bounds the steps of a rendered point, and maxRenderedBytes its length
// but for one of them. Deeper points show their first steps.
const (
	MaxRendered      = 64
	maxRenderedBytes = 512
)

func (t *Tree) appendPoint(dst []byte, n Node, fold bool) []byte {
	n = t.Above(n, min(t.Steps(n), MaxRendered))
	return t.appendSteps(dst, n, fold, len(dst)+maxRenderedBytes)
}

func (t *Tree) appendSteps(dst []byte, n Node, fold bool, most int) []byte {
	if parent := t.nodes[n].parent; parent >= 0 {
		dst = t.appendSteps(dst, parent, fold, most)
	}
	return t.appendLast(dst, n, fold, most)
}

// appendLast appends the last step of the point n, unless dst is that long without it.
func (t *Tree) appendLast(dst []byte, n Node, fold bool, most int) []byte {
	if len(dst) >= most {
		return dst
	}
	p := &t.nodes[n]
	s := Step{Kind: p.kind, Key: t.Key(n), Index: p.index}
	if fold && s.Kind == Array {
		s.Index = 0
	}
	return appendStep(dst, s, p.parent < 0)
}
