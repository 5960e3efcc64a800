package wire

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
)

func TestToken(t *testing.T) {
	want := Token{Region: "eu-1", CA: [32]byte{1, 2, 0xff}, Secret: [16]byte{9}, Address: "cloud.example.com:9001"}
	text := want.String()
	got, err := ParseToken(" " + text + "\n")
	if err != nil || got != want {
		t.Fatalf("ParseToken(%q) = %+v, %v; want %+v", text, got, err, want)
	}
	if !strings.HasPrefix(text, "gbn1_eu-1_") {
		t.Errorf("token %q does not say its region", text)
	}

	bad := []string{"", "gbn1", "gbn1_", "gbn1_eu_", "gbn2_eu_AAAA", "gbn1_EU_" + text[10:], "gbn1__" + text[10:],
		text[:len(text)-1], text + "A", strings.Replace(text, "eu-1", "us-1", 1), text[:20] + "B" + text[21:], text[:20] + " " + text[21:],
		Token{Region: "eu", Address: "no-port"}.String()}
	for _, s := range bad {
		if tok, err := ParseToken(s); err == nil {
			t.Errorf("ParseToken(%q) = %+v, want an error", s, tok)
		} else if strings.Contains(err.Error(), text[20:]) {
			t.Errorf("the error repeats the token: %v", err)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(Token{Region: "eu", Address: "a:1"}.String())
	f.Add("gbn1_eu_AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		tok, err := ParseToken(s)
		if err != nil {
			return
		}
		if again, err := ParseToken(tok.String()); err != nil || again != tok {
			t.Fatalf("%q: read as %+v, written and read as %+v, %v", s, tok, again, err)
		}
	})
}

func TestSignature(t *testing.T) {
	public, private, _ := ed25519.GenerateKey(nil)
	sig := Sign(private, "group", 7, []byte("blob"))
	f := func(key ed25519.PublicKey, group string, version uint64, blob string, want bool) {
		t.Helper()
		if got := Verify(key, group, version, []byte(blob), sig); got != want {
			t.Errorf("Verify(%q, %d, %q) = %v", group, version, blob, got)
		}
	}
	f(public, "group", 7, "blob", true)
	f(public, "group", 8, "blob", false)
	f(public, "other", 7, "blob", false)
	f(public, "group", 7, "blob2", false)
	f(nil, "group", 7, "blob", false)
	other, _, _ := ed25519.GenerateKey(nil)
	f(other, "group", 7, "blob", false)
}

func TestSeal(t *testing.T) {
	public, private, err := NewReplyKey()
	if err != nil || len(public) != 65 {
		t.Fatalf("NewReplyKey: %d bytes, %v", len(public), err)
	}
	sealed, err := Seal(public, "ask-1", []byte("secret"))
	if err != nil || bytes.Contains(sealed, []byte("secret")) {
		t.Fatalf("Seal: %q, %v", sealed, err)
	}
	if plain, err := Open(private, "ask-1", sealed); err != nil || string(plain) != "secret" {
		t.Errorf("Open = %q, %v", plain, err)
	}
	if _, err := Open(private, "ask-2", sealed); err == nil {
		t.Error("an answer to another ask was opened")
	}
	for _, key := range [][]byte{nil, {4}, make([]byte, 65)} {
		if _, err := Seal(key, "a", nil); err == nil {
			t.Errorf("sealed to the invalid key %x", key)
		}
	}
}
