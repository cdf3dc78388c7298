package tokenizer

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites text before it is split.
type normalizer interface{ normalize(text string) string }

var normalizers registry[normalizer]

func init() {
	normalizers = registry[normalizer]{
		"NFC":       form(norm.NFC),
		"NFD":       form(norm.NFD),
		"NFKC":      form(norm.NFKC),
		"NFKD":      form(norm.NFKD),
		"Lowercase": func(*fields, registry[normalizer]) (normalizer, error) { return lowercase{}, nil },
		"Prepend": func(f *fields, _ registry[normalizer]) (normalizer, error) {
			return prepend(f.string("prepend")), f.err
		},
		"Sequence": func(f *fields, r registry[normalizer]) (normalizer, error) {
			list, err := r.buildAll(f, "normalizers")
			return normalizerSequence(list), err
		},
	}
}

// unicodeForm is one of the Unicode normal forms.
type unicodeForm struct{ form norm.Form }

func form(f norm.Form) func(*fields, registry[normalizer]) (normalizer, error) {
	return func(*fields, registry[normalizer]) (normalizer, error) { return unicodeForm{f}, nil }
}

func (n unicodeForm) normalize(text string) string {
	if n.form.IsNormalString(text) {
		return text
	}
	return n.form.String(text)
}

// lowercase maps every character to its lower-case form, without regard to its
// neighbours.
type lowercase struct{}

func (lowercase) normalize(text string) string {
	table := lowers()
	var b strings.Builder
	for _, r := range text {
		switch low, ok := table[r]; {
		case r == 'İ':
			b.WriteString("i\u0307")
		case ok:
			b.WriteRune(low)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// prepend puts text before what is not empty.
type prepend string

func (p prepend) normalize(text string) string {
	if text == "" {
		return text
	}
	return string(p) + text
}

type normalizerSequence []normalizer

func (s normalizerSequence) normalize(text string) string {
	for _, n := range s {
		text = n.normalize(text)
	}
	return text
}
