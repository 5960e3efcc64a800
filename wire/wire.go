// Package wire is the contract between nodes and the cloud.
//
// The messages are in wire.proto; package wirepb is generated from it.
package wire

//go:generate protoc --proto_path=. --go_out=.. --go_opt=module=github.com/gabionhq/gabion --connect-go_out=.. --connect-go_opt=module=github.com/gabionhq/gabion wire.proto

// Version is the contract's version. One line per bump:
//
//   - 1: 2026-11-21: first contract.
const Version = 1
