package tokenizer

import (
	"math"
	"strconv"
	"strings"
)

// parseScore reads a JSON number as the reference does: digits as a 64-bit integer, further ones ignored, times a power of
// ten. That is off by a bit at times, which decides between two ways to cut a word whose scores are equal.
func parseScore(text string) (float64, error) {
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return 0, err
	}
	digits, negative := strings.CutPrefix(text, "-")
	mantissa, power, hasPower := strings.Cut(strings.ToLower(digits), "e")
	exponent := 0
	if hasPower {
		var err error
		if exponent, err = strconv.Atoi(power); err != nil {
			return 0, err
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	var n uint64
	full := false
	take := func(d rune) bool {
		if digit := uint64(d - '0'); !full && n <= (math.MaxUint64-digit)/10 {
			n = n*10 + digit
			return true
		}
		full = true
		return false
	}
	for _, d := range whole {
		if !take(d) {
			exponent++
		}
	}
	for _, d := range fraction {
		if take(d) {
			exponent--
		}
	}
	f := scaled(float64(n), exponent)
	if negative {
		f = -f
	}
	return f, nil
}

// scaled returns f times a power of ten.
func scaled(f float64, exponent int) float64 {
	const most = 308
	for ; exponent < -most && f != 0; exponent += most {
		f /= 1e308
	}
	switch {
	case f == 0:
		return 0
	case exponent < 0:
		return f / math.Pow10(-exponent)
	}
	return f * math.Pow10(exponent)
}
