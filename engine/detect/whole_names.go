package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// systemGateWords are the words of systemNames.
const systemGateWords = `information_schema performance_schema pg_catalog pg_toast pg_authid pg_shadow pg_roles pg_user pg_database pg_tables pg_class
	tempdb msdb mysql msysaccessobjects msysaces msysobjects msysqueries msysrelationships msysmodules
	northwind adventureworks sqlite_master sqlite_schema sqlite_temp_master sysobjects syscolumns sysusers sysdatabases
	schema_name schemata table_name table_schema column_name all_tables all_users user_tables dba_users dba_tables`

var (
	// systemNames are what databases call what they know of themselves.
	systemNames = lexicon.New(`information_schema performance_schema pg_catalog pg_toast pg_authid pg_shadow pg_roles pg_user
		pg_database pg_tables pg_class tempdb msdb mysql.db mysql.user mysql.func mysql.innodb_table_stats msysaccessobjects msysaces
		msysobjects msysqueries msysrelationships msysmodules sqlite_master sqlite_schema sqlite_temp_master sysobjects syscolumns
		sysusers sysdatabases all_tables all_users user_tables dba_users dba_tables`)
	// bodyNames are columns of those, and databases that servers are shown
	// with.
	bodyNames = lexicon.New("schema_name schemata table_name table_schema column_name northwind adventureworks")
)

const reasonSystemName = "The value is the name of what a database keeps of itself."

// isSystemName reports whether v is nothing but such a name where it is asked
// for: as all that a body says, or by a parameter that names a table. Texts and
// tools for databases name them elsewhere.
func isSystemName(v []byte, w *Where) bool {
	if w.Place != InBody && (w.Name || !hasFold(w.Key, "table")) {
		return false
	}
	v = bytes.TrimSpace(v)
	if bytes.ContainsAny(v, "\t\r\n") {
		return false // two words, of which lexicons make one
	}
	if w.Place == InBody {
		return systemNames.Has(v) || bodyNames.Has(v)
	}
	return systemNames.Has(v) && !hasPrefixFold(v, "sqlite_") // which is one of the tables that tools for it list
}
