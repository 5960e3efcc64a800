package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrCursor is what a page returns for a cursor that no page handed out.
var ErrCursor = errors.New("unknown cursor")

// A Page asks for a part of a list, newest first.
type Page struct {
	Limit int
	After string // cursor of the page before; empty for the first
}

// A Positioned row has a place in its list: its time and its key.
type Positioned interface{ position() (at int64, id string) }

// List reads one page of the tenant's rows of T, refined by refine (which
// may be nil), and the cursor of the next page, empty after the last one.
// The place is a key, not an offset: pages stay whole while rows arrive.
func List[T Positioned](ctx context.Context, s Scope, p Page, refine func(*SelectQuery) *SelectQuery) ([]T, string, error) {
	rows := make([]T, 0, p.Limit)
	q := s.Select(&rows)
	if refine != nil {
		q = refine(q)
	}
	if p.After != "" {
		at, id, err := parseCursor(p.After)
		if err != nil {
			return nil, "", err
		}
		q = q.Where("(at, id) < (?, ?)", at, id)
	}
	if err := q.Order("at DESC", "id DESC").Limit(p.Limit + 1).Scan(ctx); err != nil {
		return nil, "", err
	}
	if len(rows) <= p.Limit {
		return rows, "", nil
	}
	rows = rows[:p.Limit]
	at, id := rows[p.Limit-1].position()
	return rows, cursor(at, id), nil
}

func cursor(at int64, id string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", at, id))
}

func parseCursor(c string) (int64, string, error) {
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err != nil {
		return 0, "", ErrCursor
	}
	number, id, ok := strings.Cut(string(b), " ")
	at, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil {
		return 0, "", ErrCursor
	}
	return at, id, nil
}
