package parse

// isViewState reports whether v is a serialised ASP.NET view state.
func isViewState(v []byte) bool { return len(v) >= 8 && v[0] == 0xff && v[1] == 1 }

// shortestRun is the length from which printable bytes of a view state are
// taken for one of its texts.
const shortestRun = 4

// viewState visits the texts in a view state. Its types are those of .NET and
// of no use without it; what matters here are the names and texts.
func (t *Tree) viewState(n Node, v []byte) {
	at := t.pushDecoder(n, ViewState)
	from, count := 0, int32(0)
	for i := 0; i <= len(v); i++ {
		if i < len(v) && v[i] >= ' ' && v[i] != 0x7f {
			continue
		}
		if i-from >= shortestRun {
			t.leaf(at, Array, nil, count, v[from:i])
			count++
		}
		from = i + 1
	}
	t.drop(at)
}
