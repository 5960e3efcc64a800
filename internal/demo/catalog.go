package demo

import (
	"context"
	"database/sql"
	"fmt"

	sqlite3 "modernc.org/sqlite"
)

type product struct {
	ID       int    `json:"id"`
	Name     string `json:"name"`
	Category string `json:"category"`
	Cents    int    `json:"cents"`
	Text     string `json:"text"`
}

// catalog is what the shop sells.
func catalog() []product {
	return []product{
		{1, "Gabion basket 100 x 50 cm", "baskets", 3990, "Galvanised wire, 4 mm, folds flat for transport."},
		{2, "Gabion basket 200 x 100 cm", "baskets", 8990, "For retaining walls up to two metres."},
		{3, "River pebbles, 1 t", "stones", 14900, "Rounded, 60-120 mm, washed."},
		{4, "Basalt, broken, 1 t", "stones", 12900, "Dark grey, 80-150 mm; frost-proof."},
		{5, "Granite blocks, 1 t", "stones", 18900, "Split by hand & sorted."},
		{6, "Spiral connectors (20 pcs)", "hardware", 1990, "Join two baskets without tools."},
		{7, "Tensioners 50 cm (10 pcs)", "hardware", 1490, "Keep the front flat: one per 30 cm."},
		{8, "Geotextile, 10 m", "hardware", 2490, "Water passes, soil is held."},
		{9, "Bench on gabions \"Rampart\"", "garden", 24900, "Larch seat, two filled baskets."},
		{10, "O'Malley's planting bag", "garden", 990, "A pocket of soil for the wall's face."},
	}
}

func find(id int) (product, bool) {
	all := catalog()
	if id < 1 || id > len(all) {
		return product{}, false
	}
	return all[id-1], true
}

// SQLite limits by number, see https://sqlite.org/c3ref/c_limit_attached.html.
const (
	limitLength   = 0
	limitAttached = 7
)

// query runs one statement text in a database of its own in memory. ATTACH
// and VACUUM INTO, the only ways to a file, are limited away; ctx ends
// whatever runs too long; nothing survives the call.
func query(ctx context.Context, text string, args ...any) (cols []string, rows [][]string, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxRuntime)
	defer cancel()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	for id, n := range map[int]int{limitAttached: 0, limitLength: maxBody} {
		if _, err := sqlite3.Limit(conn, id, n); err != nil {
			return nil, nil, err
		}
	}
	if err := fill(ctx, conn); err != nil {
		return nil, nil, err
	}
	res, err := conn.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, nil, err
	}
	defer res.Close()
	if cols, err = res.Columns(); err != nil {
		return nil, nil, err
	}
	for res.Next() && len(rows) < 100 {
		cells := make([]any, len(cols))
		for i := range cells {
			cells[i] = new(any)
		}
		if err := res.Scan(cells...); err != nil {
			return nil, nil, err
		}
		row := make([]string, len(cols))
		for i, c := range cells {
			row[i] = fmt.Sprint(*c.(*any))
		}
		rows = append(rows, row)
	}
	return cols, rows, res.Err()
}

func fill(ctx context.Context, conn *sql.Conn) error {
	const schema = `
		CREATE TABLE products (id INTEGER, name TEXT, category TEXT, cents INTEGER, text TEXT);
		CREATE TABLE users (name TEXT, password TEXT, role TEXT);
		INSERT INTO users VALUES ('admin', 'rampart-7', 'admin'), ('ada', 'pebble', 'customer'), ('linus', 'basalt', 'customer');`
	if _, err := conn.ExecContext(ctx, schema); err != nil {
		return err
	}
	for _, p := range catalog() {
		if _, err := conn.ExecContext(ctx, `INSERT INTO products VALUES (?, ?, ?, ?, ?)`,
			p.ID, p.Name, p.Category, p.Cents, p.Text); err != nil {
			return err
		}
	}
	return nil
}
