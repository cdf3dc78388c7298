package tokenizer

import "unicode/utf8"

// charTable maps a character to the id of the token that is just this character: pages of 256, allocated where needed.
type charTable struct {
	pages []*[256]int32
}

func newCharTable(v *vocab) charTable {
	t := charTable{pages: make([]*[256]int32, (utf8.MaxRune>>8)+1)}
	for i, id := range v.ids {
		token := v.entry(i)
		r, n := utf8.DecodeRuneInString(token)
		if n == 0 || n != len(token) {
			continue
		}
		page := t.pages[r>>8]
		if page == nil {
			page = new([256]int32)
			for j := range page {
				page[j] = -1
			}
			t.pages[r>>8] = page
		}
		page[r&0xff] = id
	}
	return t
}

// id returns the id of the token that is just r, -1 if there is none.
func (t *charTable) id(r rune) int32 {
	page := t.pages[r>>8]
	if page == nil {
		return -1
	}
	return page[r&0xff]
}
