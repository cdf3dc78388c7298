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
}

func readSplit(f *fields, _ registry[preTokenizer]) (preTokenizer, error) {
	s := splitter{invert: f.boolOr("invert", false)}
	switch s.behavior = behavior(f.string("behavior")); s.behavior {
	case removed, isolated, mergedWithPrevious, mergedWithNext, contiguous:
	default:
		if f.err == nil {
			return nil, f.need("behavior").errorf("unknown behavior %q", s.behavior)
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	var err error
	s.pattern, err = readPattern(f, "pattern")
	return s, err
}

func (s splitter) split(dst []string, text string, sc *scratch) ([]string, error) {
	found, err := s.pattern.matches(sc.matches[:0], text)
	sc.matches = found
	if err != nil {
		return dst, err
	}
	for i := range found {
		found[i].hit = found[i].hit != s.invert
	}
	return s.behavior.append(dst, text, found), nil
}

// append appends the pieces of text that the stretches give; none is empty.
func (b behavior) append(dst []string, text string, found []match) []string {
	for i := 0; i < len(found); {
		j := i + 1
		for j < len(found) && b.joins(found, i, j) {
			j++
		}
		start, end := found[i].start, found[j-1].end
		if start < end && (b != removed || !found[i].hit) {
			dst = append(dst, text[start:end])
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
