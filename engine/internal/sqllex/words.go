package sqllex

import "strings"

// Role says what a word of the vocabulary does in a statement.
type Role uint8

// The roles.
const (
	None      Role = iota
	And            // and, or, xor
	Not            // not, binary, and what else stands before an operand
	Like           // a comparison in words
	In             // in, exists, any, between: what follows is a list or a query
	Is             // is, isnull
	Union          // joins two queries
	Select         // begins a query
	All            // all, distinct, top
	From           // from, join, using
	Where          // where, on
	Having         // having
	Order          // order, group
	By             // by
	Limit          // limit, offset, fetch
	Into           // into
	Outfile        // outfile, dumpfile
	Verb           // begins a statement that changes something
	Object         // table, database ...
	Values         // values, set
	Exec           // exec, execute, call
	Declare        // declare
	Waitfor        // waitfor
	Delay          // delay, time
	Case           // case
	When           // when
	Then           // then, else
	Stop           // end
	As             // as, asc, desc, collate
	Literal        // null, true, false
	Niladic        // current_user and its kin: functions without parentheses
	Func           // a function that data also has: count, lower
	Spy            // a function that tells of the server or encodes: version, concat_ws, hex
	Sleep          // a function that delays, whose name programs use too: sleep
	Danger         // a function that delays, reads files, sends or runs: load_file
	System         // a catalogue: information_schema, sysobjects
	Procedure      // procedure
	Analyse        // analyse
	Type           // a type name, as in a cast
	numRoles
)

// The vocabulary, by role. Fragments repeat these words. Those with a word
// inside itself are what some filters make the word of, by taking it out once.
var words = [numRoles]string{
	And:       "and or xor oorr anandd aandnd",
	Not:       "not binary",
	Like:      "like rlike regexp sounds glob ilike similar div mod match soundslike notnull",
	In:        "in exists any some between",
	Is:        "is isnull",
	Union:     "union intersect except minus uunionnion ununionion uniunionon uniounionn unionunion",
	Select:    "select sselectelect seselectlect selselectect seleselectct selecselectt selectselect",
	All:       "all distinct distinctrow top straight_join sql_no_cache",
	From:      "from join",
	Where:     "where on",
	Having:    "having",
	Order:     "order group",
	By:        "by",
	Limit:     "limit offset fetch",
	Into:      "into",
	Outfile:   "outfile dumpfile",
	Verb:      "insert update delete drop create alter truncate replace grant revoke rename merge shutdown backup restore attach detach copy handler pragma vacuum lock kill use show load do reconfigure",
	Object:    "table database view index function trigger user schema column login role sequence tablespace",
	Values:    "values set value",
	Exec:      "exec execute call",
	Declare:   "declare",
	Waitfor:   "waitfor",
	Delay:     "delay",
	Case:      "case",
	When:      "when",
	Then:      "then else",
	Stop:      "end",
	As:        "as asc desc collate escape",
	Literal:   "null true false",
	Niladic:   "current_user session_user system_user current_date current_time current_timestamp current_database localtime localtimestamp sysdate getdate rownum user_name",
	Func:      "count sum avg min max lower upper length len trim ltrim rtrim round floor abs if ifnull iif nullif coalesce cast convert concat substr substring mid left right  date year month day now rand random pow power sqrt sin cos tan exp log ln  sign rank row group_by format time timestamp reverse lcase ucase char_length character_length position instr locate repeat lpad rpad space strcmp greatest least interval extract date_format date_add date_sub unix_timestamp from_unixtime last_insert_id found_rows to_char to_date to_number nvl decode translate stuff patindex charindex isnumeric newid object_id array_agg row_number string_agg json_extract json_value json_query json_object json_array json_keys json_valid json_build_object jsonb_build_object jsonb_agg json_agg json_each to_json to_jsonb row_to_json jsonb_pretty total changes",
	Spy:       "version user database schema_name db_name host_name suser_name suser_sname suser_id is_srvrolemember is_member serverproperty has_dbaccess object_name col_name col_length type_name connection_id version_comment ascii ord char chr nchar unichr unistr hex unhex bin oct hextoraw rawtohex to_base64 from_base64 md5 sha sha1 sha2 crc32 password old_password aes_encrypt aes_decrypt des_encrypt des_decrypt encode encrypt compress uncompress concat_ws group_concat wm_concat listagg make_set elt field find_in_set export_set conv inet_aton inet_ntoa inet6_aton bit_count bitcount quote unicode quotename substrb lengthb current_setting set_config regexp_substring regexp_substr regexp_replace gtid_subset gtid_subtract  st_latfromgeohash st_longfromgeohash st_pointfromgeohash bin_to_uuid uuid_to_bin name_const multipoint polygon multipolygon multilinestring linestring geometrycollection  ctxsys dbms_utility sqlid_to_sqlhash query_to_xml database_to_xml xmltype xmlforest xmlelement xmlagg openjson fn_virtualfilestats cluster_path bitstring_to_binary zeroblob sqlite_version sqlite_compileoption_used generate_series array_to_string string_to_array unnest nullifzero  code hashbytes checksum fn_trace_gettable tuple uniquearray pg_client_encoding pg_database_size inet_server_addr version_compile_os basedir datadir row_count",
	Sleep:     "sleep benchmark",
	Danger:    "pg_sleep pg_sleep_for pg_sleep_until  extractvalue updatexml load_file load_extension readfile writefile xp_cmdshell xp_dirtree xp_fileexist xp_subdirs xp_regread xp_regwrite xp_regdeletekey xp_availablemedia xp_enumdsn xp_loginconfig xp_makecab xp_ntsec_enumdomains xp_terminate_process xp_servicecontrol xp_regaddmultistring xp_regenumvalues xp_regenumkeys xp_regremovemultistring xp_regdeletevalue xp_webserver xp_getfiledetails xp_sprintf xp_sscanf xp_execresultset xp_displayparamstmt xp_printstatements sp_oacreate sp_oamethod sp_password sp_makewebtask sp_configure sp_addextendedproc sp_executesql sp_execute_external_script sp_addsrvrolemember sp_start_job sp_helpdb sp_help sp_prepare sp_msforeachtable randomblob openrowset opendatasource openquery openxml dbms_pipe receive_message dbms_lock dbms_ldap dbms_java dbms_scheduler dbms_xmlgen dbms_xmlquery dbms_export_extension dbms_assert dbms_sql utl_http utl_inaddr utl_file utl_smtp utl_tcp httpuritype dbms_session user_lock dbms_random get_host_address pg_read_file pg_read_binary_file pg_ls_dir pg_stat_file pg_terminate_backend pg_reload_conf pg_logfile_rotate lo_import lo_export crypt_key lo_get lo_from_bytea dblink dblink_connect dblink_exec dblink_send_query copy_from sys_eval sys_exec sys_get sys_set lib_mysqludf_sys xmltransform  fn_get_audit_file fn_xe_file_target_read_file master_pos_wait get_lock release_lock is_free_lock  evalmemory waitforseconds",
	System:    "information_schema performance_schema sysobjects syscolumns sysusers sysdatabases syslogins sysxlogins systables syscat sysibm sysmaster syspaghdr sysprocesses syscomments systypes sqlite_master sqlite_schema sqlite_temp_master pg_catalog pg_shadow pg_user pg_database pg_tables pg_class pg_authid pg_namespace pg_attribute pg_roles pg_stat_activity pg_proc pg_largeobject all_tables all_users all_objects all_tab_columns all_tab_cols all_db_links user_tables user_tab_columns user_users user_objects user_constraints user_ind_columns user_role_privs user_tab_privs user_views dba_users dba_tables dba_objects msysobjects msysaces msysqueries msysrelationships msysacces master tempdb msdb innodb_table_stats innodb_index_stats schemata v$version v$session v$instance v$database gv$session rdb$database rdb$fields rdb$types rdb$collations rdb$functions rdb$relations rdb$relation_fields mon$attachments sysdummy1 syspublicgrants systemusers character_sets x$schema_flattened_keys  ",
	Procedure: "procedure proc",
	Analyse:   "analyse",
	Type:      "int integer varchar varchar2 nvarchar varbinary numeric decimal bigint smallint tinyint float double boolean bool text ntext  signed unsigned datetime bytea jsonb regclass regtype  uuid ",
}

