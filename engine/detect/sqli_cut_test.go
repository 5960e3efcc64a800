package detect

import (
	"strings"
	"testing"
)

// TestSQLiCut holds the detector to values that leave a string and hide the
// rest of the query, in the dialects, and to texts with the same signs.
func TestSQLiCut(t *testing.T) {
	var s Scanner
	for _, w := range []Where{{Place: InQuery, Key: []byte("id")}, {Place: InForm, Key: []byte("q")}, {Place: InJSON, Key: []byte("name")}} {
		for v := range strings.SplitSeq(strings.TrimSpace(sqlCuts), "\n") {
			if got := weighs(&s, SQLi, v, w); got < attackWeight {
				t.Errorf("attack %q weighs %.2f", v, got)
			}
		}
		for v := range strings.SplitSeq(strings.TrimSpace(sqlUncut), "\n") {
			if got := weighs(&s, SQLi, v, w); got >= attackWeight {
				t.Errorf("text %q weighs %.2f: %s", v, got, s.findings[0].Reason)
			}
		}
	}
}

const sqlCuts = `
admin'#
jane"#
1'#
'-0#
'-''#
'^0#
a'*1-- -
'or pi()#
' is not null#
x' or 1 or '
' and interval '1'-- 
1' and array[1]=array[1]--
1' and {fn now()}--
1' and date '2020-01-01' is not null--
1' and match(a) against('b')#
1' collate nocase--
1' into @a#
1' for update--
1' lock in share mode#
1' natural join staff--
1' from staff--
1',2,3)--
1','2','3')--
1'),('a','b')--
x') returning id--
x') on conflict do nothing--
x') on duplicate key update a=1#
x',is_admin=1--
x',is_admin='1
x', role='admin' where id=1--
x',version(),'y
'; show tables--
'; desc staff#
'; use master--
'; commit--
'; begin; select 1; commit--
'; begin transaction; drop table a; commit--
'; begin null; end;--
'; explain select 1--
'; create trigger t after insert on a for each row begin select 1; end--
'; alter role a superuser--
'; alter user sa with password='b'
'; create login a with password='b'
'; set global general_log=on#
'; grant dba to scott--
'; flush privileges#
'; do 1#
'; call p()#
'; do $$ begin perform 1; end $$--
'; pragma table_info(a)--
'; vacuum--
'; dbcc addextendedproc('a','b')--
'; values(1)--
'; with a as (select 1) select * from a--
'; print 'a'--
'; if object_id('a') is not null drop table a--
'; while 1=1 begin select 1 end--
'; execute as login='sa'--
'; delete quick from staff where 'a'='a
'; delete low_priority from staff
'; update ignore staff set a='1
'; update "staff" set "a"='x
'; insert ignore into staff values(1)
'; insert or replace into staff values(1)
'; insert staff values(1)
'; merge into staff using dual on (1=1) when matched then update set a=1
'; handler staff open
'; prepare s from concat('sel','ect 1')
1); if((2=3),select 2,drop function f);# and (4=4
1-- sp_password
1' into outfile concat('/tmp/','a')#
1 or true
1 and id=id
' oorr 1=1--
1 anandd 1=1
' uniunionon selselectect 1,2--
' union/*! select */1,2--
' union select{x 1}--
a' union (select staff)
\Nunion select 1,2
1 group by 1,b having 1=1
1 asc,sleep(5)
cast(@@version as int)
(sleep(6))
1'-1/user--'
'+a--+z
' return 1 //
a'}) return n union match (m:Staff) return m //
' call apoc.util.sleep(5000) return 1 //
a') detach delete n //
' or 1=1 load csv from 'http://a.example/' as x return x //
'or true::text='true
1" make_set(2=3,4)-- -
'; vacuum-- -
x',2)-- -
1' natural join staff-- -
convert(int,@@version)
`

const sqlUncut = `
nope' #
x'~email--
(sleep(a))
it's +1 -- x
it's here: return it to https://
don't call me //
'90s #
the dogs' and cats
dogs' and the cats --
'-1 --'
"+1 --"
5'-0#
5'-6"
Rock 'n' Roll -- live
O', Brien
it's late; use the stairs -- please
'a', 'b', 'c'
"a","b" -- c
union (select committee)
the union (select members)
0 or none
1 and only
/*! select2 v4.0 | MIT */
/*! show.css */
show tables
C:\New folder
print('a'); return b  # done
x = 'a'; if b then c
insert new values (three)
`
