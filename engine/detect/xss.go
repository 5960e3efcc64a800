package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/htmllex"
	"github.com/gabionhq/gabion/engine/internal/jslex"
	"github.com/gabionhq/gabion/engine/internal/lexicon"
	"github.com/gabionhq/gabion/engine/internal/pair"
)

// whenXSS: markup needs <, an attribute or an assignment = and its name, a call
// its name or a template string, a script URL its scheme and a colon, with what
// browsers drop inside, or the reference of one; of markup in another charset
// the name is left.
var whenXSS = []feature{
	hasLess, hasBacktick | ofFive, hasBracket | ofSix, hasHash | ofNine, hasMarkWord | hasEqual, hasControl | hasEqual, hasMarkWord | hasOpen, hasBackslash | hasOpen,
	hasMarkWord | hasColon, hasSpace | hasColon | ofSix, hasLine | hasColon | ofSix, hasControl | hasColon | ofSix, hasHigh | hasColon | ofSix,
	hasHigh | hasMarkWord,
	hasAmp | hasSemi | ofNine, hasAmp | hasBrace | ofNine,
}

// markGateWords are events, what scripts call and set, and schemes.
const markGateWords = htmlEvents + ` style alert confirm prompt eval execscript function import expression importscripts settimeout setinterval
	setimmediate requestanimationframe constructor document cookie location href localstorage sessionstorage fetch sendbeacon getscript open
	write writeln postmessage appendchild xmlhttprequest activexobject websocket eventsource wscript image innerhtml outerhtml
	insertadjacenthtml srcdoc fromcharcode atob btoa unescape fromcodepoint script img svg javascript vbscript livescript jscript mocha data feed`

var xssVocabulary = lexicon.New(htmlTags, htmlAttributes, htmlEvents, jsNames)

const (
	htmlTags = `a abbr address animate applet area article aside audio b base basefont bdi bdo bgsound big blink
		blockquote body br button canvas caption center cite code col command content datalist dd del details dfn
		dialog dir div dl dt element em embed fieldset figcaption figure font footer form frame frameset h1 h2 h3
		head header hgroup hr html i iframe ilayer image img import input ins isindex kbd keygen label layer legend
		li link listing main map mark marquee math menu menuitem meta meter multicol nav nobr noembed noframes
		noscript object ol optgroup option output p param picture plaintext portal pre progress q rp rt ruby s samp
		script section select set shadow slot small source spacer span strike strong style sub summary sup svg
		table tbody td template textarea tfoot th thead time title tr track tt u ul use var video wbr xml xmp xss
		foreignobject animatemotion animatetransform handler maction mtext mglyph annotation-xml desc`
	htmlAttributes = `accesskey action attributename autofocus background behavior binding charset class code
		codebase content contenteditable data download draggable dynsrc expression formaction from handler height
		hidden href http-equiv id import lowsrc moz name open popover poster refresh rel src srcdoc srcset style
		stylesheet tabindex target to type url values width xlink xmlns http equiv`
	jsNames = `javascript vbscript livescript mocha jscript data text html alert confirm prompt eval function
		settimeout setinterval execscript document cookie domain write writeln location window self top parent
		frames globalthis this constructor string fromcharcode atob btoa unescape fetch xmlhttprequest activexobject
		localstorage sessionstorage innerhtml outerhtml source throw onerror new image import void return var let
		const typeof call apply bind prototype join map concat replace base64 svg xml`
	htmlEvents = `onabort onactivate onafterprint onafterscriptexecute onanimationcancel onanimationend
		onanimationiteration onanimationstart onauxclick onbeforeactivate onbeforecopy onbeforecut
		onbeforedeactivate onbeforeinput onbeforematch onbeforepaste onbeforeprint onbeforescriptexecute
		onbeforetoggle onbeforeunload onbegin onblur onbounce oncancel oncanplay oncanplaythrough onchange onclick
		onclose oncontentvisibilityautostatechange oncontextmenu oncopy oncuechange oncut ondataavailable ondblclick
		ondeactivate ondrag ondragend ondragenter ondragexit ondragleave ondragover ondragstart ondrop
		ondurationchange onemptied onend onended onerror onfinish onfocus onfocusin onfocusout onformdata
		onfullscreenchange ongesturestart ongotpointercapture onhashchange onhelp oninput oninvalid onkeydown
		onkeypress onkeyup onlayoutcomplete onload onloadeddata onloadedmetadata onloadend onloadstart
		onlostpointercapture onmessage onmousedown onmouseenter onmouseleave onmousemove onmouseout onmouseover
		onmouseup onmousewheel onmove onmozfullscreenchange onoffline ononline onpagehide onpageshow onpaste onpause
		onplay onplaying onpointercancel onpointerdown onpointerenter onpointerleave onpointermove onpointerout
		onpointerover onpointerrawupdate onpointerup onpopstate onprogress onpropertychange onratechange
		onreadystatechange onrepeat onreset onresize onresizestart onscroll onscrollend onsearch onseeked onseeking
		onselect onselectionchange onselectstart onshow onstalled onstart onstorage onsubmit onsuspend
		ontimeupdate ontoggle ontouchcancel ontouchend ontouchmove ontouchstart ontransitioncancel ontransitionend
		ontransitionrun ontransitionstart onunhandledrejection onunload onvolumechange onwaiting
		onwebkitanimationend onwebkitmouseforcechanged onwebkittransitionend onwheel onzoom`
)

var eventNames = lexicon.New(htmlEvents)

// shortestXSS is what it takes to leave an attribute and open a tag.
const shortestXSS = 4

func (s *Scanner) xss(v []byte, w *Where) {
	if len(v) < shortestXSS {
		return
	}
	if w.Listing && w.Place == InFile {
		return // a page in an archive holds scripts of its own
	}
	if w.Place == InFile && w.Decoded > 0 && (w.Excerpt || len(v) > maxPath && bytes.IndexByte(v, 0) >= 0) {
		return // an archive, which no browser reads
	}
	s.reads(v, readMarkup)
	var best lead
	texts := w.Place.holdsText()
	if s.any(hasLess) && !s.any(startsTag) && !s.any(hasSemi) {
		s.effort += markupEffort // for the end of it
	} else if s.any(hasLess) {
		p := page{texts: texts, stored: w.Place == InFile, whole: w.Listing, unescaped: w.Unescaped, bare: s.have&hasBacktick == 0}
		markup(&best, v, 0, len(v), 0, &p)
		s.effort += markupEffort * p.tokens
		if s.any(hasLessLetter) && plainPlace[w.Place] && (!w.Container || w.Markup) {
			inserted(&best, v, w.Place)
		}
	}
	if s.any(hasEqual) && s.any(whenInside) && (s.any(hasMarkWord|hasAmp) || s.spellsAny(insideLetters[:])) && !s.settles(best.weight) {
		s.effort += markupEffort * s.insideTag(&best, v, texts)
	}
	scriptURL(&best, v, 0, len(v))
	if s.any(ofNine) && (s.have.any(whenLinks) || bytes.IndexByte(v, '+') >= 0) {
		links(&best, v, s.any(whenScript))
	}
	if s.any(whenScript) && s.mayRun(v) && (w.Place != InFile || !isListing(v, w.Place)) { // the text of a program
		s.effort += markupEffort * script(&best, v, w)
	}
	if w.Listing && best.weight < unmistakable {
		best.weight *= shownShare
	}
	s.follow(XSS, v, best, xssVocabulary)
}

