package rule

import (
	"encoding/binary"
	"iter"
	"sort"

	"github.com/gabionhq/gabion/engine/profile"
)

// A span is a range of the table of profiles.
type span struct{ from, to int }

// endpoint returns the profiles of an endpoint.
func (s *Set) endpoint(key uint64) span {
	if s == nil || len(s.profiles) == 0 {
		return span{}
	}
	n := len(s.profiles) / profileSize
	from := sort.Search(n, func(i int) bool { return s.word(i, 0) >= key })
	to := from
	for to < n && s.word(to, 0) == key { // few: the parameters of one endpoint
		to++
	}
	return span{from, to}
}

// profileIn returns the profile of a point among those of an endpoint.
func (s *Set) profileIn(in span, point uint64) (Profile, bool) {
	i := in.from + sort.Search(in.to-in.from, func(i int) bool { return s.word(in.from+i, 1) >= point })
	if i == in.to || s.word(i, 1) != point {
		return Profile{}, false
	}
	return s.profile(i), true
}

// word returns word n of entry i: 0 is the endpoint, 1 the point, 2 the id.
func (s *Set) word(i, n int) uint64 {
	return binary.LittleEndian.Uint64(s.profiles[i*profileSize+n*8:])
}

// end returns the end of the model of entry i.
func (s *Set) end(i int) int {
	return int(binary.LittleEndian.Uint32(s.profiles[i*profileSize+24:]))
}

func (s *Set) profile(i int) Profile {
	start := 0
	if i > 0 {
		start = s.end(i - 1)
	}
	return Profile{
		ID: s.word(i, 2), Endpoint: s.word(i, 0), Point: s.word(i, 1),
		Model: profile.Model(s.models[start:s.end(i)]),
	}
}

// Profile returns the profile of a parameter.
func (s *Set) Profile(endpoint, point uint64) (Profile, bool) {
	in := s.endpoint(endpoint)
	if in.from == in.to {
		return Profile{}, false
	}
	return s.profileIn(in, point)
}

// Profiles yields all profiles in rising order of endpoint and point.
func (s *Set) Profiles() iter.Seq[Profile] {
	return func(yield func(Profile) bool) {
		if s == nil {
			return
		}
		for i := range len(s.profiles) / profileSize {
			if !yield(s.profile(i)) {
				return
			}
		}
	}
}
