package templates

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// capitals lists the characters whose upper case is more than one character:
// each word is such a character and what it becomes (the part of Unicode's
// SpecialCasing.txt that needs no context).
const capitals = "\u00dfSS \u0149\u02bcN \u01f0J\u030c \u0390\u0399\u0308\u0301 \u03b0\u03a5\u0308\u0301 " +
	"\u0587\u0535\u0552 \u1e96H\u0331 \u1e97T\u0308 \u1e98W\u030a \u1e99Y\u030a \u1e9aA\u02be " +
	"\u1f50\u03a5\u0313 \u1f52\u03a5\u0313\u0300 \u1f54\u03a5\u0313\u0301 \u1f56\u03a5\u0313\u0342 " +
	"\u1f80\u1f08\u0399 \u1f81\u1f09\u0399 \u1f82\u1f0a\u0399 \u1f83\u1f0b\u0399 \u1f84\u1f0c\u0399 " +
	"\u1f85\u1f0d\u0399 \u1f86\u1f0e\u0399 \u1f87\u1f0f\u0399 \u1f88\u1f08\u0399 \u1f89\u1f09\u0399 " +
	"\u1f8a\u1f0a\u0399 \u1f8b\u1f0b\u0399 \u1f8c\u1f0c\u0399 \u1f8d\u1f0d\u0399 \u1f8e\u1f0e\u0399 " +
	"\u1f8f\u1f0f\u0399 \u1f90\u1f28\u0399 \u1f91\u1f29\u0399 \u1f92\u1f2a\u0399 \u1f93\u1f2b\u0399 " +
	"\u1f94\u1f2c\u0399 \u1f95\u1f2d\u0399 \u1f96\u1f2e\u0399 \u1f97\u1f2f\u0399 \u1f98\u1f28\u0399 " +
	"\u1f99\u1f29\u0399 \u1f9a\u1f2a\u0399 \u1f9b\u1f2b\u0399 \u1f9c\u1f2c\u0399 \u1f9d\u1f2d\u0399 " +
	"\u1f9e\u1f2e\u0399 \u1f9f\u1f2f\u0399 \u1fa0\u1f68\u0399 \u1fa1\u1f69\u0399 \u1fa2\u1f6a\u0399 " +
	"\u1fa3\u1f6b\u0399 \u1fa4\u1f6c\u0399 \u1fa5\u1f6d\u0399 \u1fa6\u1f6e\u0399 \u1fa7\u1f6f\u0399 " +
	"\u1fa8\u1f68\u0399 \u1fa9\u1f69\u0399 \u1faa\u1f6a\u0399 \u1fab\u1f6b\u0399 \u1fac\u1f6c\u0399 " +
	"\u1fad\u1f6d\u0399 \u1fae\u1f6e\u0399 \u1faf\u1f6f\u0399 \u1fb2\u1fba\u0399 \u1fb3\u0391\u0399 " +
	"\u1fb4\u0386\u0399 \u1fb6\u0391\u0342 \u1fb7\u0391\u0342\u0399 \u1fbc\u0391\u0399 " +
	"\u1fc2\u1fca\u0399 \u1fc3\u0397\u0399 \u1fc4\u0389\u0399 \u1fc6\u0397\u0342 " +
	"\u1fc7\u0397\u0342\u0399 \u1fcc\u0397\u0399 \u1fd2\u0399\u0308\u0300 \u1fd3\u0399\u0308\u0301 " +
	"\u1fd6\u0399\u0342 \u1fd7\u0399\u0308\u0342 \u1fe2\u03a5\u0308\u0300 \u1fe3\u03a5\u0308\u0301 " +
	"\u1fe4\u03a1\u0313 \u1fe6\u03a5\u0342 \u1fe7\u03a5\u0308\u0342 \u1ff2\u1ffa\u0399 " +
	"\u1ff3\u03a9\u0399 \u1ff4\u038f\u0399 \u1ff6\u03a9\u0342 \u1ff7\u03a9\u0342\u0399 " +
	"\u1ffc\u03a9\u0399 \ufb00FF \ufb01FI \ufb02FL \ufb03FFI \ufb04FFL \ufb05ST \ufb06ST " +
	"\ufb13\u0544\u0546 \ufb14\u0544\u0535 \ufb15\u0544\u053b \ufb16\u054e\u0546 \ufb17\u0544\u053d"

