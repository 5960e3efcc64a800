package detect

var whenNoSQLi = []feature{hasQuote}

func (s *Scanner) nosqli(v []byte, w Where) {}
