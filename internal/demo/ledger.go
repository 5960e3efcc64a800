package demo

import "sync"

// maxEntries bounds each ledger; the oldest entries make room.
const maxEntries = 1000

// A ledger is a bounded list of numbered entries. The zero value is empty.
type ledger[T any] struct {
	mu    sync.Mutex
	first int // number of entries[0], less one
	list  []T
}

// add appends v and returns its number, from 1.
func (l *ledger[T]) add(v T) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == maxEntries {
		l.list = append(l.list[:0], l.list[1:]...)
		l.first++
	}
	l.list = append(l.list, v)
	return l.first + len(l.list)
}

// get returns entry n.
func (l *ledger[T]) get(n int) (v T, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n <= l.first || n > l.first+len(l.list) {
		return v, false
	}
	return l.list[n-l.first-1], true
}

// all returns a copy, oldest first.
func (l *ledger[T]) all() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]T(nil), l.list...)
}
