package agent

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/node/egress"
	"github.com/gabionhq/gabion/internal/node/evidence"
	"github.com/gabionhq/gabion/internal/node/keyfile"
	"github.com/gabionhq/gabion/internal/node/pseudonym"
	"github.com/gabionhq/gabion/internal/node/uplink"
	"github.com/gabionhq/gabion/internal/node/vault"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// What follows reads a node's data directory from outside, whether the node
// runs or not, and changes nothing.

// ScanEvidence hands all evidence to each, oldest first, and returns how many
// records could not be decrypted.
func ScanEvidence(data string, each func(*wirepb.Evidence)) (lost int, err error) {
	secret, err := keyfile.Load(filepath.Join(data, evidenceKey))
	if err != nil {
		return 0, fmt.Errorf("opening evidence: %w", err)
	}
	return vault.Scan(data, "evidence", secret, evidence.Codec(), each)
}

// Ruleset loads a ruleset from a file: the compiled form alone, or as a node
// keeps it in uplink/ruleset.pb, beside the key that its profiles need.
func Ruleset(path string) (*rule.Set, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a ruleset: %w", err)
	}
	set, err := rule.Load(b)
	if err == nil {
		return set, nil
	}
	rs := new(wirepb.Ruleset)
	if proto.Unmarshal(b, rs) != nil || len(rs.Blob) == 0 {
		return nil, fmt.Errorf("reading ruleset %s: %w", path, err)
	}
	if set, err = rule.Load(rs.Blob); err != nil {
		return nil, fmt.Errorf("reading ruleset %s: %w", path, err)
	}
	secret, err := keyfile.Load(filepath.Join(filepath.Dir(path), "..", groupKey))
	if err != nil {
		return nil, fmt.Errorf("reading the group key of ruleset %s: %w", path, err)
	}
	key, err := pseudonym.New(secret)
	if err != nil {
		return nil, fmt.Errorf("reading the group key of ruleset %s: %w", path, err)
	}
	return set.Rekey(func(endpoint, point uint64) (uint64, uint64) { return key.Open(endpoint), key.Open(point) }), nil
}

// CopyEgress writes what the node has sent to its cloud to w, and goes on
// until ctx ends if follow is set.
func CopyEgress(ctx context.Context, w io.Writer, data string, follow bool) error {
	return egress.Copy(ctx, w, filepath.Join(data, "egress"), follow)
}

// Enrolment says whose the node is, and which ruleset is kept for the next
// start; see uplink.Examine.
func Enrolment(data string) (s uplink.State, cloud string, err error) {
	return uplink.Examine(filepath.Join(data, "uplink"))
}
