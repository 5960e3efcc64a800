package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenJDBC: a property is set, or the address of a database begins the value.
var whenJDBC = []feature{hasObjectWord | hasEqual, hasObjectWord | hasColon}

const jdbcGateWords = driverProperties + " init jdbc"

// driverProperties make a driver load classes, make objects of what the server
// sends, send it files of its client, or ask a directory. Who may only name a
// database has no use for them.
const driverProperties = `autodeserialize queryinterceptors statementinterceptors exceptioninterceptors allowurlinlocalinfile allowloadlocalinfileinpath
	clientrerouteserverlistjndiname slavehost socketfactoryarg sslfactoryarg authenticationpluginclassname`

var (
	driverSet      = lexicon.New(driverProperties)
	jdbcVocabulary = lexicon.New(driverProperties, "jdbc mysql postgresql h2 mem init runscript create trigger alias from true http ldap socketfactory loggerfile")
)

// maxAddress is longer than the addresses of databases are.
const maxAddress = 2048

// jdbc judges the address of a database, or the properties of one: what takes
// it connects to any server with any property of the driver.
func (s *Scanner) jdbc(v []byte, w *Where) {
	address := hasPrefixFold(v, "jdbc:")
	if len(v) > maxAddress || w.Container && !address || w.Name {
		return
	}
	var best lead
	if address {
		driver := v[len("jdbc:"):]
		if hasPrefixFold(driver, "modeshape:") && hasFold(driver, "ldap:") || hasPrefixFold(driver, "sqlite::resource:http") {
			best.offer(0.7, 0, len(v), "The address of a database makes the driver load what another host holds.")
		}
	}
	for i := 0; i < len(v); {
		j := run(v, i, len(v), isWordASCII)
		if j == i || j == len(v) || v[j] != '=' {
			i = j + 1
			continue
		}
		switch name, value := v[i:j], v[j+1:]; {
		case driverSet.Has(name) && len(value) > 0 && !hasPrefixFold(value, "false"):
			best.offer(pick(address || bytes.IndexByte(v, ' ') < 0, 0.8, 0.4), i, min(len(v), j+32), "A property makes the driver of a database load code or objects.")
		case equalFold(name, "init") && (hasPrefixFold(value, "runscript") || hasPrefixFold(value, "create ")) && (i == 0 || v[i-1] == ';'):
			best.offer(0.85, i, min(len(v), j+32), "A property makes a database run statements when it is connected to.")
		case address && loadsByAddress(name, value):
			best.offer(0.7, i, min(len(v), j+32), "A property makes the driver of a database load a class or write a file.")
		}
		i = j + 1
	}
	s.follow(Code, v, best, jdbcVocabulary)
}

// loadsByAddress reports whether a property of an address names a class that
// others than drivers have, a file of the system or a page, or a command.
func loadsByAddress(name, value []byte) bool {
	value = value[:run(value, 0, len(value), func(c byte) bool { return c > ' ' && c != '&' && c != ';' })]
	switch {
	case equalFold(name, "socketfactory"), equalFold(name, "sslfactory"):
		return bytes.IndexByte(value, '.') > 0 && !hasPrefixFold(value, "org.postgresql.") && !hasPrefixFold(value, "com.google.cloud.sql.")
	case equalFold(name, "loggerfile"):
		return bytes.HasPrefix(value, []byte("..")) || isSystemPath(value) || isPage(value)
	case equalFold(name, "startmaster"):
		return equalFold(value, "true")
	}
	return false
}
