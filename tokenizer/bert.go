package tokenizer

// bertNormalizer is BERT's cleaning of text.
type bertNormalizer struct{ clean, chinese, accents, lower bool }

func readBertNormalizer(f *fields, _ registry[normalizer]) (normalizer, error) {
	b := bertNormalizer{
		clean: f.boolOr("clean_text", true), chinese: f.boolOr("handle_chinese_chars", true),
		lower: f.boolOr("lowercase", true),
	}
	b.accents = f.boolOr("strip_accents", b.lower)
	return b, f.err
}

func (b bertNormalizer) normalize(p *passage) error {
	var steps normalizerSequence
	if b.clean {
		steps = append(steps, bertClean{})
	}
	if b.chinese {
		steps = append(steps, bertChinese{})
	}
	if b.accents {
		steps = append(steps, unicodeForm{}, without(nonspacing))
	}
	if b.lower {
		steps = append(steps, lowercase{})
	}
	return steps.normalize(p)
}

// bertClean takes out control characters and makes all white space spaces.
type bertClean struct{}

func (bertClean) normalize(p *passage) error {
	t := classes()
	clean := func(r rune) rune {
		switch c := t.of(r); {
		case r == '\t', r == '\n', r == '\r':
			return ' '
		case r == 0, r == 0xfffd, c&other != 0:
			return -1
		case c&space != 0:
			return ' '
		}
		return r
	}
	touched := func(r rune) bool { return clean(r) != r }
	return mapped(p, touched, func(e *editor, r rune) { e.putUnless(clean(r), clean(r) < 0) })
}

// bertChinese puts spaces around CJK ideographs.
type bertChinese struct{}

func (bertChinese) normalize(p *passage) error {
	return mapped(p, isChinese, func(e *editor, r rune) {
		if !isChinese(r) {
			e.put(r, 0)
			return
		}
		e.put(' ', 0)
		e.put(r, 1)
		e.put(' ', 1)
	})
}

// isChinese knows the blocks that BERT calls Chinese.
func isChinese(r rune) bool {
	switch {
	case r < 0x3400:
		return false
	case r <= 0x4dbf, r >= 0x4e00 && r <= 0x9fff, r >= 0xf900 && r <= 0xfaff, r >= 0x20000 && r <= 0x2a6df,
		r >= 0x2a700 && r <= 0x2b73f, r >= 0x2b740 && r <= 0x2b81f, r >= 0x2b920 && r <= 0x2ceaf, r >= 0x2f800 && r <= 0x2fa1f:
		return true
	}
	return false
}
