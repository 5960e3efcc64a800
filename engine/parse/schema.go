package parse

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"sort"
	"strconv"
)

// A Schema describes the messages of gRPC services, so that points carry the
// names of fields: post.grpc.protobuf.user.name instead of
// post.grpc.protobuf.1.2. It is immutable.
type Schema struct {
	inputs map[string]*Description // by /package.Service/Method
}

// A Message is the description of a message.
type Message struct {
	Name   string // package.Message
	Fields []MessageField
}

// A MessageField is the description of a field.
type MessageField struct {
	Number  int32
	Name    string
	Type    FieldType
	Message string // of TypeMessage, the name of the message
}

// A FieldType says how a field is written. Repeated numbers may be packed.
type FieldType uint8

// The types of fields.
const (
	TypeUnsigned FieldType = iota // uint32, uint64, bool, fixed
	TypeSigned                    // int32, int64, sfixed, enumerations
	TypeZigzag                    // sint32, sint64
	TypeFloat                     // float, double
	TypeText                      // string
	TypeBytes
	TypeMessage
)

// A Description is a message with those that it holds. Nil describes nothing.
type Description struct {
	fields []describedField // by number
}

type describedField struct {
	number  uint64
	name    []byte
	kind    FieldType
	message *Description
}

// NewSchema returns the schema of services: inputs holds the name of the
// message that each method takes, by /package.Service/Method.
func NewSchema(messages []Message, inputs map[string]string) (*Schema, error) {
	all := make(map[string]*Description, len(messages))
	for _, m := range messages {
		all[m.Name] = new(Description)
	}
	for _, m := range messages {
		d := all[m.Name]
		for _, f := range m.Fields {
			if f.Type == TypeMessage && all[f.Message] == nil {
				return nil, fmt.Errorf("message %s: field %s: no message is called %q", m.Name, f.Name, f.Message)
			}
			d.fields = append(d.fields, describedField{uint64(f.Number), []byte(f.Name), f.Type, all[f.Message]})
		}
		sort.Slice(d.fields, func(i, j int) bool { return d.fields[i].number < d.fields[j].number })
	}
	s := &Schema{inputs: make(map[string]*Description, len(inputs))}
	for method, name := range inputs {
		if all[name] == nil {
			return nil, fmt.Errorf("method %s: no message is called %q", method, name)
		}
		s.inputs[method] = all[name]
	}
	return s, nil
}

// Input returns the description of what the method at a request target takes.
// Servers may mount services below a path of their own.
func (s *Schema) Input(target []byte) *Description {
	if s == nil {
		return nil
	}
	path, _, _ := bytes.Cut(target, []byte{'?'})
	i := bytes.LastIndexByte(path, '/')
	if i <= 0 {
		return nil
	}
	if i = bytes.LastIndexByte(path[:i], '/'); i < 0 {
		return nil
	}
	return s.inputs[string(path[i:])]
}

// field returns the field with a number, nil for one that is not described.
func (d *Description) field(number uint64) *describedField {
	if d == nil {
		return nil
	}
	i := sort.Search(len(d.fields), func(i int) bool { return d.fields[i].number >= number })
	if i == len(d.fields) || d.fields[i].number != number {
		return nil
	}
	return &d.fields[i]
}

// described visits the value of a field whose description is known. It
// returns false where that does not say how to read it.
func (t *Tree) described(n Node, f wireField, d *describedField) bool {
	var digits [32]byte
	switch {
	case f.bytes != nil && d.kind == TypeMessage && (len(f.bytes) == 0 || isMessage(f.bytes)):
		if t.Depth(n) >= t.limits.Depth {
			t.trouble(n, TooDeep, nil)
			return false
		}
		t.nodes[n].depth++
		t.message(n, f.bytes, d.message, false)
	case f.bytes != nil && d.kind == TypeText:
		t.value(n, f.bytes)
	case f.bytes != nil || d.kind >= TypeText:
		return false // of another type than described, or packed numbers
	case d.kind == TypeSigned:
		t.value(n, strconv.AppendInt(digits[:0], f.signed(), 10))
	case d.kind == TypeZigzag:
		t.value(n, strconv.AppendInt(digits[:0], int64(f.scalar>>1)^-int64(f.scalar&1), 10))
	case d.kind == TypeFloat && f.width > 0:
		t.value(n, strconv.AppendFloat(digits[:0], f.float(), 'g', -1, 8*f.width))
	default:
		return false
	}
	return true
}

// fixed returns a field of n bytes.
func fixed(v []byte, n int) uint64 {
	switch {
	case len(v) < n:
		return 0
	case n == 4:
		return uint64(binary.LittleEndian.Uint32(v))
	}
	return binary.LittleEndian.Uint64(v)
}

func (f *wireField) signed() int64 {
	if f.width == 4 {
		return int64(int32(f.scalar))
	}
	return int64(f.scalar)
}

func (f *wireField) float() float64 {
	if f.width == 4 {
		return float64(math.Float32frombits(uint32(f.scalar)))
	}
	return math.Float64frombits(f.scalar)
}
