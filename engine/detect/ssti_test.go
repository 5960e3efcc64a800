package detect

import "testing"

func FuzzSSTI(f *testing.F) { fuzz(f, SSTI) }

func TestSSTI(t *testing.T) {
	recognises(t, SSTI, Where{Place: InQuery}, []string{
		"{{7*7}}",
		"${7*7}",
		"#{7*7}",
		"<%= 7*7 %>",
		"{{7*'7'}}",
		"${{7*7}}",
		"*{7*7}",
		"@(7*7)",
		"{{''.__class__.__mro__[1].__subclasses__()}}",
		"{{config.items()}}",
		"{{request.application.__globals__}}",
		"{{self._TemplateReference__context.cycler.__init__.__globals__.os.popen('id').read()}}",
		"${T(java.lang.Runtime).getRuntime().exec('id')}",
		"<#assign ex='freemarker.template.utility.Execute'?new()>${ex('id')}",
		"{{['id']|filter('system')}}",
		"#set($e=\"e\")$e.getClass().forName('java.lang.Runtime')",
		"{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
		"{php}echo `id`;{/php}",
		"<%= system('id') %>",
		"{{ config }}",
		"[[${7*7}]]",
		"{{constructor.constructor('return 1')()}}",
	}, []string{
		"",
		"Hello {{name}}",
		"Dear {{ customer.first_name }}",
		"${var}",
		"{version}",
		"#{tag}",
		"50% <b>",
		"a {b} c",
		"{\"a\": {\"b\": 1}}",
		"x = {1, 2, 3}",
		"/docs/{{version}}/facades",
		"<%s> printf",
		"@{user}",
		"Mail me @ (home)",
		"# Heading (one)",
		"set notation {x | x > 0}",
		"price: ${amount}",
		"{{ product.title }} - {{ shop.name }}",
		"\\frac{a}{b}",
	})
}
