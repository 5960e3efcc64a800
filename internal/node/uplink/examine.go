package uplink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/wire"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// Examine reads what enrolment and the cloud left in dir, for somebody who
// looks at a node from outside. Before enrolment the State is empty. The
// error says what of it is damaged; the rest is filled in as far as it goes.
func Examine(dir string) (s State, cloud string, err error) {
	id, err := loadIdentity(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return s, "", nil
	}
	if err != nil {
		return s, "", err
	}
	s = State{Node: id.Node, Group: id.Group, Region: id.Region, Expires: id.expires()}
	s.Ruleset, err = examineRuleset(filepath.Join(dir, rulesetFile), id)
	return s, id.Address, err
}

func examineRuleset(path string, id *identity) (version uint64, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the last good ruleset: %w", err)
	}
	rs := new(wirepb.Ruleset)
	if err := proto.Unmarshal(b, rs); err != nil {
		return 0, fmt.Errorf("reading the last good ruleset: %w", err)
	}
	if !wire.Verify(id.RulesetKey, rs.GroupId, rs.Version, rs.Blob, rs.Signature) {
		return 0, fmt.Errorf("the last good ruleset, %d, is not signed by this tenant's key", rs.Version)
	}
	if _, err := rule.Load(rs.Blob); err != nil {
		return 0, fmt.Errorf("reading the last good ruleset, %d: %w", rs.Version, err)
	}
	return rs.Version, nil
}
