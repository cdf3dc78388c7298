package tokenizer

import (
	"slices"
	"strings"
)

// trie finds the tokens that a text begins with. The children of a node lie side by side, ordered by their bytes.
type trie struct {
	first []int32 // of a node: its first child; the next node's first is the end
	bytes []byte  // that leads to a node
	ids   []int32 // of the token that ends at a node, -1 if none
	top   [256]int32
}

// newTrie makes the trie of a vocabulary.
func newTrie(v *vocab) trie { return makeTrie(v.len(), v.entry, func(i int) int32 { return v.ids[i] }) }

// makeTrie makes the trie of n texts, level by level. Of equal texts the last counts, and empty ones never.
func makeTrie(n int, text func(int) string, id func(int) int32) trie {
	order := make([]int32, 0, n)
	for i := range n {
		if text(i) != "" {
			order = append(order, int32(i))
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int { return strings.Compare(text(int(a)), text(int(b))) })
	t := trie{bytes: []byte{0}, ids: []int32{-1}}
	type group struct{ from, to, depth int } // entries of order that share what leads to a node
	queue := []group{{0, len(order), 0}}
	for at := 0; at < len(queue); at++ {
		g := queue[at]
		t.first = append(t.first, int32(len(t.bytes)))
		for g.from < g.to && len(text(int(order[g.from]))) == g.depth {
			t.ids[at] = id(int(order[g.from]))
			g.from++
		}
		for g.from < g.to {
			b, end := text(int(order[g.from]))[g.depth], g.from
			for end < g.to && text(int(order[end]))[g.depth] == b {
				end++
			}
			t.bytes, t.ids = append(t.bytes, b), append(t.ids, -1)
			queue = append(queue, group{g.from, end, g.depth + 1})
			g.from = end
		}
	}
	t.first = append(t.first, int32(len(t.bytes)))
	for b := range t.top {
		t.top[b] = t.child(0, byte(b))
	}
	return t
}

func (t *trie) root() int32 { return 0 }

// next returns the node that b leads to, -1 if there is none.
func (t *trie) next(node int32, b byte) int32 {
	if node == 0 { // most tries are entered far more often than gone down
		return t.top[b]
	}
	return t.child(node, b)
}

func (t *trie) child(node int32, b byte) int32 {
	low, high := t.first[node], t.first[node+1]
	for high-low > 8 {
		mid := (low + high) / 2
		if t.bytes[mid] > b {
			high = mid
		} else {
			low = mid
		}
	}
	for ; low < high; low++ {
		if t.bytes[low] == b {
			return low
		}
	}
	return -1
}

// value returns the id of the token that ends at node, -1 if none does.
func (t *trie) value(node int32) int32 { return t.ids[node] }
