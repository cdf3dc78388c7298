package tokenizer

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
)

// cutMerge splits a merge in the notation "a b".
func cutMerge(text string) (left, right string, ok bool) {
	left, right, ok = strings.Cut(text, " ")
	return left, right, ok && left != "" && right != "" && !strings.Contains(right, " ")
}

// merges are pairs of tokens in the order of their ranks.
type merges struct {
	n      int
	at     func(i int) (left, right string, err error)
	prefix string // of right, which the token that both become is without
}

// newMerges ranks the merges of v by their order. The errors begin with the index
// of the merge at fault.
func newMerges(v *vocab, m merges) (*pairTable, error) {
	ids := make([][3]int32, m.n)
	for _, err := range inParts(m.n, func(from, to int) error { return m.find(v, ids, from, to) }) {
		if err != nil {
			return nil, err
		}
	}
	pairs := newPairTable(m.n)
	for rank, m := range ids {
		pairs.add(m[0], m[1], uint32(rank), m[2])
	}
	return pairs, nil
}

// inParts calls f for parts of [0, n), on all cores where n is large, and returns what it
// returned, in order.
func inParts[T any](n int, f func(from, to int) T) []T {
	out := make([]T, min(runtime.GOMAXPROCS(0), n/10000+1))
	var wg sync.WaitGroup
	for i := range out {
		from, to := i*n/len(out), (i+1)*n/len(out)
		wg.Go(func() { out[i] = f(from, to) })
	}
	wg.Wait()
	return out
}

// find looks up both sides of some merges and what they become: this is most of the
// time that loading takes.
func (m *merges) find(v *vocab, ids [][3]int32, from, to int) error {
	var buf []byte
	for rank := from; rank < to; rank++ {
		left, right, err := m.at(rank)
		if err != nil {
			return fmt.Errorf("[%d]: %w", rank, err)
		}
		buf = append(append(buf[:0], left...), strings.TrimPrefix(right, m.prefix)...)
		var known [3]bool
		ids[rank][0], known[0] = v.id(left)
		ids[rank][1], known[1] = v.id(right)
		ids[rank][2], known[2] = v.idOf(buf)
		for i, ok := range known {
			if !ok {
				return fmt.Errorf("[%d]: token %q is not in the vocabulary", rank, [3]string{left, right, string(buf)}[i])
			}
		}
	}
	return nil
}