// startsTag are the signs behind < that it takes to begin a tag or declaration, but for
// a semicolon in between; see htmllex.
const startsTag = hasLessLetter | hasLessMark | hasControl

// plainPlace are the places whose values no application takes as markup.
var plainPlace = [...]bool{InPath: true, InQuery: true, InCookie: true, InUserAgent: true, InReferer: true, InHeader: true, InFileName: true, InBody: false}

// inserted judges an element in a value that is never markup: harmless by
// itself, it shows that the page lets markup through.
func inserted(best *lead, v []byte, p Place) {
	const harmless, most = "An element is inserted into what is never markup.", 4
	next := 0
	for n, at := 0, indexFrom(v, 0, '<'); at+1 < len(v) && n < most; n, at = n+1, next {
		from := at + 1
		next = indexFrom(v, from, '<')
		to := run(v, from, len(v), isTagByte)
		if to == from || to == len(v) || !isSpace(v[to]) && v[to] != '/' && v[to] != '>' {
			continue
		}
		end := indexFrom(v, to, '>')
		attributes := end > to && bytes.IndexByte(v[to:end], '=') >= 0
		leads := at == leadingQuote(v)
		own := leads && !attributes && (p == InCookie || p == InHeader)
		switch {
		case end == len(v), !attributes && !own && next == len(v), !tagNames.Has(v[from:to]):
		case !attributes && formatting.Has(v[from:to]):
			return
		case own, attributes && bytes.IndexByte(v[:at], ' ') < 0, leads && (bytes.Contains(v[to:], []byte("</")) || bytes.IndexByte(v[end:], '<') > 0):
			best.offer(0.55, at, end+1, harmless)
			return
		}
	}
}

var (
	tagNames = lexicon.New(htmlTags)
	// formatting are elements that people put into texts and searches.
	formatting = lexicon.New("b big i u em strong s p h1 h2 h3 h4 h5 h6 br hr ul ol li dl dt dd code pre blockquote q sub sup small span")
)

