package detect

import (
	"strings"
	"testing"
)

// TestSQLiLists holds the detector to payloads of common tools and cheat
// sheets, one per line, and to texts that look like them.
func TestSQLiLists(t *testing.T) {
	var s Scanner
	w := Where{Place: InForm, Key: []byte("q")}
	for v := range strings.SplitSeq(strings.TrimSpace(sqlPayloads), "\n") {
		if got := weighs(&s, SQLi, v, w); got < attackWeight {
			t.Errorf("attack %q weighs %.2f", v, got)
		}
	}
	for v := range strings.SplitSeq(strings.TrimSpace(sqlLookalikes), "\n") {
		if got := weighs(&s, SQLi, v, w); got >= attackWeight {
			t.Errorf("text %q weighs %.2f: %s", v, got, s.findings[0].Reason)
		}
	}
}

const sqlPayloads = `
1'||1='1
1'|'1
'<>'
1' or 1 -- -
' or ''='
" or ""="
or 1=1
or 1=1--
or 1=1#
or 1=1/*
') or '1'='1--
admin' or '1'='1'#
admin') or ('1'='1'/*
1234 ' AND 1=0 UNION ALL SELECT 'admin', '81dc9bdb52d04dc20036dbd8313ed055
' AND id IS NULL; --
' OR 'unusual' = 'unusual'
' OR 'something' = 'some'+'thing'
' group by userid having 1=1--
' or 1 in (select @@version)--
1 AND 1=1
1 AND 1=2
1' AND 1=1--
1 or sleep(5)#
1) or benchmark(10000000,MD5(1))#
AND (SELECT * FROM (SELECT(SLEEP(5)))bAKL) AND 'vRxe'='vRxe
+ SLEEP(10) + '
RANDOMBLOB(500000000/2)
AND 2947=LIKE('ABCDEFG',UPPER(HEX(RANDOMBLOB(500000000/2))))
%' AND '%'='
x' AND email IS NULL; --
x' AND userid IS NULL; --
anything' OR 'x'='x
x'; DROP TABLE members; --
x'; INSERT INTO members ('email') VALUES ('a')--
x'; UPDATE members SET email = 'a' WHERE email = 'b
x' OR full_name LIKE '%Bob%
23 OR 1=1
'; exec master..xp_cmdshell 'ping 10.10.1.2'--
' ; drop table temp --
" or "a"="a
') or ('x'='x
0 or 1=1
' or 0=0 --
or 0=0 #
' or 1 --'
'union/**/select/**/1,2,3#
1'uNiOn(sElEcT(1),2)#
-1' UnIoN SeLeCt 1,2,3--+
UNION SELECT
UNION ALL SELECT
UNION SELECT 1
UNION SELECT @@VERSION,SLEEP(5),3
1 and (select substring(@@version,1,1))='5'
1 AND ASCII(LOWER(SUBSTRING((SELECT TOP 1 name FROM sysobjects WHERE xtype='U'), 1, 1))) > 116
1'; IF (1=1) WAITFOR DELAY '0:0:5'--
1; IF (SELECT 1)=1 WAITFOR DELAY '0:0:5'
1' AND (SELECT 1 FROM(SELECT COUNT(*),CONCAT((SELECT version()),FLOOR(RAND(0)*2))x FROM information_schema.tables GROUP BY x)a)--
1' AND updatexml(null,concat(0x0a,version()),null)-- -
1 AND GTID_SUBSET(CONCAT(0x7e,(SELECT user()),0x7e),1)
1' AND JSON_KEYS((SELECT CONVERT((SELECT CONCAT(0x7e,user())) USING utf8)))--
1' and 1=ctxsys.drithsx.sn(1,(select user from dual))--
1' AND 1=CAST((SELECT version()) AS int)--
1' AND 1=CONVERT(int,@@version)--
'||utl_http.request('http://x/')||'
'||(SELECT extractvalue(xmltype('<a/>'),'/l') FROM dual)||'
1;copy (select 1) to program 'id'
1;select lo_import('/etc/passwd')
1' UNION SELECT LOAD_FILE('/etc/passwd')#
1' UNION SELECT "<?php ?>" INTO OUTFILE "/var/www/a.php"#
1' LIMIT 0,1 PROCEDURE ANALYSE(EXTRACTVALUE(1,1),1)#
1 limit 1 into outfile '/tmp/a'
(SELECT(0)FROM(SELECT(SLEEP(5)))v)
0'XOR(if(now()=sysdate(),sleep(15),0))XOR'Z
0"XOR(if(now()=sysdate(),sleep(15),0))XOR"Z
if(now()=sysdate(),sleep(15),0)/*'XOR(if(now()=sysdate(),sleep(15),0))OR'"XOR(if(now()=sysdate(),sleep(15),0))OR"*/
-1 OR 2+845-845-1=0+0+0+1 --
-1' OR 2+845-845-1=0+0+0+1 --
-1' OR 3*2*1=6 AND 000845=000845 --
1 waitfor delay '0:0:15' --
LqMP2iGK'; waitfor delay '0:0:15' --
X'||DBMS_PIPE.RECEIVE_MESSAGE(CHR(98)||CHR(98),15)||'
1*DBMS_PIPE.RECEIVE_MESSAGE(CHR(99)||CHR(99),15)
-5 OR 968=(SELECT 968 FROM PG_SLEEP(15))--
1' AND 3*2*1=6 AND '1'='1
(select convert(int,CHAR(65)))
1 AND 1::int=1
1' AND 1=(SELECT COUNT(*) FROM tabname); --
1' AND MID(VERSION(),1,1) = '5
' AND (SELECT 'a' FROM users LIMIT 1)='a
TrackingId=x'||pg_sleep(10)--
' UNION SELECT NULL FROM dual--
' UNION SELECT banner, NULL FROM v$version--
1 /*!12345UNION*//*!12345SELECT*/ 1
1' && '1'='1
1'and'1'like'1
1'regexp'^1
1' or not 1=2#
1' or~1#
1'or!0#
1'or+1#
1'or-1#
1'or(true)#
1'or true-- 
1'div'1
1' mod '1
1'is null#
' or 1 limit 1 -- -+
' or 1=1 limit 1;#
admin'-- -
admin';--
admin'/*comment
admin' or 1=1 order by 1 desc-- 
"=""or"
'=''or'
' oR/**/1=1#
1 OR 1=1 ORDER BY 1
1,(select 1)
1,1 procedure analyse()
id desc,(select 1 from dual)
(case when 1=1 then id else name end)
name;waitfor delay '0:0:5'
1 union/*x*/select/*y*/1
1 UNION(SELECT 1)
1 UNION DISTINCT SELECT 1
1 UNION DISTINCTROW SELECT 1
1 union select-1
1 union select+1
1 union select"1"
1 union select'1'
1 union select~1
1 union select!1
1 union select@a:=1
1 union select all 1
-1 union values row(1,2)
1 and exists(select*from users)
1 and 0<(select count(*)from users)
1 having sum(1)>0
1 and 1 between 0 and 2
1 and 'a'in('a')
1 and char(97)='a'
1 and 0x61='a'
1 and mid(user(),1,1)>'a'
1 and if(1,1,0)
1 and(1=1)
1 or(1)=(1)
1-if(1=1,0,1)
1-sleep(5)
1*(select 1 from dual)
1;set @a=1;prepare s from @a;execute s
1");select 0x61 into @b;execute b;--
1';prepare s from @a;execute s;--
'; execute immediate 'sel' || 'ect'--
1; grant all on *.* to 'a'@'%'
1;create table a(b int)
1;alter table a add b int
1;truncate table a
`

