package detect

import (
	"bytes"
	"unicode"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenSessionFixation: the words of the names, or what a script sets.
var whenSessionFixation = []feature{hasSessionWord}

// sessionGateWords are the letters of sessionNames.
const sessionGateWords = `jsessionid phpsessid phpsession aspsessionid asp net_sessionid sessionid connect sid cfid cftoken
	jwsession jservsession jservsessionid jsession jsessionidsso weblogicsession _flask_session _session_id session_id
	laravel_session cakephp ci_session play_session shiny meteor_login_token next koa sess cfsid zend_session_id django_session
	rack express session __host __secure symfony_session yii_session sails _rails_session cookie`

var sessionNames = lexicon.New(`jsessionid jsessionidsso phpsessid phpsession phpsessionid aspsessionid asp.net_sessionid
	connect.sid cfid cftoken jwsession jservsession jservsessionid jsession weblogicsession _flask_session laravel_session
	sails.sid koa:sess _rails_session cakephp ci_session django_session rack.session express.sid play_session shiny-token meteor_login_token koa.sess koa.sid cfsid
	zend_session_id next-auth.session-token __host-next-auth.session-token __secure-next-auth.session-token
	__host-session __secure-session symfony_session yii_session`)

// foreignNames are those of cookies that other programs also call a parameter
// which payment pages, among others, send their visitors back with: they tell
// something only in a link or form from another site, and in this letter case.
var foreignNames = [...]string{"sessionid", "SESSIONID", "session-id", "_session_id"}

// sessfix finds a parameter of the query that sets the session's id: who
// sends a victim such a link knows the session afterwards. Servers that keep
// the session in their own links send visitors from page to page with it.
func (s *Scanner) sessfix(v []byte, w *Where) {
	if !w.Name {
		s.scriptedCookie(v, w)
		return
	}
	inQuery := w.Place == InQuery && w.Referrer != SameSite && sessionNames.Has(v)
	foreign := (w.Place == InQuery || w.Place == InForm) && w.Referrer == CrossSite && isForeignName(v)
	if !inQuery && !foreign || bytes.IndexFunc(v, unicode.IsControl) >= 0 { // no server drops them
		return
	}
	s.follow(SessionFixation, v, lead{weight: 0.6, to: len(v), reason: "A parameter sets the id of the session."}, sessionNames)
}

func isForeignName(v []byte) bool {
	for _, name := range foreignNames {
		if string(v) == name {
			return true
		}
	}
	return false
}

// scriptedCookie finds what a script puts behind a cookie that it sets.
func (s *Scanner) scriptedCookie(v []byte, w *Where) {
	if w.Container || len(v) > maxPath {
		return
	}
	i := indexFold(v, ".cookie")
	if i < 0 || i > maxMailField {
		return
	}
	rest := bytes.TrimLeft(v[i+len(".cookie"):], " ;")
	if hasPrefixFold(rest, "expires=") || hasPrefixFold(rest, "domain=") || hasPrefixFold(rest, "path=") {
		s.follow(SessionFixation, v, lead{weight: 0.55, from: i, to: len(v), reason: "A script sets a cookie and its life."}, sessionNames)
	}
}
