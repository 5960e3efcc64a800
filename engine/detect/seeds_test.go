package detect

// seeds are values that show each class in its own words. Tests mutate them;
// none of them needs to be found as it stands.
var seeds = map[Class][]string{
	SQLi: {
		"1' or '1'='1", `1" or "1"="1`, "1 or 1=1-- -", "' union select null,null-- ", "1;drop table users",
		"1) and sleep(5)#", "x'||(select 1 from dual)||'", "1/**/and/**/1=1", "1 order by 10--", "admin'--",
		"'; exec xp_cmdshell('dir')--", "1 and extractvalue(1,concat(0x7e,version()))", "select * from users where id=1",
		"1' having 1=1#", "1 rlike (select 1)", "1e0union select 1", "0x61646d696e", "\\' or 1=1#", "1 waitfor delay '0:0:5'",
		"1 procedure analyse(1)", "a' like 'a", "1 && 1", "' ^ '1", "1 into outfile '/tmp/x'", "{d 1}",
	},
	NoSQLi: {"$ne", "user[$gt]", `{"$where":"sleep(100)"}`, "';return true;var a='", "[$regex]"},
	LDAPi:  {"*)(uid=*))(|(uid=*", "admin)(&)", "*)(objectClass=*"},
	XPathi: {"' or '1'='1", "x' or name()='a' or 'x'='y", "']|//user/*|//a['", "count(/child::node())=1"},
	XSS: {
		"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "<svg/onload=alert`1`>", `" onmouseover="alert(1)`,
		"' autofocus onfocus=alert(1) x='", "javascript:alert(1)", "jav\tascript&colon;alert(1)", "<a href=data:text/html,x>",
		"';alert(1)//", "\"-alert(1)-\"", "<iframe srcdoc='<script>alert(1)</script>'>", "<div style=width:expression(alert(1))>",
		"alert(document.domain)", "[][(![]+[])[+[]]+([![]]+[][[]])[+!+[]+[+[]]]", "<base href=//evil>", "</title><script src=//x>",
		"<style>@import'//x'</style>", "\\u0061lert(1)", "`-alert(1)-`", "<?xml-stylesheet href=x?>",
	},
	PathTraversal: {
		"../../../../etc/passwd", `..\..\boot.ini`, "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%uEFC8..%uEFC8etc%uEFC8passwd",
		"\xc0\xae\xc0\xae\xc0\xafetc\xc0\xafpasswd", "0x2e0x2e0x2f0x2e0x2e0x2fetc0x2fpasswd", "..2f..2fetc2fpasswd", "..;/..;/x",
		"\xf8\x80\x80\x80\xae\xf8\x80\x80\x80\xae%5cboot.ini", "?.?.0x2fwindows0x2fsystem32", "/proc/self/environ", "php://filter/x",
		"\uff0e\uff0e\uff0fetc", ".git/config", "wp-config.php", "/var/log/x.log", "./././././././././././././a",
	},
}
