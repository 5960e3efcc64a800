package detect

import "testing"

func TestSQLJSON(t *testing.T) {
	recognises(t, SQLi, Where{Place: InQuery}, []string{
		`OR '{"x":5}'::jsonb @> '{"x":5}'`,
		`or '{"x":[1,{"y":2}]}' -> '$.x[1].y' = 2`,
		`'["k"]'::jsonb ?| array['k']`,
		`1 or '{"k":7}' /*c*/ ->> /**/ '$.k' = 7`,
		`'{"x":1}'::json #>> '{x}'`,
	}, []string{
		`{'a':'{x}'}`,
		`'{name}' -> she said`,
		`data='{"a":1}'`,
		`f('{a}', '[b]')`,
		`['a'] => 'b'`,
	})
}
