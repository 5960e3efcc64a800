package parse

import "bytes"

// Limits of one GraphQL document. Hand-written and generated queries stay
// far below; servers that answer beyond them can be made to work for hours.
const (
	maxSelections = 32 // selection sets inside each other
	maxAliases    = 64 // the same field asked for under other names
	maxOperations = 32 // operations in one document
)

// A gqlKind is the kind of a token of GraphQL.
type gqlKind uint8

const (
	gqlEnd gqlKind = iota
	gqlBad
	gqlName
	gqlNumber
	gqlString
	gqlComment
	gqlPunct
)

// A gqlToken is a token and where it stands. Punctuation is its own byte; ...
// is a dot.
type gqlToken struct {
	kind     gqlKind
	punct    byte
	from, to int
}

// nextGraphQL reads the token of v at or behind at (GraphQL October 2021, 2.1).
func nextGraphQL(v []byte, at int) gqlToken {
	for at < len(v) && (isSpace(v[at]) || v[at] == ',') {
		at++
	}
	if at == len(v) {
		return gqlToken{kind: gqlEnd, from: at, to: at}
	}
	end := at + 1
	switch b := v[at]; {
	case b == '#':
		return gqlToken{gqlComment, 0, at, at + lineEnd(v[at:])}
	case b == '"':
		return gqlText(v, at)
	case isLetter(b) || b == '_':
		for end < len(v) && (isBareByte(v[end]) && v[end] != '-') {
			end++
		}
		return gqlToken{gqlName, 0, at, end}
	case '0' <= b && b <= '9' || b == '-':
		for end < len(v) && (hexValue[v[end]] < 10 || v[end] == '.' || v[end]|0x20 == 'e' || v[end] == '+' || v[end] == '-') {
			end++
		}
		return gqlToken{gqlNumber, 0, at, end}
	case b == '.' && hasPrefix(v[at:], "..."):
		return gqlToken{gqlPunct, '.', at, at + 3}
	case b == '!' || b == '$' || b == '&' || b == '(' || b == ')' || b == ':' || b == '=' || b == '@' ||
		b == '[' || b == ']' || b == '{' || b == '|' || b == '}':
		return gqlToken{gqlPunct, b, at, end}
	}
	return gqlToken{kind: gqlBad, from: at, to: end}
}

// gqlText reads a string or block string.
func gqlText(v []byte, at int) gqlToken {
	if hasPrefix(v[at:], `"""`) {
		for i := at + 3; i+3 <= len(v); i++ {
			if v[i] == '"' && v[i+1] == '"' && v[i+2] == '"' && v[i-1] != '\\' {
				return gqlToken{gqlString, 3, at, i + 3}
			}
		}
		return gqlToken{kind: gqlBad, from: at, to: len(v)}
	}
	end, _ := textEnd(v[at+1:], '"')
	if end < 0 {
		return gqlToken{kind: gqlBad, from: at, to: len(v)}
	}
	return gqlToken{gqlString, 1, at, at + end + 2}
}

// brokenIntrospection reports whether v would be a query for the schema, were
// it whole: clients send what their parsers took, those who probe by hand send
// what they have cut out somewhere. Texts about GraphQL hold what it has no
// tokens for.
func brokenIntrospection(v []byte) bool {
	if !bytes.Contains(v, []byte("__schema")) {
		return false
	}
	first := nextGraphQL(v, 0)
	if first.kind != gqlName && first.punct != '{' {
		return false
	}
	for at, named := 0, false; ; {
		k := nextGraphQL(v, at)
		at = k.to
		switch k.kind {
		case gqlEnd, gqlBad:
			return false
		case gqlName:
			named = string(v[k.from:k.to]) == "__schema"
		case gqlPunct:
			if named && k.punct == '{' {
				return onlyTokens(v[at:])
			}
		}
	}
}

// onlyTokens reports whether v is made of tokens of GraphQL.
func onlyTokens(v []byte) bool {
	for at := 0; ; {
		k := nextGraphQL(v, at)
		switch at = k.to; k.kind {
		case gqlEnd:
			return true
		case gqlBad:
			return false
		}
	}
}

