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
