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
}
