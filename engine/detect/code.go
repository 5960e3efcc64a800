package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
	"github.com/gabionhq/gabion/engine/internal/pair"
)

// whenCode: the words, a call, or the tag of a page: <?, <%@, <jsp: or a script with
// a language.
var whenCode = []feature{
	hasCodeWord, hasCallWord | hasOpen, hasCallWord | hasEqual, hasDQuote | hasOpen | ofFive, hasDollar, hasHash | ofSix, hasAt | hasBrace,
	hasLessMark | hasBang, hasLessMark | hasPercent | hasAt, hasLessLetter | hasColon | ofFive, hasLessLetter | hasMarkWord | hasSpace | hasEqual,
}

// callGateWords are called, beside execCalls and serverCalls.
const callGateWords = "file while getruntime require execute print println"

const codeGateWords = dangerousWords + ` runtime java javax ognl beanshell bsh xwork2 opensymphony apache
	springframework codehaus hibernate alibaba sun nashorn groovy diagnostics corba process require os subprocess grab grabconfig grabresolver asttest __import__ __builtins__ globals`

// dangerousWords name classes and methods that run commands or load code.
const dangerousWords = `processbuilder clonetransformer invokertransformer instantiatetransformer constanttransformer chainedtransformer forclosure
		instantiatefactory prototypeclonefactory prototypeserializationfactory whileclosure templatesimpl objectdataprovider textformattingrunproperties activitysurrogateselector typeconfusedelegate scriptenginemanager _memberaccess ognlcontext classloader
		jndiloginmodule runtimeutil execforstr
		__subclasses__ __globals__ __mro__ __bases__ getruntime child_process mainmodule allowstaticmethodaccess springmacrorequestcontext jdbcrowsetimpl xmldecoder`

var (
	// execCalls run commands or code in the languages of servers.
	execCalls = lexicon.New(`system shell_exec passthru popen proc_open pcntl_exec assert create_function call_user_func
		call_user_func_array eval exec execfile execsync spawn spawnsync unserialize file_put_contents file_get_contents fwrite
		fputs readfile show_source highlight_file phpinfo phpversion base64_decode gzinflate str_rot13 preg_replace move_uploaded_file include_once require_once
		curl_exec include require open3 syscall backticks instance_eval class_eval send __import__ compile getattr loadlibrary
		runtime_exec getruntime shellexecute createobject executeglobal xp_cmdshell die print_r var_dump getenv posix_getpwuid ini_set
		ini_get scandir opendir chmod unlink md5 chr array_map array_filter array_walk usort register_shutdown_function ob_start extract parse_str
		fopen fread fsockopen stream_socket_client mb_send_mail mail error_log putenv symlink link dl apache_setenv get_defined_vars func_get_args`)
	// certainCalls hardly occur in text.
	certainCalls = lexicon.New(`shell_exec passthru proc_open pcntl_exec create_function call_user_func call_user_func_array system
		phpinfo show_source highlight_file gzinflate str_rot13 move_uploaded_file __import__ getruntime execsync spawnsync
		runtime_exec register_shutdown_function fsockopen posix_getpwuid execfile file_put_contents get_defined_vars`)
	// serverCalls are functions whose names do not occur outside of programs.
	serverCalls = lexicon.New(`intval substr strrev str_replace base64_encode curl_init curl_setopt unpack pack print_r var_export implode explode
		assert_options array_diff array_udiff array_walk_recursive ob_get_contents ob_clean chop ucfirst strtolower strtoupper bin2hex hex2bin
		urldecode rawurldecode convert_uudecode zlib_decode gzdecode gzuncompress gzcompress gzencode gzopen gzread readgzfile php_uname phpcredits
		sys_getloadavg posix_getuid posix_kill get_current_user get_cfg_var getcwd getmypid getlastmod get_loaded_extensions glob fputcsv fgets
		fgetcsv fpassthru fseek ftruncate tempnam tmpfile touch rename rmdir mkdir copy filesize filemtime file_exists is_dir is_file is_uploaded_file
		parse_ini_file simplexml_load_file simplexml_load_string xml_parse dom_import_simplexml mysql_query mysqli_query pg_query sqlite_query
		ftp_connect ftp_get ftp_put ssh2_exec proc_nice proc_terminate proc_get_status ini_alter ini_restore set_time_limit spl_autoload stream_get_contents
		stream_context_create runkit_function_rename newrelic ctype_alpha iterator_apply forward_static_call func_num_args is_callable method_exists
		function_exists get_object_vars get_class_methods session_start setcookie is_array chr bzdecompress bzopen get_defined_functions get_defined_constants mb_ereg_replace ereg_replace console.info console.log
		pfsockopen posix_getegid posix_geteuid zlib_decode filegroup fileowner fileperms strip_tags vprintf printf lstat readlink utf8_decode strtr number_format array_intersect array_reduce openlog syslog imagecreatefromgif imagecreatefrompng`)
	// directives are settings of PHP that change what code it loads or runs.
	directives = lexicon.New(`allow_url_include allow_url_fopen auto_prepend_file auto_append_file disable_functions disable_classes
		open_basedir safe_mode extension extension_dir zend_extension engine unserialize_max_depth unserialize_callback_func enable_dl
		mbstring.regex_stack_limit mbstring.encoding_translation mbstring.func_overload session.save_path session.auto_start session.use_trans_sid
		session.upload_progress.name cgi.force_redirect cgi.redirect_status_env cgi.fix_pathinfo opcache.jit_max_polymorphic_calls opcache.preload
		opcache.enable opcache.file_cache suhosin.simulation sendmail_path mail.log error_log log_errors display_errors include_path
		short_open_tag asp_tags register_globals magic_quotes_gpc php_value php_admin_value xdebug.remote_host xdebug.client_host assert.callback memory_limit mbstring.regex_retry_limit
		soap.wsdl_cache_dir sys_temp_dir upload_tmp_dir user_ini.filename variables_order request_order output_handler docref_root`)
	superglobals = lexicon.New(`_get _post _request _cookie _files _server _session _env globals http_raw_post_data php_self argv`)
	// dangerousTypes are classes and packages whose names alone do not occur
	// in ordinary requests.
	dangerousTypes = lexicon.New(`java.lang java.lang.runtime java.lang.processbuilder java.lang.class java.lang.system java.lang.string java.lang.reflect
		java.lang.process java.lang.integer java.lang.numberformatexception java.lang.stringbuilder java.lang.object java.util.scanner java.io.file
		java.io.filereader java.io.fileinputstream java.net.url java.net.socket java.beans.xmldecoder javax.script.scriptenginemanager javax.naming
		javax.el.elprocessor javax.management org.apache.commons org.apache.struts2 org.apache.catalina org.apache.tomcat org.omg.corba jdk.nashorn sun.awt sun.rmi sun.tracing java.beans.xmldecode sun.reflect
		com.opensymphony.xwork2 com.sun.rowset org.springframework.context org.springframework.expression org.codehaus.groovy groovy.lang java.runtime
		ognl.ognlcontext process.mainmodule process.binding process.env global.process child_process.exec os.system os.popen subprocess.popen
		subprocess.call subprocess.run subprocess.check_output system.diagnostics.process runtime.getruntime java.util.zip
		com.sun.org.apache com.alibaba.fastjson org.hibernate.engine java.awt.desktop class.module.classloader class.classloader module.classloader
		processbuilder.evil runtime.exec processbuilder.start`)
	// jsonataFunctions are those that JSONata has, but for eval.
	jsonataFunctions = lexicon.New(`string length substring substringBefore substringAfter uppercase lowercase trim pad contains split join match replace
		base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl number abs floor ceil round power sqrt random
		formatNumber formatBase formatInteger parseInteger sum max min average boolean not exists count append sort reverse shuffle distinct
		zip keys lookup spread merge sift each error assert type now millis fromMillis toMillis map filter single reduce flowContext globalContext env moment`)
	// dataTypes are classes of java.util that hold data, by which documents and
	// queries name the type of a value.
	dataTypes = lexicon.New("date calendar list arraylist linkedlist map hashmap linkedhashmap treemap set hashset linkedhashset treeset collection uuid locale currency optional timezone bitset")
	// beforeCalls are words of programs behind which an expression stands.
	programWords   = lexicon.New("import from package use using const var let function def class public private module require")
	beforeCalls    = lexicon.New("return echo print and or xor not new await yield in is if do else then throw require include puts case")
	dangerousNames = lexicon.New(dangerousWords)
	codeVocabulary = lexicon.New(`php echo print system exec shell_exec passthru popen proc_open eval assert include require get post
		request cookie files server session env globals java lang runtime getruntime processbuilder process class forname io util javax script
		org apache commons com opensymphony xwork2 ognl memberaccess require child_process execsync spawn mainmodule global import os subprocess
		builtins read base64_decode file_get_contents fopen phpinfo function new return while true false null undefined this constructor id whoami cat etc passwd`)
)

