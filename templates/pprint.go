package templates

import (
	"strings"
	"unicode/utf8"
)

// pprintWidth is the line length that Python's pprint aims at.
const pprintWidth = 80

// pprinter lays values out over several lines as Python's pprint does, with
// the keys of mappings sorted.
type pprinter struct {
	m     *machine
	b     strings.Builder
	depth int
}

func filterPprint(m *machine, a []Value) (Value, error) {
	p := &pprinter{m: m}
	err := p.value(a[0], 0, 0)
	return str(p.b.String()), err
}

// value writes v, which begins at column indent and is followed by allowance
// further characters.
func (p *pprinter) value(v Value, indent, allowance int) error {
	if p.depth++; p.depth > maxNesting {
		return limitf("maximum recursion depth exceeded while printing")
	}
	defer func() { p.depth-- }()
	if err := p.m.fits(p.b.Len()); err != nil {
		return err
	}
	sorted, err := p.sorted(v, 0)
	if err != nil {
		return err
	}
	f := formatter{m: p.m}
	if err := f.repr(sorted); err != nil {
		return err
	}
	if utf8.RuneCount(f.buf) <= pprintWidth-indent-allowance {
		p.b.Write(f.buf)
		return nil
	}
	switch x := sorted.(type) {
	case *Dict:
		return p.dict(x, indent, allowance)
	case *list:
		return p.items("[", x.items, "]", indent, allowance)
	case *tuple:
		if len(x.items) == 1 {
			return p.items("(", x.items, ",)", indent, allowance)
		}
		return p.items("(", x.items, ")", indent, allowance)
	case str:
		return p.text(string(x), indent, allowance)
	}
	p.b.Write(f.buf)
	return nil
}

// sorted returns v with the keys of mappings in order, at every level.
func (p *pprinter) sorted(v Value, depth int) (Value, error) {
	if err := p.m.compareStep(depth); err != nil {
		return nil, err
	}
	convert := func(items []Value) ([]Value, error) {
		return p.m.keysOf(items, func(v Value) (Value, error) { return p.sorted(v, depth+1) })
	}
	switch x := v.(type) {
	case *list:
		items, err := convert(x.items)
		return &list{items}, err
	case *tuple:
		items, err := convert(x.items)
		return &tuple{items: items}, err
	case *Dict:
		vals, err := convert(x.vals)
		if err != nil {
			return nil, err
		}
		order := make([]Value, x.Len())
		for i := range order {
			order[i] = integer(i)
		}
		if order, err = p.m.sortBy(order, x.keys, false); err != nil {
			return nil, err
		}
		d := NewDict()
		for _, i := range order {
			if err := d.set(x.keys[i.(integer)], vals[i.(integer)]); err != nil {
				return nil, err
			}
		}
		return d, nil
	}
	return v, nil
}

func (p *pprinter) dict(d *Dict, indent, allowance int) error {
	p.b.WriteByte('{')
	for i, k := range d.keys {
		f := formatter{m: p.m}
		if err := f.repr(k); err != nil {
			return err
		}
		p.b.Write(f.buf)
		p.b.WriteString(": ")
		room := 1
		if i == d.Len()-1 {
			room = allowance + 1
		}
		if err := p.value(d.vals[i], indent+1+utf8.RuneCount(f.buf)+2, room); err != nil {
			return err
		}
		if i < d.Len()-1 {
			p.b.WriteString(",\n" + strings.Repeat(" ", indent+1))
		}
	}
	p.b.WriteByte('}')
	return nil
}

func (p *pprinter) items(open string, items []Value, end string, indent, allowance int) error {
	p.b.WriteString(open)
	for i, v := range items {
		room := 1
		if i == len(items)-1 {
			room = allowance + len(end)
		}
		if err := p.value(v, indent+1, room); err != nil {
			return err
		}
		if i < len(items)-1 {
			p.b.WriteString(",\n" + strings.Repeat(" ", indent+1))
		}
	}
	p.b.WriteString(end)
	return nil
}

// text writes a long string as several literals, cut at line ends and blanks.
func (p *pprinter) text(s string, indent, allowance int) error {
	top := p.depth == 1
	if top {
		indent++
		allowance++
	}
	var chunks []string
	lines := splitLines(s, true)
	for i, line := range lines {
		room := pprintWidth - indent
		if i == len(lines)-1 {
			room -= allowance
		}
		if utf8.RuneCountInString(quote(line)) <= room {
			chunks = append(chunks, quote(line))
			continue
		}
		chunks = append(chunks, p.words(line, pprintWidth-indent, i == len(lines)-1, allowance)...)
	}
	if len(chunks) == 1 {
		p.b.WriteString(chunks[0])
		return nil
	}
	if top {
		p.b.WriteByte('(')
	}
	p.b.WriteString(strings.Join(chunks, "\n"+strings.Repeat(" ", indent)))
	if top {
		p.b.WriteByte(')')
	}
	return nil
}

// words packs the words of one line, each with the blanks behind it, into
// literals of at most width characters.
func (p *pprinter) words(line string, width int, lastLine bool, allowance int) []string {
	var parts []string
	for rest := line; rest != ""; {
		i := strings.IndexFunc(rest, isSpace)
		if i < 0 {
			parts = append(parts, rest)
			break
		}
		n := len(rest) - len(strings.TrimLeftFunc(rest[i:], isSpace))
		parts = append(parts, rest[:n])
		rest = rest[n:]
	}
	var chunks []string
	current := ""
	for j, part := range parts {
		room := width
		if lastLine && j == len(parts)-1 {
			room -= allowance
		}
		if utf8.RuneCountInString(quote(current+part)) > room {
			if current != "" {
				chunks = append(chunks, quote(current))
			}
			current = part
		} else {
			current += part
		}
	}
	if current != "" {
		chunks = append(chunks, quote(current))
	}
	return chunks
}
