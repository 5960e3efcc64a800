package detect

import "testing"

func FuzzShellshock(f *testing.F) { fuzz(f, Shellshock) }

func TestShellshock(t *testing.T) {
	recognises(t, Shellshock, Where{Place: InUserAgent}, []string{
		"() { :;}; /bin/id",
		"() { :; }; echo x",
		"(){:;};ping -c 1 h",
		"() { _; } >_[$($())] { id; }",
		"().{.:;.};.wget h",
		"x=() { :;}; id",
		"() {",
	}, []string{
		"",
		"foo() { echo; }; bar",
		"function () { return 1; }",
		"() => {}",
		"a() {",
		"clearly()not{ shell:shock;}",
		"foo() { :;}just a test",
		"Mozilla/5.0 (X11; Linux) {x}",
	})
}
