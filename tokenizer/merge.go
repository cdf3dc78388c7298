package tokenizer

// fewSymbols is the length up to which scanning for the best pair beats a heap.
const fewSymbols = 24

// mergeFew merges a short word in place: at each step the best pair of all is found by looking at every one.
func (m *bpe) mergeFew(dst, syms []int32, _ *scratch) []int32 {
	var ranks [fewSymbols]uint32
	var into [fewSymbols]int32
	n := len(syms)
	for i := 0; i+1 < n; i++ {
		ranks[i], into[i] = m.pairs.find(syms[i], syms[i+1])
	}
	for n > 1 {
		best, at := noRank, 0
		for i, rank := range ranks[:n-1] {
			if rank < best {
				best, at = rank, i
			}
		}
		if best == noRank {
			break
		}
		syms[at] = into[at]
		copy(syms[at+1:n-1], syms[at+2:n])
		copy(ranks[at:n-2], ranks[at+1:n-1])
		copy(into[at:n-2], into[at+1:n-1])
		n--
		if at > 0 {
			ranks[at-1], into[at-1] = m.pairs.find(syms[at-1], syms[at])
		}
		if at+1 < n {
			ranks[at], into[at] = m.pairs.find(syms[at], syms[at+1])
		}
	}
	return append(dst, syms[:n]...)
}

// links is a word as a list of symbols, with the merge of each symbol and its successor.
type links struct {
	prev, next []int32 // neighbours' positions; -1 before the first, len after the last
	rank       []uint32
	into       []int32
	heap       []uint64 // rank<<32 | position; entries whose rank is no longer the position's are stale
}

func (l *links) resize(n int) {
	if cap(l.prev) < n {
		l.prev, l.next = make([]int32, n), make([]int32, n)
		l.rank, l.into = make([]uint32, n), make([]int32, n)
	}
	l.prev, l.next, l.rank, l.into = l.prev[:n], l.next[:n], l.rank[:n], l.into[:n]
	l.heap = l.heap[:0]
}

// mergeMany merges a long word with a heap of pairs, in n log n.
func (m *bpe) mergeMany(dst, syms []int32, sc *scratch) []int32 {
	l, n := &sc.links, int32(len(syms))
	l.resize(len(syms))
	for i := range n {
		l.prev[i], l.next[i], l.rank[i] = i-1, i+1, noRank
		if i+1 < n {
			if l.rank[i], l.into[i] = m.pairs.find(syms[i], syms[i+1]); l.rank[i] != noRank {
				l.heap = append(l.heap, uint64(l.rank[i])<<32|uint64(i))
			}
		}
	}
	l.heapify()
	for len(l.heap) > 0 {
		top := l.pop()
		at := int32(uint32(top))
		if l.rank[at] != uint32(top>>32) {
			continue
		}
		gone := l.next[at]
		syms[at] = l.into[at]
		l.rank[gone] = noRank
		l.next[at] = l.next[gone]
		if l.next[at] < n {
			l.prev[l.next[at]] = at
		}
		if p := l.prev[at]; p >= 0 {
			m.repair(l, syms, p, at)
		}
		m.repair(l, syms, at, l.next[at])
	}
	for i := int32(0); i < n; i = l.next[i] {
		dst = append(dst, syms[i])
	}
	return dst
}

// repair looks up the merge of the symbols at two neighbouring positions again.
func (m *bpe) repair(l *links, syms []int32, at, next int32) {
	if int(next) >= len(syms) {
		l.rank[at] = noRank
		return
	}
	if l.rank[at], l.into[at] = m.pairs.find(syms[at], syms[next]); l.rank[at] != noRank {
		l.push(uint64(l.rank[at])<<32 | uint64(at))
	}
}

// heapify orders the heap: four children a node, the least entry first.
func (l *links) heapify() {
	for i := len(l.heap)/4 + 1; i >= 0; i-- {
		l.sink(i)
	}
}

func (l *links) push(e uint64) {
	l.heap = append(l.heap, e)
	i := len(l.heap) - 1
	for i > 0 {
		up := (i - 1) / 4
		if l.heap[up] <= e {
			break
		}
		l.heap[i] = l.heap[up]
		i = up
	}
	l.heap[i] = e
}

func (l *links) pop() uint64 {
	top, last := l.heap[0], len(l.heap)-1
	l.heap[0] = l.heap[last]
	l.heap = l.heap[:last]
	l.sink(0)
	return top
}

func (l *links) sink(i int) {
	h := l.heap
	if i >= len(h) {
		return
	}
	e := h[i]
	for {
		child := 4*i + 1
		if child >= len(h) {
			break
		}
		least := child
		for c := child + 1; c < min(child+4, len(h)); c++ {
			if h[c] < h[least] {
				least = c
			}
		}
		if h[least] >= e {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = e
}
