package detect

import "testing"

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