func (s *Scanner) code(v []byte, w *Where) {
	if document(v, w) || w.Place == InFile && (len(v) > maxPath || w.Excerpt && w.Decoded > 0) {
		return
	}
	wanted := s.codeWanted()
	if !s.mayBeCode(v, wanted) {
		return
	}
	s.reads(v, readCode)
	var best lead
	var c codeWalk // set field by field: a literal is made elsewhere and copied
	c.head, c.end = skipBlank(v, 0), -1
	c.close.v, c.close.b, c.behind.v, c.behind.b = v, ')', v, ')'
	c.listing = w.Listing || w.Place.holdsText() && (len(v) > 120 && bytes.IndexByte(v, '\n') >= 0 || len(v) > maxPath || s.any(hasLine) && isProgram(v))
	c.named, c.called = s.any(hasCodeWord), s.any(hasCallWord)
	if len(v) > 0 && v[0] == '"' && !c.listing {
		escapedName(&best, v)
	}
	c.walk(&best, v, w, wanted)
	s.effort += nameEffort*c.names + callEffort*c.calls
	c.judge(&best)
	s.follow(Code, v, best, codeVocabulary)
}

// codeWanted returns the kinds of what is looked at in the value. Where no name in it
// is known, names are told by their last byte and the one behind instead, as few calls
// are found then.
func (s *Scanner) codeWanted() uint8 {
	const always = codeVariable | codeTag | codeObject
	switch {
	case s.any(hasCallWord):
		return always | codeName | codeBracket
	case s.any(hasCodeWord):
		return always | codeName
	}
	return always | codeEnd
}

// mayBeCode reports whether something of those kinds begins in v. A string that is
// called begins the value. Where nothing is called, variables hold the request or are
// named by an expression, and what stands before one includes or requires it.
func (s *Scanner) mayBeCode(v []byte, wanted uint8) bool {
	if len(v) == 0 || v[0] == '"' {
		return len(v) > 0
	}
	if len(v) <= maxBrief && !s.any(hasOpen) && uncalledPairs.Next(v, 0) == len(v) {
		wanted &^= codeVariable | codeEnd
	}
	last := codeFirst[v[0]] & wanted
	for _, b := range v[1:] {
		if last&codeNext[b] != 0 {
			return true
		}
		last = codeFirst[b] & wanted
	}
	return false
}

// maxBrief is the length up to which it is asked what little a value may be.
const maxBrief = 16

// uncalledPairs are those in variables that are not called, and in include and require.
var uncalledPairs = pair.New(pair.Of{"$", "_aAgGhHpP{$"}, pair.Of{"nN", "cC"}, pair.Of{"eE", "qQ"})

