package parse

// A QueryMeter counts in a GraphQL document what servers limit. It takes the
// document in parts of any size, and goes by its tokens alone (October 2021,
// 2.1): what is no document has to be told apart before, by BeginsQuery.
// Its zero value is ready.
type QueryMeter struct {
	Size          int  // bytes
	Value         int  // bytes of the longest value written in it, or name of one
	Aliases       int  // fields asked for under other names
	Introspection bool // it asks for the schema
	Debug         bool // it asks how it is executed

	state  meterState
	quotes int  // of a block string, in a row
	after  byte // the byte before, in a block string
	length int  // of the token that is being read
	name   word // that token, or the field read last

	field     bool // name may turn out to be an alias
	skip      bool // the next name is that of a type, variable or directive
	spreading bool // the next name is that of a fragment, or on
	nameless  bool // the next selection belongs to a fragment without a name
	titled    bool // the next name is that of the fragment
	started   bool // an operation or fragment whose selection is still to come

	round int             // open parentheses and brackets
	open  int             // open selections
	level int             // those of them that belong to fields and operations
	inner [maxBraces]bool // by open selection: it does not

	endless     bool
	definitions []definition
	spreads     []usage
}

// limits of what a meter follows. What goes beyond counts as endless.
const (
	maxBraces      = 1024 // selections inside each other
	maxDefinitions = 256  // operations and fragments; large clients have a hundred
	maxSpreads     = 2048
)

// Endless is the depth of a document in which a fragment contains itself, or
// that has more of something than a meter follows.
const Endless = 1 << 30

// A definition is an operation or a fragment.
type definition struct {
	name  uint64 // of a fragment, 0 for an operation
	own   int    // depth without what it spreads
	first int    // of its spreads
	whole int    // depth with what it spreads; 0 for unknown, -1 while it is found out
}

// A usage is the place in a definition where a fragment is spread.
type usage struct {
	name  uint64
	level int
}

// A word is the beginning of a name, and a hash of all of it.
type word struct {
	text [16]byte
	size int
	hash uint64
}

func (w *word) add(b byte) {
	if w.size < len(w.text) {
		w.text[w.size] = b
	}
	w.size++
	w.hash = (w.hash ^ uint64(b)) * 0x100000001b3 // FNV; of names that collide the deepest counts
}

func (w *word) is(s string) bool { return w.size == len(s) && string(w.text[:w.size]) == s }

// A meterState is what the next byte belongs to.
type meterState uint8

const (
	meterBetween meterState = iota
	meterName
	meterNumber
	meterDots
	meterComment
	meterQuote // one quote was read
	meterQuotes
	meterString
	meterEscape
	meterBlock
)

// Reset begins a new document.
func (m *QueryMeter) Reset() {
	*m = QueryMeter{inner: m.inner, definitions: m.definitions[:0], spreads: m.spreads[:0]}
}

// BeginsQuery reports whether v begins as executable documents do. Of a
// value that is longer, v is the first part: then comments alone may be the
// beginning of one.
func BeginsQuery(v []byte, whole bool) bool {
	first := nextCode(v, 0)
	if first.kind == gqlEnd {
		return !whole && len(v) > 0
	}
	next := nextCode(v, first.to)
	switch string(v[first.from:first.to]) {
	case "{":
		return next.kind == gqlName || next.punct == '.'
	case "query", "mutation", "subscription":
		if next.kind == gqlName {
			next = nextCode(v, next.to)
		}
		return next.punct == '{' || next.punct == '(' || next.punct == '@'
	case "fragment":
		on := nextCode(v, next.to)
		return next.kind == gqlName && string(v[on.from:on.to]) == "on"
	}
	return false
}

// nextCode is nextGraphQL without comments, byte order marks and, in front of
// operations, their descriptions.
func nextCode(v []byte, at int) gqlToken {
	at += len(v[at:]) - len(trimLeft(v[at:]))
	k := nextGraphQL(v, at)
	for k.kind == gqlComment || k.kind == gqlString {
		k = nextGraphQL(v, k.to)
	}
	return k
}

// Feed takes the next part of the document.
func (m *QueryMeter) Feed(v []byte) {
	m.Size += len(v)
	for _, b := range v {
		m.step(b)
	}
}

func (m *QueryMeter) step(b byte) {
	m.length++
	switch m.state {
	case meterName:
		if isLetter(b) || b == '_' || hexValue[b] < 10 {
			m.name.add(b)
			return
		}
		m.named()
	case meterNumber:
		if hexValue[b] < 10 || b == '.' || b|0x20 == 'e' || b == '+' || b == '-' {
			return
		}
		m.valued(m.length - 1)
	case meterComment:
		if b == '\n' || b == '\r' {
			m.state = meterBetween
		}
		return
	case meterDots:
		if b == '.' && m.length < 3 {
			return
		}
		m.state, m.spreading, m.nameless = meterBetween, true, true
		if b == '.' {
			return
		}
	case meterQuote, meterQuotes, meterString, meterEscape, meterBlock:
		if m.text(b) {
			return
		}
	}
	m.begin(b)
}

