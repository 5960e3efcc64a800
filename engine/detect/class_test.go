package detect

import "testing"

func TestClassNames(t *testing.T) {
	for c := NoClass + 1; c < numClasses; c++ {
		if got, ok := ParseClass(c.String()); !ok || got != c {
			t.Errorf("class %d is named %q, which is read as %v %v", c, c.String(), got, ok)
		}
	}
	for _, name := range []string{"", "none", "unknown", "SQLI"} {
		if c, ok := ParseClass(name); ok {
			t.Errorf("%q is read as %v", name, c)
		}
	}
}
