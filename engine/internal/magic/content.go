package magic

import (
	"bytes"
	"encoding/binary"
)

// ByName returns the kind that the extension of a file's name stands for:
// None without one, Other for one that is not listed.
func ByName(name []byte) Kind {
	name = name[bytes.LastIndexAny(name, `/\`)+1:]
	if i := bytes.IndexByte(name, 0); i >= 0 {
		name = name[:i] // where C libraries end it
	}
	name = bytes.TrimRight(name, ". ") // as Windows does
	i := bytes.LastIndexByte(name, '.')
	if i < 0 {
		return None
	}
	if k := look(byExtension, name[i+1:]); k != None {
		return k
	}
	return Other
}

// ByType returns the kind of a media type, None for one that is not listed
// or says nothing, as application/octet-stream.
func ByType(mediaType []byte) Kind {
	mediaType, _, _ = bytes.Cut(mediaType, []byte{';'})
	return look(byType, bytes.TrimSpace(mediaType))
}

// Sample is how much of the beginning of a file ByContent looks at.
const Sample = 4096

// A signature is what files of a kind begin with.
type signature struct {
	at    int
	bytes string
	kind  string
}

var signatures = [...]signature{
	{0, "\x89PNG\r\n\x1a\n", "png"},
	{0, "\xff\xd8\xff", "jpeg"},
	{0, "GIF87a", "gif"}, {0, "GIF89a", "gif"},
	{0, "II*\x00", "tiff"}, {0, "MM\x00*", "tiff"},
	{0, "8BPS\x00\x01", "psd"},
	{0, "%PDF-", "pdf"},
	{0, "{\\rtf", "rtf"},
	{0, "%!PS", "postscript"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "msoffice"},
	{0, "\x1f\x8b\x08", "gzip"},
	{0, "\xfd7zXZ\x00", "xz"},
	{0, "\x28\xb5\x2f\xfd", "zstd"},
	{0, "7z\xbc\xaf\x27\x1c", "7z"},
	{0, "Rar!\x1a\x07", "rar"},
	{0, "MSCF\x00\x00\x00\x00", "cab"},
	{257, "ustar", "tar"},
	{0, "\x7fELF", "elf"},
	{0, "\xfe\xed\xfa\xce", "macho"}, {0, "\xfe\xed\xfa\xcf", "macho"},
	{0, "\xce\xfa\xed\xfe", "macho"}, {0, "\xcf\xfa\xed\xfe", "macho"},
	{0, "dex\n03", "dex"},
	{0, "\x00asm\x01\x00\x00\x00", "wasm"},
	{0, "ID3", "mp3"}, {0, "\xff\xfb", "mp3"}, {0, "\xff\xf3", "mp3"},
	{0, "OggS", "ogg"},
	{0, "fLaC", "flac"},
	{0, "\x1a\x45\xdf\xa3", "webm"},
	{0, "\x00\x00\x01\xba", "mpeg"}, {0, "\x00\x00\x01\xb3", "mpeg"},
	{0, "wOFF", "font"}, {0, "wOF2", "font"}, {0, "OTTO\x00", "font"}, {0, "\x00\x01\x00\x00\x00", "font"},
	{8, "WEBP", "webp"}, {8, "WAVE", "wav"}, {8, "AVI ", "avi"}, // behind RIFF
	{8, "avif", "avif"}, {8, "avis", "avif"}, {8, "heic", "heic"}, {8, "heix", "heic"}, {8, "mif1", "heic"},
	{8, "M4A ", "m4a"}, {8, "qt  ", "mov"}, // behind ftyp
}

// ByContent returns the kind of a file that begins with head. Any bytes are
// of some kind: Text or Other, if nothing tells more. None is for no bytes.
func ByContent(head []byte) Kind {
	head = head[:min(len(head), Sample)]
	if len(head) == 0 {
		return None
	}
	for i := range signatures {
		s := &signatures[i]
		if s.at == 8 && !container(head) || len(head) < s.at+len(s.bytes) || string(head[s.at:s.at+len(s.bytes)]) != s.bytes {
			continue
		}
		return byName[s.kind]
	}
	if k := structured(head); k != None {
		return k
	}
	if !isText(head) {
		return Other
	}
	return written(head)
}

// container reports whether the kind stands at byte 8.
func container(head []byte) bool {
	return len(head) >= 12 && (string(head[:4]) == "RIFF" || string(head[4:8]) == "ftyp")
}

// structured tells kinds whose first bytes alone could be chance.
func structured(head []byte) Kind {
	switch {
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		return byName["mp4"]
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return zipped(head)
	case bytes.HasPrefix(head, []byte("PK\x05\x06")): // without entries
		return byName["zip"]
	case len(head) >= 10 && string(head[:3]) == "BZh" && string(head[4:10]) == "1AY&SY":
		return byName["bzip2"]
	case len(head) >= 14 && string(head[:2]) == "BM" && binary.LittleEndian.Uint32(head[6:]) == 0:
		return byName["bmp"]
	case len(head) >= 6 && string(head[:2]) == "\x00\x00" && (head[2] == 1 || head[2] == 2) && head[3] == 0 && head[5] == 0 && head[4] != 0:
		return byName["ico"]
	case len(head) >= 64 && string(head[:2]) == "MZ" && bytes.IndexByte(head[:64], 0) >= 0:
		return byName["pe"]
	case len(head) >= 8 && string(head[:4]) == "\xca\xfe\xba\xbe":
		if binary.BigEndian.Uint32(head[4:]) < 45 { // of a fat binary; class files begin at version 45
			return byName["macho"]
		}
		return byName["class"]
	}
	return None
}

// zipped tells the formats that are archives by the names of their first
// entries.
func zipped(head []byte) Kind {
	for _, f := range [...]struct{ entry, kind string }{
		{"[Content_Types].xml", "office"}, {"_rels/.rels", "office"}, {"docProps/", "office"},
		{"word/", "office"}, {"xl/", "office"}, {"ppt/", "office"},
		{"mimetypeapplication/vnd.oasis.opendocument", "opendocument"}, {"mimetypeapplication/epub+zip", "epub"},
		{"AndroidManifest.xml", "apk"}, {"META-INF/", "jar"}, {"WEB-INF/", "jar"},
	} {
		if bytes.Contains(head, []byte(f.entry)) {
			return byName[f.kind]
		}
	}
	return byName["zip"]
}

// isText reports whether head holds no controls but those of text.
func isText(head []byte) bool {
	for _, b := range head {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' && b != '\f' && b != 0x1b {
			return false
		}
	}
	return true
}

// written tells the kinds of text.
func written(head []byte) Kind {
	v := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case begins(v, "<?php"), begins(v, "<?="), begins(v, "<? "), begins(v, "<?\n"):
		return byName["php"]
	case begins(v, "#!"):
		return interpreted(v)
	case begins(v, "<%@ page"), begins(v, "<%@page"), begins(v, "<%!"), begins(v, "<jsp:"):
		return byName["jsp"]
	case begins(v, "<%"), begins(v, "<script runat"):
		return byName["asp"]
	case begins(v, "<cf"):
		return byName["cfml"]
	case begins(v, "@echo off"):
		return byName["windows-script"]
	case begins(v, "<svg"):
		return byName["svg"]
	case begins(v, "<?xml"), begins(v, "<!--"), begins(v, "<!doctype svg"):
		switch rest := v[:min(len(v), 1024)]; {
		case bytes.Contains(rest, []byte("<svg")):
			return byName["svg"]
		case begins(v, "<!--") || contains(rest, "<html"):
			return byName["html"]
		}
		return byName["xml"]
	case begins(v, "<!doctype"), begins(v, "<html"), begins(v, "<head"), begins(v, "<body"), begins(v, "<script"), begins(v, "<iframe"):
		return byName["html"]
	}
	return Text
}

// interpreted tells scripts by the interpreter in their first line.
func interpreted(v []byte) Kind {
	line, _, _ := bytes.Cut(v, []byte{'\n'})
	for _, f := range [...]struct{ word, kind string }{
		{"python", "python"}, {"perl", "perl"}, {"ruby", "ruby"}, {"php", "php"}, {"node", "javascript"},
	} {
		if bytes.Contains(line, []byte(f.word)) {
			return byName[f.kind]
		}
	}
	return byName["shell"]
}

// begins compares with a lower-case word, in any case.
func begins(v []byte, word string) bool {
	return len(v) >= len(word) && bytes.EqualFold(v[:len(word)], []byte(word))
}

func contains(v []byte, word string) bool {
	for ; len(v) >= len(word); v = v[1:] {
		if begins(v, word) {
			return true
		}
	}
	return false
}

// Agrees reports whether a file whose content is of one kind may go by
// another: formats that are archives inside, scripts and markup that are
// text, and pictures, of which many are called by the name of another
// format. Where one of both is not known, nothing disagrees.
func Agrees(content, said Kind) bool {
	if content == said || content == None || said == None || said == Other {
		return true
	}
	c, s := Of(content), Of(said)
	switch {
	case c&raster != 0 && s&raster != 0, c&scripts != 0 && s&scripts != 0:
		return true
	case c&zipFamily != 0 && s&zipFamily != 0, c&compoundFamily != 0 && s&compoundFamily != 0, c&mediaFamily != 0 && s&mediaFamily != 0:
		return true
	case said == Text:
		return c&textual != 0
	case c&markupLed != 0 && s&scripts != 0, c&xmlFamily != 0 && s&xmlFamily != 0:
		return true
	}
	return Holds(content, said)
}

// Holds reports whether the content of one kind is what files of another kind
// may be seen as by their first bytes: an archive that holds a document, text
// that is a script.
func Holds(content, said Kind) bool {
	s := Of(said)
	switch content {
	case Text:
		return s&textual != 0
	case byName["xml"]:
		return s&xmlFamily != 0
	case byName["zip"]:
		return s&zipFamily != 0
	case byName["msoffice"]:
		return s&compoundFamily != 0
	case byName["mp4"]:
		return s&mediaFamily != 0
	case byName["gzip"]:
		return s&gzipFamily != 0
	}
	return false
}

var (
	zipFamily      = mustParse("zip", "office", "opendocument", "epub", "jar", "apk")
	gzipFamily     = mustParse("svg", "tar")
	compoundFamily = mustParse("msoffice", "msi")
	mediaFamily    = mustParse("mp4", "mov", "m4a", "heic", "avif", "mp3", "mpeg", "webm", "ogg")
	xmlFamily      = mustParse("xml", "svg", "html")
	markupLed      = mustParse("html", "xml") // what templates of scripts begin with
)
