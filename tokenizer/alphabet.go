package tokenizer

import "unicode/utf8"

// The byte-level alphabet gives every byte a printable character: itself where it is printable in Latin-1, else one
// from U+0100 on, in the order of the bytes. It is GPT-2's (encoder.py, bytes_to_unicode).
var (
	byteToRune = makeByteToRune()
	runeToByte = makeRuneToByte()
)

const alphabetEnd = 256 + 68 // 68 bytes are not printable

func makeByteToRune() (table [256]rune) {
	next := rune(256)
	for b := range table {
		switch {
		case b >= '!' && b <= '~', b >= 0xa1 && b <= 0xac, b >= 0xae:
			table[b] = rune(b)
		default:
			table[b] = next
			next++
		}
	}
	return table
}

// makeRuneToByte inverts makeByteToRune; -1 marks characters outside the alphabet.
func makeRuneToByte() (table [alphabetEnd]int16) {
	for r := range table {
		table[r] = -1
	}
	for b, r := range makeByteToRune() {
		table[r] = int16(b)
	}
	return table
}

// byteLevelText writes the bytes of s in the alphabet.
func byteLevelText(s string) string {
	var stack [2 * cacheMaxWord]byte
	buf := stack[:0]
	for i := range len(s) {
		buf = utf8.AppendRune(buf, byteToRune[s[i]])
	}
	return string(buf)
}

// appendByteLevel appends the bytes that the characters of token stand for; a token with any character outside the
// alphabet stands for itself.
func appendByteLevel(dst, token []byte) []byte {
	start := len(dst)
	for i := 0; i < len(token); {
		r, n := utf8.DecodeRune(token[i:])
		i += n
		if r >= alphabetEnd || runeToByte[r] < 0 {
			return append(dst[:start], token...)
		}
		dst = append(dst, byte(runeToByte[r]))
	}
	return dst
}
