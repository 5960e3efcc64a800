package parse

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"strconv"
)

// The members of archives are files. They are found by their own headers,
// wherever those stand: behind a picture, and in any window of an archive
// that is longer than one. What is around them is data.

// limits of what is read of an archive. It spends no budget of the request:
// documents and packages hold much, and honestly.
const (
	maxMembers   = 1000
	maxUnpacked  = 256 << 10 // bytes of a member that is compressed,
	memberGrowth = 8         // but not more than so many times what it is compressed to
	memberSlack  = 2 << 10   // and so much
	maxBroken    = 16        // members that cannot be unpacked: each may be read in vain
)

// isArchive reports whether v begins with the header of a member.
func isArchive(v []byte) bool {
	_, ok := zipHeader(v)
	return ok || isTar(v)
}

// continues reports whether the value v at n is a later part of a value in
// which there is the header of a member.
func (t *Tree) continues(n Node, v []byte) bool {
	before, _ := t.Extent(n, v)
	m := memberSeeker{v: v, before: before, zip: -1}
	return before > 0 && m.next(0) < len(v)
}

// An entry is the header of a member.
type entry struct {
	name   []byte
	start  int // of its content, behind the header
	size   int // of its content as it is stored, -1 if it is not known
	full   int // of its content as it is unpacked, -1 if it is not known
	method uint16
	kind   byte // of a member of a tar
}

// archive visits the members of the archives in the data v at n, and the
// texts around them.
func (t *Tree) archive(n Node, v []byte) {
	done, members, broken := 0, 0, 0
	before, _ := t.Extent(n, v)
	seek := memberSeeker{v: v, before: before, zip: -1}
	for i := seek.next(0); i < len(v) && members < maxMembers && broken < maxBroken; i = seek.next(i) {
		members++
		t.excerpts(n, v[done:i], len(v))
		at := t.pushDecoder(n, Archive)
		if m, ok := zipHeader(v[i:]); !ok {
			m, _ := tarHeader(v[i:])
			i += t.taped(at, v[i:], &m)
		} else if size := t.zipped(at, v[i:], &m); size > 0 {
			i += size
		} else {
			t.visitName(at, m.name)
			i += m.start
			broken++
		}
		t.drop(at)
		done = i
	}
	t.excerpts(n, v[min(done, len(v)):], len(v))
}

// A memberSeeker finds the headers of members in v from places that only go on. What
// begins those of zips is not looked for again for each member of a tar.
type memberSeeker struct {
	v      []byte
	before int // bytes of the data in front of v
	zip    int // where that stands, once it was looked for up to there; -1 for not yet
}

// next returns where the next header stands at from or behind it, len(v) for none. Those
// of tar stand at multiples of a block from the beginning of the data.
func (s *memberSeeker) next(from int) int {
	for i := from; i < len(s.v); {
		if s.zip < i {
			s.zip = len(s.v)
			if n := bytes.Index(s.v[i:], []byte("PK\x03\x04")); n >= 0 {
				s.zip = i + n
			}
		}
		if tar := s.tar(i); tar >= 0 {
			return tar
		}
		if i = s.zip; i == len(s.v) {
			break
		}
		if _, ok := zipHeader(s.v[i:]); ok {
			return i
		}
		i++
	}
	return len(s.v)
}

// tar returns where the next header of a tar stands in front of the next zip, -1 for none.
func (s *memberSeeker) tar(from int) int {
	for i := from + (tarBlock-(s.before+from)%tarBlock)%tarBlock; i < s.zip; i += tarBlock {
		if isTar(s.v[i:]) {
			return i
		}
	}
	return -1
}

// visitMember visits a member of the archive at n, which was packed.
func (t *Tree) visitMember(n Node, name, packed, content []byte) {
	t.visitName(n, name)
	if len(content) == 0 {
		return
	}
	file := t.push(n, Hash, name, 0)
	t.nodes[file].marks |= InFile
	t.spend(packed, content)
	t.value(file, content)
	t.drop(file)
}

