package uplink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/node/ceiling"
	"github.com/gabionhq/gabion/wire"
	"github.com/gabionhq/gabion/wire/wirepb"
)

const rulesetFile = "ruleset.pb" // the last good wirepb.Ruleset, as signed

// take puts a ruleset from the cloud in force if it is right, keeps it, and
// reports what was refused of it.
func (u *Uplink) take(rs *wirepb.Ruleset) {
	if rs.Version == u.State().Ruleset {
		return
	}
	refusals, err := u.apply(rs)
	if err == nil {
		u.keep(rs)
	}
	u.mu.Lock()
	again := u.refused == rs.Version
	u.whyNot = ""
	if err != nil {
		u.whyNot, u.refused = err.Error(), rs.Version
	}
	u.mu.Unlock()
	if err != nil {
		u.opts.Log.Error("ruleset refused", "version", rs.Version, "err", err)
		refusals = append(refusals, ceiling.Refusal{Ceiling: "ruleset", What: err.Error()})
	}
	if !again { // a stream that reconnects offers the same one again
		u.refuse(rs.Version, refusals)
	}
	u.nudge()
}

func (u *Uplink) refuse(version uint64, refusals []ceiling.Refusal) {
	var all []*wirepb.Refusal
	for _, r := range refusals {
		u.opts.Log.Warn("refused by cloud_may", "ruleset", version, "ceiling", r.Ceiling, "what", r.What)
		all = append(all, &wirepb.Refusal{Ruleset: version, Ceiling: r.Ceiling, What: r.What, Unix: time.Now().Unix()})
	}
	u.report(all...)
}

// apply checks a ruleset and installs what the ceilings leave of it.
func (u *Uplink) apply(rs *wirepb.Ruleset) ([]ceiling.Refusal, error) {
	id, running := u.identity(), u.State().Ruleset
	if rs.GroupId != id.Group {
		return nil, fmt.Errorf("ruleset %d is for another node group", rs.Version)
	}
	if !wire.Verify(id.RulesetKey, rs.GroupId, rs.Version, rs.Blob, rs.Signature) {
		return nil, fmt.Errorf("ruleset %d is not signed by this tenant's key", rs.Version)
	}
	if rs.Version < running {
		return nil, fmt.Errorf("ruleset %d is older than %d, which is in force", rs.Version, running)
	}
	set, err := rule.Load(rs.Blob)
	if err != nil {
		return nil, fmt.Errorf("ruleset %d: %w", rs.Version, err)
	}
	set, refusals, err := ceiling.Hold(set, u.opts.May)
	if err != nil {
		return refusals, fmt.Errorf("ruleset %d: %w", rs.Version, err)
	}
	set = set.Rekey(func(endpoint, point uint64) (uint64, uint64) {
		return u.opts.Key.Open(endpoint), u.opts.Key.Open(point)
	})
	if err := u.opts.Install(rs.Version, set); err != nil {
		return refusals, err
	}
	u.opts.Names(namesIn(set))
	u.mu.Lock()
	u.running = rs.Version
	u.mu.Unlock()
	return refusals, nil
}

// keep writes the ruleset to disk for the next start. That it could not does
// not make it less good now.
func (u *Uplink) keep(rs *wirepb.Ruleset) {
	b, err := proto.Marshal(rs)
	if err == nil {
		err = replace(filepath.Join(u.opts.Dir, rulesetFile), b)
	}
	if err != nil {
		u.opts.Health.Degrade("ruleset_file", fmt.Sprintf("ruleset %d is in force but could not be kept for the next start: %v", rs.Version, err))
		return
	}
	u.opts.Health.Restore("ruleset_file")
}

// restore puts the last good ruleset in force, so that the first request
// after a start without the cloud already meets it. It passes the same
// checks: the configuration may have changed, and disks fail.
func (u *Uplink) restore() {
	b, err := os.ReadFile(filepath.Join(u.opts.Dir, rulesetFile))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	rs := new(wirepb.Ruleset)
	if err == nil {
		err = proto.Unmarshal(b, rs)
	}
	if err == nil {
		_, err = u.apply(rs)
	}
	if err != nil {
		u.opts.Health.Degrade("ruleset_file", fmt.Sprintf("the last good ruleset on disk cannot be used, and none is in force until the cloud sends one: %v", err))
	}
}

// namesIn returns the names that the rules hold: people typed them in the
// cloud, so they are no secret to it.
func namesIn(set *rule.Set) (names []string) {
	for r := range set.Rules() {
		if steps, err := parse.ParsePoint(r.Point); err == nil {
			for _, s := range steps {
				names = append(names, string(s.Key))
			}
		}
		names = append(names, r.Scope.Host)
		names = append(names, segments(r.Scope.Path)...)
		for _, c := range r.Scope.Conds {
			names = append(names, c.Name)
		}
	}
	return names
}

// segments returns the components of a path pattern without its wildcards.
func segments(path string) (names []string) {
	for s := range strings.SplitSeq(path, "/") {
		if s != "" && !strings.ContainsAny(s, "*{") {
			names = append(names, s)
		}
	}
	return names
}
