package cloud

import (
	"testing"

	"github.com/gabionhq/gabion/wire/wirepb"
)

// TestSharesKey: nodes of a group with different keys are shown as such,
// until they have one. A node that has said nothing yet does not count.
func TestSharesKey(t *testing.T) {
	r := start(t, t.TempDir(), "eu1")
	u := r.user(r.bootstrap().APIToken)
	var edge struct{ ID string }
	u.do(201, "POST", "groups", object{"name": "edge"}, &edge)
	var token struct{ Text string }
	u.do(201, "POST", "node-tokens", object{"group": edge.ID}, &token)
	a, b, silent := r.enrol(), r.enrol(), r.enrol()
	elsewhere := enrol(t, r.WireAddr(), token.Text)
	seq := uint64(0)
	tell := func(p *probe, tag byte) {
		seq++
		p.push(t, &wirepb.Batch{Seq: seq, Status: &wirepb.Status{GroupKeyTag: []byte{tag, 2, 3, 4, 5, 6, 7, 8}}})
	}
	f := func(want bool) {
		t.Helper()
		for _, p := range []*probe{a, b, silent, elsewhere} {
			var node struct {
				Shares bool `json:"shares_key"`
			}
			u.get("nodes/"+p.id, &node)
			if node.Shares != (want || p == elsewhere) {
				t.Errorf("node %s: shares_key is %v", p.id, node.Shares)
			}
		}
	}
	f(true)
	tell(a, 1)
	tell(elsewhere, 9)
	f(true)
	tell(b, 2)
	f(false)
	tell(b, 1)
	f(true)
}