// slots is the size of the hash table, a power of two that leaves most slots
// empty, for most words that are looked up are in none.
const slots = 1 << 12

// vocabulary is a hash table with linear probing. The roles, None for empty slots,
// stand by themselves, since they tell of most words that they are in none and
// fit into the first-level cache.
var vocabulary = makeVocabulary()

type table struct {
	roles [slots]Role
	words [slots]string
}

func makeVocabulary() *table {
	t := new(table)
	for r, list := range words {
		for _, w := range strings.Fields(list) {
			i := slot(hash([]byte(w)))
			for t.roles[i] != None && t.words[i] != w {
				i = (i + 1) % slots
			}
			t.roles[i], t.words[i] = Role(r), w
		}
	}
	return t
}

func hash(word []byte) (h uint32) {
	for _, c := range word {
		h = mix(h, c)
	}
	return h
}

// mix adds a byte to the hash of those before it.
func mix(h uint32, c byte) uint32 { return h*31 + uint32(c|0x20) }

// slot returns where to look first for words with a hash.
func slot(h uint32) uint32 { return (h * 0x9E3779B1) >> 20 }

// maxWord is longer than every word of the vocabulary.
const maxWord = 28

// Lookup returns the role of a word in any case, None if it is not in the
// vocabulary.
func Lookup(word []byte) Role {
	if len(word) > maxWord {
		return None
	}
	return find(word, hash(word))
}

// find returns the role of a word with the hash h.
func find(word []byte, h uint32) Role {
	t := vocabulary
	for i := slot(h); t.roles[i] != None; i = (i + 1) % slots {
		if fold(word, t.words[i]) {
			return t.roles[i]
		}
	}
	return None
}

// fold reports whether b is lower but for case.
func fold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// Words returns the words of the roles, separated by spaces.
// Names that hold a dollar sign are left out.
func Words(roles ...Role) string {
	var list []string
	for _, r := range roles {
		for _, w := range strings.Fields(words[r]) {
			if strings.IndexByte(w, '$') < 0 {
				list = append(list, w)
			}
		}
	}
	return strings.Join(list, " ")
}
