package hostaddr

import "testing"

func TestRead(t *testing.T) {
	f := func(text string, want Kind, odd bool) {
		t.Helper()
		if h := Read([]byte(text)); h.Kind != want || h.Odd != odd {
			t.Errorf("Read(%q) = %+v, want kind %d, odd %v", text, h, want, odd)
		}
	}
	f("example.com", Public, false)
	f("8.8.8.8", Public, false)
	f("172.32.0.1", Public, false)
	f("12345", Public, false)
	f("1.2.3.4.5", Public, false)
	f("", Public, false)
	f("127.0.0.1", Loopback, false)
	f("127.1", Loopback, true)
	f("2130706433", Loopback, true)
	f("0x7f000001", Loopback, true)
	f("0177.0.0.01", Loopback, true)
	f("0", Loopback, true)
	f("7", Public, false)
	f("0.0.0.0", Loopback, false)
	f("10.1.2.3", Private, false)
	f("172.16.0.1", Private, false)
	f("192.168.1.1", Private, false)
	f("100.64.0.1", Private, false)
	f("169.254.169.254", LinkLocal, false)
	f("2852039166", LinkLocal, true)
	f("::1", Loopback, false)
	f("::", Loopback, true)
	f("::ffff:169.254.169.254", LinkLocal, true)
	f("0:0:0:0:0:ffff:7f00:1", Loopback, true)
	f("::ffff:a00:1", Private, true)
	f("0:0:0:0:0:0:0:1", Loopback, false)
	f("2002:7f00:1::", Loopback, true)
	f("2002:808:808::", Public, false)
	f("425.510.425.510", LinkLocal, true)
	f("\u200blocalhost", Loopback, true)
	f("local\u00adhost", Loopback, true)
	f("\U0001d4c1\U0001d45c\U0001d4b8\U0001d4b6\U0001d4c1\U0001d4bd\U0001d45c\U0001d4c8\U0001d4c9", Loopback, true)
	f("\u246b7.0.0.1", Loopback, true)
	f("0:0:0:0:0:\ufb00\ufb00:127.0.0.1", Loopback, true)
	f("\u00b927.0.0.1", Loopback, true)
	f("m\u00fcnchen.example", Public, false)
	f("300.1.2.3", Public, false)
	f("127.0.0.1.example.com", Loopback, true)
	f("x-127-0-0-1.example.com", Loopback, true)
	f("169.254.169.254.example.com", LinkLocal, true)
	f("a127.0.0.1.example.com", Public, false)
	f("127_0_0_1.example.com", Loopback, true)
	f("example.com.127.0.0.1", Loopback, true)
	f("example.com.169.254.169.254", LinkLocal, true)
	f("v1-2127.0.0.1", Public, false)
	f("0o177.0.0.1", Loopback, true)
	f("0o18.0.0.1", Public, false)
	f("sudo.cc", Loopback, false)
	f("10.0.0.1.example.com", Public, false)
	f("a.127.0.0.1.1time.8.8.8.8.forever.rebind.network", Loopback, true)
	f("fd00:ec2::254", LinkLocal, false)
	f("fe80::1%25eth0", LinkLocal, false)
	f("2001:db8::1", Public, false)
	f("localhost", Loopback, false)
	f("LOCALHOST.", Loopback, false)
	f("notlocalhost", Public, false)
	f("metadata.google.internal", LinkLocal, false)
	f("127.0.0.1.nip.io", Loopback, true)
	f("a.10-0-0-1.sslip.io", Private, true)
	f("①②⑦.⓪.⓪.①", Loopback, true)
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("::ffff:127.0.0.1"))
	f.Add([]byte("0x7f.1"))
	f.Add([]byte("①②⑦.0.0.1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h := Read(b); h.Kind > LinkLocal {
			t.Fatal(h)
		}
	})
}
