package parse

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

// Pieces of messages.
func wireTag(number, kind uint64) string {
	return string(binary.AppendUvarint(nil, number<<3|kind))
}
func wireText(number uint64, s string) string {
	return wireTag(number, 2) + string(binary.AppendUvarint(nil, uint64(len(s)))) + s
}
func wireNumber(number, v uint64) string {
	return wireTag(number, 0) + string(binary.AppendUvarint(nil, v))
}

func grpcMessage(s string) string {
	return string(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(s)))) + s
}

func orders(t *testing.T) *Schema {
	t.Helper()
	s, err := NewSchema([]Message{
		{"shop.Order", []MessageField{
			{3, "customer", TypeMessage, "shop.Person"}, {1, "id", TypeUnsigned, ""}, {4, "delta", TypeZigzag, ""}, {5, "change", TypeSigned, ""},
			{6, "price", TypeFloat, ""}, {7, "weight", TypeFloat, ""}, {8, "blob", TypeBytes, ""}, {9, "next", TypeMessage, "shop.Order"}, {2, "note", TypeText, ""}, {10, "sizes", TypeUnsigned, ""},
		}},
		{"shop.Person", []MessageField{{1, "name", TypeText, ""}, {2, "mail", TypeText, ""}}},
	}, map[string]string{"/shop.Orders/Put": "shop.Order"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// described returns what is visited of a body with a schema.
func described(t *testing.T, target, kind, body string) []string {
	t.Helper()
	var w Walk
	var r recorder
	w.Reset(&r, Limits{}, nil)
	w.Describe(orders(t).Input([]byte(target)))
	w.Fields([]Field{{[]byte("Content-Type"), []byte(kind)}})
	w.Write([]byte(body))
	w.Finish()
	kept := r.lines[:0]
	for _, l := range r.lines {
		if strings.HasPrefix(l, "post") {
			kept = append(kept, l)
		}
	}
	return kept
}

func TestSchema(t *testing.T) {
	order := wireNumber(1, 7) + wireText(2, "two tables") + wireText(3, wireText(1, "Ada")+wireText(2, "ada@a.example")) +
		wireNumber(4, 3) + wireNumber(5, math.MaxUint64) +
		wireTag(6, 1) + string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(1.5))) +
		wireTag(7, 5) + string(binary.LittleEndian.AppendUint32(nil, math.Float32bits(-0.25))) +
		wireText(9, wireText(2, "inner")) + wireText(99, "unknown")
	lines := func(prefix string) []string {
		return []string{
			prefix + `.id="7"`, prefix + `.note="two tables"`, prefix + `.customer.name="Ada"`, prefix + `.customer.mail="ada@a.example"`,
			prefix + `.delta="-2"`, prefix + `.change="-1"`, prefix + `.price="1.5"`, prefix + `.weight="-0.25"`, prefix + `.next.note="inner"`, prefix + `.99="unknown"`,
		}
	}
	want(t, described(t, "/shop.Orders/Put", "application/grpc", grpcMessage(order)), lines("post.grpc.protobuf")...)
	want(t, described(t, "/api/shop.Orders/Put?x=1", "application/grpc-web+proto", grpcMessage(order)), lines("post.grpc.protobuf")...)
	want(t, described(t, "/shop.Orders/Put", "application/connect+proto", grpcMessage(order)), lines("post.grpc.protobuf")...)
	wantAll(t, described(t, "/shop.Orders/Put", "application/proto", order), lines("post.protobuf")...)
	wantAll(t, described(t, "/shop.Orders/Put", "application/x-protobuf", order), lines("post.protobuf")...)
	wantAll(t, described(t, "/shop.Orders/Other", "application/grpc", grpcMessage(order)), `post.grpc.protobuf.2="two tables"`, `post.grpc.protobuf.1="7"`)

	// What is not as described is read as if it were not described.
	wantAll(t, described(t, "/shop.Orders/Put", "application/grpc", grpcMessage(wireText(1, "text")+wireNumber(2, 9)+wireText(3, "no message"))),
		`post.grpc.protobuf.id="text"`, `post.grpc.protobuf.note="9"`, `post.grpc.protobuf.customer="no message"`)
	// A message whose bytes are all letters is one, where it is described.
	wantAll(t, described(t, "/shop.Orders/Put", "application/grpc", grpcMessage(wireText(9, "J "+strings.Repeat("x", 32)))), // field 9 of 32 bytes
		`post.grpc.protobuf.next.next.15="120"`)
}

func TestSchemaRefuses(t *testing.T) {
	if s, err := NewSchema([]Message{{"A", []MessageField{{1, "b", TypeMessage, "B"}}}}, nil); err == nil {
		t.Errorf("a message that is not there: %v", s)
	}
	if s, err := NewSchema(nil, map[string]string{"/a.A/B": "B"}); err == nil {
		t.Errorf("an input that is not there: %v", s)
	}
	s := orders(t)
	for _, target := range []string{"", "/", "shop.Orders/Put", "/shop.Orders", "/shop.Orders/Put/", "/shop.Orders/Put/x", "?/shop.Orders/Put"} {
		if s.Input([]byte(target)) != nil {
			t.Errorf("%q is a method", target)
		}
	}
	var none *Schema
	if none.Input([]byte("/shop.Orders/Put")) != nil {
		t.Error("no schema describes a method")
	}
}

func FuzzSchema(f *testing.F) {
	f.Add([]byte(wireText(3, wireText(1, "Ada")) + wireNumber(1, 7) + wireText(9, wireText(9, wireText(2, "x")))))
	f.Fuzz(func(t *testing.T, body []byte) {
		described(t, "/shop.Orders/Put", "application/grpc", grpcMessage(string(body)))
	})
}
