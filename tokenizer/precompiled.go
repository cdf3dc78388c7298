package tokenizer

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// precompiled is a character map of SentencePiece: a double-array trie (darts-clone) whose values are places in a list of
// texts, each ended by a NUL.
type precompiled struct {
	trie  []uint32
	texts string
}

func readPrecompiled(f *fields, _ registry[normalizer]) (normalizer, error) {
	n := f.need("precompiled_charsmap")
	text := f.string("precompiled_charsmap")
	if f.err != nil {
		return nil, f.err
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, n.errorf("%v", err)
	}
	if len(data) < 4 {
		return nil, n.errorf("%d bytes are no character map", len(data))
	}
	size := int64(binary.LittleEndian.Uint32(data)) / 4 * 4
	if data = data[4:]; size == 0 || size > int64(len(data)) {
		return nil, n.errorf("the trie has %d bytes, of %d that are there", size, len(data))
	}
	p := &precompiled{texts: string(data[size:])}
	if !utf8.ValidString(p.texts) {
		return nil, n.errorf("its texts are not valid UTF-8")
	}
	for ; size > 0; size -= 4 {
		p.trie = append(p.trie, binary.LittleEndian.Uint32(data))
		data = data[4:]
	}
	return p, nil
}

// find returns what stands for the shortest key that key begins with.
func (p *precompiled) find(key string) (string, bool) {
	offset := func(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }
	at := offset(p.trie[0])
	for i := range len(key) {
		at ^= uint32(key[i])
		if key[i] == 0 || at >= uint32(len(p.trie)) {
			return "", false
		}
		unit := p.trie[at]
		if unit&(1<<31|0xff) != uint32(key[i]) {
			return "", false
		}
		at ^= offset(unit)
		if unit>>8&1 == 0 {
			continue
		}
		if at >= uint32(len(p.trie)) {
			return "", false
		}
		value := p.trie[at] & (1<<31 - 1)
		if value > uint32(len(p.texts)) || value < uint32(len(p.texts)) && !utf8.RuneStart(p.texts[value]) {
			return "", false
		}
		text, _, _ := strings.Cut(p.texts[value:], "\x00")
		return text, true
	}
	return "", false
}

// normalize implements normalizer. A short grapheme cluster becomes what its first character stands for: that loses what
// follows in the cluster, and is what the models were trained with.
func (p *precompiled) normalize(text *passage) error {
	s, t := text.s, classes()
	var list []part
	changed := false
	for i := 0; i < len(s); {
		end := t.cluster(s, i)
		if end-i < 6 {
			if to, ok := p.find(s[i:end]); ok {
				list = exchange(list, utf8.RuneCountInString(s[i:end]), to)
				i, changed = end, true
				continue
			}
		}
		for i < end {
			r, n := utf8.DecodeRuneInString(s[i:])
			if to, ok := p.find(s[i : i+n]); ok {
				list = exchange(list, 1, to)
				changed = true
			} else {
				list = append(list, part{r: r})
			}
			i += n
		}
	}
	if !changed {
		return nil
	}
	e := text.edit()
	for _, c := range list {
		e.put(c.r, c.change)
	}
	e.done()
	return nil
}

// exchange appends text in the place of n characters: the last of all stands for those that it has none for, as in the
// reference, which takes the one before where text is empty.
func exchange(list []part, n int, text string) []part {
	more := -n
	for _, r := range text {
		more++
		list = append(list, part{r: r, change: max(0, min(more, 1))})
	}
	if more < 0 && len(list) > 0 {
		list[len(list)-1].change += more
	}
	return list
}

// cluster returns the end of the grapheme cluster at s[i:], as far as short ones go: Hangul syllables, flags and emoji
// sequences are longer than anybody asks for.
func (t *classTable) cluster(s string, i int) int {
	if strings.HasPrefix(s[i:], "\r\n") {
		return i + 2
	}
	for {
		c, n := t.at(s, i)
		if i += n; c&prefix == 0 || i == len(s) || s[i] < ' ' {
			break
		}
	}
	if last, _ := t.before(s, i); last&other != 0 && last&prefix == 0 {
		if r, _ := utf8.DecodeLastRuneInString(s[:i]); r != '\u200d' && last&extend == 0 {
			return i // nothing joins a control character
		}
	}
	for i < len(s) {
		c, n := t.at(s, i)
		if c&extend == 0 {
			break
		}
		i += n
	}
	return i
}
