package agent

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/gabionhq/gabion/internal/node/egress"
	"github.com/gabionhq/gabion/internal/node/evidence"
	"github.com/gabionhq/gabion/internal/node/keyfile"
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