// InArchive reports whether n is a member of an archive or part of one.
func (t *Tree) InArchive(n Node) bool { return t.nodes[n].marks&InArchive != 0 }

// zipHeaderSize is the length of a local file header without its name
// (APPNOTE 4.3.7).
const zipHeaderSize = 30

// Methods of zip. Others hold what only their own decoders read.
const (
	zipStored   = 0
	zipDeflated = 8
)

// zipHeader reads a local file header.
func zipHeader(v []byte) (m entry, ok bool) {
	if len(v) < zipHeaderSize || !hasPrefix(v, "PK\x03\x04") {
		return m, false
	}
	word := func(at int) int { return int(binary.LittleEndian.Uint16(v[at:])) }
	name := word(26)
	m = entry{method: uint16(word(8)), start: zipHeaderSize + name + word(28)}
	if name == 0 || m.start > len(v) {
		return m, false
	}
	m.name = v[zipHeaderSize : zipHeaderSize+name]
	m.size = int(binary.LittleEndian.Uint32(v[18:]))
	m.full = int(binary.LittleEndian.Uint32(v[22:]))
	const behind = 1 << 3 // the sizes stand behind the content
	if word(6)&behind != 0 && m.size == 0 || m.size == 0xffffffff {
		m.size, m.full = -1, -1
	}
	return m, true
}

// zipped visits the member that v begins with and returns its length, 0 if it
// cannot be read.
func (t *Tree) zipped(n Node, v []byte, m *entry) int {
	content := v[m.start:]
	if m.size >= 0 {
		content = content[:min(m.size, len(content))]
	} else if end := bytes.Index(content, []byte("PK")); m.method == zipStored && end >= 0 {
		content = content[:end]
	}
	switch m.method {
	case zipStored:
		t.visitMember(n, m.name, content, content)
		return m.start + len(content)
	case zipDeflated:
		used := t.deflated(n, m, content)
		if used > 0 && m.size >= 0 {
			used = len(content)
		}
		if used > 0 {
			return m.start + used
		}
	}
	return 0
}

// deflated visits the compressed member m and returns how much of v it takes, 0
// if it cannot be read.
func (t *Tree) deflated(n Node, m *entry, v []byte) int {
	if in := max(m.size, len(v)); isDoubtful(in, m.full) && t.swells(m.full, in) { // more of it than v may follow
		t.trouble(n, Bomb, nil)
		return len(v)
	}
	if !t.roomFor(maxUnpacked) {
		return 0
	}
	f, mark := t.spent.inflater(), len(t.scratch)
	bomb, err := t.unpack(f, m, v)
	if bomb {
		t.trouble(n, Bomb, nil)
	}
	out := t.scratch[mark:]
	got, used := len(out), len(v)-f.in.Len()
	t.spent.decoded += got
	if got > 0 {
		t.visitMember(n, m.name, v[:used], out)
	} else if err == io.EOF {
		t.visitName(n, m.name)
	}
	t.scratch = t.scratch[:mark]
	if got == 0 && err != io.EOF {
		return 0
	}
	return used
}

// unpack appends to the scratch what the compressed member m, which v begins with,
// holds, as much of it as is looked at.
func (t *Tree) unpack(f *inflater, m *entry, v []byte) (bomb bool, err error) {
	f.in.Reset(v)
	r, err := f.openFlate(&f.in)
	mark, doubted := len(t.scratch), false
	most := mark + min(maxUnpacked, memberGrowth*len(v)+memberSlack)
	for err == nil && !bomb && len(t.scratch) < most {
		from, step, got := len(t.scratch), min(inflateStep, most-len(t.scratch)), 0
		t.scratch = slices.Grow(t.scratch, step)
		got, err = io.ReadFull(r, t.scratch[from:from+step])
		t.scratch = t.scratch[:from+got]
		if out := len(t.scratch) - mark; !doubted && out > m.full && isDoubtful(len(v)-f.in.Len(), out) {
			doubted, bomb = true, t.isBombMember(v)
		}
	}
	return bomb, err
}

