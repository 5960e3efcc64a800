package descriptors

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// write keeps the descriptors of our own wire, with those that it imports.
func write(t *testing.T, files ...protoreflect.FileDescriptor) string {
	t.Helper()
	var set descriptorpb.FileDescriptorSet
	for _, f := range files {
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	b, err := proto.Marshal(&set)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "set.pb")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestLoad finds an attack in a message of a real service, at the name of its
// field, and lets rules go by that name.
func TestLoad(t *testing.T) {
	file := wirepb.File_wire_proto
	schema, err := Load([]string{write(t, file)})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := proto.Marshal(&wirepb.Batch{Hits: []*wirepb.Hit{{RequestId: "r", Fragment: "1' UNION SELECT login, password FROM users -- "}}})
	if err != nil {
		t.Fatal(err)
	}
	service := file.Services().Get(0)
	var method protoreflect.MethodDescriptor
	for i := range service.Methods().Len() {
		if m := service.Methods().Get(i); m.Input().FullName() == (&wirepb.Batch{}).ProtoReflect().Descriptor().FullName() {
			method = m
		}
	}
	if method == nil {
		t.Fatal("no method takes a Batch")
	}
	head := &engine.Head{
		Method: []byte("POST"), Target: []byte("/" + string(service.FullName()) + "/" + string(method.Name())),
		Host: []byte("a.example"), Header: []engine.HeaderField{{Name: []byte("Content-Type"), Value: []byte("application/grpc")}},
	}
	body := append([]byte{0, 0, 0, byte(len(batch) >> 8), byte(len(batch))}, batch...)
	f := func(set *rule.Set, env engine.Env, point string) {
		t.Helper()
		tx := engine.New(engine.Options{}).Begin(set, env)
		defer tx.Close()
		tx.Headers(head)
		tx.Body(body)
		v, found := tx.End(), ""
		for _, f := range tx.Report().Findings {
			found += f.Point + " "
		}
		if v.Attack != (point != "") || !strings.Contains(found, point) {
			t.Errorf("%v at %s, want it at %q", v, found, point)
		}
	}
	f(nil, engine.Env{Mode: rule.Block, Schema: schema}, "post.grpc.protobuf.hits.fragment")
	f(nil, engine.Env{Mode: rule.Block}, "post.grpc.protobuf.3.11")
	blob, err := (&rule.Writer{Rules: []rule.Rule{{ID: 1, Kind: rule.Ignore, Point: "post.grpc.protobuf.hits.fragment"}}}).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	set, err := rule.Load(blob)
	if err != nil {
		t.Fatal(err)
	}
	f(set, engine.Env{Mode: rule.Block, Schema: schema}, "")
}

func TestLoadRefuses(t *testing.T) {
	if s, err := Load(nil); s != nil || err != nil {
		t.Errorf("no files: %v, %v", s, err)
	}
	f := func(want, file string) {
		t.Helper()
		if s, err := Load([]string{file}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want an error with %q", file, s, err, want)
		}
	}
	f("no such file", filepath.Join(t.TempDir(), "none.pb"))
	text := filepath.Join(t.TempDir(), "text.pb")
	if err := os.WriteFile(text, []byte("syntax = \"proto3\";"), 0o600); err != nil {
		t.Fatal(err)
	}
	f("not a FileDescriptorSet", text)
	b, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{{Name: proto.String("a.proto"), Dependency: []string{"b.proto"}}}})
	if err != nil {
		t.Fatal(err)
	}
	partial := filepath.Join(t.TempDir(), "partial.pb")
	if err := os.WriteFile(partial, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f("--include_imports", partial)
	alone := descriptorpb.File_google_protobuf_descriptor_proto
	if s, err := Load([]string{write(t, alone)}); err != nil || s == nil {
		t.Errorf("a file without services: %v, %v", s, err)
	}
}