// walk reads all of v that may be code by the two bytes with which it begins.
func (c *codeWalk) walk(best *lead, v []byte, w *Where, wanted uint8) {
	i, fresh := 0, 0 // what stands before fresh belongs to what has been read
	letters := 0     // that are names by themselves, of which none is known
	for i+1 < len(v) {
		first := codeFirst[v[i]]
		kind := first & codeNext[v[i+1]] & wanted
		if i < c.opened {
			kind |= first & codeBracket
		}
		if kind == 0 {
			letters += int(first / codeLetter)
			i++
			continue
		}
		switch kind {
		case codeName:
			i = c.name(best, v, i, w)
			continue
		case codeEnd:
			c.unknown(best, v, fresh, i+1)
		case codeVariable:
			i = c.variable(best, v, i)
			fresh = i
			continue
		case codeTag:
			c.tag(best, v, i)
		case codeBracket:
			if (v[i] == '(' || i == 0 || v[i-1] == '{') && i+2 < len(v) && (i == 0 || v[i-1] != '(') {
				c.brackets(best, v, i)
			}
		case codeObject:
			c.ognl(best, v, i)
		}
		i++
		fresh = i
	}
	if i < len(v) {
		letters += int(codeFirst[v[i]] / codeLetter)
	}
	if c.named {
		c.names += letters
	}
}

// The kinds of what code looks at. A byte with which one begins and the bytes
// that go on with it have its bit in common; letters have one more.
const (
	codeName uint8 = 1 << iota
	codeVariable
	codeTag
	codeBracket
	codeObject
	codeEnd          // of a name
	codeLetter uint8 = 1 << 7
)

var codeFirst, codeNext = func() (first, next [256]uint8) {
	for c := range first {
		b := byte(c)
		if isLetter(b) || b == '_' {
			first[c] = codeName | codeLetter
			next[c] = codeBracket
		}
		if isWordASCII(b) {
			first[c] |= codeEnd
			next[c] |= codeName | codeVariable
		}
		if beforeArguments[c] {
			next[c] |= codeName | codeEnd
		}
		if isSpace(b) {
			next[c] |= codeBracket
		}
		if beginsObject[c] {
			next[c] |= codeObject
		}
	}
	first['$'], first['<'] = codeVariable, codeTag
	first['('], first['['], first['@'], first['#'] = codeBracket, codeBracket, codeObject, codeObject
	also := func(kind uint8, bytes string) {
		for _, c := range bytes {
			next[c] |= kind
		}
	}
	also(codeName, ".=")
	also(codeVariable, "{$")
	also(codeTag, "?%sSjJ")
	also(codeBracket, "([\\'\"/#")
	return first, next
}()

// isProgram reports whether v is a program of several lines: four of them, or
// what programs begin with.
func isProgram(v []byte) bool {
	line := bytes.IndexByte(v, '\n')
	if line < 0 {
		return false
	}
	if bytes.Count(v[:min(len(v), maxPath)], []byte("\n")) > 3 {
		return true
	}
	n := run(v, 0, line, isLetter)
	return n > 0 && n < line && v[n] == ' ' && programWords.Has(v[:n])
}

// A codeWalk is what has been seen of a value's code.
type codeWalk struct {
	listing bool // the value is a text of several lines, which may quote code
	named   bool // it may name classes, methods or packages of those that are known
	called  bool // it may name functions of those that are known
	tagged  bool // a page tag has been opened
	names   int
	calls   int // of execCalls
	globs   int // superglobals
	first   lead
	head    int    // the first byte that is not blank
	end     int    // behind the last one that does not merely end a program; -1 before it was asked for
	close   seeker // of brackets
	behind  seeker // of those behind variables
	opened  int    // the end of the brackets that open here
	marked  int    // up to where there are no signs of code, from where they were looked for
	sought  bool   // whether jsonata was asked for
	jsonata bool   // a variable is set as JSONata does
}

// name reads a dotted name and what stands around it.
func (c *codeWalk) name(best *lead, v []byte, i int, w *Where) int {
	j := i
	dot := -1 // of the last part
	if c.named && v[j] == 'j' && j+5 < len(v) && javaPackage(v[j:]) {
		c.typeName(best, v, i, min(len(v), i+20), w)
	}
	for {
		for j < len(v) && wordASCII[v[j]] {
			j++
		}
		if j+1 >= len(v) || v[j] != '.' || !wordASCII[v[j+1]] {
			break
		}
		if dot = j; c.named && j-i < 40 && dangerousTypes.Has(v[i:j]) && !isThrown(v[j+1:]) {
			c.typeName(best, v, i, j, w)
		}
		j++
	}
	at := max(i, dot+1)
	if c.named {
		c.names++
		c.known(best, v, i, at, j, w)
	}
	if c.called && len(v) <= 120 && j < len(v) && v[j] == '=' && i == c.head && directives.Has(v[i:j]) {
		best.offer(0.55, i, len(v), "A setting of PHP is given that changes which code it runs.")
	}
	if j < len(v) && beforeArguments[v[j]] && (c.called || calledAnyway[v[at]]) {
		c.names++
		c.arguments(best, v, i, at, j)
	}
	return j
}

// unknown reads a name that ends at j and began at fresh or behind it, in a value
// that names nothing known.
func (c *codeWalk) unknown(best *lead, v []byte, fresh, j int) {
	at := j
	for at > fresh && wordASCII[v[at-1]] {
		at--
	}
	if isDigit(v[at]) {
		if continues(v, fresh, at) {
			return
		}
		for at < j && isDigit(v[at]) {
			at++
		}
	}
	if at < j && calledAnyway[v[at]] {
		c.names++
		c.arguments(best, v, at, at, j)
	}
}

// continues reports whether the part at i is one of a name with dots, which begins
// with a letter.
func continues(v []byte, fresh, i int) bool {
	for i > fresh+1 && v[i-1] == '.' && wordASCII[v[i-2]] {
		for i--; i > fresh && wordASCII[v[i-1]]; i-- {
			if !isDigit(v[i-1]) {
				return true
			}
		}
	}
	return false
}

// beforeArguments are the bytes with which begins what stands behind names that
// are called: a bracket, a variable, and what gap skips.
var beforeArguments = [256]bool{'(': true, '$': true, ' ': true, '\t': true, '\n': true, '\v': true, '\f': true, '\r': true, '/': true, '#': true}

// calledAnyway are the first letters of what arguments knows although the gate
// does not: echo, and words that begin with include, require and getRuntime.
var calledAnyway = [256]bool{'e': true, 'E': true, 'i': true, 'I': true, 'r': true, 'R': true, 'g': true, 'G': true}