// looksGraphQL reports whether v is one whole executable document: its
// tokens are known, its brackets match and nothing stands behind.
func looksGraphQL(v []byte) bool {
	first := nextGraphQL(v, 0)
	for first.kind == gqlComment {
		first = nextGraphQL(v, first.to)
	}
	switch word := string(v[first.from:first.to]); {
	case word == "{":
		if n := nextGraphQL(v, first.to); n.kind != gqlName && n.punct != '.' {
			return false
		}
	case word != "query" && word != "mutation" && word != "subscription" && word != "fragment":
		return false
	}
	return balanced(v)
}

// maxBrackets bounds the brackets inside each other in what is taken for a
// document.
const maxBrackets = 1024

// balanced reports whether the brackets of v match and it holds a selection.
func balanced(v []byte) bool {
	var open [maxBrackets]byte
	depth, selects := 0, false
	for at := 0; ; {
		k := nextGraphQL(v, at)
		at = k.to
		switch k.kind {
		case gqlEnd:
			return depth == 0 && selects
		case gqlBad:
			return false
		case gqlPunct:
		default:
			continue
		}
		switch b := k.punct; b {
		case '{', '(', '[':
			if depth == maxBrackets {
				return false
			}
			selects = selects || b == '{'
			open[depth] = b
			depth++
		case '}', ')', ']':
			depth--
			if depth < 0 || open[depth] != b-1 && open[depth] != b-2 {
				return false
			}
		}
	}
}

// graphql visits the arguments and comments of a document.
func (t *Tree) graphql(n Node, v []byte) {
	r := gqlReader{t: t, v: v, node: t.pushDecoder(n, GraphQL), field: -1, arg: -1, floor: len(t.frames)}
	for at := 0; ; {
		k := nextGraphQL(v, at)
		if k.kind == gqlEnd {
			break
		}
		at = k.to
		r.token(k)
	}
	t.frames = t.frames[:r.floor]
	t.drop(r.node)
}

// A gqlReader walks a document whose brackets match. Its points are the
// operation's name, or its type without one, the fields, and the argument:
// graphql.query.user.id.
type gqlReader struct {
	t          *Tree
	v          []byte
	node       Node
	field      Node // the field or operation read last, -1 for none
	arg        Node // the argument read last, -1 for none
	floor      int  // frames below belong to others
	round      int  // open parentheses
	deep       int  // open selections beyond the limit
	skip       int  // names to pass over: of types, variables, directives, fragments
	meta       int  // selections above those of the schema; 0 outside of it
	strange    int  // fields asked of the schema that it does not have
	comments   int32
	aliases    int
	operations int
}

func (r *gqlReader) token(k gqlToken) {
	text := r.v[k.from:k.to]
	switch k.kind {
	case gqlComment:
		r.t.leaf(r.node, Comment, nil, r.comments, text)
		r.comments++
	case gqlString:
		quotes := int(k.punct)
		r.text(text[quotes : len(text)-quotes])
	case gqlNumber:
		r.t.value(r.at(), text)
	case gqlName:
		colon := nextGraphQL(r.v, k.to).punct == ':'
		r.name(text, colon)
	case gqlPunct:
		r.punct(k.punct)
	}
}

// at returns the point that the next value belongs to.
func (r *gqlReader) at() Node {
	if r.arg >= 0 {
		return r.arg
	}
	return r.container()
}

// container returns the innermost open point.
func (r *gqlReader) container() Node {
	top := len(r.t.frames) - 1
	if r.round > 0 && top >= r.floor && r.t.frames[top].array {
		return r.t.frames[top].at
	}
	if r.field >= 0 {
		return r.field
	}
	if top >= r.floor {
		return r.t.frames[top].at
	}
	return r.node
}

func (r *gqlReader) text(v []byte) {
	t := r.t
	mark := len(t.scratch)
	t.scratch = appendJSONUnescaped(t.scratch, v)
	t.value(r.at(), t.scratch[mark:])
	t.scratch = t.scratch[:mark]
}

