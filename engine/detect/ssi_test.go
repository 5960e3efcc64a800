package detect

import "testing"

func FuzzSSI(f *testing.F) { fuzz(f, SSI) }

func TestSSI(t *testing.T) {
	recognises(t, SSI, Where{Place: InQuery}, []string{
		"<!--#exec cmd=\"id\" -->",
		"<!--#include virtual=\"/etc/passwd\"-->",
		"<!-- #echo var=\"DATE_LOCAL\" -->",
		"<!--#printenv -->",
		"<esi:include src=http://h/>",
		"<!--#EXEC cmd='id'",
		"<!--%23echo var=x-->",
	}, []string{
		"",
		"<!-- comment -->",
		"<!--# heading -->",
		"<!--more-->",
		"#exec",
		"<!-- wp:paragraph -->",
	})
}
