package tokenizer

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// appendEscape decodes the escape at the start of s and returns its length, 0 if it is bad or a lone surrogate.
func appendEscape(buf []byte, s string) ([]byte, int) {
	const plain = "\"\"\\\\//b\bf\fn\nr\rt\t"
	if len(s) < 2 {
		return buf, 0
	}
	if s[1] != 'u' {
		for i := 0; i < len(plain); i += 2 {
			if plain[i] == s[1] {
				return append(buf, plain[i+1]), 2
			}
		}
		return buf, 0
	}
	u, ok := hex4(s)
	if !ok {
		return buf, 0
	}
	if !utf16.IsSurrogate(u) {
		return utf8.AppendRune(buf, u), 6
	}
	low, ok := hex4(s[6:])
	if u = utf16.DecodeRune(u, low); !ok || u == utf8.RuneError {
		return buf, 0
	}
	return utf8.AppendRune(buf, u), 12
}

// hex4 reads \uXXXX at the start of s.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	u, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(u), err == nil
}
