package detect

import "testing"

func FuzzPrototypePollution(f *testing.F) { fuzz(f, PrototypePollution) }

func TestPrototypePollution(t *testing.T) {
	recognises(t, PrototypePollution, Where{Place: InQuery, Name: true}, []string{
		"__proto__",
		"__proto__[isAdmin]",
		"a[__proto__][b]",
		"constructor[prototype][x]",
		"constructor.prototype.x",
		"x.__proto__.y",
		`{"constructor":{"prototype":{"a":1}}}`,
	}, []string{
		"constructor: a prototype",
		"",
		"proto",
		"constructor",
		"prototype",
		"my_proto_",
		"constructor_name",
	})
	recognises(t, PrototypePollution, Where{Place: InJSON, Name: true, Parent: []byte("constructor")}, []string{"prototype"}, []string{"name"})
	recognises(t, PrototypePollution, Where{Place: InJSON, Name: true, Parent: []byte("car")}, nil, []string{"prototype"})
	recognises(t, PrototypePollution, Where{Place: InJSON}, []string{
		"{\"__proto__\": {\"a\":1}}",
	}, []string{
		"what does __proto__ mean in JavaScript?",
	})
}
