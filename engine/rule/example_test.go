package rule_test

import (
	"fmt"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/rule"
)

func Example() {
	admin, err := rule.ParseScope("shop.example", "POST", "/admin/**", "header X-Internal absent")
	if err != nil {
		fmt.Println(err)
		return
	}
	w := rule.Writer{General: rule.Monitoring, Rules: []rule.Rule{
		{ID: 1, Kind: rule.SetMode, Mode: rule.Block, Scope: admin},
		{ID: 2, Kind: rule.Patch, Class: detect.SQLi, Point: "post.json.items[*].id"},
	}}
	blob, err := w.Bytes() // what the cloud signs and sends
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := rule.Load(blob) // what the node runs
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(set)

	var m rule.Match
	set.Match(&m, &rule.Request{Method: []byte("POST"), Host: []byte("shop.example"), Target: []byte("/x/..//admin/%75sers?a=b")})
	fmt.Println(rule.Resolve(rule.Monitoring, rule.OverrideOn, m.Mode, set.General()), "by rule", m.ModeRule)
	// Output:
	// general mode monitoring
	// 1 mode block for POST shop.example/admin/**, header X-INTERNAL absent
	// 2 patch sqli at post.json.items[*].id for every request
	// block by rule 1
}
