package tokenizer

import (
	"slices"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// unicodeForm is one of the Unicode normal forms. The data are those of x/text; characters that the reference's older
// Unicode does not know are left alone as they are there. The way is the reference's too, since it tells which character
// of the text each of the result came from.
type unicodeForm struct{ compose, compat bool }

func form(compose, compat bool) func(*fields, registry[normalizer]) (normalizer, error) {
	return always[normalizer](unicodeForm{compose, compat})
}

// part is a character on its way through a normal form: change as editor.put takes it.
type part struct {
	r      rune
	class  uint8 // canonical combining class
	change int
}

func (n unicodeForm) normalize(p *passage) error {
	if n.form().IsNormalString(p.s) {
		return nil
	}
	text, e, t := p.s, p.edit(), classes()
	w := formWriter{form: n, editor: e, table: t}
	for i := 0; i < len(text); {
		i = nextActive(t, text, i)
		if e.from < i { // the character before may compose with the next
			_, back := utf8.DecodeLastRuneInString(text[:i])
			e.keep(i - back)
			i -= back
		}
		for first := true; i < len(text); first = false {
			r, size := utf8.DecodeRuneInString(text[i:])
			if !first && t.of(r)&active == 0 {
				break
			}
			w.add(r)
			i += size
		}
		w.sort()
		w.flush()
	}
	e.done()
	return nil
}

// nextActive returns where the next character is that a normal form might touch.
func nextActive(t *classTable, s string, i int) int {
	for i < len(s) {
		c, n := t.at(s, i)
		if c&active != 0 {
			break
		}
		i += n
	}
	return i
}

// form returns the form as x/text names it.
func (n unicodeForm) form() norm.Form {
	form := norm.NFD
	if n.compose {
		form = norm.NFC
	}
	if n.compat {
		form += norm.NFKC - norm.NFC
	}
	return form
}

// formWriter collects a starter and the marks behind it, and writes them in order.
type formWriter struct {
	form   unicodeForm
	editor *editor
	table  *classTable
	parts  []part
	sorted int // parts in front of here are in order
}

// add takes the next character of the text, decomposed.
func (w *formWriter) add(r rune) {
	if w.table.of(r)&active == 0 {
		w.push(part{r: r})
		return
	}
	if syllable := r - hangulBase; syllable >= 0 && syllable < hangulCount {
		w.push(part{r: 0x1100 + syllable/588})
		w.push(part{r: 0x1161 + syllable%588/28, change: 1})
		if t := syllable % 28; t != 0 {
			w.push(part{r: 0x11a7 + t, change: 1})
		}
		return
	}
	form := unicodeForm{compat: w.form.compat}.form()
	var buf [utf8.UTFMax]byte
	d := form.Properties(buf[:utf8.EncodeRune(buf[:], r)]).Decomposition()
	if d == nil {
		w.push(part{r: r, class: combining(r)})
		return
	}
	for change := 0; len(d) > 0; change = 1 {
		c, n := utf8.DecodeRune(d)
		w.push(part{c, combining(c), change})
		d = d[n:]
	}
}

func (w *formWriter) push(p part) {
	if p.class == 0 {
		w.sort()
		if !w.form.compose || !w.composes(p) {
			w.flush()
		}
	}
	w.parts = append(w.parts, p)
}

// sort orders the marks that came last.
func (w *formWriter) sort() {
	slices.SortStableFunc(w.parts[w.sorted:], func(a, b part) int { return int(a.class) - int(b.class) })
	w.sorted = len(w.parts)
	if w.form.compose {
		w.compose()
	}
}

// composes reports whether p, a starter, might compose with the starter before it.
func (w *formWriter) composes(p part) bool {
	if len(w.parts) != 1 || w.parts[0].class != 0 {
		return false
	}
	_, ok := composed(w.parts[0].r, p.r)
	return ok
}

// compose lets the starter take up what follows it, each mark that none of the same or a greater class blocks.
func (w *formWriter) compose() {
	if len(w.parts) == 0 || w.parts[0].class != 0 {
		return
	}
	left := w.parts[:1]
	last := -1 // class of the mark before
	for _, p := range w.parts[1:] {
		if last < int(p.class) || last < 0 {
			if r, ok := composed(left[0].r, p.r); ok {
				left[0].r, left[0].change = r, left[0].change+p.change-1
				continue
			}
		}
		left, last = append(left, p), int(p.class)
	}
	w.parts, w.sorted = left, len(left)
}

// flush writes what is collected.
func (w *formWriter) flush() {
	for _, p := range w.parts {
		w.editor.put(p.r, p.change)
	}
	w.parts, w.sorted = w.parts[:0], 0
}

// combining returns the canonical combining class.
func combining(r rune) uint8 {
	if r < 0x300 || classes().of(r)&active == 0 {
		return 0
	}
	var buf [utf8.UTFMax]byte
	return norm.NFD.Properties(buf[:utf8.EncodeRune(buf[:], r)]).CCC()
}

const (
	hangulBase  = 0xac00
	hangulCount = 11172
)

// composed returns the character that a and b make together.
func composed(a, b rune) (rune, bool) {
	if l, v := a-0x1100, b-0x1161; l >= 0 && l < 19 && v >= 0 && v < 21 {
		return hangulBase + (l*21+v)*28, true
	}
	if s, t := a-hangulBase, b-0x11a7; s >= 0 && s < hangulCount && s%28 == 0 && t > 0 && t < 28 {
		return a + t, true
	}
	r, ok := compositions()[[2]rune{a, b}]
	return r, ok
}

// compositions maps two characters to the one that they make.
var compositions = sync.OnceValue(func() map[[2]rune]rune {
	m := make(map[[2]rune]rune)
	for i, run := range classRuns {
		if classSets[uint8(run)]&active == 0 || run>>8 == hangulBase {
			continue
		}
		for r := rune(run >> 8); r < rune(classRuns[i+1]>>8); r++ {
			d := []rune(norm.NFD.String(string(r)))
			if len(d) < 2 || norm.NFC.String(string(r)) != string(r) {
				continue
			}
			if first := []rune(norm.NFC.String(string(d[:len(d)-1]))); len(first) == 1 {
				m[[2]rune{first[0], d[len(d)-1]}] = r
			}
		}
	}
	return m
})
