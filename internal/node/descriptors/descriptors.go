// Package descriptors reads the descriptions of gRPC services that an operator gives a node.
package descriptors

import (
	"fmt"
	"os"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/gabionhq/gabion/engine/parse"
)

// maxFile bounds a file of descriptions. Those of all public APIs of Google
// together have some 10 MB.
const maxFile = 64 << 20

// Load reads files that hold a FileDescriptorSet each, as protoc writes with
// --include_imports --descriptor_set_out, and buf build with -o.
func Load(files []string) (*parse.Schema, error) {
	if len(files) == 0 {
		return nil, nil
	}
	r := reader{inputs: map[string]string{}, seen: map[protoreflect.FullName]bool{}}
	for _, file := range files {
		if err := r.file(file); err != nil {
			return nil, fmt.Errorf("reading descriptors in %s: %w", file, err)
		}
	}
	return parse.NewSchema(r.messages, r.inputs)
}

// A reader collects what files describe.
type reader struct {
	messages []parse.Message
	inputs   map[string]string
	seen     map[protoreflect.FullName]bool
}

func (r *reader) file(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.Size() > maxFile {
		return fmt.Errorf("%d bytes are more than %d", info.Size(), maxFile)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(b, &set); err != nil {
		return fmt.Errorf("not a FileDescriptorSet: %w", err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return fmt.Errorf("%w (protoc needs --include_imports)", err)
	}
	files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		r.services(f.Services())
		return true
	})
	return nil
}

func (r *reader) services(all protoreflect.ServiceDescriptors) {
	for i := range all.Len() {
		s := all.Get(i)
		for j := range s.Methods().Len() {
			m := s.Methods().Get(j)
			r.inputs["/"+string(s.FullName())+"/"+string(m.Name())] = string(m.Input().FullName())
			r.message(m.Input())
		}
	}
}

// message takes a message and those that it holds.
func (r *reader) message(d protoreflect.MessageDescriptor) {
	if r.seen[d.FullName()] {
		return
	}
	r.seen[d.FullName()] = true
	m := parse.Message{Name: string(d.FullName())}
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		out := parse.MessageField{Number: int32(f.Number()), Name: string(f.Name()), Type: typeOf(f.Kind())}
		if f.Kind() == protoreflect.MessageKind {
			out.Message = string(f.Message().FullName())
			r.message(f.Message())
		}
		m.Fields = append(m.Fields, out)
	}
	r.messages = append(r.messages, m)
}

func typeOf(k protoreflect.Kind) parse.FieldType {
	switch k {
	case protoreflect.MessageKind:
		return parse.TypeMessage
	case protoreflect.StringKind:
		return parse.TypeText
	case protoreflect.BytesKind, protoreflect.GroupKind: // groups are not looked into
		return parse.TypeBytes
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return parse.TypeFloat
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return parse.TypeZigzag
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Sfixed32Kind, protoreflect.Sfixed64Kind, protoreflect.EnumKind:
		return parse.TypeSigned
	}
	return parse.TypeUnsigned
}