// isBombMember reports whether the compressed member that v begins with, whose header
// does not say how long it is, or lies, is a bomb.
func (t *Tree) isBombMember(v []byte) bool {
	most := max(len(v)*t.limits.Ratio, t.limits.Decoded)
	if t.purse.room < most/countedPerEffort {
		return false
	}
	defer t.spent.giveBack(len(t.spent.borrowed))
	f := t.spent.borrow()
	f.in.Reset(v)
	r, err := f.openFlate(&f.in)
	return err == nil && t.swells(t.extent(r, most+1), len(v))
}

// swells reports whether a member of some size, which is compressed to in bytes, is a
// bomb, or is one with those before it. Honest files are blank for megabytes, so that
// as much as a whole request may be decoded to is none.
func (t *Tree) swells(size, in int) bool {
	s, l := t.spent, &t.limits
	s.unpacked += size
	return size > max(in*l.Ratio, l.Decoded) || s.unpacked > bombMembers*max(s.in*l.Ratio, l.Decoded)
}

// bombMembers is how many members that are each almost a bomb are one together.
const bombMembers = 4

// roomFor reports whether n bytes may be unpacked: up to half of what may be
// decoded at all, so that the rest of the request is looked into.
func (t *Tree) roomFor(n int) bool {
	s := t.spent
	return s.decoded+n <= min(t.limits.Decoded, maxGrowth*s.in+growthSlack)/2+maxUnpacked
}

// tarBlock is the unit in which tar is written (POSIX.1-2017, pax).
const tarBlock = 512

// isTar reports whether v begins with the header of a member of a tar: its
// magic and its checksum.
func isTar(v []byte) bool {
	if len(v) < tarBlock || !hasPrefix(v[257:], "ustar") {
		return false
	}
	sum := int64(8 * ' ')
	for i, b := range v[:tarBlock] {
		if i < 148 || i >= 156 {
			sum += int64(b)
		}
	}
	said, ok := octal(v[148:156])
	return ok && said == sum
}

// octal reads a number in a header.
func octal(v []byte) (int64, bool) {
	x, err := strconv.ParseInt(string(bytes.Trim(v, " \x00")), 8, 64)
	return x, err == nil
}

// tarHeader reads the header of a member.
func tarHeader(v []byte) (m entry, ok bool) {
	if !isTar(v) {
		return m, false
	}
	size, ok := octal(v[124:136])
	if !ok || size < 0 || size > int64(len(v)) {
		size = int64(len(v)) // more than there is
	}
	return entry{name: upToNul(v[:100]), start: tarBlock, size: int(size), kind: v[156]}, true
}

func upToNul(v []byte) []byte {
	if i := bytes.IndexByte(v, 0); i >= 0 {
		return v[:i]
	}
	return v
}

// taped visits the member that v begins with and returns its length. The
// long names of others are members, too.
func (t *Tree) taped(n Node, v []byte, m *entry) int {
	end := min(m.start+m.size, len(v))
	content := v[m.start:end]
	mark := len(t.scratch)
	if prefix := upToNul(v[345:500]); len(prefix) > 0 && v[262] == 0 { // not that of GNU
		t.scratch = append(append(append(t.scratch, prefix...), '/'), m.name...)
		m.name = t.scratch[mark:]
	}
	switch m.kind {
	case '0', 0, '7':
		t.visitMember(n, m.name, content, content)
	case 'L': // a long name as GNU writes it
		t.visitName(n, upToNul(content))
	case 'x', 'g':
		if _, path, found := bytes.Cut(content, []byte(" path=")); found {
			path, _, _ = bytes.Cut(path, []byte{'\n'})
			t.visitName(n, path)
		}
	default:
		t.visitMember(n, m.name, content, content)
	}
	t.scratch = t.scratch[:mark]
	return min((end+tarBlock-1)/tarBlock*tarBlock, len(v))
}
