package tokenizer

import "unicode/utf8"

// offsets trims those of one encoding, by as many characters of the text as the token begins and ends with spaces.
func (p trimming) offsets(t *Tokenizer, e *Encoding) {
	for i := range e.Offsets {
		at := &e.Offsets[i]
		lead, trail := t.blanks(e, i)
		if (i == 0 || at.Start == 0) && p.prefixSpace && lead == 1 {
			lead = 0 // the one that was put there
		}
		for ; lead > 0 && at.Start < at.End; lead-- {
			at.Start += charLen(e.text[at.Start:])
		}
		end := at.End
		for ; trail > 0 && end > 0; trail-- {
			_, n := utf8.DecodeLastRuneInString(e.text[:end])
			end -= n
		}
		if trail == 0 {
			at.End = max(end, at.Start)
		}
	}
}

// charLen returns the length of the character, or the invalid part, at the start of s.
func charLen(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		return invalidPart(s)
	}
	return n
}

// blanks returns how many spaces a token begins and ends with.
func (t *Tokenizer) blanks(e *Encoding, i int) (lead, trail int) {
	text, _ := t.Token(e.IDs[i])
	added := t.added.of(e.IDs[i]) != nil
	if at := e.Offsets[i]; added && e.SpecialMask[i] == 0 && at.Start < at.End { // with the white space that it took along
		text = e.text[at.Start:at.End]
	}
	table := classes()
	blank := func(r rune) bool { return r == byteToRune[' '] || table.of(r)&space != 0 }
	for _, r := range text {
		if !blank(r) {
			break
		}
		lead++
	}
	for text != "" {
		r, n := utf8.DecodeLastRuneInString(text)
		if !blank(r) {
			break
		}
		trail++
		text = text[:len(text)-n]
	}
	return lead, trail
}
