#!/bin/sh
# Generates Go code from the wire contract, below the directory that the
# argument names, with the plugins of the versions that go.mod pins.
set -eu
cd "$(dirname "$0")/.."
out=$1
plugins=$(mktemp -d)
trap 'rm -rf "$plugins"' EXIT
go build -o "$plugins/" google.golang.org/protobuf/cmd/protoc-gen-go connectrpc.com/connect/cmd/protoc-gen-connect-go
PATH=$plugins:$PATH
module=github.com/gabionhq/gabion
protoc --proto_path=wire "--go_out=$out" "--go_opt=module=$module" "--connect-go_out=$out" "--connect-go_opt=module=$module" wire.proto
