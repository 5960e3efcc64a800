package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// odd is no attack, but no order number either.
const odd = "/orders?ref=%5Bsome%20thing%5D%20%28else%29"

// TestLearning teaches the cloud what a parameter holds and sees the same
// request pass before the suggestion is accepted, blocked while it is a rule,
// and pass again without it.
func TestLearning(t *testing.T) {
	t.Parallel()
	c := startCloud(t, "  publish: 1s\n  learn: {values: 200, sources: 10, budget: 0.5, shadow: 0s}\n")
	n := startNode(t, c, echo(t), "block", "    interval: 1s\n")
	c.call("PUT", "/api/v1/applications/0", map[string]any{"name": "shop", "learning": "approve"}, nil)
	for i := range 600 {
		n.expect(fmt.Sprintf("/orders?ref=%d", 1000+i*7), 200, "X-Forwarded-For", fmt.Sprintf("198.18.%d.%d", i%40, 1+i%200))
	}
	n.expect(odd, 200)

	suggestion := suggested(t, c)
	n.expect(odd, 200) // a suggestion decides nothing
	var accepted struct {
		Rule int64 `json:"rule_id"`
	}
	c.call("POST", "/api/v1/suggestions/"+suggestion+"/accept", nil, &accepted)
	var blocked string
	eventually(t, 5*time.Second, "the profile holds", func() error {
		status, id, err := n.get(odd)
		if blocked = id; err == nil && status != 403 {
			err = fmt.Errorf("answered %d", status)
		}
		return err
	})
	n.expect("/orders?ref=4242", 200)
	var found struct {
		Items []hit `json:"items"`
	}
	eventually(t, 5*time.Second, "the hit arrives", func() error {
		err := c.try("GET", "/api/v1/hits?request_id="+blocked, nil, &found)
		if err == nil && len(found.Items) == 0 {
			err = fmt.Errorf("no hit of %s", blocked)
		}
		return err
	})
	h := found.Items[0]
	if h.Class != "anomaly" || !strings.Contains(h.Reason, "this parameter") {
		t.Errorf("blocked as %s because %q, want the statistics of the parameter", h.Class, h.Reason)
	}
	t.Logf("%s: %s", h.Point, h.Reason)

	c.call("DELETE", fmt.Sprintf("/api/v1/rules/%d", accepted.Rule), nil, nil)
	eventually(t, 5*time.Second, "without the profile", func() error {
		status, _, err := n.get(odd)
		if err == nil && status != 200 {
			err = fmt.Errorf("answered %d", status)
		}
		return err
	})
}

// suggested waits for the suggestion for get.ref and returns its id.
func suggested(t *testing.T, c *cloud) (id string) {
	t.Helper()
	eventually(t, 30*time.Second, "learning suggests", func() error {
		var list struct {
			Items []struct {
				ID    string `json:"id"`
				Point string `json:"point"`
			} `json:"items"`
		}
		if err := c.try("GET", "/api/v1/suggestions", nil, &list); err != nil {
			return err
		}
		for _, s := range list.Items {
			if strings.HasPrefix(s.Point, "get.") {
				id = s.ID
				return nil
			}
		}
		return fmt.Errorf("%d suggestions, none for the parameter", len(list.Items))
	})
	return id
}

// TestLearningByItself lets the clock do all of it.
func TestLearningByItself(t *testing.T) {
	t.Parallel()
	c := startCloud(t, "  publish: 1s\n  learn: {values: 200, sources: 10, budget: 0.5, shadow: 0s}\n")
	n := startNode(t, c, echo(t), "block", "    interval: 1s\n")
	for i := range 600 {
		n.expect(fmt.Sprintf("/orders?ref=%d", 1000+i*7), 200, "X-Forwarded-For", fmt.Sprintf("198.18.%d.%d", i%40, 1+i%200))
	}
	took := eventually(t, 30*time.Second, "the profile holds", func() error {
		status, _, err := n.get(odd)
		if err == nil && status != 403 {
			err = fmt.Errorf("answered %d", status)
		}
		return err
	})
	t.Logf("from the last request to the ruleset in force: %v, with a clock of 1 s", took)
	n.expect("/orders?ref=4242", 200)
}
