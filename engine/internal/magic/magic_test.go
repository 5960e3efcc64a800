package magic

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	if len(listings) > 64 {
		t.Fatalf("%d kinds do not fit a set", len(listings))
	}
	seen := map[string]bool{}
	for k := range listings {
		l := &listings[k]
		if l.name == "" != (k == 0) || seen[l.name] {
			t.Errorf("kind %d is called %q", k, l.name)
		}
		seen[l.name] = true
		for _, word := range strings.Fields(l.extensions + " " + l.types) {
			if len(word) > maxWord || word != strings.ToLower(word) {
				t.Errorf("%s: %q is never found", l.name, word)
			}
		}
	}
	for _, s := range signatures {
		if byName[s.kind] == None {
			t.Errorf("no kind is called %q", s.kind)
		}
	}
	f := func(want string, names ...string) {
		t.Helper()
		s, err := Parse(names...)
		if err != nil || s.String() != want {
			t.Errorf("%v: %q, %v; want %q", names, s, err, want)
		}
		if again, err := Parse(s.Names()...); err != nil || again != s {
			t.Errorf("%v: %v comes back as %v, %v", names, s, again, err)
		}
	}
	f("image", "image")
	f("image pdf", "pdf", "image", "png")
	f("png jpeg", "jpeg", "png")
	f("text other", "other", "text")
	f("")
	for _, name := range append(Names(), "executable") {
		if s, err := Parse(name); err != nil || s == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "jpg", "PNG", "nothing"} {
		if s, err := Parse(name); err == nil {
			t.Errorf("%q is read as %v", name, s)
		}
	}
	if !slices.Contains(Names(), "image") {
		t.Error("groups are not listed")
	}
}

// The documentation lists each kind in the row of its group.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| group | kinds |")
	for k := range listings {
		l := &listings[k]
		row := "\n| `" + l.group + "` |"
		i := strings.Index(table, row)
		if l.group == l.name {
			continue
		}
		if line, _, _ := strings.Cut(table[max(i, 0)+1:], "\n"); i < 0 || !strings.Contains(line, "`"+l.name+"`") {
			t.Errorf("docs/rules.md does not list %s among %s", l.name, l.group)
		}
	}
}

func TestByName(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		if k := ByName([]byte(name)); k.String() != want {
			t.Errorf("%q: %v, want %s", name, k, want)
		}
	}
	f("a.jpg", "jpeg")
	f(`C:\pictures\A.JPG`, "jpeg")
	f("../../x.php", "php")
	f("shell.php.", "php")
	f("shell.php .. ", "php")
	f("shell.php\x00.jpg", "php")
	f("archive.tar.gz", "gzip")
	f("Report.DocX", "office")
	f("a.unheard-of", "other")
	f("a."+strings.Repeat("x", 500), "other")
	f("README", "")
	f("dir.d/README", "")
	f(".htaccess", "other")
	f("", "")
}

func TestByType(t *testing.T) {
	f := func(mediaType, want string) {
		t.Helper()
		if k := ByType([]byte(mediaType)); k.String() != want {
			t.Errorf("%q: %v, want %s", mediaType, k, want)
		}
	}
	f("image/png", "png")
	f(" IMAGE/JPEG ; q=1", "jpeg")
	f("application/octet-stream", "")
	f("application/json", "text")
	f("", "")
}

// zip returns the first local header of an archive.
func zip(entry, content string) string {
	return "PK\x03\x04\x14\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 16) + string([]byte{byte(len(entry)), 0, 0, 0}) + entry + content
}