// known judges the name v[i:j], whose last part begins at at, by the classes,
// methods and packages that are known.
func (c *codeWalk) known(best *lead, v []byte, i, at, j int, w *Where) {
	if at > i && j-i <= 40 && dangerousTypes.Has(v[i:j]) {
		c.typeName(best, v, i, j, w)
	}
	if dangerousNames.Has(v[at:j]) && !(w.Place == InXML && w.Name && !makesObject(v[i:j])) {
		best.offer(pick(c.listing, 0.42, 0.8), at, j, "A class or method is named that runs commands or loads code.")
	}
}

// arguments judges the name v[i:j], whose last part begins at at, by what stands
// behind it.
func (c *codeWalk) arguments(best *lead, v []byte, i, at, j int) {
	last := v[at:j]
	k := gap(v, j)
	if k < len(v) && v[k] == '(' && k == j && hasPrefixFold(last, "execute") && len(last) == len("execute") && i > 1 && i == at && v[i-1] == '.' && (v[i-2] == '\'' || v[i-2] == '"' || v[i-2] == ']') {
		best.offer(pick(c.listing, 0.42, 0.82), at, min(len(v), k+2), "A text of Groovy is run as a command.")
	}
	if k < len(v) && v[k] == '(' {
		c.call(best, v, at, j, k)
	} else if k < len(v) && v[k] == '$' && (hasPrefixFold(last, "include") || hasPrefixFold(last, "require")) && len(last) <= len("require_once") {
		best.offer(pick(c.listing, 0.42, 0.5), at, min(len(v), k+24), "A file is included as code.")
	}
}

// makesObject reports whether an element with the name becomes an object that
// does something by being read. Such elements are called by the whole name of a
// class, which begins with a package in small letters. Those of java.lang do
// nothing before a method of theirs is called, which attributes and values say.
func makesObject(name []byte) bool {
	if bytes.HasPrefix(name, []byte("java.lang.")) {
		return false
	}
	dot := bytes.IndexByte(name, '.')
	return dot > 0 && run(name, 0, dot, isSmall) == dot && bytes.IndexByte(name[dot+1:], '.') > 0
}

func isDotted(c byte) bool { return isWordASCII(c) || c == '.' }

func isSmall(c byte) bool { return c >= 'a' && c <= 'z' }

// isThrown reports whether v begins with the name of an exception, of which logs
// are full.
func isThrown(v []byte) bool {
	name := v[:run(v, 0, len(v), isLetter)]
	return hasSuffixFold(name, "exception") || hasSuffixFold(name, "error")
}

// maxCallGap bounds what may stand between a function's name and its bracket.
const maxCallGap = 40

// gap skips white space and comments from i.
func gap(v []byte, i int) int {
	for end := min(len(v), i+maxCallGap); i < end; {
		switch {
		case isSpace(v[i]):
			i++
		case v[i] == '/' && i+1 < end && v[i+1] == '*':
			n := bytes.Index(v[i+2:end], []byte("*/"))
			if n < 0 {
				return i
			}
			i += n + 4
		case v[i] == '#', v[i] == '/' && i+1 < end && v[i+1] == '/':
			n := bytes.IndexByte(v[i:end], '\n')
			if n < 0 {
				return i
			}
			i += n + 1
		default:
			return i
		}
	}
	return i
}

// javaPackage reports whether v begins with a class of Java's own library.
func javaPackage(v []byte) bool {
	for _, p := range [...]string{"java.io.", "java.lang.", "java.net.", "java.nio.", "java.rmi.", "java.beans.", "java.util.", "javax.naming.", "javax.script.", "javax.el."} {
		if bytes.HasPrefix(v, []byte(p)) {
			if isThrown(v[len(p):]) {
				return false
			}
			return len(v) > len(p) && (v[len(p)]-'A' < 26 || hasPrefixFold(v[len(p):], "reflect"))
		}
	}
	return false
}

// wordASCII is isWordASCII as a table.
var wordASCII = func() (t [256]bool) {
	for c := range t {
		t[c] = isWordASCII(byte(c))
	}
	return t
}()

func isWordASCII(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }

func (c *codeWalk) typeName(best *lead, v []byte, i, j int, w *Where) {
	weight := float32(0.72)
	if i > 0 && v[i-1] == '/' {
		return // a module of Java, or a path
	}
	if isDataType(v[i:]) {
		return
	}
	if w.Place == InXML && w.Name && !makesObject(v[i:run(v, i, len(v), isDotted)]) {
		return
	}
	if c.listing || w.Place == InFile || i > 0 && v[i-1] == '`' && w.Place.holdsText() || w.Place == InXML && hasPrefixFold(v[i:], "org.apache") {
		weight = 0.4
	}
	best.offer(weight, i, j, "A class or package of the server's language is named.")
}

// isDataType reports whether v begins with the name of a class that holds data
// and nothing of which is called or taken.
func isDataType(v []byte) bool {
	const prefix = "java.util."
	if !bytes.HasPrefix(v, []byte(prefix)) {
		return false
	}
	end := run(v, len(prefix), len(v), isWordASCII)
	return dataTypes.Has(v[len(prefix):end]) && (end == len(v) || v[end] != '.' && v[end] != '(' && v[end] != '$' && v[end] != '@')
}

