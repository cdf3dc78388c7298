package tokenizer

// behavior says what becomes of the text that a pattern matches.
type behavior string

const (
	removed            behavior = "Removed"
	isolated           behavior = "Isolated"
	mergedWithPrevious behavior = "MergedWithPrevious"
	mergedWithNext     behavior = "MergedWithNext"
	contiguous         behavior = "Contiguous"
)

// splitter splits text by a pattern.
type splitter struct {
	pattern  pattern
	behavior behavior
	invert   bool
	drop     class // pieces that begin with a character of it are left out
}

func readSplit(f *fields, _ registry[preTokenizer]) (preTokenizer, error) {
	s := splitter{invert: f.boolOr("invert", false)}
	var err error
	if s.behavior, err = readBehavior(f, ""); err != nil {
		return nil, err
	}
	s.pattern, err = readPattern(f, "pattern")
	return s, err
}

// readBehavior reads the member behavior, which must be there unless there is a default.
func readBehavior(f *fields, def behavior) (behavior, error) {
	if f.get("behavior") == nil && def != "" {
		return def, f.err
	}
	switch b := behavior(f.string("behavior")); b {
	case removed, isolated, mergedWithPrevious, mergedWithNext, contiguous:
		return b, f.err
	default:
		if f.err != nil {
			return "", f.err
		}
		return "", f.need("behavior").errorf("unknown behavior %q", b)
	}
}

func (s splitter) split(c *pieces, sc *scratch) error {
	if p, ok := s.pattern.(scanPattern); ok && s.behavior == isolated {
		return c.each(sc, func(dst []Span, sp Span) ([]Span, error) { return s.scan(dst, p, c.s[:sp.End], sp.Start), nil })
	}
	return c.each(sc, func(dst []Span, p Span) ([]Span, error) {
		found, err := s.pattern.matches(sc.matches[:0], c.s[p.Start:p.End])
		sc.matches = found
		if err != nil {
			return dst, err
		}
		for i := range found {
			found[i].hit = found[i].hit != s.invert
		}
		return s.behavior.append(dst, p.Start, found), nil
	})
}

// scan cuts by a scanner, whose matches leave no gaps.
func (s splitter) scan(dst []Span, p scanPattern, text string, i int) []Span {
	for i < len(text) {
		end := p.scan(p.table, text, i)
		if end < 0 { // a gap is a piece too
			end = ^end
		}
		if s.drop == 0 {
			dst = append(dst, Span{i, end})
		} else if c, _ := p.table.at(text, i); c&s.drop == 0 {
			dst = append(dst, Span{i, end})
		}
		i = end
	}
	return dst
}

// append appends the pieces of the text at base that the stretches give; none is empty.
func (b behavior) append(dst []Span, base int, found []match) []Span {
	for i := 0; i < len(found); {
		j := i + 1
		for j < len(found) && b.joins(found, i, j) {
			j++
		}
		start, end := found[i].start, found[j-1].end
		if start < end && (b != removed || !found[i].hit) {
			dst = append(dst, Span{base + start, base + end})
		}
		i = j
	}
	return dst
}

// joins reports whether the stretch j continues the piece that began with i.
func (b behavior) joins(found []match, i, j int) bool {
	switch b {
	case contiguous:
		return found[i].hit == found[j].hit
	case mergedWithPrevious:
		return found[j].hit && !found[j-1].hit
	case mergedWithNext:
		return !found[j].hit && found[j-1].hit
	}
	return false
}
