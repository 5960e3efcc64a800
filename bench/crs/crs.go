package main

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/types"

	"github.com/gabionhq/gabion/internal/replay"
)

// directives run all rules of all paranoia levels without blocking, with the
// limits that the rule set's own regression tests set.
const directives = `
Include @coraza.conf-recommended
Include @crs-setup.conf.example
SecRuleEngine DetectionOnly
SecAuditEngine Off
SecResponseBodyAccess Off
SecRequestBodyLimit 13107200
SecRequestBodyInMemoryLimit 13107200
SecAction "id:900002,phase:1,pass,t:none,nolog,setvar:tx.blocking_paranoia_level=4,setvar:tx.detection_paranoia_level=4"
SecAction "id:900001,phase:1,pass,t:none,nolog,setvar:tx.crs_validate_utf8_encoding=1,setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,setvar:tx.total_arg_length=64000,setvar:tx.max_num_args=255,setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535"
Include @owasp_crs/*.conf
`

// maxLevel is the highest paranoia level.
const maxLevel = 4

// ruleID and ruleLevel are what a rule says of itself.
var (
	ruleID    = regexp.MustCompile(`\bid:(\d+)`)
	ruleLevel = regexp.MustCompile(`paranoia-level/(\d)`)
)

// levels reads the paranoia level of each rule.
func levels() (map[int]int, error) {
	files, err := fs.Glob(coreruleset.FS, "@owasp_crs/*.conf")
	if err != nil {
		return nil, err
	}
	levels := map[int]int{}
	for _, name := range files {
		text, err := fs.ReadFile(coreruleset.FS, name)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path.Base(name), err)
		}
		for rule := range strings.SplitSeq(string(text), "\nSec") {
			id, level := ruleID.FindStringSubmatch(rule), ruleLevel.FindStringSubmatch(rule)
			if id == nil || level == nil {
				continue
			}
			n, err := strconv.Atoi(id[1])
			if err != nil {
				return nil, err
			}
			levels[n] = int(level[1][0] - '0')
		}
	}
	return levels, nil
}

// lowest is the paranoia level from which on one of the rules is in force,
// 0 for none.
func lowest(levels map[int]int, rules []int) int {
	low := 0
	for _, id := range rules {
		if l := levels[id]; l > 0 && (low == 0 || l < low) {
			low = l
		}
	}
	return low
}

// A judge is the rule set itself.
type judge struct {
	waf    coraza.WAF
	levels map[int]int
}

func newJudge(levels map[int]int) (*judge, error) {
	w, err := coraza.NewWAF(coraza.NewWAFConfig().WithRootFS(coreruleset.FS).WithDirectives(directives))
	if err != nil {
		return nil, fmt.Errorf("configuring Coraza: %w", err)
	}
	return &judge{w, levels}, nil
}

// A sentence is what the rule set says of a request.
type sentence struct {
	rules  []int
	scored []int // those of them that count
	level  int   // the lowest paranoia level at which it blocks; 0 when none does
}

func (j *judge) judge(q *replay.Request) (sentence, error) {
	tx := j.waf.NewTransaction()
	defer tx.Close()
	tx.ProcessConnection("127.0.0.1", 40000, "127.0.0.1", 80)
	tx.ProcessURI(q.Target, q.Method, "HTTP/1.1")
	for _, h := range q.Headers {
		tx.AddRequestHeader(h[0], h[1])
		if strings.EqualFold(h[0], "Host") {
			tx.SetServerName(h[1])
		}
	}
	tx.ProcessRequestHeaders()
	if _, _, err := tx.WriteRequestBody(q.Body); err != nil {
		return sentence{}, fmt.Errorf("handing the body to Coraza: %w", err)
	}
	if _, err := tx.ProcessRequestBody(); err != nil {
		return sentence{}, fmt.Errorf("inspecting with Coraza: %w", err)
	}
	var s sentence
	var scores [maxLevel + 1]int
	for _, m := range tx.MatchedRules() {
		r := m.Rule()
		if slices.Contains(s.rules, r.ID()) {
			continue
		}
		s.rules = append(s.rules, r.ID())
		if p := points(r); p > 0 {
			s.scored = append(s.scored, r.ID())
			scores[j.levels[r.ID()]] += p
		}
	}
	const threshold = 5 // what the rule set blocks from, by default
	sum := 0
	for level := 1; level <= maxLevel && s.level == 0; level++ {
		if sum += scores[level]; sum >= threshold {
			s.level = level
		}
	}
	return s, nil
}

// points is what a match of a rule adds to the score of a request.
func points(r types.RuleMetadata) int {
	if !strings.Contains(r.Raw(), "inbound_anomaly_score") {
		return 0
	}
	switch r.Severity() {
	case types.RuleSeverityCritical:
		return 5
	case types.RuleSeverityError:
		return 4
	case types.RuleSeverityWarning:
		return 3
	case types.RuleSeverityNotice:
		return 2
	}
	return 0
}
