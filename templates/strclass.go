package templates

import (
	"strings"
	"unicode"
)

func isCased(r rune) bool {
	return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) ||
		unicode.Is(unicode.Other_Uppercase, r) || unicode.Is(unicode.Other_Lowercase, r)
}

// all reports whether s is not empty and every character passes.
func all(s string, ok func(rune) bool) bool {
	for _, r := range s {
		if !ok(r) {
			return false
		}
	}
	return s != ""
}

func isDecimalText(s string) bool {
	return all(s, func(r rune) bool { return unicode.Is(unicode.Nd, r) })
}

func isDigitRune(r rune) bool {
	switch {
	case unicode.Is(unicode.Nd, r):
		return true
	case r == 0xb2 || r == 0xb3 || r == 0xb9 || r == 0x2070 || r >= 0x2074 && r <= 0x2079 || r >= 0x2080 && r <= 0x2089:
		return true
	}
	return r >= 0x2460 && r <= 0x2468 || r >= 0x2474 && r <= 0x247c || r >= 0x2488 && r <= 0x2490
}

func isDigitText(s string) bool   { return all(s, isDigitRune) }
func isNumericText(s string) bool { return all(s, isNumericRune) }

// numerals are the ideographs that write numbers.
const numerals = "\u3405\u3483\u382a\u3b4d\u4e00\u4e03\u4e07\u4e09\u4e5d\u4e8c\u4e94\u4e96\u4ebf\u4ec0" +
	"\u4edf\u4ee8\u4f0d\u4f70\u5104\u5146\u516b\u516d\u5341\u5343\u5344\u5345\u534c\u53c1" +
	"\u53c2\u53c3\u53c4\u56db\u58f1\u58f9\u5e7a\u5efe\u5eff\u5f0c\u5f0d\u5f0e\u5f10\u62fe" +
	"\u634c\u67d2\u6f06\u7396\u767e\u8086\u8cae\u8cb3\u8d30\u9621\u9646\u964c\u9678"

// isNumericRune is Python's str.isnumeric for one character.
func isNumericRune(r rune) bool {
	return unicode.IsNumber(r) || strings.ContainsRune(numerals, r)
}

func isAlpha(s string) bool { return all(s, unicode.IsLetter) }

func isAlnum(s string) bool {
	return all(s, func(r rune) bool { return r != '_' && isWordChar(r) })
}

// isWordChar is \w of Python's regular expressions.
func isWordChar(r rune) bool { return r == '_' || unicode.IsLetter(r) || isNumericRune(r) }

func isSpaceText(s string) bool { return all(s, isSpace) }

func isPrintable(s string) bool { return s == "" || all(s, unicode.IsPrint) }

// casing reports whether s has a cased character and none that bad accepts.
func casing(s string, bad func(rune) bool) bool {
	cased := false
	for _, r := range s {
		if bad(r) || unicode.IsTitle(r) {
			return false
		}
		cased = cased || isCased(r)
	}
	return cased
}

func isUpperRune(r rune) bool {
	return unicode.IsUpper(r) || unicode.Is(unicode.Other_Uppercase, r)
}

func isLowerRune(r rune) bool {
	return unicode.IsLower(r) || unicode.Is(unicode.Other_Lowercase, r)
}

func isLowerText(s string) bool { return casing(s, isUpperRune) }
func isUpperText(s string) bool { return casing(s, isLowerRune) }

func isTitleText(s string) bool {
	cased, inWord := false, false
	for _, r := range s {
		switch {
		case isUpperRune(r) || unicode.IsTitle(r):
			if inWord {
				return false
			}
			inWord, cased = true, true
		case isLowerRune(r):
			if !inWord {
				return false
			}
			cased = true
		default:
			inWord = false
		}
	}
	return cased
}
