package detect

var whenLDAPi = []feature{hasQuote}

func (s *Scanner) ldapi(v []byte, w Where) {}
