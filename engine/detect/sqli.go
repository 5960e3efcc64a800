package detect

// sqlScratch is what the SQL detector keeps between values.
type sqlScratch struct{}

var whenSQLi = []feature{hasSQLWord, hasQuote, hasDQuote}

const sqlGateWords = "select union"

func (s *Scanner) sqli(v []byte, w Where) {}
