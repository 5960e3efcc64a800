package main

import (
	"testing"

	"github.com/gabionhq/gabion/bench/cpu"
	"github.com/gabionhq/gabion/bench/traffic"
)

// BenchmarkGabion inspects requests of each kind, each a different one. It is
// for profiles of the engine; Compare is what counts.
func BenchmarkGabion(b *testing.B) {
	for _, kind := range traffic.Kinds() {
		b.Run(kind, func(b *testing.B) {
			requests, err := traffic.Pool(kind, 2000)
			if err != nil {
				b.Fatal(err)
			}
			g := newGabion()
			g.Load(requests)
			b.ReportAllocs()
			start := cpu.Used()
			for i := 0; b.Loop(); i++ {
				if g.Inspect(i % len(requests)) {
					b.Fatal("blocked")
				}
			}
			b.ReportMetric(float64(cpu.Used()-start)/float64(b.N), "cpu-ns/op")
		})
	}
}

// TestNoAllocations makes sure that ordinary requests cost no memory.
func TestNoAllocations(t *testing.T) {
	for _, kind := range traffic.Kinds() {
		requests, err := traffic.Pool(kind, 200)
		if err != nil {
			t.Fatal(err)
		}
		g := newGabion()
		g.Load(requests)
		for i := range requests {
			g.Inspect(i) // buffers grow to their size
		}
		i := 0
		if n := testing.AllocsPerRun(200, func() { g.Inspect(i % len(requests)); i++ }); n > 0 {
			t.Errorf("%s: %v allocations per request", kind, n)
		}
	}
}