func isTagByte(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' || c == ':' }

// leadingQuote returns the index of the first byte that is neither blank nor
// a quote.
func leadingQuote(v []byte) int {
	i := 0
	for i < len(v) && (isSpace(v[i]) || v[i] == '"' || v[i] == '\'') {
		i++
	}
	return i
}

// markup reads v[from:to] as HTML between tags. Values of attributes that
// hold markup themselves, as srcdoc or a broken quote makes them, are read
// once more.
func markup(best *lead, v []byte, from, to, depth int, p *page) {
	lex := htmllex.New(v[from:to], htmllex.Data)
	var t tag
	scripted := depth > 0
	before := *best
	for {
		p.tokens++
		k := lex.Next()
		a, b := from+k.From, from+k.To
		switch k.Kind {
		case htmllex.End:
			t.close(best, v, to)
			return
		case htmllex.Open:
			if end := p.span(v, a-1, to); end > 0 {
				shown := page{texts: true, whole: true}
				markup(best, v, a-1, end, depth, &shown)
				from, lex, before = end, htmllex.New(v[end:to], htmllex.Data), *best
				continue
			}
			t = tag{name: v[a:b], from: a - 1, texts: p.texts}
			if b < to && (v[b] == '|' || v[b] == ')') {
				break // of a regular expression: browsers take that for a part of the name
			}
			if isTypeArgument(v, a, b) || isAutolink(v[a:]) {
				break
			}
			t.mentioned = p.texts && mentions(v[:to], a-1, b) && !p.runs(v, a)
			if !p.texts || b >= to || v[b] != '\n' && v[b] != '\r' || bytes.IndexByte(v[b:to], '>') >= 0 {
				t.open(best, v, false) // and not a word on a line of a list
			}
			switch v[a] | 0x20 {
			case 's':
				scripted = scripted || htmllex.Is(t.name, "script")
			case 'h':
				p.opens(t.name)
			case 'c', 'p':
				if isCodeElement(t.name) {
					p.code++
				}
			}
		case htmllex.Close:
			t = tag{name: v[a:b], from: a - 2, end: true}
			t.open(best, v, scripted)
			if p.code > 0 && isCodeElement(t.name) {
				p.code--
			}
		case htmllex.Attr:
			t.attr, t.attrAt = v[a:b], a
			t.attrs++
			if n := run(t.attr, 0, len(t.attr), isLetter); n > len("on") && n < len(t.attr) && eventNames.Has(t.attr[:n]) {
				best.offer(0.6, a, b, "An event handler attribute is set.")
			}
			if t.end && !htmllex.Event(t.attr) && !htmllex.Is(t.attr, "style") {
				t.attr = nil
			}
		case htmllex.Value:
			t.value(best, v, a, b)
			if depth == 0 && b-a >= shortestMarkup && bytes.IndexByte(v[a:b], '<') >= 0 {
				markup(best, v, a, b, 1, p)
			}
		case htmllex.Done:
			t.close(best, v, b)
		case htmllex.Raw:
			t.raw(best, v, a, b)
		case htmllex.Mark:
			p.typed = p.typed || b < to && v[b]|0x20 == 'd' && hasPrefixFold(v[a:to], "<!doctype html")
			declaration(best, v, a, to)
		}
		if best.weight == before.weight {
			continue
		}
		if (best.weight < unmistakable || p.stored && p.whole) && p.shows(v, a) {
			if best.weight *= shownShare; best.weight < before.weight {
				*best = before
			}
		}
		before = *best
	}
}

const (
	// unmistakable is the weight from which on a script is that of an attack
	// wherever it stands: no page that a text shows needs it.
	unmistakable = 0.9
	// shownShare is what remains of other evidence in markup that is shown.
	shownShare = 0.5
)

// mentionShare is what remains of the weight of a tag that a sentence mentions.
const mentionShare = 0.5

// mentions reports whether the tag whose name is v[:end] from the < at from on has no
// attributes and stands in a sentence, between words.
func mentions(v []byte, from, end int) bool {
	return from > 1 && v[from-1] == ' ' && isLetter(v[from-2]) &&
		end+2 < len(v) && v[end] == '>' && v[end+1] == ' ' && isLetter(v[end+2])
}

// runs reports whether the whole value v may hold code of a script behind i that does
// something: a call, a value that is set, or a comment, which other values may end. Where
// browsers see the end of a script does not matter then.
func (p *page) runs(v []byte, i int) bool {
	if p.lastSign == 0 {
		p.lastSign = 1 + bytes.LastIndexAny(v, "([{=`*")
	}
	return p.lastSign > i
}

// shortestMarkup is what it takes to leave an attribute and open a tag in it.
const shortestMarkup = len("><a")

// A page is what is known of the markup being read.
type page struct {
	texts  bool // people send whole texts there
	stored bool // it is the content of a file
	tokens int  // that were read
	typed  bool // it says that it is a page, or begins one
	whole  bool // it is a page of its own with a head, and no part put into another
	pos    int  // up to where fences were looked for
	fence  bool // a fence of Markdown is open there

	unescaped bool // it was escaped as text
	code      int  // elements for code that are open

	at    int  // up to where backticks were looked for
	ticks int  // how many of them opened the quotation that is open there
	began int  // and where, 0 for none
	word  int  // the end of the first word and the blank behind it, 0 for not looked for
	bare  bool // there are no backticks

	lastSign int // behind the last sign of code in it, 0 for not looked for
}

// isTypeArgument reports whether the name v[a:b] is that of a type, as in
// Local<Object>: browsers read an element there, but one that asks for nothing.
func isTypeArgument(v []byte, a, b int) bool {
	return a > 1 && isWordASCII(v[a-2]) && v[a]-'A' < 26 && b-a > 2 && lower(v[b-1]) == v[b-1] && b < len(v) && v[b] == '>' && !hasPrefixFold(v[a:], "script")
}

// isAutolink reports whether <name is the beginning of an address in angle
// brackets (RFC 3986, appendix C).
func isAutolink(name []byte) bool {
	return name[0]|0x20 == 'h' && (hasPrefixFold(name, "http://") || hasPrefixFold(name, "https://"))
}

func isCodeElement(name []byte) bool {
	return htmllex.Is(name, "pre") || htmllex.Is(name, "code")
}

func (p *page) opens(element []byte) {
	p.typed = p.typed || htmllex.Is(element, "html")
	p.whole = p.whole || p.texts && p.typed && htmllex.Is(element, "head")
}

// shows reports whether the markup at i is rather shown than put into a page:
// it is a page as a whole, or stands in the code of a text.
func (p *page) shows(v []byte, i int) bool {
	if !p.texts || p.whole || p.unescaped && p.code > 0 {
		return p.texts
	}
	for p.pos < i {
		line := v[p.pos:]
		next := bytes.IndexByte(line, '\n')
		mark := bytes.TrimLeft(line[:min(len(line), maxIndent)], " \t>")
		if bytes.HasPrefix(mark, codeFence) && (p.fence || bytes.Contains(line[bytes.IndexByte(line, '`')+len(codeFence):], codeFence)) {
			p.fence = !p.fence
		}
		if next < 0 {
			p.pos = len(v)
			break
		}
		p.pos += next + 1
	}
	return p.fence
}

var codeFence = []byte("```")

// maxIndent is how far fences are indented, in lists and quotations.
const maxIndent = 24

// span returns the end of the quotation in backticks that Markdown has around
// the tag at i: behind a word, on one line. It returns 0 where there is none.
func (p *page) span(v []byte, i, to int) int {
	if !p.texts || p.whole || p.bare {
		return 0
	}
	for p.at < i {
		from, tick := p.at, i
		if n := bytes.IndexByte(v[from:i], '`'); n >= 0 {
			tick = from + n
		}
		if p.ticks > 0 && bytes.IndexByte(v[from:tick], '\n') >= 0 {
			p.ticks = 0
		}
		for p.at = tick; p.at < i && v[p.at] == '`'; p.at++ {
		}
		if n := p.at - tick; n > 0 && p.ticks == n {
			p.ticks = 0
		} else if n > 0 && p.ticks == 0 && n < len(codeFence) && tick > 0 && bytes.IndexByte([]byte(" \n(|[*_\"'"), v[tick-1]) >= 0 {
			p.ticks, p.began = n, tick
		}
	}
	if p.ticks == 0 {
		return 0
	}
	if p.word == 0 {
		p.word = indexFrom(v, 0, ' ') + 1
	}
	if p.word > p.began {
		return 0
	}
	rest := v[i:min(to, i+maxSpanned)]
	if n := bytes.IndexByte(rest, '\n'); n >= 0 {
		rest = rest[:n]
	}
	end := bytes.IndexByte(rest, '`')
	if end < 0 {
		return 0
	}
	return i + end
}

// maxSpanned bounds the markup in one quotation.
const maxSpanned = 256

// whenInside: of attributes, events and styles have their names, and addresses
// their scheme and what ends that.
const whenInside = hasMarkWord | hasColon | hasAmp | hasHash

// insideLetters are those of events, of styles, and of schemes, where no reference spells
// them: feed: stands in one of the attributes that take addresses, each of which has an r
// or the letters of another scheme.
var insideLetters = [...]letters{lettersOf("on"), lettersOf("style"), lettersOf("script"), lettersOf("mocha"), lettersOf("dat"), lettersOf("fedr")}

// insideTag reads v as what follows inside a tag, whichever quote it broke
// out of. Far into a text only an unmistakable script counts: texts show
// attributes, too. It returns how many tokens it read.
func (s *Scanner) insideTag(best *lead, v []byte, texts bool) int {
	before := *best
	n := attribute(best, v, htmllex.InTag, texts)
	if s.any(hasDQuote) {
		n += attribute(best, v, htmllex.InDouble, texts)
	}
	if s.any(hasQuote) {
		n += attribute(best, v, htmllex.InSingle, texts)
	}
	if s.any(hasBacktick) {
		n += attribute(best, v, htmllex.InBacktick, texts)
	}
	if texts && best.weight > before.weight && best.weight < unmistakable && best.from > maxBreak && bytes.IndexByte(v[:best.from], '\n') >= 0 {
		*best = before
	}
	return n
}

// attribute reads v as what follows inside a tag, up to the end of it. It
// returns how many tokens that is.
func attribute(best *lead, v []byte, start htmllex.Start, texts bool) (n int) {
	lex := htmllex.New(v, start)
	t := tag{inside: true, texts: texts}
	for ; lex.InTag(); n++ {
		k := lex.Next()
		switch k.Kind {
		case htmllex.Attr:
			t.attr, t.attrAt = v[k.From:k.To], k.From
		case htmllex.Value:
			t.value(best, v, k.From, k.To)
		}
	}
	return n
}

// A tag is what is known of the tag being read.
type tag struct {
	name      []byte
	from      int
	end       bool // an end tag
	texts     bool // people send whole texts there
	inside    bool // its beginning is not in the value
	attr      []byte
	attrAt    int
	attrs     int
	mentioned bool // words of a sentence stand around a tag without attributes
	inert     bool // a script whose type no browser runs
}

// Weights of elements by what they can do with no attribute that is bad in
// itself. They are graded: editors send some of them.
func elementWeight(name []byte) (float32, string) {
	if len(name) < len("svg") {
		return 0, ""
	}
	if i := bytes.LastIndexByte(name, ':'); i >= 0 && i < len(name)-1 {
		name = name[i+1:]
	}
	var buf [16]byte
	switch string(lexicon.Fold(buf[:0], name)) {
	case "script":
		return 0.72, "A script element is opened."
	case "iframe", "frame", "frameset", "portal", "fencedframe":
		return 0.45, "A frame that loads another page is inserted."
	case "object", "embed", "applet":
		return 0.55, "An element that loads active content is inserted."
	case "svg", "math":
		return 0.35, "A foreign-content element is inserted, a common carrier of script."
	case "isindex", "layer", "ilayer", "bgsound", "xss", "event-source", "stylesheet", "vmlframe":
		return 0.55, "An element is inserted that hardly occurs but in script injection."
	case "style":
		return 0.4, "A style sheet is inserted."
	case "base", "meta", "link", "image", "marquee", "body", "frame-set", "handler", "xml", "animate", "set":
		return 0.3, "An element is inserted that changes the whole page."
	case "form", "input", "button", "textarea", "video", "audio", "details", "keygen", "select":
		return 0.18, "An interactive element is inserted."
	}
	return 0, ""
}

func (t *tag) open(best *lead, v []byte, scripted bool) {
	w, reason := elementWeight(t.name)
	end := t.from + 1 + len(t.name)
	if t.end {
		if w >= 0.7 && !scripted {
			best.offer(0.55, t.from, end+1, "An end tag closes a script that the page opened.")
		}
		return
	}
	if t.mentioned {
		w *= mentionShare
	}
	best.offer(w, t.from, end, reason)
	if breaksOut(v[:t.from]) {
		best.offer(max(w+0.25, 0.62), max(t.from-2, 0), end, "A quote and a bracket close the page's own tag and a new tag follows.")
	}
}

// breaksOut reports whether what stands before the first tag of a value
// ends in a quote and >, which can belong to no tag but the page's.
func breaksOut(before []byte) bool {
	b := before
	for n := len(b); n > 0 && (b[n-1] == '<' || b[n-1] <= ' ' && (isSpace(b[n-1]) || b[n-1] == 0)); n-- {
		b = b[:n-1]
	}
	if len(b) == 0 || b[len(b)-1] != '>' {
		return false
	}
	for n := len(b); n > 0 && (b[n-1] == '>' || b[n-1] == ' ' || b[n-1] == '/' || b[n-1] == '-'); n-- {
		b = b[:n-1]
	}
	if len(b) == 0 || len(b) > maxBreak {
		return false
	}
	c := b[len(b)-1]
	return (c == '"' || c == '\'' || c == '`') && bytes.IndexByte(b, '<') < 0
}

// maxBreak is how far into a value a way out of the page's own tag is looked
// for.
const maxBreak = 128

// value judges the value v[a:b] of the attribute that was read last.
func (t *tag) value(best *lead, v []byte, a, b int) {
	name := t.attr
	if name == nil {
		return
	}
	t.attr = nil
	if i := bytes.LastIndexByte(name, ':'); i >= 0 && i < len(name)-1 {
		name = name[i+1:] // xlink:href, ev:event
	}
	switch {
	case htmllex.Event(name):
		t.handler(best, name, v, a, b)
		return
	case htmllex.Is(name, "style"):
		styleSheet(best, v, a, b, 0)
		if !t.inside {
			oddStyle(best, v, a, b)
		}
		return
	case t.inside && !urlAttribute(name):
		return
	}
	w := best.weight
	scriptURL(best, v, a, b)
	if best.weight > w {
		best.from, best.to = t.attrAt, min(b, a+maxEvidence)
	}
	if !t.inside {
		t.special(best, name, v, a, b)
	}
}

func urlAttribute(name []byte) bool {
	if len(name) < len("src") {
		return false
	}
	var buf [16]byte
	switch string(lexicon.Fold(buf[:0], name)) {
	case "href", "src", "action", "formaction", "data", "background", "poster", "srcdoc":
		return true
	}
	return false
}

// special judges attributes that mean something on their element only.
func (t *tag) special(best *lead, name, v []byte, a, b int) {
	if !specialAttributes.Has(name) && t.name[0]|0x20 != 'u' {
		return
	}
	var buf, buf2 [16]byte
	attr := string(lexicon.Fold(buf[:0], name))
	element := string(lexicon.Fold(buf2[:0], t.name))
	value := v[a:b]
	switch {
	case attr == "srcdoc":
		best.offer(0.85, t.from, b, "A frame is inserted with its document in an attribute.")
	case attr == "formaction":
		best.offer(0.7, t.from, b, "A button is inserted that sends the page's form elsewhere.")
	case element == "script" && (attr == "src" || attr == "href"):
		best.offer(0.85, t.from, b, "A script element is inserted that loads code from an address.")
	case element == "script" && attr == "type":
		t.inert = hasFold(value, "json") || hasFold(value, "template")
	case element == "base" && attr == "href":
		best.offer(0.75, t.from, b, "A base element turns all relative addresses of the page elsewhere.")
	case element == "meta" && (attr == "http-equiv" || attr == "content" && hasFold(value, "url=")):
		best.offer(0.72, t.from, b, "A meta element is inserted that redirects the page or sets its headers.")
	case element == "link" && attr == "rel" && (hasFold(value, "stylesheet") || hasFold(value, "import")):
		best.offer(0.65, t.from, b, "A link element is inserted that loads a style sheet or a document.")
	case attr == "attributename" && (hasFold(value, "href") || hasFold(value, "on")):
		best.offer(0.9, t.from, b, "An animation sets an address or an event handler.")
	case attr == "event" || attr == "handler" || attr == "dynsrc" || attr == "lowsrc" || attr == "datasrc" || attr == "folder":
		best.offer(0.55, t.from, b, "An attribute is set that old browsers load or run.")
	case element == "use" && hasFold(value, "//"), element == "xml" && attr == "src":
		best.offer(0.6, t.from, b, "An element is inserted that takes content from another document.")
	case element == "param" && attr == "value" && hasFold(value, "javascript"):
		best.offer(0.8, t.from, b, "A parameter gives an object a script.")
	case (element == "iframe" || element == "object" || element == "embed" || element == "frame") && (attr == "src" || attr == "data") && len(value) > 0:
		w := float32(0.62)
		if t.attrs > 2 && hasPrefixFold(value, "https://") || value[0] == '\\' {
			w = 0.4 // as the share dialogs of video sites write it
		}
		best.offer(w, t.from, b, "A frame or object is inserted that loads an address.")
	}
}

// specialAttributes are those that special knows, but for the one element of
// which it takes any.
var specialAttributes = lexicon.New("srcdoc formaction src href type http-equiv content rel attributename event handler dynsrc lowsrc datasrc folder value data")

// handler judges an event handler attribute.
func (t *tag) handler(best *lead, name, v []byte, a, b int) {
	known := eventNames.Has(name)
	w := codeWeight(v[a:b])
	if t.texts && w <= sinkWeight[jslex.Call] && callsPage(v[a:b], name) {
		w *= shownShare
	}
	if w < unmistakable && (templated(v[a:b]) || tidies(v[a:b])) {
		w *= shownShare
	}
	switch {
	case w == 0:
		return
	case t.inside && (!known || w < 0.7):
		return
	case t.inside:
		w *= 0.95
	case !known && w < 0.7:
		w *= 0.5
	case !known:
		w *= 0.95
	}
	best.offer(w, t.attrAt, b, "An event handler attribute runs script.")
}

// templated reports whether code is that of a template: it holds one of its
// placeholders, or is the value of a property of JSX.
func templated(code []byte) bool {
	open := bytes.Index(code, []byte("{{"))
	return open >= 0 && bytes.Contains(code[open:], []byte("}}")) || bytes.HasPrefix(code, []byte("{("))
}

// callsPage reports whether code is the call of one function of the page's own
// without arguments: whoever inserts markup cannot define it. The browser's
// print is not the page's, but buttons call it.
func callsPage(code, event []byte) bool {
	code = bytes.TrimRight(bytes.TrimSpace(code), ";")
	n := run(code, 0, len(code), isWordASCII)
	if string(code[:n]) == "print" && !equalFold(event, "onclick") {
		return false
	}
	return n > 3 && string(code[n:]) == "()"
}

// tidies reports whether code does no more than hide or replace the element
// it stands on, as pages do with pictures that are missing.
func tidies(code []byte) bool {
	for len(code) > 0 {
		statement := code
		if i := bytes.IndexByte(code, ';'); i >= 0 {
			statement, code = code[:i], code[i+1:]
		} else {
			code = nil
		}
		statement = bytes.TrimSpace(statement)
		value := bytes.Trim(statement[bytes.IndexByte(statement, '=')+1:], " '\"")
		switch {
		case len(statement) == 0, string(statement) == "return false", string(statement) == "this.onerror=null":
		case bytes.HasPrefix(statement, []byte("this.style.")) || bytes.HasPrefix(statement, []byte("this.src")) || bytes.HasPrefix(statement, []byte("this.className")):
			if run(value, 0, len(value), isTidyByte) < len(value) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func isTidyByte(c byte) bool {
	return isWordASCII(c) || c == '/' || c == '.' || c == '-' || c == '#' || c == ' '
}

// codeWeight grades text that a browser runs as script.
func codeWeight(code []byte) float32 {
	w := float32(0)
	lex := jslex.New(code)
	for h := (jslex.Hit{}); lex.Next(&h); {
		w = max(w, sinkWeight[h.Sink])
		if w > 0.97 {
			return w
		}
	}
	if w == 0 {
		switch {
		case len(bytes.TrimSpace(code)) == 0:
			return 0.2
		case bytes.IndexByte(code, '=') >= 0 || bytes.IndexByte(code, ';') >= 0 || bytes.IndexByte(code, '`') >= 0:
			return 0.62
		}
		return 0.52
	}
	return w
}

var sinkWeight = [...]float32{
	jslex.Call: 0.78, jslex.Effect: 0.86, jslex.Exec: 0.96, jslex.Hide: 0.97, jslex.Steal: 0.97, jslex.Dialog: 0.98,
}

// close judges the tag once its attributes are known.
func (t *tag) close(best *lead, v []byte, to int) {
	if t.attr != nil && !t.end && eventNames.Has(t.attr) {
		best.offer(0.6, t.attrAt, to, "An event handler attribute is set.")
	}
	t.attr = nil
}

// raw judges the content of a script or style element.
func (t *tag) raw(best *lead, v []byte, a, b int) {
	if htmllex.Is(t.name, "style") {
		styleSheet(best, v, a, b, 0.45)
		return
	}
	if t.inert {
		return
	}
	w := codeWeight(v[a:b])
	if t.mentioned && w < 0.6 {
		return
	}
	if w < 0.6 {
		w = 0.74
	}
	best.offer(min(w+0.01, 0.99), t.from, min(b, t.from+maxEvidence), "A script element is inserted with code in it.")
}

// declaration judges <! and <? at a.
func declaration(best *lead, v []byte, a, to int) {
	end, told := a+1, false
	for stop := min(to, a+40); end < stop && v[end] != '<'; end++ {
		if next := tellsDeclaration[v[end]]; next != 0 && end+1 < stop && v[end+1]|0x20 == next {
			told = true
		}
	}
	head := v[a:end]
	if !told || len(head) < len("<![if") {
		return
	}
	switch {
	case hasFold(head, "xml-stylesheet") && hasPrefixFold(v, "<?xml ") && !hasFold(v[a:min(to, a+maxEvidence)], "script"):
		best.offer(0.42, a, a+len(head), "A document names its style sheet.")
	case hasFold(head, "xml-stylesheet"), hasFold(head, "?import"):
		best.offer(0.7, a, a+len(head), "A processing instruction loads a style sheet, which can run script.")
	case hasFold(head, "[if"):
		best.offer(0.35, a, a+len(head), "A conditional comment shows markup to some browsers only.")
	}
}

// tellsDeclaration are the marks in what is looked for in declarations, with
// the letters behind them.
var tellsDeclaration = [256]byte{'[': 'i', '?': 'i', '-': 's'}

// styleSheet judges CSS: old browsers run script from it, and it loads
// addresses.
func styleSheet(best *lead, v []byte, a, b int, base float32) {
	var t tail
	for i := a; i < b; i++ {
		c := lower(v[i])
		switch {
		case c == '/' && i+1 < b && v[i+1] == '*':
			i += 2
			for i < b && !(v[i] == '*' && i+1 < b && v[i+1] == '/') {
				i++
			}
			i++
			continue
		case c == '\\':
			n, r := cssEscape(v[i+1 : b])
			i += n
			c = lower(r)
			if c == '<' {
				best.offer(0.75, a, i+1, "A style hides markup in escapes.")
			}
		}
		if c <= ' ' {
			continue
		}
		t.push(c)
		switch {
		case c == '(' && t.is("expression("):
			best.offer(0.93, a, i+1, "A style holds an expression that old browsers run as script.")
		case c == ':' && (t.is("javascript:") || t.is("vbscript:")):
			best.offer(0.95, a, i+1, "A style holds an address that runs script.")
		case c == '(' && (t.is("behavior:url(") || t.is("behaviour:url(") || t.is("binding:url(")):
			best.offer(0.85, a, i+1, "A style attaches behaviour from another file.")
		case c == 't' && t.is("@import"):
			best.offer(max(base, 0.3)+0.25, a, i+1, "A style sheet imports another one.")
		}
	}
}

// oddStyle judges the value of a style attribute by what only style sheets
// hold: blocks, open comments, and letters in escapes.
func oddStyle(best *lead, v []byte, a, b int) {
	style := v[a:b]
	escapes := 0
	for i := 0; i+2 < len(style); i++ {
		if style[i] == '\\' && digitOf(style[i+1]) < 16 && digitOf(style[i+2]) < 16 {
			escapes++
		}
	}
	open := bytes.LastIndex(style, []byte("/*"))
	switch {
	case escapes > 2, bytes.IndexByte(style, '}') >= 0 && bytes.IndexByte(style, '{') < bytes.IndexByte(style, '}') && !bytes.Contains(style, []byte("{{")),
		open >= 0 && !bytes.Contains(style[open+2:], []byte("*/")):
		best.offer(0.58, a, b, "A style attribute is written so that browsers and filters read it differently.")
	}
}

// cssEscape decodes the escape behind a backslash: its length and its byte,
// or 0.
func cssEscape(b []byte) (int, byte) {
	r, n := 0, 0
	for n < len(b) && n < 6 && digitOf(b[n]) < 16 {
		r = r<<4 | int(digitOf(b[n]))
		n++
	}
	if r > 0x7f {
		r = 0
	}
	return n, byte(r)
}

// A tail holds the last significant bytes of a text, so that a word is found
// although comments and spaces split it.
type tail struct {
	buf [16]byte
	n   int
}

func (t *tail) push(c byte) {
	t.buf[t.n&15] = c
	t.n++
}

func (t *tail) is(word string) bool {
	if t.n < len(word) {
		return false
	}
	for i := range len(word) {
		if t.buf[(t.n-len(word)+i)&15] != word[i] {
			return false
		}
	}
	return true
}

// all reports whether word is all that was pushed.
func (t *tail) all(word string) bool { return t.n == len(word) && t.is(word) }

// maxScriptURL bounds the script read behind one scheme.
const maxScriptURL = 512

// maxFeeds is how many feed: may stand in front of an address.
const maxFeeds = 4

// scriptURL judges v[a:b] as an address whose scheme may run script, behind feed: too.
func scriptURL(best *lead, v []byte, a, b int) {
	for range maxFeeds {
		if a = scriptScheme(best, v, a, b); a < 0 {
			return
		}
	}
}

// scriptScheme judges the scheme with which the address v[a:b] begins, and returns where
// another address begins behind feed:, -1 for nowhere. Browsers drop white space and
// controls inside the scheme.
func scriptScheme(best *lead, v []byte, a, b int) int {
	i := a
	for i < b && (v[i] <= ' ' || v[i] == '"' || v[i] == '\'' || v[i] == '`' || v[i] >= 0x80 || v[i] == '(') {
		i++
	}
	if i < b && !startsScheme[v[i]] {
		return -1
	}
	var t tail
	start, torn := i, false
	for end := min(b, i+80); i < end; i++ {
		c := lower(v[i])
		if c <= ' ' || c >= 0x7f {
			continue
		}
		if c == '&' {
			if n, r := reference(v[i:end]); n > 0 {
				i += n - 1
				if r > ' ' {
					t.push(lower(r))
				} else {
					torn = true
				}
				c = lower(r)
			}
		} else {
			t.push(c)
		}
		if c == ':' {
			break
		}
		if c == '#' && t.is("javascript#") {
			best.offer(0.55, start, i+1, "An address is written like one that runs script.")
		}
		if !isLetter(c) && c > ' ' {
			return -1
		}
	}
	if i >= b || t.n == 0 {
		return -1
	}
	rest := v[min(i+1, b):min(b, i+maxScriptURL)]
	switch {
	case t.all("javascript:") || t.all("vbscript:") || t.all("livescript:") || t.all("jscript:") || t.all("mocha:"):
		if torn {
			best.offer(0.6, start, min(b, start+maxEvidence), "The scheme of an address that runs script is torn by a blank in another spelling.")
		}
		best.offer(scriptURLWeight(rest), start, min(b, start+maxEvidence), "An address runs script.")
	case t.all("data:"):
		head := rest[:min(len(rest), 40)]
		if isPicture(v[min(i+1, b):b]) {
			return -1
		}
		if bytes.Contains(rest[:min(len(rest), 80)], []byte("PHNjcmlwd")) || hasFold(head, "html") || hasFold(head, "svg") || hasFold(head, "xml") || hasFold(head, "javascript") || hasFold(head, "dom-event") {
			best.offer(0.9, start, min(b, start+maxEvidence), "An address holds a document or script of its own.")
		}
	case t.all("feed:"):
		return min(i+1, b)
	}
	return -1
}

// startsScheme are the bytes with which the schemes begin that scriptURL knows,
// in references, too, and what it drops.
var startsScheme = func() (t [256]bool) {
	for _, c := range "jJvVlLmMdDfF&\x7f" {
		t[c] = true
	}
	return t
}()

// isPicture reports whether the rest of a data address is an SVG picture in
// which no browser runs anything. What is not in base64 is read as markup
// where it stands.
func isPicture(rest []byte) bool {
	if !hasPrefixFold(rest, "image/svg+xml") {
		return false
	}
	comma := bytes.IndexByte(rest[:min(len(rest), 80)], ',')
	if comma < 0 {
		return false
	}
	if !hasFold(rest[:comma], ";base64") {
		return true
	}
	var p picture
	bits, n := uint32(0), 0
	for _, c := range rest[comma+1:] {
		six := base64Value(c)
		if six > 63 {
			return true
		}
		if bits, n = bits<<6|uint32(six), n+6; n < 8 {
			continue
		}
		if n -= 8; p.runs(lower(byte(bits >> n))) {
			return false
		}
	}
	return true
}

// base64Value returns what a digit of base64 stands for, or 64.
func base64Value(c byte) byte {
	switch {
	case c-'A' < 26:
		return c - 'A'
	case c-'a' < 26:
		return c - 'a' + 26
	case isDigit(c):
		return c - '0' + 52
	case c == '+' || c == '-':
		return 62
	case c == '/' || c == '_':
		return 63
	}
	return 64
}

// A picture is an SVG picture that is read byte by byte.
type picture struct {
	tail
	letters int  // of the current word
	event   bool // it begins with on, as attributes that run script do
}

// runs adds a byte and reports whether what ends there runs script, or shows
// another document.
func (p *picture) runs(c byte) bool {
	p.push(c)
	switch {
	case c == '=':
		return p.event
	case isLetter(c):
		p.letters++
		p.event = p.letters == 1 && c == 'o' || p.event && (p.letters > 2 || c == 'n')
	default:
		p.letters = 0
		p.event = p.event && isSpace(c)
	}
	switch c {
	case 't':
		return p.is("<script") || p.is(":script") || p.is("ascript") || p.is("bscript") || p.is("foreignobject")
	case 'e':
		return p.is("<iframe")
	case 'l':
		return p.is("data:text/html")
	case 'y':
		return p.is("<!entity")
	}
	return false
}

// opensTag reports whether v begins with one of the names and goes on or ends
// as a tag does, in whatever charset. Compressed data holds each name of three
// letters once in a few hundred megabytes, but goes on at random.
func opensTag(v []byte, names ...string) bool {
	for _, name := range names {
		if !hasPrefixFold(v, name) || len(v) < len(name)+2 {
			continue
		}
		next := v[len(name)+1]
		switch v[len(name)] {
		case ' ', '/', '\t', '\n':
			return isLetter(next)
		case 0xbe, '>':
			return next < 0x80
		case 0xef: // full width
			return next == 0xbc
		}
	}
	return false
}

// maxWholeLinks is how many links may hold ]( in their scripts. Those behind
// end before the next link, so that no byte is read once per link.
const maxWholeLinks = 16

// whenLinks: what links looks for, but for UTF-7, each in nine bytes or more.
var whenLinks = []feature{hasBracket | hasOpen, hasAmp | hasBrace, hasHigh}

// links judges the addresses of Markdown links, and markup in charsets that
// old browsers guessed: UTF-7, and 7-bit ASCII whose eighth bit they dropped.
func links(best *lead, v []byte, scripts bool) {
	count := 0
	for i := oddPairs.Next(v, 0); i+8 < len(v); i = oddPairs.Next(v, i+1) {
		switch {
		case v[i] == ']' && v[i+1] == '(':
			end := len(v)
			if count++; count > maxWholeLinks {
				if n := bytes.Index(v[i+2:min(end, i+2+maxScriptURL)], []byte("](")); n >= 0 {
					end = i + 2 + n
				}
			}
			scriptURL(best, v, i+2, end)
		case v[i] == '+' && v[i+1] == 'A' && v[i+2] == 'D' && v[i+3]|0x20 == 'w' && (v[i+4] == '-' || v[i+4] == 'A' && v[i+5] <= 'H'):
			best.offer(0.8, i, i+5, "Markup is hidden in the UTF-7 charset.")
		case v[i] == '&' && v[i+1] == '{' && scripts && best.weight < 0.75 && codeWeight(v[i+2:min(len(v), i+64)]) > 0.9:
			best.offer(0.75, i, i+2, "A script entity of old browsers runs code.")
		case (v[i] == 0xbc || v[i] == 0x9c) && opensTag(v[i+1:], "script", "img", "svg"):
			best.offer(0.8, i, i+7, "Markup is hidden in characters that become < in another charset.")
		}
	}
}

// oddPairs are those with which begins what links looks for.
var oddPairs = pair.New(pair.Of{"]", "("}, pair.Of{"+", "A"}, pair.Of{"&", "{"}, pair.Of{"\xbc\x9c", "sSiI"})

func scriptURLWeight(code []byte) float32 {
	c := bytes.TrimRight(code, " ;)")
	switch {
	case len(c) == 0, hasPrefixFold(c, "void(0"), hasPrefixFold(c, "history."), hasPrefixFold(c, "window.print"):
		return 0.4
	case (c[0] == ' ' || bytes.HasPrefix(c, []byte("%20"))) && codeWeight(c) < 0.9: // JavaScript: the good parts
		return 0
	}
	return max(codeWeight(c), 0.72)
}

// reference decodes the character reference at the start of b: its length
// and its byte, or 0.
func reference(b []byte) (int, byte) {
	switch {
	case hasPrefixFold(b, "&colon;"):
		return len("&colon;"), ':'
	case hasPrefixFold(b, "&tab;"):
		return len("&tab;"), '\t'
	case hasPrefixFold(b, "&newline;"):
		return len("&newline;"), '\n'
	}
	if len(b) < 3 || b[1] != '#' {
		return 0, 0
	}
	i, base := 2, uint32(10)
	if b[2]|0x20 == 'x' {
		i, base = 3, 16
	}
	r, first := uint32(0), i
	for ; i < len(b) && i < first+10; i++ {
		d := uint32(digitOf(b[i]))
		if d >= base {
			break
		}
		r = r*base + d
	}
	if i == first || r > 0x7f {
		return 0, 0
	}
	if i < len(b) && b[i] == ';' {
		i++
	}
	return i, byte(r)
}

func digitOf(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

// whenScript: of what script finds, each call and property has its name, but
// for those by computed names, whole programs of brackets, and names in escapes.
const whenScript = hasBracket | hasMarkWord | hasBackslash

// mayRun reports whether v has a sign that calls, sets or looks up something.
func (s *Scanner) mayRun(v []byte) bool {
	if !s.any(hasOpen | hasBacktick | hasEqual | hasBracket) {
		return false
	}
	for _, c := range v {
		if c == '(' || c == '`' || c == '=' || c == '[' {
			return true
		}
	}
	return false
}

// script judges v as text inside a script of the page: what leaves a string
// and calls something, or is a call as a whole. It returns how many calls and
// the like it looked at.
func script(best *lead, v []byte, w *Where) (hits int) {
	var out, start int
	breaks := seeker{v: v, b: '\n'} // behind the first is a text of several lines
	calls := seeker{v: v, b: '('}
	lex, first := jslex.New(v), true
	for h := (jslex.Hit{}); lex.Next(&h); {
		hits++
		if h.Sink == jslex.Call {
			continue
		}
		if first { // and mostly there is none
			out, start, first = leavesString(v), firstWord(v), false
			if w.Listing {
				out = -1 // the end of a string that an earlier line began
			}
		}
		left := out >= 0 && out <= h.From && h.From-out < 256 && (v[out] != ';' || bytes.IndexByte(v[out:h.From], '\n') < 0)
		weight := freeWeight(v, &h, start == h.From && h.To+2 >= len(v), left, h.From <= start, &calls)
		if weight == 0 || w.Place.holdsText() && (inSpan(v, h.From) || breaks.from(0) < h.From && ofObject(v, h.From)) {
			continue
		}
		from := h.From
		if out >= 0 && out < from {
			from = out
		}
		best.offer(weight, from, h.To, "Text leaves a script's string or is itself script that a page would run.")
	}
	return hits
}

// freeWeight grades a hit outside of any tag. Calls finds brackets behind it.
func freeWeight(v []byte, h *jslex.Hit, whole, out, first bool, calls *seeker) float32 {
	if endsSpan(v, h.From) {
		return 0
	}
	switch h.Sink {
	case jslex.Dialog:
		switch {
		case out && !h.Bare:
			return 0.95
		case out:
			return 0.75
		case whole && !h.Bare:
			return 0.8
		case h.Bare:
			return pick(callsBare(v, h.To, calls), 0.6, 0.4)
		case first && h.Probe:
			return 0.9
		case h.Probe && glued(v, h.From):
			return 0.75
		case first, h.Probe:
			return 0.45
		}
		return 0.2
	case jslex.Hide:
		if h.Probe || out || whole {
			return 0.85
		}
		return 0.25
	case jslex.Steal, jslex.Exec:
		switch {
		case out:
			return 0.85
		case h.Probe && h.Sink == jslex.Exec && (whole || glued(v, h.From)):
			return 0.75
		case h.Bare:
			return pick(h.From > 0 && v[h.From-1] == '=', 0.55, 0.25)
		case first:
			return 0.4
		}
		return 0.2
	case jslex.Effect:
		if out {
			return 0.7
		}
	}
	return 0
}

// callsBare reports whether what follows at i the name of a box, which is no call,
// calls it all the same: (0,alert)(1), [alert][0](1), onerror=alert;throw 1.
func callsBare(v []byte, i int, calls *seeker) bool {
	from := i
	i = run(v, i, len(v), func(c byte) bool { return c == ')' || c == ']' || c == '}' || c == ';' })
	if i == from || i >= len(v) {
		return false
	}
	if bytes.HasPrefix(v[i:], []byte("throw")) {
		return true
	}
	return v[i-1] != ';' && v[i-1] != '}' && (v[i] == '(' || v[i] == '`' || v[i] == '[' && calls.from(i) < len(v))
}

// maxSpan bounds what is looked at of a name in backticks.
const maxSpan = 48

// inSpan reports whether the word at i stands in backticks of its own, as
// Markdown writes names. To a script that is a string, whatever is in it; what
// leaves a string of a script has no blank before it and goes on behind it.
func inSpan(v []byte, i int) bool {
	from := i
	for from > 0 && i-from < maxSpan && (isWordASCII(v[from-1]) || bytes.IndexByte([]byte(".:#/@-"), v[from-1]) >= 0) {
		from--
	}
	open := from
	for open > 0 && v[open-1] == '`' {
		open--
	}
	text := v[i:min(len(v), i+maxSpan)]
	to := bytes.IndexByte(text, '`')
	if open == from || to < 0 || bytes.IndexByte(text[:to], '\n') >= 0 || bytes.IndexByte(text[:to], '{') >= 0 {
		return false
	}
	to = i + to + from - open
	ends := to >= len(v) || isSpace(v[to]) || to+1 < len(v) && bytes.IndexByte([]byte(".,:;)]|!?*"), v[to]) >= 0 && (isSpace(v[to+1]) || v[to] == ']')
	return ends && open > 0 && (isSpace(v[open-1]) || v[open-1] == '[' || v[open-1] == '(' || v[open-1] == '|')
}

// ofObject reports whether the function at i is one of an object of a program.
// The boxes and evaluators that attacks call are the page's.
func ofObject(v []byte, i int) bool {
	if i < 2 || v[i-1] != '.' || !isWordASCII(v[i-2]) {
		return false
	}
	from := i - 1
	for from > 0 && i-from < maxSpan && isWordASCII(v[from-1]) {
		from--
	}
	return !pageObjects.Has(v[from : i-1])
}

var pageObjects = lexicon.New("window self top parent frames this globalthis defaultview document opener contentwindow constructor")

// maxCodeSpan is longer than most of what texts quote in their lines.
const maxCodeSpan = 64

// endsSpan reports whether the name at i ends with the quotes of Markdown,
// which began with it or with words before it: `eval`, `--import`. Who leaves a
// string with the first goes on with an operator or a bracket.
func endsSpan(v []byte, i int) bool {
	end := run(v, i, len(v), isWordASCII)
	if end >= len(v) || v[end] != '`' {
		return false
	}
	line := v[max(0, i-maxCodeSpan):i]
	line = line[bytes.LastIndexByte(line, '\n')+1:]
	open := bytes.LastIndexByte(line, '`')
	if open < 0 || bytes.Count(line, []byte("`"))&1 == 0 || open > 0 && isWord(line[open-1]) {
		return false
	}
	inside := line[open+1:]
	if len(inside) == 0 {
		return true
	}
	closed := end+1 == len(v) || isSpace(v[end+1]) || bytes.IndexByte([]byte(".,:)|"), v[end+1]) >= 0
	return closed && (isLetter(inside[0]) || bytes.HasPrefix(inside, []byte("--")))
}

// glued reports whether an operator stands before i, as between the parts of
// an expression and not of a sentence.
func glued(v []byte, i int) bool {
	j := i
	for j > 0 && i-j < 16 && v[j-1] == ' ' {
		j--
	}
	if j == 0 {
		return false
	}
	c := v[j-1]
	if j < i {
		return c == ';' || c == '{' || c == '}' || c == '|' || c == '&'
	}
	return c >= 0x80 || bytes.IndexByte([]byte(".-+*/;,|&^%!~=(){}[]?:<>\n\r'\"`\\"), c) >= 0
}

// firstWord returns the index of the first word, or of the one behind it where that is
// an object of the page.
func firstWord(v []byte) int {
	start := leading(v)
	for _, root := range [...]string{"window.", "self.", "top.", "parent.", "this."} {
		if hasPrefixFold(v[start:], root) {
			return start + len(root)
		}
	}
	return start
}

// leading returns the index of the first byte that is neither space nor
// punctuation.
func leading(v []byte) int {
	for i, c := range v {
		if isWord(c) && c < 0x80 {
			return i
		}
	}
	return len(v)
}

// leavesString returns where v leaves the string it would be put in: a quote
// or bracket with only plain words before it, and an operator behind. In a
// program's own text brackets and assignments come first.
func leavesString(v []byte) int {
	if bytes.HasPrefix(v, codeFence) && bytes.IndexByte(v, '\n') >= len(codeFence) {
		return -1
	}
	for i, c := range v[:min(len(v), 64)] {
		switch leavesByte[c] {
		case leavesNothing:
			continue
		case leavesNever:
			return -1
		case leavesComment:
			if i+1 == len(v) || v[i+1] != '/' || bytes.Contains(v[:i], []byte("/*")) {
				continue
			}
		case leavesStatement:
			if i == 0 && len(v) > 1 && v[1] != ';' {
				return i
			}
			continue
		}
		j := i + 1
		for j < len(v) && j < i+16 && (leavesByte[v[j]] == leavesEnd || isSpace(v[j])) {
			j++
		}
		if j < len(v) && leavesOperator[v[j]] {
			return i
		}
		if j < len(v) && isWord(v[j]) && c != '\\' {
			return -1
		}
	}
	return -1
}

// The kinds of bytes by which a value leaves a string.
const (
	leavesNothing uint8 = iota
	leavesNever         // brackets and assignments of a program's own text
	leavesEnd           // quotes and what closes
	leavesComment
	leavesStatement
)

var leavesByte = [256]uint8{
	'(': leavesNever, '[': leavesNever, '{': leavesNever, '=': leavesNever, '<': leavesNever,
	'\'': leavesEnd, '"': leavesEnd, '`': leavesEnd, ')': leavesEnd, '}': leavesEnd, ']': leavesEnd, '\\': leavesEnd,
	'*': leavesComment, ';': leavesStatement,
}

// leavesOperator are the bytes that go on with the program behind the string.
var leavesOperator = [256]bool{
	';': true, '-': true, '+': true, ',': true, '*': true, '/': true, '|': true, '&': true, '^': true, '%': true,
	'<': true, '>': true, '=': true, '?': true, ':': true, '\n': true, '!': true, '~': true,
}

// hasFold reports whether b contains the lower-case word in any case.
func hasFold(b []byte, word string) bool { return indexFold(b, word) >= 0 }

func indexFold(b []byte, word string) int {
	first := word[0]
	if !isLetter(first) {
		return indexMark(b, word)
	}
	for i, c := range b[:max(len(b)-len(word)+1, 0)] {
		if c|0x20 == first && hasPrefixFold(b[i:], word) {
			return i
		}
	}
	return -1
}

// indexMark is indexFold for words that begin with a mark, which is rare.
func indexMark(b []byte, word string) int {
	for i := indexFrom(b, 0, word[0]); i+len(word) <= len(b); i = indexFrom(b, i+1, word[0]) {
		if lower(b[i+1]) == word[1] && hasPrefixFold(b[i:], word) {
			return i
		}
	}
	return -1
}

func hasPrefixFold(b []byte, word string) bool {
	if len(b) < len(word) {
		return false
	}
	for i := range len(word) {
		if lower(b[i]) != word[i] {
			return false
		}
	}
	return true
}
