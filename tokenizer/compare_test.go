package tokenizer

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// firstDifference tells where two lists part, "" if nowhere.
func firstDifference(what string, got, want []int32) string {
	if slices.Equal(got, want) {
		return ""
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			from := max(0, i-3)
			return fmt.Sprintf("%s from %d on: have %v, want %v", what, from, got[from:min(len(got), i+8)], want[from:min(len(want), i+8)])
		}
	}
	return fmt.Sprintf("%s: have %d, want %d: %v %v", what, len(got), len(want), got[max(0, len(got)-6):], want[max(0, len(want)-6):])
}

// inCharacters converts offsets in bytes of text to offsets in characters, an invalid part of UTF-8 being one, as Python
// has them. One inside a character becomes -1.
func inCharacters(text string, offsets []Span) (starts, ends []int32) {
	index := make([]int32, len(text)+1)
	for i := range index {
		index[i] = -1
	}
	count := int32(0)
	for i := 0; i < len(text); count++ {
		index[i] = count
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			n = invalidPart(text[i:])
		}
		i += n
	}
	index[len(text)] = count
	starts, ends = make([]int32, len(offsets)), make([]int32, len(offsets))
	for i, at := range offsets {
		starts[i], ends[i] = index[at.Start], index[at.End]
	}
	return starts, ends
}
