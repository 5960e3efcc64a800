package detect

var whenXPathi = []feature{hasQuote}

func (s *Scanner) xpathi(v []byte, w Where) {}
