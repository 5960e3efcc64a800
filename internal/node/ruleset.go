package node

import (
	"fmt"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/node/proxy"
)

// Install puts a ruleset in force. One that cannot be loaded or fails its
// self-test leaves the one before in force, and /readyz says why.
func (n *Node) Install(version uint64, blob []byte) error {
	set, err := rule.Load(blob)
	if err != nil {
		return n.refuse(version, err)
	}
	return n.Use(version, set)
}

// Use puts a ruleset in force that is already loaded.
func (n *Node) Use(version uint64, set *rule.Set) error {
	if err := n.selfTest(set); err != nil {
		return n.refuse(version, err)
	}
	n.proxy.Use(&proxy.Snapshot{Set: set, Version: version})
	n.health.Restore("ruleset")
	n.log.Info("ruleset in force", "version", version)
	return nil
}

func (n *Node) refuse(version uint64, err error) error {
	err = fmt.Errorf("installing ruleset %d: %w", version, err)
	n.health.Degrade("ruleset", fmt.Sprintf("%v; version %d stays in force", err, n.Ruleset()))
	return err
}

// Set returns the ruleset in force.
func (n *Node) Set() *rule.Set { return n.proxy.Snapshot().Set }

// Ruleset returns the version of the ruleset in force, 0 for none.
func (n *Node) Ruleset() uint64 { return n.proxy.Snapshot().Version }

// selfTest runs harmless requests to a host that cannot exist under the
// set, in block mode: a set that blocks them would block everything.
func (n *Node) selfTest(set *rule.Set) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("self-test: the engine failed: %v", r)
		}
	}()
	for _, r := range []struct{ method, target, contentType, body string }{
		{"GET", "/", "", ""},
		{"GET", "/articles/a-day-at-the-sea?page=2&lang=en", "", ""},
		{"POST", "/", "application/json", `{"name":"Ada","tags":["a","b"],"age":36}`},
		{"POST", "/", "application/x-www-form-urlencoded", "name=Ada&comment=a+short+text"},
	} {
		if v := n.try(set, r.method, r.target, r.contentType, r.body); v.Decision == engine.Block {
			return fmt.Errorf("self-test: it blocks a harmless %s %s", r.method, r.target)
		}
	}
	return nil
}

func (n *Node) try(set *rule.Set, method, target, contentType, body string) engine.Verdict {
	tx := n.engine.Begin(set, engine.Env{Mode: rule.Block})
	defer tx.Close()
	tx.Headers(&engine.Head{
		Method: []byte(method), Target: []byte(target), Host: []byte("self-test.invalid"),
		Scheme: []byte("http"), Proto: []byte("HTTP/1.1"),
		Header: []engine.HeaderField{
			{Name: []byte("Host"), Value: []byte("self-test.invalid")},
			{Name: []byte("User-Agent"), Value: []byte("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")},
			{Name: []byte("Accept"), Value: []byte("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")},
			{Name: []byte("Content-Type"), Value: []byte(contentType)},
		},
	})
	tx.Body([]byte(body))
	return tx.End()
}
