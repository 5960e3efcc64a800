package detect

import "testing"

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
	}, []string{
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
		"$5.00 (five)",
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
