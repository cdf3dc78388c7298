package tokenizer

import (
	"fmt"
	"strings"
)

// cutMerge splits a merge in the notation "a b".
func cutMerge(text string) (left, right string, ok bool) {
	left, right, ok = strings.Cut(text, " ")
	return left, right, ok && left != "" && right != "" && !strings.Contains(right, " ")
}

// newMerges ranks the merges of v by their order. The errors begin with the index
// of the merge at fault.
func newMerges(v *vocab, merges [][2]string, prefix string) (*pairTable, error) {
	pairs := newPairTable(len(merges))
	for rank, m := range merges {
		left, err := mergeID(v, rank, m[0])
		if err != nil {
			return nil, err
		}
		right, err := mergeID(v, rank, m[1])
		if err != nil {
			return nil, err
		}
		into, err := mergeID(v, rank, m[0]+strings.TrimPrefix(m[1], prefix))
		if err != nil {
			return nil, err
		}
		pairs.add(left, right, uint32(rank), into)
	}
	return pairs, nil
}

func mergeID(v *vocab, rank int, token string) (int32, error) {
	id, ok := v.id(token)
	if !ok {
		return 0, fmt.Errorf("[%d]: token %q is not in the vocabulary", rank, token)
	}
	return id, nil
}