// call judges a function of execCalls.
func (c *codeWalk) call(best *lead, v []byte, at, end, open int) {
	word := v[at:end]
	if hasPrefixFold(word, "require") && end-at == 7 && hasFold(v[open:min(len(v), open+24)], "child_process") {
		best.offer(0.95, at, min(len(v), open+24), "Code of Node loads the module that runs commands.")
		return
	}
	if hasPrefixFold(word, "getruntime") && hasFold(v[open:min(len(v), open+16)], "exec(") {
		best.certain(0.95, at, min(len(v), open+32), "Code of Java runs a command.")
		return
	}
	if string(word) == "__import__" && imports(v[open:min(len(v), open+48)]) {
		best.offer(0.9, at, min(len(v), open+32), "Code of Python loads the module that runs commands.")
		return
	}
	if hasPrefixFold(word, "while") && end-at == 5 {
		loop(best, v, at, open)
		return
	}
	if open > end+1 && !c.listing && (hasComment(v[end:open]) && (execCalls.Has(word) || serverCalls.Has(word)) || c.torn(v, at, end, open)) {
		best.offer(0.7, at, open+1, "A comment or line end hides the call of a function of the server's language.")
		return
	}
	if !execCalls.Has(word) || open == len(v)-1 {
		c.whole(best, v, at, end, open)
		return
	}
	c.calls++
	stop := min(len(v), open+40)
	if close := c.close.from(open); close < min(len(v), open+maxArguments) {
		stop = close + 1
	}
	c.first.offer(0.1, at, stop, "")
	args := v[open+1 : stop]
	for len(args) > 0 && (args[0] == ' ' || args[0] == '\t' || args[0] == '\\') {
		args = args[1:]
	}
	argument := len(args) > 0 && (args[0] == '"' || args[0] == '\'' || args[0] == '$' || args[0] == '`' || args[0] == '@')
	glued := open == end
	nested := len(args) > 1 && nestedCall(args)
	certain := certainCalls.Has(word)
	short := (certain || glued && (argument || nested)) && (!c.listing && !inSentence(v, at, stop) || leavesQuote(v, at))
	switch {
	case readsRequest(args):
		if c.listing && !certain && !hasPrefixFold(word, "eval") && !hasPrefixFold(word, "assert") && !hasPrefixFold(word, "exec") && !hasPrefixFold(word, "popen") {
			return
		}
		best.certain(0.96, at, stop, "Code runs what a parameter of the request holds.")
	case certain && glued && (argument || nested) && short:
		best.offer(0.85, at, stop, "A function that runs commands or code is called.")
	case certain && glued && short && (at == c.head || len(args) > 0 && args[0] == ')' && c.framed(v, at, stop)):
		best.offer(0.75, at, stop, "A function that runs commands or code is called.")
	case certain && glued && short && c.framed(v, at, stop):
		best.offer(0.6, at, stop, "A function that runs commands or code is called.")
	case certain && (argument || glued):
		best.offer(0.42, at, stop, "A function that runs commands or code is called.")
	case glued && (argument || nested) && short && c.framed(v, at, stop):
		best.offer(0.72, at, stop, "A function that runs code or reads files is called.")
	case nested && glued && short:
		best.offer(0.6, at, stop, "A function that runs code or reads files is called.")
	default:
		c.whole(best, v, at, end, open)
	}
}

func hasComment(v []byte) bool { return bytes.Contains(v, []byte("/*")) }

// torn reports whether v is nothing but a call without arguments in which a
// line ends before the bracket.
func (c *codeWalk) torn(v []byte, at, end, open int) bool {
	return at == 0 && string(v[open:]) == "()" && bytes.IndexByte(v[end:open], '\n') >= 0 &&
		(execCalls.Has(v[:end]) || serverCalls.Has(v[:end]) || equalFold(v[:end], "file"))
}

// whole judges a value that is nothing but a call of a function of PHP or
// Node.
func (c *codeWalk) whole(best *lead, v []byte, at, end, open int) {
	if at == 0 && open == len(v)-1 && (serverCalls.Has(v[:end]) || execCalls.Has(v[:end])) && bytes.IndexByte(v[:end], '_') > 0 {
		best.offer(0.55, 0, len(v), "The value is a call of a function of the server's language, cut off.")
		return
	}
	if !c.listing && (at == 0 || at < 40 && bytes.IndexByte([]byte(";'\")}"), v[at-1]) >= 0) && probes(v, at, end, open) {
		best.offer(0.62, at, len(v), "A call prints what it calculates, as probes for code injection do.")
	}
	if c.listing || at > 12 || len(v) > 80 || isLineOfCode(v, at) || end-at < 4 && end-open != 0 || isProse(v, at, end, open) || !serverCalls.Has(v[at:end]) && !execCalls.Has(v[at:end]) || bytes.IndexByte(v[open:], ')') < 0 {
		return
	}
	if !execCalls.Has(v[at:end]) && isSignature(v, at, end, open) {
		return
	}
	best.offer(0.55, at, len(v), "The value is a call of a function of the server's language.")
}

// isSignature reports whether the call that is all of v is spelled as manuals
// spell it and handed nothing but variables, which the value does not set: run
// as code it does nothing with what the request holds.
func isSignature(v []byte, at, end, open int) bool {
	if at > 0 || open != end || run(v, at, end, isManual) < end || open+2 >= len(v) || v[open+1] != '$' {
		return false
	}
	i := run(v, open+1, len(v), isParameter)
	return i < len(v) && v[i] == ')' && len(bytes.TrimRight(v[i+1:], "; ")) == 0
}

func isManual(c byte) bool { return isSmall(c) || isDigit(c) || c == '_' }

func isParameter(c byte) bool { return isWordASCII(c) || c == '$' || c == ',' || c == ' ' }

// isProse reports whether a call is rather words of a sentence or its name in
// the quotes of Markdown: a blank before the bracket, and words in it.
func isProse(v []byte, at, end, open int) bool {
	from := at
	for from > 0 && (isWordASCII(v[from-1]) || v[from-1] == '.') {
		from--
	}
	if from > 0 && v[from-1] == '`' && bytes.IndexByte(v[open:], '`') > 0 {
		return true
	}
	close := bytes.IndexByte(v[open:], ')')
	if close == 1 && (at > 1 && v[at-1] == ' ' && isLetter(v[at-2]) || open+3 < len(v) && v[open+2] == ' ' && isLetter(v[open+3])) {
		return true
	}
	return open == end+1 && v[end] == ' ' && close > 0 && run(v, open+1, open+close, func(c byte) bool { return isWord(c) || c == ' ' || c == '-' }) == open+close && close > 1
}

// probes reports whether v ends in a call that prints the sum or the product
// of two numbers.
func probes(v []byte, at, end, open int) bool {
	switch string(v[at:end]) {
	case "print", "println", "printf", "echo", "print_r", "var_dump":
	default:
		return false
	}
	i := run(v, open+1, len(v), isDigit)
	if i == open+1 || i+1 >= len(v) || v[i] != '*' && v[i] != '+' && v[i] != '-' {
		return false
	}
	j := run(v, i+1, len(v), isDigit)
	return j > i+1 && j < len(v) && v[j] == ')' && len(bytes.Trim(v[j:], ");./#'\"\r\n ")) == 0
}

