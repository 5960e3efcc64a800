package detect

import "testing"

func FuzzMailInjection(f *testing.F) { fuzz(f, MailInjection) }

func TestMailInjection(t *testing.T) {
	recognises(t, MailInjection, Where{Place: InForm}, []string{
		"a@b.c\nBcc: victim@h.x",
		"a@b.c\r\nCc:x@y.z",
		"x\r\nBcc: a@b.c",
		"a@b.c\nSubject: spam",
		"V100 x\r\nV101 CAPABILITY\r\n",
		"x\r\nRCPT TO: <a@b.c>",
		"a@b.c\r\nDATA\r\n.\r\n",
		"\r\nNOOP\r\n",
	}, []string{
		"",
		"a@b.c",
		"Hello,\nthe subject: is this",
		"Note\nTo: the moon and back",
		"Name\nAddress line\nCity",
		"\r\ndata",
		"Data\r\n",
		"Dear sir or madam of the house\nFrom: us",
	})
}
