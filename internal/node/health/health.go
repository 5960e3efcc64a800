// Package health keeps why a node is not at its best.
package health

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// A Board holds one reason per part of the node. Its zero value is empty
// and not ready. It is safe for concurrent use.
type Board struct {
	mu      sync.Mutex
	ready   bool
	reasons map[string]string
}

// Ready says whether the node serves traffic.
func (b *Board) Ready(yes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready = yes
}

// Degrade notes why a part is degraded, until Restore.
func (b *Board) Degrade(part, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reasons == nil {
		b.reasons = map[string]string{}
	}
	b.reasons[part] = reason
}

// Restore notes that a part is well again.
func (b *Board) Restore(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.reasons, part)
}

// Reasons returns "part: reason" for each degraded part, sorted.
func (b *Board) Reasons() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := []string{}
	for _, part := range slices.Sorted(maps.Keys(b.reasons)) {
		list = append(list, part+": "+b.reasons[part])
	}
	return list
}

// ServeHTTP answers /readyz: 200 while the node serves traffic, degraded or
// not, since a degraded node still protects; 503 before and after.
func (b *Board) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	answer := struct {
		Ready   bool     `json:"ready"`
		Reasons []string `json:"reasons"`
	}{Reasons: b.Reasons()}
	b.mu.Lock()
	answer.Ready = b.ready
	b.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(answer)
}