func TestByContent(t *testing.T) {
	f := func(head, want string) {
		t.Helper()
		if k := ByContent([]byte(head)); k.String() != want {
			t.Errorf("%.40q: %v, want %s", head, k, want)
		}
	}
	f("", "")
	f("a", "text")
	f("Grüße\r\n\tund mehr", "text")
	f("\x00\x01\x02", "other")
	f("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "png")
	f("\xff\xd8\xff\xe0\x00\x10JFIF", "jpeg")
	f("GIF89a<?php system($_GET[0]);", "gif")
	f("RIFF\x24\x00\x00\x00WEBPVP8 ", "webp")
	f("RIFF\x24\x00\x00\x00WAVEfmt ", "wav")
	f("RIFF\x24\x00\x00\x00AVI LIST", "avi")
	f("xxxxyyyyWEBP", "text")
	f("BM\x36\x00\x0c\x00\x00\x00\x00\x006\x00\x00\x00", "bmp")
	f("BMW is a car maker", "text")
	f("II*\x00\x08\x00\x00\x00", "tiff")
	f("\x00\x00\x01\x00\x01\x00\x10\x10", "ico")
	f("\x00\x00\x00\x1cftypavif", "avif")
	f("\x00\x00\x00\x1cftypheic", "heic")
	f("\x00\x00\x00\x1cftypisom", "mp4")
	f("\x00\x00\x00\x14ftypqt  ", "mov")
	f("\x00\x00\x00\x14ftypM4A ", "m4a")
	f("8BPS\x00\x01", "psd")
	f("%PDF-1.7\n", "pdf")
	f(`{\rtf1\ansi`, "rtf")
	f("%!PS-Adobe-3.0", "postscript")
	f("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "msoffice")
	f(zip("hello.txt", "hello"), "zip")
	f(zip("[Content_Types].xml", ""), "office")
	f(zip("word/document.xml", ""), "office")
	f(zip("mimetype", "application/vnd.oasis.opendocument.text"), "opendocument")
	f(zip("mimetype", "application/epub+zip"), "epub")
	f(zip("META-INF/MANIFEST.MF", ""), "jar")
	f(zip("AndroidManifest.xml", ""), "apk")
	f("PK\x05\x06"+strings.Repeat("\x00", 18), "zip")
	f("\x1f\x8b\x08\x00", "gzip")
	f("BZh91AY&SY", "bzip2")
	f("BZh is short for something", "text")
	f("\xfd7zXZ\x00", "xz")
	f("\x28\xb5\x2f\xfd\x04", "zstd")
	f("7z\xbc\xaf\x27\x1c", "7z")
	f("Rar!\x1a\x07\x01\x00", "rar")
	f("MSCF\x00\x00\x00\x00", "cab")
	f("file.txt"+strings.Repeat("\x00", 249)+"ustar\x0000", "tar")
	f("\x7fELF\x02\x01\x01", "elf")
	f("MZ\x90\x00\x03"+strings.Repeat("\x00", 60), "pe")
	f("MZ is the postal code of a town whose name we never learn, alas, so far away", "text")
	f("\xca\xfe\xba\xbe\x00\x00\x00\x02\x01\x00\x00\x07", "macho")
	f("\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x10", "class")
	f("\xcf\xfa\xed\xfe\x07\x00\x00\x01", "macho")
	f("dex\n035\x00", "dex")
	f("\x00asm\x01\x00\x00\x00", "wasm")
	f("<?php echo 1;", "php")
	f("\xef\xbb\xbf \n<?PHP echo 1;", "php")
	f("<?= 1 ?>", "php")
	f("#!/bin/sh\nrm -r /", "shell")
	f("#!/usr/bin/env python3\n", "python")
	f("#!/usr/bin/perl -w\n", "perl")
	f("#!/usr/bin/env ruby\n", "ruby")
	f("#!/usr/bin/env node\n", "javascript")
	f("#!/usr/bin/php\n", "php")
	f("<%@ page import=\"java.io.*\" %>", "jsp")
	f("<%! int x; %>", "jsp")
	f("<% Response.Write(1) %>", "asp")
	f("<cfexecute name=\"x\">", "cfml")
	f("@ECHO OFF\r\n", "windows-script")
	f("<!DOCTYPE html><p>", "html")
	f("<script>alert(1)</script>", "html")
	f("<!-- c --><b>", "html")
	f("<svg onload=alert(1)>", "svg")
	f("<?xml version=\"1.0\"?>\n<svg xmlns=\"x\">", "svg")
	f("<!-- made with x --><svg>", "svg")
	f("<?xml version=\"1.0\"?><order/>", "xml")
	f("<?xml version=\"1.0\"?><!DOCTYPE HTML><html>", "html")
	f("ID3\x03\x00", "mp3")
	f("OggS\x00\x02", "ogg")
	f("fLaC\x00\x00\x00\x22", "flac")
	f("\x1a\x45\xdf\xa3\x93", "webm")
	f("\x00\x00\x01\xba\x44", "mpeg")
	f("wOF2\x00\x01\x00\x00", "font")
}

func TestAgrees(t *testing.T) {
	f := func(content, said string, want bool) {
		t.Helper()
		if Agrees(byName[content], byName[said]) != want {
			t.Errorf("%s called %s: not %v", content, said, want)
		}
	}
	for _, pair := range []string{
		"png png", "png jpeg", "webp gif", "zip office", "zip jar", "office zip", "msoffice msi", "gzip tar", "gzip svg", "xml svg", "svg xml", "html xml",
		"text php", "text svg", "text html", "php text", "html text", "shell text", "html php", "python shell", "mp4 mov", "elf other", "text text", "jpeg avif",
	} {
		content, said, _ := strings.Cut(pair, " ")
		f(content, said, true)
	}
	for _, pair := range []string{
		"php jpeg", "elf png", "pe pdf", "html png", "svg png", "shell pdf", "zip png", "png pdf", "text png", "other png", "pdf office", "elf text", "zip text",
		"php svg", "php html", "pe zip", "gzip zip", "jpeg mp4", "png php", "elf shell",
	} {
		content, said, _ := strings.Cut(pair, " ")
		f(content, said, false)
	}
	f("", "png", true)
	f("png", "", true)
}

func FuzzByContent(f *testing.F) {
	f.Add([]byte("GIF89a"), []byte("a.php.gif"))
	f.Fuzz(func(t *testing.T, content, name []byte) {
		if k := ByContent(content); (k == None) != (len(content) == 0) || int(k) >= len(listings) {
			t.Errorf("%q: %d", content, k)
		}
		ByType(name)
		ByName(name)
	})
}
