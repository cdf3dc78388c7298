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

// newMerges ranks the merges of v by their order. The errors begin with the index
// of the merge at fault.
func newMerges(v *vocab, merges [][2]string, prefix string) (*pairTable, error) {
	ids := make([][3]int32, len(merges))
	workers := min(runtime.GOMAXPROCS(0), len(merges)/10000+1)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		from, to := w*len(merges)/workers, (w+1)*len(merges)/workers
		wg.Go(func() { errs[w] = findMerges(v, merges, ids, from, to, prefix) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	pairs := newPairTable(len(merges))
	for rank, m := range ids {
		pairs.add(m[0], m[1], uint32(rank), m[2])
	}
	return pairs, nil
}

// findMerges looks up both sides of some merges and what they become: this is
// most of the time that loading takes.
func findMerges(v *vocab, merges [][2]string, ids [][3]int32, from, to int, prefix string) error {
	var buf []byte
	for rank := from; rank < to; rank++ {
		m := &merges[rank]
		buf = append(append(buf[:0], m[0]...), strings.TrimPrefix(m[1], prefix)...)
		var known [3]bool
		ids[rank][0], known[0] = v.id(m[0])
		ids[rank][1], known[1] = v.id(m[1])
		ids[rank][2], known[2] = v.idOf(buf)
		for i, ok := range known {
			if !ok {
				return fmt.Errorf("[%d]: token %q is not in the vocabulary", rank, [3]string{m[0], m[1], string(buf)}[i])
			}
		}
	}
	return nil
}