const sqlLookalikes = `
if x = 1 or y = 2 then z
it's 5 = 5 or it's not
Let a=1 and b=1; prove a=b
5' 11" or 6'
She's 5'4" and he's 6'2"
'Twas the night before Christmas, and all through the house
the '60s and '70s or the '80s
rock 'n' roll and rhythm 'n' blues
Is it "yes" or "no"?
"yes" or "no" = undecided
select * from life
I want to select from: a) red or b) blue
where is the union? (select one)
Please order by 5 pm or group by 6
order by 10 -- thanks
group by age having fun
1 or 2 = 3?
1=1
a = b and c = d
true or false?
null and void
password = 'secret' and user = 'admin'
size in (1, 2, 3) or color = 'red'
name like '%john%' and age > 30
status = "active" AND (priority > 3 OR owner = "bob")
assignee = currentUser() AND resolution = Unresolved ORDER BY priority DESC
label in ("a","b") and sprint in openSprints()
error rate > 5% and latency < 200ms or status = 500
count(*) > 5
sum(rate(http_requests_total[5m])) by (job) > 10 and on() vector(1)
message: "user's login" AND level: error
{"query": "user's and 'others'"}
cat file | grep -v '#' -- "$1"
echo "it's" ; select opt in a b c; do echo $opt; done
let x = a || b && c === 'd';
if ('a' === b && c == 'd') { return 'e' + f('g'); }
const s = 'it\'s' + " or " + x;
x = y if y == 'z' or w else 'q'
WHERE clause: see docs (a=1)
The function sleep(1000) waits; use benchmark(f) to time
insert into your calendar: "meeting (10:00)" values matter
update your profile; set status = away
delete from cart; drop by the store
create table reservations for 5; alter plans
call now; execute orders; grant access to all
load data from disk; copy a to b
exec summary; begin transaction; commit
Jack O'Neill and Sam O'Connor's or'
L'amour de l'or, l'eau et l'air: qu'est-ce que c'est?
c'est l'un ou l'autre = 'voila'
dell'arte and nell'acqua or 'sopra' = sotto
l'"Orto" e l'altro -- ecco
N'Djamena and 'Ndrangheta
x'y'z''
'' or ""
''
'--'
'#1 dad'
#1 "winner" -- 2020
C:\dir\'a' or 'b'
--help and --version or -v
he said: 'select' -- not 'drop'
foo'; bar'
100% 'pure' -- or your money back
-- 
/* comment */
<!-- a or b = 'c' -->
https://example.com/?a='b'&c="d"#e
SELECT
select
union
1 union 2
union all
union select committee report
credit union select account holders
European Union; select countries
and 1 = 1 more thing
and/or = either
between 1 and 10 or 20
between 5 and 10%
it is 1 and 1 is 2
5 in 10 or 1 in 2
rows 1-10 and columns 1=5
A1=B1 or A2=B2
=IF(A1=1,"yes","no")
=IF(AND(A1=1,B1=2),SUM(C1:C5),0)
=A1&" or "&B1
regex: ^(a|b)*$ or 'c'
50 or 60 -- whichever
version() { echo 1; }
user() or admin()
database() connection
a||b
a && b || c
x == 1 || y == 2
'a' == 'a'
1 || 1
0x41 or 0x42
0xdeadbeef = 3735928559
1e5 or 1e6
10% or 20%=30%
order #5 or order #6 -- rush
waitfor delay
procedure analyse
into outfile
information_schema
name_const
it's information_schema
select 'a' or 'b'
select "quoted text" from menu
select 1 or 2 items
choose 1 or select 2 from list
"select" and 'from' = keywords
case when you know it, then end
case when x then y
in case of fire: when 1=1 then run
having 2 or 3 = many
where 1 = one
limit 10 or 20
limit 5, 10
exists (a) or not exists (b)
not in (a, b)
is null or is not null
O''Brien
'O''Brien' and 'O''Neil'
John "Johnny" O'Dell or 'JD'
10' x 12' room or 3' = 1yd
6'-0" x 2'-6" door
`