// isLineOfCode reports whether v is one line of a program: it is indented, or
// defines the function at i, or a name for what that returns.
func isLineOfCode(v []byte, i int) bool {
	before := bytes.TrimRight(v[:i], " \t")
	if len(before) == 0 {
		return i > 3 || i > 0 && v[0] == '\t'
	}
	if isImport(v, i) {
		return true
	}
	from := len(before)
	for from > 0 && isLetter(before[from-1]) {
		from--
	}
	return len(before) < i && definers.Has(before[from:])
}

// isImport reports whether v is const x = require('y'), the call at i, of a module that
// runs nothing.
func isImport(v []byte, i int) bool {
	name, isConst := bytes.CutPrefix(v[:i], []byte("const "))
	args, isCall := bytes.CutPrefix(v[i:], []byte("require("))
	name, args = bytes.TrimRight(name, " ="), bytes.TrimRight(args, "; ")
	n := len(args)
	if !isConst || !isCall || n < 3 || args[n-1] != ')' || args[n-2] != args[0] || args[0] != '\'' && args[0] != '"' {
		return false
	}
	module := args[1 : n-2]
	return run(name, 0, len(name), isWordASCII) == len(name) && run(module, 0, len(module), isCommandByte) == len(module) && !runningModules.Has(module)
}

// runningModules are those of Node.js that run programs or code, or open connections.
var runningModules = lexicon.New("child_process vm module net cluster worker_threads repl inspector http https dgram")

var definers = lexicon.New("def function fn func sub fun void int bool static async override")

// nestedCall reports whether the arguments begin with another call.
func nestedCall(args []byte) bool {
	j := run(args, 0, len(args), isWordASCII)
	return j > 1 && j < len(args) && args[j] == '(' && execCalls.Has(args[:j])
}

// maxArguments bounds how far away the end of a call's arguments may be.
const maxArguments = 160

