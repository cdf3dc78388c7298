package tokenizer

import "sync"

// scratch is the working memory of one Encode.
type scratch struct {
	syms    []int32
	lengths []int
	ids     []int32
	tokens  []token
	links   links
	steps   []step
	matches []match
	current pieces // the list of which is taken in turns with spare
	spare   []Span

	normal   passage
	work     workshop
	sections [2][]section
	counted  []int32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}
