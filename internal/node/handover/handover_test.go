package handover

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func desk(t *testing.T, path string) *Desk {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestHandover(t *testing.T) {
	path := filepath.Join(t.TempDir(), "handover.key")
	request := desk(t, path).Request()
	key := bytes.Repeat([]byte{7}, 32)
	sealed, err := Seal(request[:20]+"\n "+request[20:]+"\n", key)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Reopen(path)
	if err != nil || again.Request() != request {
		t.Fatalf("reopened: %v", err)
	}
	if got, err := again.Take(sealed); err != nil || !bytes.Equal(got, key) {
		t.Errorf("took %x, %v", got, err)
	}
	if got, err := desk(t, path+"2").Take(sealed); err == nil {
		t.Errorf("another node took %x", got)
	}
	first, err := Fingerprint(request)
	if err != nil {
		t.Fatal(err)
	}
	second, _ := Fingerprint(desk(t, path+"2").Request())
	if first == second || len(first) != 39 {
		t.Errorf("fingerprints %s and %s", first, second)
	}
	a, _ := Name(key)
	b, _ := Name(bytes.Repeat([]byte{8}, 32))
	if a == b {
		t.Errorf("two keys have the name %s", a)
	}
	if _, err := Reopen(path + "3"); err == nil {
		t.Error("reopened what was never made")
	}
}

func TestRefuses(t *testing.T) {
	d := desk(t, filepath.Join(t.TempDir(), "a.key"))
	request := d.Request()
	sealed, err := Seal(request, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	short, err := Seal(request, []byte("short"))
	if err != nil {
		t.Fatal(err)
	}
	f := func(request, sealed, want string) {
		t.Helper()
		_, err := Fingerprint(request)
		if err == nil {
			_, err = d.Take(sealed)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("", sealed, "does not start with gbk1_")
	f(sealed, sealed, "does not start with gbk1_")
	f(request[:len(request)-3], sealed, "copy it again")
	f("gbk1_", sealed, "copy it again")
	f("gbk1_"+strings.Repeat("A", 5000), sealed, "copy it again")
	f(text(requestPrefix, make([]byte, 65)), sealed, "holds no public key")
	f(request, request, "does not start with gbs1_")
	f(request, sealed[:30]+"x"+sealed[31:], "copy it again")
	f(request, text(sealedPrefix, make([]byte, 113)), "sealed for another request")
	f(request, short, "sealed for another request")
}

func FuzzTexts(f *testing.F) {
	f.Add("gbk1_AAAA")
	f.Add(text(requestPrefix, make([]byte, 65)))
	f.Fuzz(func(t *testing.T, s string) {
		if sealed, err := Seal(s, make([]byte, 32)); err == nil && !strings.HasPrefix(sealed, sealedPrefix) {
			t.Errorf("%q: sealed as %q", s, sealed)
		}
	})
}