// readsRequest reports whether arguments hold a superglobal of PHP.
func readsRequest(args []byte) bool {
	for i := bytes.IndexByte(args, '$'); i >= 0; {
		rest := args[i:]
		if len(rest) > 1 && rest[1] == '_' && (hasPrefixFold(rest, "$_get") || hasPrefixFold(rest, "$_post") || hasPrefixFold(rest, "$_request") || hasPrefixFold(rest, "$_cookie") || hasPrefixFold(rest, "$_server")) {
			return true
		}
		next := bytes.IndexByte(rest[1:], '$')
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// framed reports whether a call is the whole value or stands between
// operators, as behind the end of a string.
func (c *codeWalk) framed(v []byte, at, stop int) bool {
	if c.end < 0 {
		c.end = len(bytes.TrimRight(v, " ;)}\r\n\t/#?>'\""))
	}
	if at == c.head && c.end <= stop {
		return true
	}
	for at > 1 && v[at-1] == ' ' && bytes.IndexByte([]byte(" ;&|"), v[at-2]) >= 0 {
		at--
	}
	return at > 0 && bytes.IndexByte([]byte("'\".;}{)+(@&|"), v[at-1]) >= 0 && at < 48
}

// inSentence reports whether words stand before and behind a call, which no
// program has there.
func inSentence(v []byte, at, stop int) bool {
	i := at
	for i > 0 && v[i-1] == ' ' || i > 0 && v[i-1] == '+' {
		i--
	}
	j := stop
	for j < len(v) && (v[j] == ' ' || v[j] == '+') {
		j++
	}
	if i == at || i == 0 || !isLetter(v[i-1]) || j == stop || j == len(v) || !isLetter(v[j]) {
		return false
	}
	from := i
	for from > 0 && i-from < 8 && isLetter(v[from-1]) {
		from--
	}
	return !beforeCalls.Has(v[from:i])
}

// imports reports whether ("os").system and the like begins here: in one
// expression, as programs have no need to.
func imports(args []byte) bool {
	quote := bytes.IndexAny(args[:min(len(args), 4)], `"'`)
	if quote < 0 {
		return false
	}
	module := args[quote+1:]
	end := run(module, 0, len(module), isWordASCII)
	if string(module[:end]) != "os" && string(module[:end]) != "subprocess" {
		return false
	}
	rest := bytes.TrimLeft(module[end:], "\"' )")
	for _, call := range [...]string{".system", ".popen", ".exec", ".spawn", ".run", ".call", ".check_"} {
		if hasPrefixFold(rest, call) {
			return true
		}
	}
	return false
}

// leavesQuote reports whether the call at i follows the end of a string, and
// of the operand or statement that held it, which did not begin on this line:
// the text in which it stands did not mean it to end there.
func leavesQuote(v []byte, i int) bool {
	from := max(0, i-maxLine)
	joint := false
	for ; i > from && bytes.IndexByte([]byte(" \t;.+|&,)]}@"), v[i-1]) >= 0; i-- {
		joint = joint || v[i-1] != ' ' && v[i-1] != '\t'
	}
	if !joint || i == from || v[i-1] != '\'' && v[i-1] != '"' {
		return false
	}
	quote := v[i-1]
	for i--; i > from && v[i-1] != '\n'; i-- {
		if v[i-1] == quote && !(i > 1 && isLetter(v[i-2]) && isLetter(v[i])) { // and no apostrophe
			return false
		}
	}
	return true
}

// loop judges while(true) and its disguises, which stop a server of Node.
func loop(best *lead, v []byte, at, open int) {
	if len(v) > 80 {
		return
	}
	i, negated := open+1, false
	for i < len(v) && (v[i] == ' ' || v[i] == '(' || v[i] == '!') {
		negated = negated != (v[i] == '!')
		i++
	}
	holds, known := constantOf(v[i:])
	switch {
	case known && holds != negated, i < len(v) && v[i] == ')':
		best.offer(0.75, at, len(v), "A loop without end is given as code.")
	case known:
	case at == 0 && len(v)-i < 24 && bytes.IndexByte(v[i:], ' ') < 0:
		best.offer(0.6, at, len(v), "A loop without a body is given as code.")
	}
}

// constantOf reports whether v begins with an expression of script that always
// has the same truth, and which it has.
func constantOf(v []byte) (holds, known bool) {
	for _, word := range [...]string{"false", "0", "null", "undefined", "nan"} {
		if hasPrefixFold(v, word) {
			return false, true
		}
	}
	for _, word := range [...]string{"true", "1", "[]", "{}", "new "} {
		if hasPrefixFold(v, word) {
			return true, true
		}
	}
	return false, false
}

// tag judges the tags between which a page holds code.
func (c *codeWalk) tag(best *lead, v []byte, i int) {
	rest := v[i:]
	if len(rest) < 2 {
		return
	}
	switch rest[1] {
	case '?':
		if !c.opensPHP(v, i) {
			return
		}
	case 's', 'S':
		if !hasPrefixFold(rest, "<script language=php") && !hasPrefixFold(rest, `<script language="php"`) {
			return
		}
	case '%', 'j', 'J':
		if hasPrefixFold(rest, "<%@") || hasPrefixFold(rest, "<jsp:") {
			best.offer(pick(c.listing, 0.42, 0.75), i, min(len(v), i+24), "A directive of a server page is inserted.")
		}
		return
	default:
		return
	}
	c.tagged = true
	weight := float32(0.62)
	if c.listing || i > 64 {
		weight = 0.42 // code in a longer text
	}
	best.offer(weight, i, min(len(v), i+24), "A tag that begins code of PHP is inserted.")
}

// opensPHP reports whether the <? at i begins code of PHP.
func (c *codeWalk) opensPHP(v []byte, i int) bool {
	rest := v[i:]
	if len(rest) == 2 {
		return i > 0 && isWord(v[i-1])
	}
	switch rest[2] {
	case 'p', 'P':
		return hasPrefixFold(rest, "<?php") && skipBlank(rest, len("<?php")) < len(rest)
	case '=':
		return true
	case ' ', '\t':
		return c.mark(v, i+2) < min(len(v), i+maxEvidence) || opensCode(rest[2:min(len(rest), maxEvidence)])
	case '\n':
		return hasPrefixFold(rest, "<?\nphp ")
	case 'x', 'X':
		return hasPrefixFold(rest, "<?xml") && len(rest) > 6 && gap(rest, 5) < len(rest) && rest[gap(rest, 5)] == ':'
	}
	return false
}

// mark returns where the next sign of code is, from i on, len(v) for none. The
// places that it is asked for only go on.
func (c *codeWalk) mark(v []byte, i int) int {
	for c.marked = max(c.marked, i); c.marked < len(v) && !marksCode[v[c.marked]]; c.marked++ {
	}
	return c.marked
}

// marksCode are the signs by which code is told from a question.
var marksCode = [256]bool{'$': true, '(': true, ';': true, '`': true, '=': true, '>': true, '"': true, '\'': true}

// opensCode reports whether v, behind the short form of PHP's tag, is rather code
// than a question although there is no sign of code: it begins with a word of it.
func opensCode(v []byte) bool {
	v = bytes.TrimLeft(v, " \t")
	n := run(v, 0, len(v), isWordASCII)
	return beforeCalls.Has(v[:n]) || execCalls.Has(v[:n])
}

// variable reads a superglobal of PHP or a variable that is called.
func (c *codeWalk) variable(best *lead, v []byte, i int) int {
	if !c.listing && len(v) <= 80 {
		complexName(best, v, i)
	}
	for i+1 < len(v) && (v[i+1] == '{' || v[i+1] == '$') {
		i++
	}
	j := run(v, i+1, len(v), isWordASCII)
	if j == i+1 {
		return j
	}
	c.names++
	if superglobals.Has(v[i+1 : j]) {
		c.globs++
		weight := float32(0.4)
		if j < len(v) && (v[j] == '[' || v[j] == '{') && !c.listing {
			weight = 0.75
		}
		best.offer(weight, i, min(len(v), j+12), "A variable of PHP reads the request.")
	}
	if !c.listing && !isDigit(v[i+1]) { // an amount of dollars is no variable
		c.calledVariable(best, v, i, j)
	}
	return j
}

// complexName judges what stands in braces behind the dollar sign at i.
func complexName(best *lead, v []byte, i int) {
	if i+1 >= len(v) || v[i+1] != '{' {
		return
	}
	if n := bytes.IndexByte(v[i:], '}'); n > 2 && i+n+1 < len(v) && v[i+n+1] == '(' {
		best.offer(0.7, i, min(len(v), i+n+8), "A function of PHP is called by a name in a variable.")
	}
	if i+3 < len(v) && (v[i+2] == '\'' || v[i+2] == '"') {
		best.offer(0.55, i, min(len(v), i+24), "A variable of PHP is named by a string.")
	}
}

// calledVariable judges the variable v[i:j], where it is called.
func (c *codeWalk) calledVariable(best *lead, v []byte, i, j int) {
	k := gap(v, j)
	switch {
	case k == len(v):
	case v[k] == '[' || v[k] == '{':
		if k = indexed(v, k); k < len(v) && v[k] == '(' {
			best.offer(0.7, i, min(len(v), k+8), "A function of PHP is called by a name in a variable.")
		}
	case v[k] == '(' && !bytes.HasPrefix(v[k+1:], []byte("$.")) && c.assigned(v, i, j) && (i == 0 || v[i-1] == '.' && !(i > 1 && isWordASCII(v[i-2])) || v[i-1] == ';' || v[i-1] == '@' || i > 1 && v[i-1] == '>' && v[i-2] == '-') && c.behind.from(k) < len(v):
		best.offer(0.6, i, min(len(v), k+8), "A function of PHP is called by a name in a variable.")
	}
}

// assigned reports whether the variable v[i:j] may hold the name of a function:
// it is set in the value, holds what the request sends, or is called with a
// string. JSONata has functions that are named like variables, and sets them
// with another sign.
func (c *codeWalk) assigned(v []byte, i, j int) bool {
	if !c.sought {
		c.sought, c.jsonata = true, bytes.Contains(v, []byte(" := "))
	}
	if c.jsonata || jsonataFunctions.Has(v[i+1:j]) {
		return false
	}
	if i > 0 || superglobals.Has(v[i+1:j]) {
		return true
	}
	k := gap(v, j)
	return j-i < 5 || k > j || k+1 < len(v) && (v[k+1] == '\'' || v[k+1] == '"')
}

// maxIndexes is how many brackets may follow each other.
const maxIndexes = 16

// indexed returns the end of the brackets that follow each other from i.
func indexed(v []byte, i int) int {
	for range maxIndexes {
		if i >= len(v) || v[i] != '[' && v[i] != '{' {
			break
		}
		end := byte(']')
		if v[i] == '{' {
			end = '}'
		}
		n := bytes.IndexByte(v[i:min(len(v), i+32)], end)
		if n < 0 {
			return i
		}
		if i+n+1 < len(v) && v[i+n+1] == end && bytes.IndexByte(v[i+1:i+n], v[i]) >= 0 {
			n++ // one inside another
		}
		i = gap(v, i+n+1)
	}
	return i
}

// escapedName judges a string at the start of a value that is called, with
// letters in escapes.
func escapedName(best *lead, v []byte) {
	end := bytes.IndexByte(v[1:min(len(v), 80)], '"')
	if end > 0 && end+2 < len(v) && v[end+2] == '(' && (bytes.Contains(v[:end], []byte(`\x`)) || execCalls.Has(v[1:1+end])) {
		best.offer(0.8, 0, end+3, "The name of a function is hidden in a string and called.")
	}
}

// brackets judges (system)('id') and (['system'])[0]('id'): names hidden from
// filters.
func (c *codeWalk) brackets(best *lead, v []byte, i int) {
	j := c.opened
	if i >= j {
		j = opened(v, i+1)
		c.opened = j
	}
	if j-i >= maxCallGap {
		return
	}
	k := run(v, j, len(v), isWordASCII)
	if k-j < 4 || !execCalls.Has(v[j:k]) {
		return
	}
	if v[i] == '[' && !bytes.ContainsAny(v[i:j], `'"`) {
		return // [link](address) is Markdown
	}
	m := gap(v, k)
	if m < len(v) && (v[m] == ')' || v[m] == ']' || v[m] == '\'' || v[m] == '"') && calledAgain(v[m:min(len(v), m+maxCallGap)]) {
		best.offer(0.85, i, min(len(v), max(m, k+32)), "The name of a function is hidden in brackets and called.")
	}
}

// opened returns the end of the brackets and quotes that open from i on, with
// white space and comments between.
func opened(v []byte, i int) int {
	for i < len(v) {
		switch v[i] {
		case '(', '[', '\'', '"', '\\':
			i++
			continue
		}
		k := gap(v, i)
		if k == i {
			break
		}
		i = k
	}
	return i
}

// calledAgain reports whether brackets that close at the start of b are
// followed by an opening one, with indexes and comments between.
func calledAgain(b []byte) bool {
	closed := false
	for i := 0; i < len(b); {
		i = gap(b, i)
		if i >= len(b) {
			return false
		}
		switch c := b[i]; {
		case c == '(':
			return closed
		case c == ')' || c == ']' || c == '}':
			closed = true
		case c != '[' && c != '{' && c != '\'' && c != '"' && !isDigit(c):
			return false
		}
		i++
	}
	return false
}

// beginsObject are the bytes behind the marks of what ognl knows.
var beginsObject = func() (t [256]bool) {
	for _, c := range "aAcCgGjJlLoOpPrR_{" {
		t[c] = true
	}
	return t
}()

// ognl judges expressions of Struts: static methods and the context.
func (c *codeWalk) ognl(best *lead, v []byte, i int) {
	rest := v[i:min(len(v), i+48)]
	switch {
	case len(rest) < 2 || !beginsObject[rest[1]]:
	case i > 0 && isWord(v[i-1]): // an e-mail address
	case rest[1] == '{':
		if bytes.HasPrefix(rest, []byte("@{[")) {
			best.offer(0.75, i, i+len(rest), "An expression of Perl is evaluated in a string.")
		}
	case rest[0] == '#':
		switch {
		case hasPrefixFold(rest, "#post_render") || hasPrefixFold(rest, "#pre_render") || hasPrefixFold(rest, "#lazy_builder") || hasPrefixFold(rest, "#access_callback"):
			best.offer(pick(c.listing, 0.4, 0.8), i, i+len(rest), "A property of Drupal's forms names a function that is called.")
		case hasPrefixFold(rest, "#context["), hasPrefixFold(rest, "#context.get"), hasPrefixFold(rest, "#_memberaccess"), hasPrefixFold(rest, "#attr["),
			hasPrefixFold(rest, "#application["), hasPrefixFold(rest, "#request["), hasPrefixFold(rest, "#parameters."), hasPrefixFold(rest, "#parameters["):
			best.offer(0.85, i, i+len(rest), "An expression of Struts reaches its context.")
		}
	case hasPrefixFold(rest, "@java."), hasPrefixFold(rest, "@ognl."), hasPrefixFold(rest, "@org.apache"):
		best.offer(0.93, i, i+len(rest), "An expression of Struts calls a static method.")
	case hasPrefixFold(rest, "@grab(") || hasPrefixFold(rest, "@grabconfig(") || hasPrefixFold(rest, "@grabresolver(") || hasPrefixFold(rest, "@groovy.") || hasPrefixFold(rest, "@asttest("):
		best.offer(pick(c.listing && bytes.Count(v[:min(len(v), maxPath)], []byte("\n")) > 8, 0.42, 0.8), i, i+len(rest), "An annotation of Groovy loads or runs code when it is compiled.")
	}
}

func (c *codeWalk) judge(best *lead) {
	switch {
	case c.listing:
	case c.tagged && c.calls > 0 && c.globs > 0:
		best.certain(0.97, c.first.from, c.first.to, "Code of PHP runs what a parameter of the request holds.")
	case c.tagged && c.calls > 0:
		best.offer(min(best.weight+0.2, 0.9), c.first.from, c.first.to, "Code of PHP calls functions that run code or read files.")
	}
}