func (r *gqlReader) name(text []byte, colon bool) {
	switch {
	case r.skip > 0:
		r.skip--
		switch {
		case string(text) == "on":
			r.skip++
		case len(r.t.frames) == r.floor && hasPrefix(text, "__"):
			r.meta = 1 // a fragment on a type of the schema's own
		}
	case r.round > 0:
		if colon {
			r.arg = r.replace(r.arg, text)
		}
	case len(r.t.frames) == r.floor:
		r.operation(text)
	case colon:
		if r.aliases++; r.aliases > maxAliases {
			r.t.trouble(r.node, GraphQLLimit, nil)
		}
	default:
		r.schema(text)
		r.field = r.replace(r.field, text)
	}
}

// maxStrange is how many fields that the specification does not know a query
// may ask of the schema: servers add some, but none twice.
const maxStrange = 1

// schema notes queries for the schema, and fields that no schema has (GraphQL
// October 2021, 4.2).
func (r *gqlReader) schema(field []byte) {
	depth := len(r.t.frames) - r.floor
	if string(field) == "__schema" || string(field) == "__type" {
		r.t.trouble(r.node, Introspection, nil)
		r.meta = depth + 1
		return
	}
	if r.meta == 0 || depth < r.meta {
		r.meta = 0
		return
	}
	if !schemaField(field) {
		if r.strange++; r.strange > maxStrange {
			r.t.trouble(r.node, Probing, nil)
		}
	}
}

func schemaField(name []byte) bool {
	switch string(name) {
	case "__typename", "types", "queryType", "mutationType", "subscriptionType", "directives", "kind", "name",
		"description", "specifiedByURL", "specifiedByUrl", "isOneOf", "oneOf", "fields", "interfaces", "possibleTypes",
		"enumValues", "inputFields", "ofType", "args", "type", "isDeprecated", "deprecationReason", "defaultValue",
		"locations", "onOperation", "onFragment", "onField", "isRepeatable", "appliedDirectives", "value":
		return true
	}
	return false
}

// operation begins an operation or fragment, or names it.
func (r *gqlReader) operation(text []byte) {
	r.meta = 0
	if string(text) == "on" {
		r.skip = 1
		return
	}
	if r.operations++; r.operations > 2*maxOperations {
		r.t.trouble(r.node, GraphQLLimit, nil)
	}
	r.field = r.replace(r.field, text)
}

// replace leaves the point old and enters its sibling of that name.
func (r *gqlReader) replace(old Node, name []byte) Node {
	if old >= 0 {
		r.t.drop(old)
	}
	if old == r.field {
		r.field = -1
	}
	r.arg = -1
	return r.t.push(r.container(), Hash, name, 0)
}

func (r *gqlReader) punct(b byte) {
	switch b {
	case '@', '$', '.':
		r.skip = 1
	case '(':
		r.round++
	case ')':
		r.round--
		r.leaveArg()
	case '{':
		r.open()
	case '}':
		r.close()
	}
}

func (r *gqlReader) leaveArg() {
	if r.arg >= 0 {
		r.t.drop(r.arg)
		r.arg = -1
	}
}

func (r *gqlReader) open() {
	t := r.t
	if len(t.frames)-r.floor >= maxSelections {
		r.deep++
		t.trouble(r.node, GraphQLLimit, nil)
		return
	}
	at, object := r.at(), r.round > 0
	owned := at >= 0 && (object && at == r.arg || !object && at == r.field)
	t.frames = append(roomFor(t.frames, t.limits.Nesting), frame{at: at, owned: owned, array: object})
	r.arg = -1
	if r.round == 0 {
		r.field = -1
	}
}

// close leaves a selection or an object. Its point is what was read last,
// until a sibling replaces it.
func (r *gqlReader) close() {
	if r.deep > 0 {
		r.deep--
		return
	}
	t := r.t
	f := t.frames[len(t.frames)-1]
	t.frames = t.frames[:len(t.frames)-1]
	r.leaveArg()
	if f.array {
		if f.owned {
			r.arg = f.at
		}
		return
	}
	if r.field >= 0 {
		t.drop(r.field)
		r.field = -1
	}
	if f.owned {
		r.field = f.at
	}
}
