// Package query is the language in which people narrow lists: class:sqli -country:(CZ,DE) status:>=500 "union select".
package query

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gabionhq/gabion/internal/cloud/store"
)

// ErrSyntax is a query that says nothing; its text tells where and why.
var ErrSyntax = errors.New("query")

const (
	maxLength = 1000
	maxTerms  = 50
)

// Kind is what a field holds.
type Kind uint8

// The kinds of fields.
const (
	Text   Kind = iota // exact, or with * for any characters
	Number             // 5, >=5, <5, 3..7
)

// A Field of a table that queries may name.
type Field struct {
	Column string
	Kind   Kind
}

// A Table is what can be asked of a list. Words without a field are looked
// for in the columns of Words.
type Table struct {
	Fields map[string]Field
	Words  []string
}

// A term is field:value or, without a field, a word or phrase.
type term struct {
	field  string
	values []string
	not    bool
	at     int
}

// Apply narrows sel. Terms of one field are alternatives, all else must
// hold together; a negated term must not hold.
func Apply(sel *store.SelectQuery, t Table, text string) (*store.SelectQuery, error) {
	terms, err := parse(text)
	if err != nil {
		return nil, err
	}
	either := map[string]*clause{} // by field
	for _, tm := range terms {
		c, err := t.clause(tm)
		if err != nil {
			return nil, err
		}
		switch {
		case tm.not:
			sel = sel.Where("NOT ("+c.sql+")", c.args...)
		case tm.field == "":
			sel = sel.Where("("+c.sql+")", c.args...)
		case either[tm.field] == nil:
			either[tm.field] = &c
		default:
			either[tm.field].or(c)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(either)) {
		sel = sel.Where("("+either[name].sql+")", either[name].args...)
	}
	return sel, nil
}

// A clause is a condition in SQL.
type clause struct {
	sql  string
	args []any
}

func (c *clause) or(d clause) {
	if c.sql != "" {
		c.sql += " OR "
	}
	c.sql += d.sql
	c.args = append(c.args, d.args...)
}

func (t Table) clause(tm term) (clause, error) {
	var c clause
	if tm.field == "" {
		for _, column := range t.Words {
			c.or(like(column, "*"+tm.values[0]+"*"))
		}
		return c, nil
	}
	f, ok := t.Fields[tm.field]
	if !ok {
		return c, fmt.Errorf("%w: character %d: no field %q; there are %s", ErrSyntax, tm.at+1, tm.field,
			strings.Join(slices.Sorted(maps.Keys(t.Fields)), ", "))
	}
	for _, v := range tm.values {
		one, err := f.clause(v)
		if err != nil {
			return c, fmt.Errorf("%w: character %d: %s: %w", ErrSyntax, tm.at+1, tm.field, err)
		}
		c.or(one)
	}
	return c, nil
}

func (f Field) clause(v string) (clause, error) {
	if f.Kind == Number {
		return number(f.Column, v)
	}
	if strings.Contains(v, "*") {
		return like(f.Column, v), nil
	}
	return clause{f.Column + " = ?", []any{v}}, nil
}

var escape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`)

// like compares without regard to case, which LIKE alone does in one
// database and not in the other.
func like(column, pattern string) clause {
	return clause{"LOWER(" + column + `) LIKE ? ESCAPE '\'`, []any{escape.Replace(strings.ToLower(pattern))}}
}

func number(column, v string) (clause, error) {
	if low, high, ok := strings.Cut(v, ".."); ok {
		a, err1 := strconv.ParseFloat(low, 64)
		b, err2 := strconv.ParseFloat(high, 64)
		return clause{column + " BETWEEN ? AND ?", []any{a, b}}, isNumber(v, err1, err2)
	}
	op := "="
	for _, o := range []string{">=", "<=", ">", "<"} {
		if rest, ok := strings.CutPrefix(v, o); ok {
			op, v = o, rest
			break
		}
	}
	n, err := strconv.ParseFloat(v, 64)
	return clause{column + " " + op + " ?", []any{n}}, isNumber(v, err)
}

func isNumber(v string, errs ...error) error {
	if errors.Join(errs...) != nil {
		return fmt.Errorf("%q is not a number, like 5, >=5 or 3..7", v)
	}
	return nil
}

func parse(text string) ([]term, error) {
	if len(text) > maxLength {
		return nil, fmt.Errorf("%w: longer than %d characters", ErrSyntax, maxLength)
	}
	if n := strings.IndexFunc(text, unicode.IsControl); n >= 0 {
		return nil, fmt.Errorf("%w: character %d is a control character", ErrSyntax, n+1)
	}
	var terms []term
	s := scanner{text: text}
	for s.space(); s.at < len(text); s.space() {
		tm, err := s.term()
		if err != nil {
			return nil, fmt.Errorf("%w: character %d: %w", ErrSyntax, s.at+1, err)
		}
		terms = append(terms, tm)
	}
	if len(terms) > maxTerms {
		return nil, fmt.Errorf("%w: more than %d terms", ErrSyntax, maxTerms)
	}
	return terms, nil
}

type scanner struct {
	text string
	at   int
}

func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) space() {
	for s.peek() == ' ' || s.peek() == '\t' {
		s.at++
	}
}

func (s *scanner) term() (term, error) {
	tm := term{at: s.at}
	if c := s.peek(); c == '-' || c == '!' {
		tm.not = true
		s.at++
	}
	if s.peek() != '"' {
		if n := strings.IndexFunc(s.text[s.at:], notName); n > 0 && s.text[s.at+n] == ':' {
			tm.field = s.text[s.at : s.at+n]
			s.at += n + 1
		}
	}
	if tm.field == "" || s.peek() != '(' {
		v, err := s.value(" \t")
		tm.values = []string{v}
		return tm, err
	}
	for s.at++; ; s.at++ {
		v, err := s.value(",)")
		if err != nil {
			return tm, err
		}
		tm.values = append(tm.values, strings.TrimSpace(v))
		if s.peek() == ')' {
			s.at++
			return tm, nil
		}
		if s.peek() == 0 {
			return tm, errors.New("the list has no end; write )")
		}
	}
}

func notName(r rune) bool {
	return (r < 'a' || r > 'z') && r != '_'
}

// value reads a phrase in quotes, or all up to one of the bytes in end.
func (s *scanner) value(end string) (string, error) {
	if s.peek() == '"' {
		n := strings.IndexByte(s.text[s.at+1:], '"')
		if n < 0 {
			return "", errors.New("the phrase has no end; write \"")
		}
		v := s.text[s.at+1 : s.at+1+n]
		s.at += n + 2
		return v, nil
	}
	n := strings.IndexAny(s.text[s.at:], end)
	if n < 0 {
		n = len(s.text) - s.at
	}
	v := s.text[s.at : s.at+n]
	s.at += n
	if v == "" {
		return "", errors.New("a value is missing")
	}
	return v, nil
}