// titles lists likewise those whose title case is not the upper case with all
// but its first character in lower case.
const titles = "\u0149\u02bcN \u1fb2\u1fba\u0345 \u1fb4\u0386\u0345 \u1fb7\u0391\u0342\u0345 \u1fc2\u1fca\u0345 " +
	"\u1fc4\u0389\u0345 \u1fc7\u0397\u0342\u0345 \u1ff2\u1ffa\u0345 \u1ff4\u038f\u0345 \u1ff7\u03a9\u0342\u0345"

var (
	fullUpper = sync.OnceValue(func() map[rune]string { return caseTable(capitals) })
	fullTitle = sync.OnceValue(func() map[rune]string { return caseTable(titles) })
)

func caseTable(words string) map[rune]string {
	table := map[rune]string{}
	for word := range strings.FieldsSeq(words) {
		r, n := utf8.DecodeRuneInString(word)
		table[r] = word[n:]
	}
	return table
}

// upper is Python's str.upper, which maps in full: ß becomes SS.
func upper(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	var b strings.Builder
	for _, r := range s {
		writeUpper(&b, r)
	}
	return b.String()
}

func writeUpper(b *strings.Builder, r rune) {
	if full := fullUpper()[r]; full != "" {
		b.WriteString(full)
		return
	}
	b.WriteRune(unicode.ToUpper(r))
}

// lower is Python's str.lower, which knows the Σ at the end of a word.
func lower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for i, r := range s {
		writeLower(&b, s, i, r)
	}
	return b.String()
}

// writeLower writes the lower case of r, which stands at byte i of s.
func writeLower(b *strings.Builder, s string, i int, r rune) {
	switch {
	case r == 'İ':
		b.WriteString("i\u0307")
	case r == 'Σ' && endsWord(s[:i], s[i+len("Σ"):]):
		b.WriteRune('ς')
	default:
		b.WriteRune(unicode.ToLower(r))
	}
}

// endsWord reports whether a letter comes before a place in a text and none
// follows it, with marks and apostrophes passed over.
func endsWord(before, after string) bool {
	telling := func(r rune) bool { return !isCaseIgnorable(r) }
	i := strings.LastIndexFunc(before, telling)
	if i < 0 {
		return false
	}
	if r, _ := utf8.DecodeRuneInString(before[i:]); !isCased(r) {
		return false
	}
	if i = strings.IndexFunc(after, telling); i < 0 {
		return true
	}
	r, _ := utf8.DecodeRuneInString(after[i:])
	return !isCased(r)
}

// isCaseIgnorable is Unicode's property Case_Ignorable.
func isCaseIgnorable(r rune) bool {
	const punctuation = "'.:·\u0387\u055f\u05f4‘’\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a"
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) ||
		strings.ContainsRune(punctuation, r)
}

// casefold is Python's str.casefold.
func casefold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for _, r := range s {
		b.WriteString(foldRune(r))
	}
	return b.String()
}

// foldRune is the lower case of the upper case, but for a few characters.
func foldRune(r rune) string {
	switch {
	case r == 'İ':
		return "i\u0307"
	case r == 'ẞ':
		return "ss"
	case r == 'ı':
		return "ı"
	case unicode.Is(unicode.Cherokee, r):
		return string(unicode.ToUpper(r))
	}
	if full := fullUpper()[r]; full != "" {
		return strings.Map(unicode.ToLower, full)
	}
	return string(unicode.ToLower(unicode.ToUpper(r)))
}

// titleRune is the title case of r, which may be several characters.
func titleRune(r rune) string {
	if full := fullTitle()[r]; full != "" {
		return full
	}
	t := unicode.ToTitle(r)
	full := fullUpper()[r]
	if t != r || full == "" || unicode.IsTitle(r) {
		return string(t)
	}
	_, n := utf8.DecodeRuneInString(full)
	return full[:n] + strings.Map(unicode.ToLower, full[n:])
}

// capitalize is Python's str.capitalize.
func capitalize(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i == 0 {
			b.WriteString(titleRune(r))
		} else {
			writeLower(&b, s, i, r)
		}
	}
	return b.String()
}

// title is Python's str.title: a letter after something caseless begins a word.
func title(s string) string {
	var b strings.Builder
	inWord := false
	for i, r := range s {
		if inWord {
			writeLower(&b, s, i, r)
		} else {
			b.WriteString(titleRune(r))
		}
		inWord = isCased(r)
	}
	return b.String()
}

// swapcase is Python's str.swapcase.
func swapcase(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case isUpperRune(r):
			writeLower(&b, s, i, r)
		case isLowerRune(r):
			writeUpper(&b, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
