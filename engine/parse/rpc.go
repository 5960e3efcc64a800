package parse

import "bytes"

// A Shape is the application protocol that a JSON body follows.
type Shape uint8

// The shapes. They are told by the names of the outermost members alone, so
// that no path needs to be known.
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
// Gateways go by the fields and servers by the body.
type call struct {
	method, name []byte
}

// note takes what a field says.
func (c *call) note(f *Field) {
	switch {
	case equalFold(f.Name, "mcp-method"):
		c.method = bytes.TrimSpace(f.Value)
	case equalFold(f.Name, "mcp-name"):
		c.name = bytes.TrimSpace(f.Value)
	}
}

// The points where a body says what its fields repeat.
var (
	methodPoint = memberPoint("method")
	namePoint   = memberPoint("params", "name")
	uriPoint    = memberPoint("params", "uri")
)

func memberPoint(path ...string) uint64 {
	steps := []Step{{Kind: Post}, {Kind: JSON}}
	for _, name := range path {
		steps = append(steps, Step{Kind: Hash, Key: []byte(name)})
	}
	return Key(steps).Exact
}

// called notes the method of a call, and reports one that is not what the
// fields say.
func (p *jsonParser) called(t *Tree, v []byte) {
	at := t.Keys(p.member).Exact
	if at != methodPoint && at != namePoint && at != uriPoint {
		return
	}
	said := t.call.name
	if at == methodPoint {
		said = t.call.method
		if isMCP(v) {
			p.members |= hasMCP
		}
	}
	if said != nil && !bytes.Equal(said, v) {
		t.trouble(p.member, Mismatch, v)
	}
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
