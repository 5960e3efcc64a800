package parse

// A paramTable counts names, to tell the values of a repeated one apart. It
// has room for maxParams names; what comes after is treated as unique.
type paramTable struct {
	slots    [paramSlots]paramSlot
	used     int
	counted  bool // all names were added before
	repeated bool // a name was added twice
}

type paramSlot struct {
	hash  uint64
	total int32
	seen  int32
}

const (
	paramSlots = 64 // a power of two
	maxParams  = 48
)

func (p *paramTable) reset() {
	if p.used > 0 {
		*p = paramTable{}
	}
	p.counted, p.repeated = false, false
}

// slot finds the slot of a name, nil when the table is full.
func (p *paramTable) slot(name []byte) *paramSlot {
	h := hashName(name) | 1
	for i := h >> 32; ; i++ {
		s := &p.slots[i%paramSlots]
		if s.hash == h {
			return s
		}
		if s.hash != 0 {
			continue
		}
		if p.used == maxParams {
			return nil
		}
		p.used++
		s.hash = h
		return s
	}
}

// add counts a name.
func (p *paramTable) add(name []byte) {
	if s := p.slot(name); s != nil {
		s.total++
		p.repeated = p.repeated || s.total > 1
	}
}

// next returns which of the values of that name comes now, -1 for the only
// one. Without a count, the first value passes for the only one.
func (p *paramTable) next(name []byte) int32 {
	s := p.slot(name)
	if s == nil {
		return -1
	}
	i := s.seen
	s.seen++
	if s.total == 1 || !p.counted && i == 0 {
		return -1
	}
	return i
}
