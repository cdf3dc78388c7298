package tokenizer

import "strings"

// A scanner finds the end of the piece that starts at s[i:]. Scanners stand for the split patterns of the large model
// families. Where nothing matches at i it returns ^end, with the end of the gap before the next match.
type scanner func(t *classTable, s string, i int) int

// Patterns that have a scanner, with line breaks as escapes. Each is given in the notations in which it is found.
const (
	patternGPT2      = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	patternGPT2Short = `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

	contractions     = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
	someSpaces       = `|\s*[\r\n]+|\s+(?!\S)|\s+`
	lettersAndMarks  = `|[^\r\n\p{L}\p{N}]?\p{L}+|`
	marksAndNewlines = `| ?[^\s\p{L}\p{N}]+[\r\n]*` + someSpaces
	patternLlama3    = contractions + lettersAndMarks + `\p{N}{1,3}` + marksAndNewlines
	patternQwen2     = contractions + lettersAndMarks + `\p{N}` + marksAndNewlines
	patternQwen35    = contractions + `|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*` + someSpaces

	capitals      = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
	smalls        = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
	capitalFirst  = `[^\r\n\p{L}\p{N}]?` + capitals + `*` + smalls + `+`
	allCapital    = `[^\r\n\p{L}\p{N}]?` + capitals + `+` + smalls + `*`
	marksOrPath   = `| ?[^\s\p{L}\p{N}]+[\r\n/]*` + someSpaces
	patternO200k  = capitalFirst + contractions + `?|` + allCapital + contractions + `?|\p{N}{1,3}` + marksOrPath
	patternTekken = capitalFirst + `|` + allCapital + `|\p{N}` + marksOrPath

	patternDigits3  = `\p{N}{1,3}`
	patternCJK      = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
	patternDeepSeek = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+" +
		"| ?[\\p{P}\\p{S}]+[\\r\\n]*" + someSpaces
)

// scanners gives the scanners of patterns.
var scanners = map[string]scanner{
	patternGPT2: scanGPT2, patternGPT2Short: scanGPT2, patternLlama3: scanLlama3, patternQwen2: scanQwen2,
	patternQwen35: scanQwen35, patternO200k: scanO200k, patternTekken: scanTekken, patternDigits3: scanDigits3,
	patternCJK: scanCJK, patternDeepSeek: scanDeepSeek,
}

// lineBreaks writes line breaks in a pattern as escapes.
var lineBreaks = strings.NewReplacer("\r", `\r`, "\n", `\n`)

// scanGPT2 scans patternGPT2.
func scanGPT2(t *classTable, s string, i int) int {
	if s[i] == '\'' {
		if n := contraction(s[i:], false); n > 0 {
			return i + n
		}
	}
	from := i
	if s[i] == ' ' && i+1 < len(s) {
		from++
	}
	switch c, n := t.at(s, from); {
	case c&letter != 0:
		return t.run(s, from+n, letter)
	case c&number != 0:
		return t.run(s, from+n, number)
	case c&space == 0:
		return t.runWithout(s, from+n, letter|number|space)
	}
	return t.spaces(s, i)
}

// scanLlama3 scans patternLlama3, also called cl100k.
func scanLlama3(t *classTable, s string, i int) int { return scanWords(t, s, i, letter, 3) }

// scanQwen2 scans patternQwen2.
func scanQwen2(t *classTable, s string, i int) int { return scanWords(t, s, i, letter, 1) }

// scanQwen35 scans patternQwen35.
func scanQwen35(t *classTable, s string, i int) int { return scanWords(t, s, i, letter|mark, 1) }

// scanWords scans the patterns that differ only in what words are made of and in how many digits stay together.
func scanWords(t *classTable, s string, i int, of class, digits int) int {
	if s[i] == '\'' {
		if n := contraction(s[i:], true); n > 0 {
			return i + n
		}
	}
	c, n := t.at(s, i)
	if c&of != 0 {
		return t.run(s, i+n, of)
	}
	if c&number != 0 {
		return t.runOf(s, i+n, number, digits-1)
	}
	next, m := class(0), 0
	if i+n < len(s) {
		next, m = t.at(s, i+n)
	}
	if next&of != 0 && s[i] != '\r' && s[i] != '\n' {
		return t.run(s, i+n+m, of)
	}
	words := of | number | space
	switch {
	case c&space == 0:
		return newlines(s, t.runWithout(s, i+n, words))
	case s[i] == ' ' && m > 0 && next&words == 0:
		return newlines(s, t.runWithout(s, i+n+m, words))
	}
	return t.linesOrSpaces(s, i)
}

// scanO200k scans patternO200k.
func scanO200k(t *classTable, s string, i int) int {
	if end := t.casedWord(s, i); end > 0 {
		if end < len(s) && s[end] == '\'' {
			end += contraction(s[end:], true)
		}
		return end
	}
	return scanRest(t, s, i, 3)
}

// scanTekken scans patternTekken.
func scanTekken(t *classTable, s string, i int) int {
	if end := t.casedWord(s, i); end > 0 {
		return end
	}
	return scanRest(t, s, i, 1)
}

// casedWord matches a word of capital letters and then small ones, or of capitals only, with a character that is neither
// letter nor number before it. It returns 0 where there is none.
func (t *classTable) casedWord(s string, i int) int {
	c, n := t.at(s, i)
	if c&number != 0 || s[i] == '\r' || s[i] == '\n' {
		return 0
	}
	skipped := 0
	if c&letter == 0 && i+n < len(s) {
		if first, capitals := t.cased(s, i+n); first > 0 {
			return first
		} else if capitals > i+n {
			skipped = capitals
		}
	}
	first, capitals := t.cased(s, i)
	switch {
	case first > 0:
		return first
	case skipped > 0:
		return skipped
	case capitals > i:
		return capitals
	}
	return 0
}

// cased matches capitals* smalls+ at s[i:], where letters without case and marks count as both: smalls is where that ends,
// 0 if nowhere, and capitals is where the first run ends.
func (t *classTable) cased(s string, i int) (smalls, capitals int) {
	for i < len(s) {
		c, n := t.at(s, i)
		if c&small != 0 {
			return t.smallRun(s, i+n), i
		}
		if c&(letter|mark) == 0 {
			break
		}
		i += n
		if c&upper == 0 {
			smalls = i
		}
	}
	return smalls, i
}

// smallRun returns the end of the run of letters and marks that are not capital.
func (t *classTable) smallRun(s string, i int) int {
	for i < len(s) {
		c, n := t.at(s, i)
		if c&(letter|mark) == 0 || c&upper != 0 {
			break
		}
		i += n
	}
	return i
}

// scanRest scans what the patterns with case have besides words.
func scanRest(t *classTable, s string, i, digits int) int {
	c, n := t.at(s, i)
	if c&number != 0 {
		return t.runOf(s, i+n, number, digits-1)
	}
	from := i
	if s[i] == ' ' && i+1 < len(s) {
		from++
		c, n = t.at(s, from)
	}
	if c&(letter|number|space) != 0 {
		return t.linesOrSpaces(s, i)
	}
	end := t.runWithout(s, from+n, letter|number|space)
	for end < len(s) && (s[end] == '\r' || s[end] == '\n' || s[end] == '/') {
		end++
	}
	return end
}

// scanDigits3 scans patternDigits3.
func scanDigits3(t *classTable, s string, i int) int {
	if end := t.runOf(s, i, number, 3); end > i {
		return end
	}
	return ^t.runWithout(s, i, number)
}

// scanDeepSeek scans patternDeepSeek.
func scanDeepSeek(t *classTable, s string, i int) int {
	if end := t.deepSeek(s, i); end > 0 {
		return end
	}
	for i < len(s) {
		_, n := t.at(s, i)
		if i += n; i < len(s) && t.deepSeek(s, i) > 0 {
			break
		}
	}
	return ^i
}

// deepSeek matches patternDeepSeek at s[i:], 0 if it does not.
func (t *classTable) deepSeek(s string, i int) int {
	c, n := t.at(s, i)
	if c&symbol != 0 && s[i] < 0x80 {
		end := i + 1
		for end < len(s) && (s[end] >= 'a' && s[end] <= 'z' || s[end] >= 'A' && s[end] <= 'Z') {
			end++
		}
		if end > i+1 {
			return end
		}
	}
	if c&(letter|mark) != 0 {
		return t.run(s, i+n, letter|mark)
	}
	next, m := class(0), 0
	if i+n < len(s) {
		next, m = t.at(s, i+n)
	}
	switch {
	case next&(letter|mark) != 0 && c&symbol == 0 && s[i] != '\r' && s[i] != '\n':
		return t.run(s, i+n+m, letter|mark)
	case c&symbol != 0:
		return newlines(s, t.run(s, i+n, symbol))
	case s[i] == ' ' && next&symbol != 0:
		return newlines(s, t.run(s, i+n+m, symbol))
	case c&space != 0:
		return t.linesOrSpaces(s, i)
	}
	return 0
}

// scanWhitespace scans the pieces of Whitespace, \w+|[^\w\s]+, and the white space between.
func scanWhitespace(t *classTable, s string, i int) int {
	c, n := t.at(s, i)
	switch {
	case c&word != 0:
		return t.run(s, i+n, word)
	case c&space != 0:
		return t.run(s, i+n, space)
	}
	return t.runWithout(s, i+n, word|space)
}
