package main

import (
	"github.com/gabionhq/gabion/bench/traffic"
	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
)

// gabion is the engine as a node runs it: all detectors, mode block, with the
// statistics of values that learning needs. gabion score runs the same
// detectors without those statistics.
type gabion struct {
	engine *engine.Engine
	heads  []engine.Head
	bodies [][]byte
}

func newGabion() *gabion { return &gabion{engine: engine.New(engine.Options{})} }

func (g *gabion) Load(requests []traffic.Request) {
	g.heads, g.bodies = nil, nil
	for _, q := range requests {
		h := engine.Head{
			Method: []byte(q.Method), Target: []byte(q.Target), Host: []byte(q.Header[0][1]),
			Scheme: []byte("https"), Proto: []byte("HTTP/1.1"),
		}
		for _, f := range q.Header {
			h.Header = append(h.Header, engine.HeaderField{Name: []byte(f[0]), Value: []byte(f[1])})
		}
		g.heads = append(g.heads, h)
		g.bodies = append(g.bodies, q.Body)
	}
}

func (g *gabion) Inspect(i int) bool {
	tx := g.engine.Begin(nil, engine.Env{Mode: rule.Block, Observe: true})
	defer tx.Close()
	v := tx.Headers(&g.heads[i])
	if v.Decision == engine.Pass && len(g.bodies[i]) > 0 {
		v = tx.Body(g.bodies[i])
	}
	if v.Decision == engine.Pass {
		v = tx.End()
	}
	return v.Decision == engine.Block
}
