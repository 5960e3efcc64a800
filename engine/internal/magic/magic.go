// Package magic tells what kind of file it is by its first bytes, its name and its declared type.
package magic

import (
	"fmt"
	"slices"
	"strings"
)

// A Kind is a kind of file. The zero Kind is not known.
type Kind uint8

// Kinds that the package speaks of by name; the others are in the table
// alone.
const (
	None  Kind = iota
	Text       // nothing but text
	Other      // bytes, or a name, of no kind that is listed
	firstListed
)

// A Set is a set of kinds.
type Set uint64

// Of returns the set of one kind.
func Of(k Kind) Set {
	if k == None {
		return 0
	}
	return 1 << k
}

// A listing says how a kind is called, to which group it belongs, and by
// which extensions and media types it goes.
type listing struct {
	name, group string
	extensions  string
	types       string
}

// listings are the kinds by number. Their order is not part of any format:
// rules hold names.
var listings = [...]listing{
	None:  {},
	Text:  {"text", "text", "txt text md csv tsv log json yaml yml ini conf toml tex po css ics vcf", "text/plain text/csv text/markdown application/json text/css text/calendar"},
	Other: {"other", "other", "", ""},

	{"png", "image", "png", "image/png"},
	{"jpeg", "image", "jpg jpeg jpe jfif", "image/jpeg image/jpg image/pjpeg"},
	{"gif", "image", "gif", "image/gif"},
	{"webp", "image", "webp", "image/webp"},
	{"bmp", "image", "bmp dib", "image/bmp image/x-ms-bmp"},
	{"tiff", "image", "tif tiff", "image/tiff"},
	{"ico", "image", "ico cur", "image/x-icon image/vnd.microsoft.icon"},
	{"avif", "image", "avif", "image/avif"},
	{"heic", "image", "heic heif", "image/heic image/heif"},
	{"psd", "image", "psd", "image/vnd.adobe.photoshop"},
	{"svg", "image", "svg svgz", "image/svg+xml"},

	{"pdf", "document", "pdf", "application/pdf"},
	{"rtf", "document", "rtf", "application/rtf text/rtf"},
	{"postscript", "document", "ps eps", "application/postscript"},
	{"msoffice", "document", "doc xls ppt dot xlt pps msg", "application/msword application/vnd.ms-excel application/vnd.ms-powerpoint"},
	{"office", "document", "docx xlsx pptx docm xlsm pptm dotx xltx potx",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document application/vnd.openxmlformats-officedocument.spreadsheetml.sheet application/vnd.openxmlformats-officedocument.presentationml.presentation"},
	{"opendocument", "document", "odt ods odp odg ott", "application/vnd.oasis.opendocument.text application/vnd.oasis.opendocument.spreadsheet application/vnd.oasis.opendocument.presentation"},
	{"epub", "document", "epub", "application/epub+zip"},

	{"zip", "archive", "zip", "application/zip application/x-zip-compressed"},
	{"gzip", "archive", "gz tgz", "application/gzip application/x-gzip"},
	{"bzip2", "archive", "bz2 tbz2", "application/x-bzip2"},
	{"xz", "archive", "xz txz", "application/x-xz"},
	{"zstd", "archive", "zst", "application/zstd"},
	{"7z", "archive", "7z", "application/x-7z-compressed"},
	{"rar", "archive", "rar", "application/vnd.rar application/x-rar-compressed"},
	{"tar", "archive", "tar", "application/x-tar"},
	{"cab", "archive", "cab", "application/vnd.ms-cab-compressed"},

	{"elf", "executable", "so elf", "application/x-elf application/x-sharedlib"},
	{"pe", "executable", "exe dll scr sys com", "application/vnd.microsoft.portable-executable application/x-msdownload application/x-dosexec"},
	{"macho", "executable", "dylib", "application/x-mach-binary"},
	{"class", "executable", "class", "application/java-vm"},
	{"jar", "executable", "jar war ear", "application/java-archive"},
	{"apk", "executable", "apk aab", "application/vnd.android.package-archive"},
	{"dex", "executable", "dex", ""},
	{"wasm", "executable", "wasm", "application/wasm"},
	{"msi", "executable", "msi msp", "application/x-msi"},

	{"php", "script", "php php3 php4 php5 php7 php8 phtml phar pht phps inc", "application/x-php application/x-httpd-php text/x-php"},
	{"jsp", "script", "jsp jspx jspf jsw", "application/x-jsp"},
	{"asp", "script", "asp aspx ashx asmx asa cer cshtml", "application/x-asp"},
	{"cfml", "script", "cfm cfml cfc", ""},
	{"shell", "script", "sh bash zsh csh ksh cgi", "application/x-sh text/x-shellscript"},
	{"python", "script", "py pyw", "text/x-python application/x-python-code"},
	{"perl", "script", "pl pm", "text/x-perl application/x-perl"},
	{"ruby", "script", "rb erb", "text/x-ruby application/x-ruby"},
	{"javascript", "script", "js mjs cjs jse", "text/javascript application/javascript application/x-javascript"},
	{"windows-script", "script", "bat cmd ps1 psm1 vbs vbe wsf wsh hta lnk", "application/x-bat application/hta text/vbscript"},

	{"html", "markup", "html htm xhtml shtml stm", "text/html application/xhtml+xml"},
	{"xml", "markup", "xml xsl xslt xsd rss atom", "text/xml application/xml"},

	{"mp3", "audio", "mp3", "audio/mpeg audio/mp3"},
	{"wav", "audio", "wav", "audio/wav audio/x-wav"},
	{"ogg", "audio", "ogg oga opus ogv", "audio/ogg video/ogg"},
	{"flac", "audio", "flac", "audio/flac"},
	{"m4a", "audio", "m4a aac", "audio/mp4 audio/aac audio/x-m4a"},

	{"mp4", "video", "mp4 m4v 3gp", "video/mp4 video/3gpp"},
	{"mov", "video", "mov qt", "video/quicktime"},
	{"webm", "video", "webm mkv", "video/webm video/x-matroska"},
	{"avi", "video", "avi", "video/x-msvideo video/avi"},
	{"mpeg", "video", "mpg mpeg", "video/mpeg"},

	{"font", "font", "woff woff2 ttf otf", "font/woff font/woff2 font/ttf font/otf"},
}

// The kinds and groups that code below asks for.
var (
	byExtension = index(func(l *listing) string { return l.extensions })
	byType      = index(func(l *listing) string { return l.types })
	byName      = index(func(l *listing) string { return l.name })

	javaScript = byName["javascript"]

	programs = mustParse("executable")
	scripts  = mustParse("script")
	harmless = mustParse("image", "document", "audio", "video", "font") &^ mustParse("svg", "postscript")
	raster   = mustParse("image") &^ mustParse("svg")
	textual  = mustParse("text", "script", "markup", "svg", "rtf", "postscript")
)

func index(of func(*listing) string) map[string]Kind {
	m := map[string]Kind{}
	for k := range listings {
		for _, word := range strings.Fields(of(&listings[k])) {
			m[word] = Kind(k)
		}
	}
	return m
}

// Parse returns the set of kinds and groups with these names.
func Parse(names ...string) (Set, error) {
	var s Set
	for _, name := range names {
		set := Of(byName[name])
		for k := range listings {
			if listings[k].group == name && name != "" {
				set |= Of(Kind(k))
			}
		}
		if set == 0 {
			return 0, fmt.Errorf("%q is no kind of file; there are %s", name, strings.Join(Names(), ", "))
		}
		s |= set
	}
	return s, nil
}

func mustParse(names ...string) Set {
	s, err := Parse(names...)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return s
}

// Names returns the names of all groups and kinds, the kinds of a group
// behind its name.
func Names() []string {
	var names []string
	for k := range listings {
		l := &listings[k]
		if l.group != "" && !slices.Contains(names, l.group) {
			names = append(names, l.group)
		}
		if l.name != "" && l.name != l.group {
			names = append(names, l.name)
		}
	}
	return names
}

// Names returns the shortest list of names that Parse reads as s.
func (s Set) Names() []string {
	var names []string
	for k := range listings {
		l := &listings[k]
		if s&Of(Kind(k)) == 0 || slices.Contains(names, l.group) {
			continue
		}
		if group := mustParse(l.group); s&group == group {
			names = append(names, l.group)
			continue
		}
		names = append(names, l.name)
	}
	return names
}

// String returns the names of s in one line.
func (s Set) String() string { return strings.Join(s.Names(), " ") }

// Has reports whether k is in s.
func (s Set) Has(k Kind) bool { return s&Of(k) != 0 }

// String returns the name of k.
func (k Kind) String() string { return listings[k].name }

// Program reports whether the processor or a virtual machine runs files of
// the kind.
func (k Kind) Program() bool { return programs.Has(k) }

// Script reports whether an interpreter runs files of the kind.
func (k Kind) Script() bool { return scripts.Has(k) }

// Harmless reports whether files of the kind are looked at or listened to,
// and run nothing.
func (k Kind) Harmless() bool { return harmless.Has(k) }

// Page reports whether browsers show files of the kind as pages.
func (k Kind) Page() bool { return k == byName["html"] }

// JavaScript reports whether files of the kind are scripts of pages, which no
// server runs because it stores them.
func (k Kind) JavaScript() bool { return k == javaScript }

// maxWord is longer than every extension and media type in the table.
const maxWord = 96

// look finds a word in any case.
func look(in map[string]Kind, word []byte) Kind {
	var low [maxWord]byte
	if len(word) > maxWord {
		return None
	}
	for i, c := range word {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		low[i] = c
	}
	return in[string(low[:len(word)])]
}
