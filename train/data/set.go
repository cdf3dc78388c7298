package data

import "fmt"

// Set is examples that can be told apart without reading them.
type Set interface {
	Len() int
	Row(i int) Row
	Example(i int) (*Example, error)
}

// Row is what is known of an example without reading it.
type Row struct {
	Tokens  int // how many it has
	Trained int // the first that counts in the loss; Tokens or more where none does
	Keys    int // members of its line, by which mlx-lm sorts
}

// newRow measures an example.
func newRow(ex *Example, keys int) Row {
	r := Row{Tokens: len(ex.Tokens), Trained: 1, Keys: keys}
	for r.Trained < len(ex.Trained) && !ex.Trained[r.Trained] {
		r.Trained++
	}
	return r
}

// Slice is a Set in memory.
type Slice []Example

// Len implements Set.
func (s Slice) Len() int { return len(s) }

// Row implements Set.
func (s Slice) Row(i int) Row { return newRow(&s[i], 1) }

// Example implements Set; Trained must be nil or as long as Tokens.
func (s Slice) Example(i int) (*Example, error) {
	if ex := &s[i]; ex.Trained != nil && len(ex.Trained) != len(ex.Tokens) {
		return nil, fmt.Errorf("data: example %d has %d tokens and a mask of %d entries", i, len(ex.Tokens), len(ex.Trained))
	}
	return &s[i], nil
}
