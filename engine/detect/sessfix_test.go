package detect

import "testing"

func FuzzSessionFixation(f *testing.F) { fuzz(f, SessionFixation) }

func TestSessionFixation(t *testing.T) {
	recognises(t, SessionFixation, Where{Place: InQuery, Name: true}, []string{
		"jsessionid",
		"PHPSESSID",
		"asp.net_sessionid",
		"connect.sid",
		"laravel_session",
	}, []string{
		"",
		"session",
		"sid",
		"id",
		"sessionid",
		"user_session_count",
	})
	recognises(t, SessionFixation, Where{Place: InCookie, Name: true}, []string{}, []string{
		"JSESSIONID",
		"PHPSESSID",
	})
	recognises(t, SessionFixation, Where{Place: InQuery, Name: true, Referrer: CrossSite}, []string{
		"jsessionid",
		"sessionid",
		"session-id",
		"_session_id",
	}, []string{
		"session_id", // of a checkout, to which the payment page returns
		"sessionId",
		"session",
	})
	recognises(t, SessionFixation, Where{Place: InQuery, Name: true, Referrer: SameSite}, []string{}, []string{
		"jsessionid",
		"PHPSESSID",
		"sessionid",
	})
}