// begin begins the token whose first byte is b.
func (m *QueryMeter) begin(b byte) {
	m.state, m.length = meterBetween, 1
	switch {
	case isSpace(b) || b == ',':
		return
	case b == '#':
		m.state = meterComment
		return
	case b == ':' && m.field:
		m.field = false
		m.Aliases++
		return
	}
	m.settle()
	switch {
	case isLetter(b) || b == '_':
		m.state, m.name = meterName, word{}
		m.name.add(b)
	case hexValue[b] < 10 || b == '-':
		m.state = meterNumber
	case b == '.':
		m.state = meterDots
	case b == '"':
		m.state, m.quotes, m.after = meterQuote, 0, 0
	default:
		m.punct(b)
	}
}

// text reads a byte of a string. It returns false for one behind its end.
func (m *QueryMeter) text(b byte) bool {
	switch {
	case m.state == meterQuote && b == '"':
		m.state = meterQuotes
	case m.state == meterQuotes && b == '"':
		m.state, m.length = meterBlock, 0
	case m.state == meterQuotes:
		return false
	case m.state == meterEscape:
		m.state = meterString
	case m.state == meterBlock:
		m.block(b)
	case b == '\\':
		m.state = meterEscape
	case b == '"':
		m.valued(m.length - 2)
		m.state = meterBetween
	default:
		m.state = meterString
	}
	return true
}

// block reads a byte of a block string, in which \""" ends nothing.
func (m *QueryMeter) block(b byte) {
	switch {
	case b != '"':
		m.quotes, m.after = 0, b
	case m.quotes == 0 && m.after == '\\':
		m.quotes, m.after = -2, 0
	default:
		m.quotes++
	}
	if m.quotes == 3 {
		m.valued(m.length - 3)
		m.state = meterBetween
	}
}

func (m *QueryMeter) valued(size int) { m.Value = max(m.Value, size) }

// settle takes the name read last for that of a field.
func (m *QueryMeter) settle() {
	if !m.field {
		return
	}
	m.field = false
	m.Introspection = m.Introspection || m.name.is("__schema") || m.name.is("__type")
	m.Debug = m.Debug || m.name.is("_debug") || m.name.is("__debug")
}

// named takes a name that was read.
func (m *QueryMeter) named() {
	switch {
	case m.skip:
		m.skip = false
	case m.round > 0:
		m.valued(m.name.size)
	case m.spreading:
		m.spreading = false
		if m.skip = m.name.is("on"); !m.skip {
			m.nameless = false
			m.spread()
		}
	case m.open > 0:
		m.field = true
	case m.titled:
		m.titled = false
		m.last().name = m.name.hash | 1
	case m.name.is("query"), m.name.is("mutation"), m.name.is("subscription"):
		m.define()
	case m.name.is("fragment"):
		m.define()
		m.titled = true
	case m.name.is("on"):
		m.skip = true
	}
}

func (m *QueryMeter) punct(b byte) {
	switch b {
	case '@', '$':
		m.skip = true
	case '(', '[':
		m.round++
	case ')', ']':
		m.round = max(0, m.round-1)
	case '{':
		if m.round == 0 {
			m.enter()
		}
	case '}':
		if m.round == 0 && m.open > 0 {
			m.leave()
		}
	}
}

// enter begins a selection.
func (m *QueryMeter) enter() {
	if m.open == 0 && !m.started {
		m.define()
	}
	inner := m.nameless
	m.nameless, m.spreading, m.skip = false, false, false
	if m.open++; m.open > maxBraces {
		m.endless = true
		return
	}
	if m.inner[m.open-1] = inner; !inner {
		m.level++
	}
	m.last().own = max(m.last().own, m.level)
}

// leave ends a selection.
func (m *QueryMeter) leave() {
	if m.open <= maxBraces && !m.inner[m.open-1] {
		m.level--
	}
	if m.open--; m.open == 0 {
		m.started = false
	}
}

// define begins an operation or fragment.
func (m *QueryMeter) define() {
	m.started = true
	if len(m.definitions) == maxDefinitions {
		m.endless = true
		return
	}
	m.definitions = append(m.definitions, definition{first: len(m.spreads)})
}

// last returns the operation or fragment that is being read.
func (m *QueryMeter) last() *definition { return &m.definitions[len(m.definitions)-1] }

func (m *QueryMeter) spread() {
	if m.open == 0 || len(m.spreads) == maxSpreads {
		m.endless = m.endless || m.open > 0
		return
	}
	m.spreads = append(m.spreads, usage{m.name.hash | 1, m.level})
}

// Depth returns how many selections of fields are inside each other, in what
// was read so far: 1 for { a }, 2 for { a { b } }. Fragments count where they
// are spread, and add nothing by themselves.
func (m *QueryMeter) Depth() int {
	if m.endless {
		return Endless
	}
	for i := range m.definitions {
		m.definitions[i].whole = 0
	}
	depth := 0
	for i := range m.definitions {
		depth = max(depth, m.depthOf(i))
	}
	return depth
}

func (m *QueryMeter) depthOf(i int) int {
	d := &m.definitions[i]
	if d.whole < 0 {
		return Endless
	}
	if d.whole > 0 {
		return d.whole
	}
	d.whole = -1
	end, depth := len(m.spreads), d.own
	if i+1 < len(m.definitions) {
		end = m.definitions[i+1].first
	}
	for _, s := range m.spreads[d.first:end] {
		for j := range m.definitions {
			if m.definitions[j].name == s.name {
				depth = max(depth, min(s.level-1+m.depthOf(j), Endless))
			}
		}
	}
	d.whole = max(depth, 1)
	return d.whole
}
