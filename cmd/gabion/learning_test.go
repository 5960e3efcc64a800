package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// odd is no attack, but no order number either.
const odd = "/orders?ref=%5Bsome%20thing%5D%20%28else%29"

const eager = "  publish: 1s\n  learn: {values: 200, sources: 10, budget: 0.5, shadow: 1ms}\n"

// learning starts a cloud whose application learns as mode says, a node, and
// lets 40 sources use the parameter.
func learning(t *testing.T, mode string) (*cloud, *node) {
	t.Helper()
	c := startCloud(t, eager)
	c.call("PUT", "/api/v1/applications/0", map[string]any{"name": "shop", "learning": mode}, nil)
	n := startNode(t, c, echo(t), "block", "    interval: 1s\n")
	for i := range 600 {
		n.expect(fmt.Sprintf("/orders?ref=%d", 1000+i*7), 200, "X-Forwarded-For", fmt.Sprintf("198.18.%d.%d", i%40, 1+i%200))
	}
	return c, n
}

// TestLearning teaches the cloud what a parameter holds. The same request is
// blocked while the suggestion is a rule and passes without it.
func TestLearning(t *testing.T) {
	t.Parallel()
	c, n := learning(t, "approve")
	suggestion := suggested(t, c)
	var accepted struct {
		Rule int64 `json:"rule_id"`
	}
	c.call("POST", "/api/v1/suggestions/"+suggestion+"/accept", nil, &accepted)
	inForce(t, c)
	blocked := n.expect(odd, 403)
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

// TestLearningByItself lets the clock do all of it, and nothing where
// learning is frozen.
func TestLearningByItself(t *testing.T) {
	t.Parallel()
	c, n := learning(t, "auto")
	took := inForce(t, c)
	t.Logf("from the last request to the ruleset in force: %v, with a clock of 1 s", took)
	n.expect(odd, 403)
	n.expect("/orders?ref=4242", 200)
}

// TestLearningFrozen is the control: the same traffic, but learning is off.
func TestLearningFrozen(t *testing.T) {
	t.Parallel()
	c, n := learning(t, "frozen")
	eventually(t, 30*time.Second, "the statistics arrive", func() error {
		var list struct {
			Items []struct {
				Count int `json:"count"`
			} `json:"items"`
		}
		if err := c.try("GET", "/api/v1/endpoints?q=path:/orders", nil, &list); err != nil {
			return err
		}
		if len(list.Items) == 0 || list.Items[0].Count < 500 {
			return fmt.Errorf("seen so far: %v", list.Items)
		}
		return nil
	})
	time.Sleep(3 * time.Second) // three turns of the clock in which nothing may happen
	n.expect(odd, 200)
}

// inForce waits until every node runs a ruleset that is not empty.
func inForce(t *testing.T, c *cloud) time.Duration {
	t.Helper()
	return eventually(t, 30*time.Second, "the ruleset is in force", func() error {
		var list struct {
			Items []struct {
				Ruleset int  `json:"ruleset"`
				Current bool `json:"current"`
			} `json:"items"`
		}
		if err := c.try("GET", "/api/v1/nodes", nil, &list); err != nil {
			return err
		}
		for _, n := range list.Items {
			if n.Ruleset == 0 || !n.Current {
				return fmt.Errorf("ruleset %d", n.Ruleset)
			}
		}
		return nil
	})
}
