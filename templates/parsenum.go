package templates

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// asciiDigits maps the decimal digits of all scripts to ASCII, as Python's
// number parsers do.
func asciiDigits(s string) string {
	if isASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r < 0x80 || !unicode.Is(unicode.Nd, r) {
			return r
		}
		zero := r // the first of a run of tens
		for unicode.Is(unicode.Nd, zero-1) {
			zero--
		}
		return '0' + (r-zero)%10
	}, s)
}

// parseFloat is Python's float(text).
func parseFloat(s string) (float64, bool) {
	s = strings.ToLower(asciiDigits(strings.TrimFunc(s, isSpace)))
	if strings.ContainsAny(s, "xp") || looseUnderscore(s) {
		return 0, false
	}
	for i := range s {
		if s[i] == '_' && (!isDecimal(s[i-1]) || !isDecimal(s[i+1])) {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// looseUnderscore reports whether s has underscores that are not between
// single characters.
func looseUnderscore(s string) bool {
	return strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__")
}

// parseInt is Python's int(text, base).
func parseInt(s string, base int) (Value, bool) {
	s = asciiDigits(strings.TrimFunc(s, isSpace))
	if len(s) > maxDigits || base != 0 && (base < 2 || base > 36) {
		return nil, false
	}
	neg := strings.HasPrefix(s, "-")
	if neg || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	if len(s) > 1 && s[0] == '0' {
		if b := map[byte]int{'b': 2, 'o': 8, 'x': 16}[s[1]|0x20]; b != 0 && (base == b || base == 0) {
			s, base = strings.TrimPrefix(s[2:], "_"), b
		}
	}
	if looseUnderscore(s) || strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		return nil, false
	}
	if base == 0 {
		if base = 10; strings.HasPrefix(s, "0") && strings.Trim(s, "0_") != "" {
			return nil, false
		}
	}
	n, ok := new(big.Int).SetString(strings.ReplaceAll(s, "_", ""), base)
	if !ok {
		return nil, false
	}
	if neg {
		n.Neg(n)
	}
	return bigVal(n), true
}

// truncate is Python's int(x) of a float.
func truncate(x float64) (Value, error) {
	switch {
	case math.IsNaN(x):
		return nil, errf("cannot convert float NaN to integer")
	case math.IsInf(x, 0):
		return nil, errf("cannot convert float infinity to integer")
	}
	n, _ := big.NewFloat(math.Trunc(x)).Int(nil)
	return bigVal(n), nil
}
