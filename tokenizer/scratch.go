package tokenizer

import "sync"

// scratch is the working memory of one Encode.
type scratch struct {
	syms    []int32
	links   links
	matches []match
	pieces  [2][]string // taken in turns by a sequence of pre-tokenizers
	out     []string
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}
