package traffic

import (
	"fmt"
	"testing"
)

func TestPool(t *testing.T) {
	for _, kind := range Kinds() {
		a, err := Pool(kind, 300)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := Pool(kind, 300)
		seen := map[string]bool{}
		for i := range a {
			s := fmt.Sprint(a[i])
			if s != fmt.Sprint(b[i]) {
				t.Fatalf("%s: request %d differs from run to run", kind, i)
			}
			if seen[s] {
				t.Errorf("%s: a request occurs twice: %s", kind, s)
			}
			seen[s] = true
		}
	}
	if _, err := Pool("no kind", 1); err == nil {
		t.Error("an unknown kind is accepted")
	}
}
