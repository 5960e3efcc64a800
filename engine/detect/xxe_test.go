package detect

import (
	"math/rand"
	"slices"
	"strings"
	"testing"
)

func FuzzXXE(f *testing.F) { fuzz(f, XXE) }

func TestXXE(t *testing.T) {
	recognises(t, XXE, Where{Place: InBody}, []string{
		"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
		"<!ENTITY % p SYSTEM 'http://h/x.dtd'>",
		"<!DOCTYPE a SYSTEM \"http://h/x.dtd\"><a/>",
		"<!DOCTYPE a PUBLIC \"x\" \"http://h/x.dtd\">",
		"<!DOCTYPE l [<!ENTITY a \"x\"><!ENTITY b \"&a;&a;\"><!ENTITY c \"&b;&b;\">]><l>&c;</l>",
		"<!DOCTYPE a SYSTEM '//h/x'><a/>",
		"<x xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='file:///etc/passwd'/></x>",
		"<xsl:value-of select=\"php:function('readfile','x')\"/>",
		"<xsl:value-of select=\"unparsed-text('/etc/passwd')\"/>", "<xsl:copy-of select=\"doc('file:///etc/passwd')\"/>", "<xsl:value-of select=\"environment-variable('PATH')\"/>",
		"<exsl:document href=\"/tmp/x\" method=\"text\">x</exsl:document>", "<redirect:write file=\"/tmp/x\">x</redirect:write>", "<lxslt:script lang=\"javascript\">x</lxslt:script>",
		"<xsl:result-document href=\"file:///tmp/x\">x</xsl:result-document>",
	}, []string{
		"<xsl:value-of select=\"title\"/>", "<xsl:result-document href=\"{@id}.html\"/>", "<redirect>x</redirect>", "<events/>", "<xsl:value-of select=\"doc('terms.xml')/a\"/>",
		"",
		"<a>b</a>",
		"<?xml version=\"1.0\"?><note><to>x</to></note>",
		"<!DOCTYPE html>",
		"<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">",
		"<!DOCTYPE note SYSTEM \"note.dtd\">",
		"entity SYSTEM",
	})
	recognises(t, XXE, Where{Place: InXML, Key: []byte("xsi:schemaLocation")}, []string{
		"http://a.example/x.xsd",
	}, []string{
		"http://maven.apache.org/POM/4.0.0 https://maven.apache.org/xsd/maven-4.0.0.xsd",
		"note.xsd",
	})
}

// plainTransform is transform.judge without its memory: it looks for everything
// behind every element.
func plainTransform(best *lead, v []byte, at int) {
	head := v[at:min(len(v), at+maxDeclaration)]
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return hasFold(head, word) })
	}
	switch {
	case has("php:function", "msxsl:script", "rt:exec", "system-property"):
		best.offer(0.88, at, at+len(head), "A style sheet calls functions of the server.")
	case has("getenv(", "environment-variable(", "file:read-", "unparsed-text"):
		best.offer(0.75, at, at+len(head), "A style sheet reads files or variables of the server.")
	case has("doc('file:", "doc('/", "doc('http"), hasPrefixFold(head, "<xsl:result-document") && has("file:/"):
		best.offer(0.75, at, at+len(head), "A style sheet reads or writes another document.")
	case has("document("), hasPrefixFold(head, "<xsl:include"), hasPrefixFold(head, "<xsl:import"):
		best.offer(0.65, at, at+len(head), "A style sheet reads another document.")
	}
}

// TestTransform compares the judge of style sheets with its plain twin.
func TestTransform(t *testing.T) {
	pieces := []string{"<xsl:value-of select=\"", "<xsl:include ", "<xsl:result-document ", "<msxsl:script", "<xsl:", strings.Repeat("x", 40), strings.Repeat(" ", 110), "doc('", "FILE:", "/", "unparsed-text", "s", "("}
	for _, r := range reaches {
		pieces = append(pieces, r.word)
	}
	r := rand.New(rand.NewSource(1))
	for range 50000 {
		v := []byte{}
		for range 1 + r.Intn(16) {
			v = append(v, pieces[r.Intn(len(pieces))]...)
		}
		sheet := transform{v: v}
		for i := range v {
			if !hasPrefixFold(v[i:], "<xsl:") && !hasPrefixFold(v[i:], "<msxsl:script") {
				continue
			}
			var fast, plain lead
			sheet.judge(&fast, i)
			plainTransform(&plain, v, i)
			if fast != plain {
				t.Fatalf("%q at %d: %+v, want %+v", v, i, fast, plain)
			}
		}
	}
}
