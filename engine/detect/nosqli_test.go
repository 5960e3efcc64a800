package detect

import "testing"

func TestNoSQLi(t *testing.T) {
	var s Scanner
	f := func(v string, w Where, attack bool) {
		t.Helper()
		if got := weighs(&s, NoSQLi, v, w); (got >= attackWeight) != attack {
			t.Errorf("%q at %+v weighs %.2f", v, w, got)
		}
	}
	query, name := Where{Place: InQuery, Key: []byte("q")}, Where{Place: InQuery, Name: true}
	operator := func(key, parent string) Where {
		return Where{Place: InJSON, Key: []byte(key), Parent: []byte(parent)}
	}

	f("1;var a=new Date();do{b=new Date();}while(b-a<500)", query, true)
	f("; d = new Date(); while (new Date() - d < 9000) {}", query, true)
	f("It ended; a new date while we (two) wait", query, false)
	f("user[$ne]", name, true)
	f("password[$regex]", name, true)
	f("login[$gt]", name, true)
	f("price[$gt]", name, false) // query libraries offer it
	f("$filter", name, false)
	f("$where", Where{Place: InJSON, Name: true}, true)
	f("user[$ne]=1", Where{Place: InBody}, true)

	f("' && this.password.match(/.*/)//", query, true)
	f("it's && this.a", query, false)
	f("' || this.version || '1'=='1", Where{Place: InJSON}, true)
	f("'&&Object.keys(this)[0].match('^a", query, true)
	f("t\"; return this; var d='!", query, true)
	f("' && this==this && '", query, true)
	f("it's && this is it", query, false)
	f("function(){return true}", query, true)
	f("function() { return this.a == 1 }", query, true)
	f("function(){ return this.value }", Where{Place: InJSON, Key: []byte("formatter")}, false)
	f("function(){var d=Date.now(); while(Date.now()-d<5000){}; return true;}", Where{Place: InJSON, Key: []byte("q")}, true)
	f("function(doc){ return true }", query, false)
	f("function() { [native code] }", query, false)
	f("1;return(true)", query, true)
	f("1; return 1", query, true)
	f(";return sleep(300);", query, true)
	f("1; return 1 book", query, false)
	f("gone; returned (true)", query, false)
	f(`"}, {"$set": {"role":"admin"}}`, query, true)
	f(`' } ], $comment:'x' } ]`, query, true)
	f(`"a", "$b": 1`, query, false)
	f(`it's {a}, $5: fine`, query, false)
	f("var_dump", operator("$func", "user"), true)

	f("", operator("$gt", "q"), true)
	f("x", operator("$nor", "q"), true)
	f("x", operator("$text", "q"), false)
	f("undefined", operator("$gt", "q"), true)
	f("^m", operator("$regex", "password"), true)
	f("1", operator("$ne", "password"), true)
	f("admin", operator("$eq", "username"), false)
	f("20", operator("$gte", "price"), false)
	f("^Why", operator("$regex", "title"), false)
	f("new", operator("$in", "state"), false)
	f("this.a == this.b", operator("$where", "q"), true)

	f("{}", operator("$gt", "q"), true)
	f("[]", operator("$lte", "q"), true)
	f("false", operator("$gte", "q"), true)
	f("[]", operator("$ne", "q"), false)
	f("null", operator("$gt", "_id"), false) // as CouchDB's users ask for all
	f("$", operator("$regex", "q"), true)
	f(".{4}", operator("$regex", "q"), true)
	f(".", operator("$regex", "q"), false)
	f("^.{4}$", operator("$regex", "q"), true)
	f("", operator("$regex", "q"), false)
	f("$5", operator("$regex", "price"), false)
	f("x", operator("$ne", "reset_token"), true)
	f("x", operator("$ne", "tokens"), false)
	f("1", Where{Place: InJSON, Key: []byte("$gt")}, true)
	f("1", Where{Place: InJSON, Key: []byte("$set")}, false)
	f("$function", Where{Place: InJSON, Name: true}, true)
	f(`{"$ne": null}`, Where{Place: InJSON, Key: []byte("text")}, true)
	f(`{"tags":{"$ne":null}}`, query, false)
	f(`{"$gt": 21}`, query, false)

	f("{}", operator("$or", "q"), true)
	f("[]", operator("$nin", "password"), true)
	f("[]", operator("$nin", "tags"), false)
	f("{}", operator("$match", "q"), false)
	within := operator("$not", "pwd")
	within.Within = true
	f("x", within, true)
	within.Parent = []byte("price")
	f("5", within, false)

	f(`{"$gt": ""}`, query, true)
	f(`{ $ne: 1 }`, query, true)
	f(`{"username": {"$eq": "admin"}, "password": {"$regex": "^m"}}`, query, true)
	f(`1, $where: '1 == 1'`, query, true)
	f(`', $or: [ {}, { 'a':'a`, query, true)
	f(`}, { password : /.*/ }`, query, true)
	f(`{"price":{"$gte":10,"$lt":263},"tags":{"$in":["a","b"]},"$or":[{"sql":{"$exists":true}},{"views":{"$ne":3}}]}`, query, false)
	f("query List($first: Int, $where: ProductWhere) { id }", query, false)
	f(`{"$schema":"https://json-schema.org/x","$ref":"#/a","$id":"1"}`, query, false)

	f("';return 'a'=='a' && ''=='", query, true)
	f("';sleep(5000);+'", query, true)
	f("';it=new Date();do{pt=new Date();}while(pt-it<5000);", query, true)
	f("db.users.drop()", query, true)
	f("it's late; return the books", query, false)
	f("\"; return this.isAdmin == 1; //", query, true)
	f("admin';return false;//", query, true)
	f("admin;return true;", query, true)
	f("return true to your home", query, false)
	f("it's so; return falsely", query, false)
	f("costs $5; $10 at the door: see db.php", query, false)
}

func FuzzNoSQLi(f *testing.F) {
	for _, v := range seeds[NoSQLi] {
		f.Add([]byte(v), "$gt", "user")
	}
	f.Fuzz(func(t *testing.T, v []byte, key, parent string) {
		var s Scanner
		s.nosqli(v, &Where{Key: []byte(key), Parent: []byte(parent)})
		checkFindings(t, v, s.findings)
	})
}
