package detect

import "testing"

func FuzzDeserialization(f *testing.F) { fuzz(f, Deserialization) }

func TestDeserialization(t *testing.T) {
	recognises(t, Deserialization, Where{Place: InCookie}, []string{
		"rO0ABXNyABFqYXZh",
		"O:4:\"User\":1:{s:4:\"name\";s:1:\"x\";}",
		"AAEAAAD/////AQAAAA",
		"_$$ND_FUNC$$_function(){}",
		"!!python/object/apply:os.system ['id']",
		"- !ruby/object:Gem::Installer",
		"cos\nsystem\n(S'id'\ntR.",
		"{\"py/object\": \"os\"}",
		"!!javax.script.ScriptEngineManager []",
		"O:+4:\"Evil\":0:{}",
		"Map:ACED0005737200116A6176612E7574696C",
		"\xff\x01\x32\x88\x61\x00\x01\x00\x00\x00\xff\xff\xff\xff\x01",
		"\x80\x04\x95\x20\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R\x94.",
		"cposix\nsystem\np0\n(S'id'\np1\ntp2\nRp3\n.",
		"\x04\bo:\x1eGem::Requirement\x06",
		"<java><object class=\"a.B\"><void method=\"start\"/></object></java>",
		"<class><void><array class=\"byte\" length=\"2\"><void index=\"0\"><byte>-84</byte></void></array></void></class>",
		"\x04\b[\ac\x15Gem::SpecFetcherc\x13Gem::Installer",
		"System.Collections.Generic.SortedSet`1[[System.String, mscorlib, PublicKeyToken=b77a5c561934e089]]",
	}, []string{
		"System.String, mscorlib, PublicKeyToken=b77a5c561934e089",
		"\x80\x04\x95\x05\x00\x00\x00\x8c\x01a.",
		"\x04\b{\x06I\"\x06a",
		"aced0005",
		"<p>the <void index=1> element</p>",
		"/wEPDwUKMTY1",
		"",
		"a:2:{s:1:\"a\";i:1;}",
		"s:5:\"hello\";",
		"C: is a drive",
		"no: 1:00",
		"wow!! python rocks",
		"AAEAAA",
		"O:12",
		"at 10:30:\"x\"",
	})
	if w := weightOf(Deserialization, "\xac\xed\x00\x05sr\x00\x11", Where{Place: InBody}); w < suffices {
		t.Errorf("Java magic: %v", w)
	}
}

func TestTagPairs(t *testing.T) {
	for _, tag := range typeTagsAt {
		if got := tagPairs.Next([]byte(tag.text), 0); got != tag.at-1 || tag.text[got] != tag.mark {
			t.Errorf("%s: %d, want %d", tag.text, got, tag.at-1)
		}
	}
}
