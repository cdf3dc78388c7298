package tokenizer

import (
	"sync"
	"unicode/utf8"
)

// zunicode.go is written by `python3 testdata/gen_unicode.py`, by hand: it asks
// the reference, which go generate must not need.

// class is a set of the character classes that the pipeline asks for, as the reference's parts define them.
type class uint8

const (
	letter  class = 1 << iota // \p{L} in patterns
	number                    // \p{N} in patterns
	space                     // \s everywhere, White_Space
	word                      // \w of single_word tokens and Whitespace
	numeric                   // Digits
	punct                     // Punctuation
	active                    // touched by Unicode normalization
)

// classTable finds the classes of a character in two steps: pages of 256, equal pages shared.
type classTable struct {
	pages []uint16
	rows  [][256]class
}

// classes returns the table, built at first use from the generated runs.
var classes = sync.OnceValue(func() *classTable {
	t := &classTable{pages: make([]uint16, utf8.MaxRune>>8+1)}
	known := make(map[[256]class]uint16)
	run := 0
	for page := range t.pages {
		var row [256]class
		for i := range row {
			r := uint32(page<<8 | i)
			for run+1 < len(classRuns) && classRuns[run+1]>>8 <= r {
				run++
			}
			row[i] = class(classRuns[run])
		}
		at, ok := known[row]
		if !ok {
			at = uint16(len(t.rows))
			known[row] = at
			t.rows = append(t.rows, row)
		}
		t.pages[page] = at
	}
	return t
})

// of returns the classes of r.
func (t *classTable) of(r rune) class { return t.rows[t.pages[r>>8]][r&0xff] }

// at returns the classes and the length of the character at s[i:], which must not be empty.
func (t *classTable) at(s string, i int) (class, int) {
	if c := s[i]; c < utf8.RuneSelf {
		return t.rows[0][c], 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	return t.of(r), n
}

// before returns the classes of the character that ends at s[:i], which must not be empty.
func (t *classTable) before(s string, i int) (class, int) {
	r, n := utf8.DecodeLastRuneInString(s[:i])
	return t.of(r), n
}

// run returns the end of the run of characters from s[i:] that have a class of want.
func (t *classTable) run(s string, i int, want class) int {
	for i < len(s) {
		c, n := t.at(s, i)
		if c&want == 0 {
			break
		}
		i += n
	}
	return i
}

// trimLeft returns the length of the white space at the start of s.
func (t *classTable) trimLeft(s string) int { return t.run(s, 0, space) }

// trimRight returns where the white space at the end of s starts.
func (t *classTable) trimRight(s string) int {
	end := len(s)
	for end > 0 {
		c, n := t.before(s, end)
		if c&space == 0 {
			break
		}
		end -= n
	}
	return end
}

// lowerRun gives a lower-case form to every step-th character from first to last: delta is added.
type lowerRun struct {
	first, last rune
	step, delta int32
}

// lowers maps characters to their lower-case forms; U+0130, which has two characters, is not among them.
var lowers = sync.OnceValue(func() map[rune]rune {
	m := make(map[rune]rune)
	for _, run := range lowerRuns {
		for r := run.first; r <= run.last; r += run.step {
			m[r] = r + run.delta
		}
	}
	return m
})
