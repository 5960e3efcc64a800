package parse

import "bytes"

// A Shape is the application protocol that a JSON body follows.
type Shape uint8

// The shapes. They are told by the names of the outermost members alone, or
// of those of a batch, so that no path needs to be known.
const (
	NoShape    Shape = iota
	JSONRPC          // JSON-RPC 2.0
	MCP              // JSON-RPC with a method of the Model Context Protocol
	Chat             // messages for a model, as OpenAI, Anthropic, Mistral and Ollama take them
	Responses        // input for a model, as OpenAI's responses take it
	Completion       // one prompt for a model
	Contents         // contents for a model, as Gemini takes them
)

var shapeNames = [...]string{"", "json-rpc", "mcp", "chat", "responses", "completion", "contents"}

// String returns the name of s, empty for none.
func (s Shape) String() string { return shapeNames[s] }

// members are the names of outermost members that shapes are told by.
type members uint8

const (
	hasRPC members = 1 << iota
	hasMCP
	hasModel
	hasMessages
	hasInput
	hasPrompt
	hasContents
)

// note notes the name of an outermost member.
func (m *members) note(name []byte) {
	switch string(name) {
	case "jsonrpc":
		*m |= hasRPC
	case "model":
		*m |= hasModel
	case "messages":
		*m |= hasMessages
	case "input":
		*m |= hasInput
	case "prompt":
		*m |= hasPrompt
	case "contents":
		*m |= hasContents
	}
}

// shape returns what the names stand for.
func (m members) shape() Shape {
	switch {
	case m&hasMCP != 0 && m&hasRPC != 0:
		return MCP
	case m&hasRPC != 0:
		return JSONRPC
	case m&hasModel != 0 && m&hasMessages != 0:
		return Chat
	case m&hasModel != 0 && m&hasInput != 0:
		return Responses
	case m&hasModel != 0 && m&hasPrompt != 0:
		return Completion
	case m&hasContents != 0:
		return Contents
	}
	return NoShape
}

// Shape returns the shape of the body as far as it was read.
func (w *Walk) Shape() Shape {
	for i := range w.body.used {
		if l := &w.body.lanes[i]; l.format == jsonFormat {
			return l.json.members.shape()
		}
	}
	return NoShape
}

// A call is what the fields of a request say of the MCP call in its body.
// Gateways go by the fields and servers by the body. Where a field says
// nothing, its value is nil.
type call struct {
	said      bool
	method    []byte
	name      []byte
	version   []byte
	arguments [maxSaid]Field // of the tool, by their names
	n         int
}

// maxSaid is how many arguments that fields repeat are compared. Tools mark
// the few that gateways route by.
const maxSaid = 16

// saidPrefix is what the name of a field that repeats an argument begins with.
const saidPrefix = "mcp-param-"

// note takes what a field says. It returns false for one that contradicts
// another.
func (c *call) note(f *Field) bool {
	to, v := (*[]byte)(nil), bytes.TrimSpace(f.Value)
	switch {
	case equalFold(f.Name, "mcp-method"):
		to = &c.method
	case equalFold(f.Name, "mcp-name"):
		to = &c.name
	case equalFold(f.Name, "mcp-protocol-version"):
		to = &c.version
	case hasPrefixFold(f.Name, saidPrefix) && c.n < maxSaid:
		c.arguments[c.n], c.said = Field{f.Name[len(saidPrefix):], v}, true
		c.n++
		return true
	default:
		return true
	}
	first := *to
	*to, c.said = v, true
	return first == nil || bytes.Equal(first, v)
}

// The points where a body says what its fields repeat.
var (
	methodPoint    = memberPoint("method")
	namePoint      = memberPoint("params", "name")
	uriPoint       = memberPoint("params", "uri")
	versionPoint   = memberPoint("params", "_meta", "io.modelcontextprotocol/protocolVersion")
	argumentsPoint = memberPoint("params", "arguments")
)

// A rpcPoint is the key of a point of a call, alone in the body and as one of
// several.
type rpcPoint struct{ alone, among uint64 }

func (p rpcPoint) is(k Keys) bool { return k.Folded == p.alone || k.Folded == p.among }

func memberPoint(path ...string) rpcPoint {
	alone := []Step{{Kind: Post}, {Kind: JSON}}
	among := []Step{{Kind: Post}, {Kind: JSON}, {Kind: Array}}
	for _, name := range path {
		alone = append(alone, Step{Kind: Hash, Key: []byte(name)})
		among = append(among, Step{Kind: Hash, Key: []byte(name)})
	}
	return rpcPoint{Key(alone).Folded, Key(among).Folded}
}

// maxCallDepth is how many containers may be around what is compared: the
// batch, the call, its params, and what is in those.
const maxCallDepth = 4

// called notes the method of a call, and reports what is not as the fields
// say.
func (p *jsonParser) called(t *Tree, v []byte) {
	k := t.Keys(p.member)
	if methodPoint.is(k) && isMCP(v) {
		p.members |= hasMCP
	}
	if t.call == nil {
		return
	}
	var said []byte
	switch {
	case methodPoint.is(k):
		said = t.call.method
	case namePoint.is(k), uriPoint.is(k):
		said = t.call.name
	case versionPoint.is(k):
		said = t.call.version
	default:
		said = t.call.argument(t, p.member)
	}
	if said != nil && !t.saysSame(said, v) {
		t.trouble(p.member, Mismatch, v)
	}
}

// argument returns what a field says of the argument at n, nil for nothing.
func (c *call) argument(t *Tree, n Node) []byte {
	parent := t.Parent(n)
	if c.n == 0 || t.Kind(n) != Hash || parent < 0 || !argumentsPoint.is(t.Keys(parent)) {
		return nil
	}
	for i := range c.arguments[:c.n] {
		if sameName(c.arguments[i].Name, t.Key(n)) {
			return c.arguments[i].Value
		}
	}
	return nil
}

// sameName compares the name in a field with that of an argument, which may
// have an underscore for a dash.
func sameName(field, argument []byte) bool {
	if len(field) != len(argument) {
		return false
	}
	for i, a := range field {
		b := argument[i]
		if a == '_' {
			a = '-'
		}
		if b == '_' {
			b = '-'
		}
		if a != b && (a|0x20 != b|0x20 || !isLetter(a)) {
			return false
		}
	}
	return true
}

// codeSlack is how much longer base64 may be than twice what it stands for: it is padded,
// and may hold blanks.
const codeSlack = 16

// saysSame compares the value of a field, which is in base64 where it could
// not be written otherwise, with that in the body.
func (t *Tree) saysSame(field, v []byte) bool {
	code, found := bytes.CutPrefix(field, []byte("=?base64?"))
	code, whole := bytes.CutSuffix(code, []byte("?="))
	if !found || !whole {
		return bytes.Equal(field, v)
	}
	if len(code) > 2*len(v)+codeSlack {
		return false // and each value of the body may ask
	}
	mark := len(t.scratch)
	t.scratch, _ = appendBase64(t.scratch, code, 0xff)
	same := bytes.Equal(t.scratch[mark:], v)
	t.scratch = t.scratch[:mark]
	return same
}

// isMCP reports whether a method is one of the Model Context Protocol.
func isMCP(method []byte) bool {
	area, _, found := bytes.Cut(method, []byte{'/'})
	switch string(area) {
	case "tools", "resources", "prompts", "sampling", "elicitation", "completion", "roots", "notifications", "server", "subscriptions", "logging":
		return found
	case "initialize":
		return !found
	}
	return false
}
