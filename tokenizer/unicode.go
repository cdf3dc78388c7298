package tokenizer

import (
	"sync"
	"unicode/utf8"
)

// zunicode.go is written by `python3 testdata/gen_unicode.py`, by hand: it asks
// the reference, which go generate must not need.

// class is a set of the character classes that the pipeline asks for, as the reference's parts define them.
type class uint16

const (
	letter     class = 1 << iota // \p{L} in patterns
	number                       // \p{N} in patterns
	space                        // \s everywhere, White_Space
	word                         // \w of single_word tokens and Whitespace
	numeric                      // Digits
	punct                        // Punctuation
	active                       // touched by Unicode normalization
	mark                         // \p{M} in patterns
	upper                        // \p{Lu} and \p{Lt} in patterns
	small                        // \p{Ll} in patterns
	symbol                       // \p{P} and \p{S} in patterns
	nonspacing                   // accents of BertNormalizer
	accent                       // accents of StripAccents
	other                        // control characters of BertNormalizer
	extend                       // joins the character before, in a grapheme cluster
	prefix                       // joins the character after
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
	whole := make(map[class]uint16) // of pages in which all is of one set: most of them
	run := 0
	for page := range t.pages {
		first, next := uint32(page<<8), uint32(page+1)<<8
		for runEnd(run) <= first {
			run++
		}
		set := classSets[uint8(classRuns[run])]
		at, ok := whole[set]
		if one := runEnd(run) >= next; !one || !ok {
			at = t.share(known, classRow(first, run))
			if one {
				whole[set] = at
			}
		}
		t.pages[page] = at
	}
	return t
})

// share returns the place of a row, which it adds unless it is known.
func (t *classTable) share(known map[[256]class]uint16, row [256]class) uint16 {
	at, ok := known[row]
	if !ok {
		at = uint16(len(t.rows))
		known[row] = at
		t.rows = append(t.rows, row)
	}
	return at
}

// classRow gives the classes of 256 characters, the first of which is in the run.
func classRow(first uint32, run int) (row [256]class) {
	for i := range row {
		for runEnd(run) <= first+uint32(i) {
			run++
		}
		row[i] = classSets[uint8(classRuns[run])]
	}
	return row
}

// runEnd is the character behind a run.
func runEnd(run int) uint32 {
	if run+1 == len(classRuns) {
		return utf8.MaxRune + 1
	}
	return classRuns[run+1] >> 8
}

// of returns the classes of r.
func (t *classTable) of(r rune) class { return t.rows[t.pages[r>>8]][r&0xff] }

// lowerRun gives a lower-case form to every step-th character from first to last: delta is added.
type lowerRun struct {
	first, last rune
	step, delta int32
}

// lowerTable maps characters to their lower-case forms, in pages of 256; U+0130, which has two characters, is not among
// them.
type lowerTable [utf8.MaxRune>>8 + 1]*[256]int32

var lowers = sync.OnceValue(func() *lowerTable {
	t := new(lowerTable)
	for _, run := range lowerRuns {
		for r := run.first; r <= run.last; r += run.step {
			if t[r>>8] == nil {
				t[r>>8] = new([256]int32)
			}
			t[r>>8][r&0xff] = run.delta
		}
	}
	return t
})

// of returns the lower-case form of r.
func (t *lowerTable) of(r rune) rune {
	if page := t[r>>8]; page != nil {
		return r + page[r&0xff]
	}
	return r
}

// scriptTable gives the script of a character as a number, in pages of 256; 0 is of any script.
type scriptTable [utf8.MaxRune>>8 + 1]*[256]uint8

var scripts = sync.OnceValue(func() *scriptTable {
	t := new(scriptTable)
	for i, run := range scriptRuns {
		end := uint32(utf8.MaxRune + 1)
		if i+1 < len(scriptRuns) {
			end = scriptRuns[i+1] >> 8
		}
		for r := run >> 8; r < end && uint8(run) != 0; r++ {
			if t[r>>8] == nil {
				t[r>>8] = new([256]uint8)
			}
			t[r>>8][r&0xff] = uint8(run)
		}
	}
	return t
})

// of returns the script of r.
func (t *scriptTable) of(r rune) uint8 {
	if page := t[r>>8]; page != nil {
		return page[r&0xff]
	}
	return 0
}
