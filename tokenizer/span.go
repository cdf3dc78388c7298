package tokenizer

import (
	"unicode/utf8"
	"unsafe"
)

// Span is a range of bytes: from Start up to, not including, End.
type Span struct{ Start, End int }

// passage is a part of the input on its way through the normalizers: its text as it is now and, where somebody asked for
// offsets, the place in the input that each byte came from.
type passage struct {
	s      string
	at     []Span // of each byte of s; nil while s is still the input from base on
	base   int
	track  bool // keep at
	edited bool // s is no longer the input, and at was not kept
	work   *workshop
}

// workshop is where passages are written anew without allocating: into two buffers in turns, since the text that is read may
// lie in one of them. A text lies there until the one after the next is written.
type workshop struct {
	bufs   [2][]byte
	turn   int
	editor editor
}

// origin returns the place in the input of the character that the byte i belongs to.
func (p *passage) origin(i int) Span {
	if p.at != nil {
		return p.at[i]
	}
	start := i
	for start > 0 && !utf8.RuneStart(p.s[start]) {
		start--
	}
	_, n := utf8.DecodeRuneInString(p.s[start:])
	return Span{p.base + start, p.base + start + n}
}

// start returns where in the input the byte i comes from.
func (p *passage) start(i int) int {
	switch {
	case p.at != nil && i < len(p.at):
		return p.at[i].Start
	case len(p.at) > 0:
		return p.at[len(p.at)-1].End
	}
	return p.base + i
}

// part returns the passage of s[sp.Start:sp.End].
func (p *passage) part(sp Span) passage {
	q := passage{s: p.s[sp.Start:sp.End], base: p.start(sp.Start), track: p.track, edited: p.edited, work: p.work}
	if p.at != nil {
		q.at = p.at[sp.Start:sp.End:sp.End]
	}
	return q
}

// editor writes a passage anew, from left to right. Characters are given as the reference gives them: with the number of
// characters by which the text grows (1: it is inserted) or shrinks (-n: it also stands for n that follow).
type editor struct {
	old  *passage
	from int // the next byte of the old text
	out  []byte
	at   []Span
	low  int // where the part that is written began in the old text
}

// edit starts writing p anew.
func (p *passage) edit() *editor {
	if w := p.work; w != nil && !p.track {
		w.editor = editor{old: p, out: w.bufs[w.turn][:0]}
		return &w.editor
	}
	size := len(p.s) + len(p.s)/4 + 8
	e := &editor{old: p, out: make([]byte, 0, size)}
	if p.track {
		e.at = make([]Span, 0, size)
	}
	return e
}

// place returns the place in the input of what is written next.
func (e *editor) place(inserted bool) Span {
	switch {
	case inserted && e.from <= e.low:
		at := e.old.start(e.low)
		return Span{at, at}
	case inserted:
		return e.old.origin(e.from - 1)
	case e.from < len(e.old.s):
		return e.old.origin(e.from)
	}
	at := e.old.start(len(e.old.s))
	return Span{at, at}
}

// put writes r: inserted with change 1, in place of the next character with 0, of 1+n characters with -n.
func (e *editor) put(r rune, change int) {
	n := len(e.out)
	e.out = utf8.AppendRune(e.out, r)
	if e.old.track {
		at := e.place(change > 0)
		for range len(e.out) - n {
			e.at = append(e.at, at)
		}
	}
	for ; change <= 0; change++ {
		e.skip()
	}
}

// insert writes text behind what stands before it.
func (e *editor) insert(text string) {
	e.out = append(e.out, text...)
	if e.old.track {
		at := e.place(true)
		for range len(text) {
			e.at = append(e.at, at)
		}
	}
}

// skip leaves out the next character.
func (e *editor) skip() {
	if e.from < len(e.old.s) {
		_, n := utf8.DecodeRuneInString(e.old.s[e.from:])
		e.from += n
	}
}

// keep copies the old text up to end.
func (e *editor) keep(end int) {
	e.out = append(e.out, e.old.s[e.from:end]...)
	if e.old.track {
		for i := e.from; i < end; i++ {
			e.at = append(e.at, e.old.origin(i))
		}
	}
	e.from = end
}

// prepend writes text before the next character, of which it takes the place.
func (e *editor) prepend(text string) {
	next, n := utf8.DecodeRuneInString(e.old.s[e.from:])
	if n == 0 {
		return
	}
	end, change := e.from+n, 0
	for _, r := range text {
		e.put(r, change)
		change = 1
	}
	e.put(next, 1)
	e.from = end
}

// done makes what was written the passage's text. The bytes do not change as long as the text is used, so that they need
// not be copied.
func (e *editor) done() {
	p := e.old
	if w := p.work; w != nil && !p.track {
		w.bufs[w.turn] = e.out
		w.turn = 1 - w.turn
	}
	p.s, p.at, p.edited = unsafe.String(unsafe.SliceData(e.out), len(e.out)), e.at, p.edited || !p.track
}
