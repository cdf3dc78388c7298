package peer

import (
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// words are what texts are made of, by kind.
var words = [][]string{
	strings.Fields("the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you " +
		"were all her she there would their we him been has when who will more no if out so said what up its about into than them can only " +
		"other new some could time these two may then do first any my now such like our over man me even most made after also did many " +
		"tokenizer transformers attention embedding don't isn't they're we've I'm he'll she'd IT'S O'Neil naïve café résumé Zürich"),
	strings.Fields("func main() { fmt.Println(\"hello\") } if err != nil { return nil, err } for i := 0; i < n; i++ { sum += a[i] } def f(x): " +
		"lambda x: x**2 import numpy as np SELECT * FROM t WHERE a>=1; </div> <p class='x'> #include <stdio.h> int main(void) &&x || !y " +
		"std::vector<std::string> 0xFFEE 1e-10 3.14159 \"key\": [1,2,3], // comment /* block */ $HOME ${x} `cmd` a->b @decorator camelCaseName " +
		"snake_case_name HTTPServer XMLHttpRequest iOS macOS"),
	{"日本語", "漢字", "カタカナ", "ひらがな", "中文", "你好", "世界", "，", "。", "「", "」", "今天", "天气", "很好", "我们", "한국어", "안녕하세요", "세계", "ㅋㅋㅋ", "ー", "々", "〇"},
	strings.Fields("مرحبا بالعالم هذا نص للاختبار السلام عليكم ١٢٣ كتاب שלום עולם فارسی می\u200cخواهم اُردُو"),
	strings.Fields("हिन्दी में वाक्य नमस्ते दुनिया தமிழ் வணக்கம் বাংলা ভাষা తెలుగు ಕನ್ನಡ ไทย สวัสดี ພາສາລາວ မြန်မာ १२३ ക്ഷ"),
	strings.Fields("👍 👨\u200d👩\u200d👧\u200d👦 🇦🇹🇯🇵 ❤️ 🏳️\u200d🌈 😀😃 🧑🏽\u200d🚀 ☺ ✈️ 1️⃣ ©️ ™ 🫠"),
	strings.Fields("Привет мир Как дела Ελλάδα Καλημέρα Ἀθῆναι ΑΣ İstanbul ıI ẞß Größe ÀÉÎÕÜ àéîõü Đặng Nguyễn ǅ ǆ ĳ ﬁ ŉ ſ Ⅷ ½ ² ℃ Å K"),
	{"e\u0301", "a\u030a", "u\u0308\u0304", "\u1112\u1161\u11ab", "\u0301", "o\u0323\u0302", "\u0915\u093c", "q\u0307\u0323", "\u0344", "\u1100\u1161"},
	{"\x00", "\x01\x02", "\x1b[0m", "\x7f", "\u0085", "\u00ad", "\u200b", "\u200d", "\ufeff", "\u2028", "\u2029", "\ufffd", "\u00a0", "\u3000", "\u1680"},
	{"1", "12", "123", "1234", "12345", "1234567890", "٣٤٥٦", "①②③", "½", "१२३", "３４５", "3.14", "1,000,000", "2024-11-25", "10%", "$5"},
	{"...", "!?", "—", "“x”", "---", "====", "()", "[]", "{}", "<>", "''", "'s", "'S", "'ll", "'\u017f", "'RE", "''s", "!!!\n", "/\n/", "#", "@", "~", "^_^"},
	{"\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xed\xa0\x80", "\xc0\xaf", "a\x80b", "\xf4\x90\x80\x80"},
}

var separators = []string{" ", " ", " ", " ", "  ", "   ", "", "", "\n", "\n\n", "\t", "\r\n", " \n", "\n ", "      ", "\u00a0", "-", "_", ",", ". "}

// Texts returns n texts, always the same ones: words of many kinds and scripts, some kinds alone and some mixed, random
// characters, invalid UTF-8, and special tokens between.
func Texts(n int, special []string, seed uint64) []string {
	rng, out := rand.New(rand.NewPCG(seed, 42)), make([]string, n)
	for i := range out {
		out[i] = text(rng, special)
	}
	return out
}

func text(rng *rand.Rand, special []string) string {
	var b strings.Builder
	kind := rng.IntN(len(words))
	for range rng.IntN(16) {
		switch p := rng.IntN(100); {
		case p < 3 && len(special) > 0:
			b.WriteString(special[rng.IntN(len(special))])
		case p < 8:
			b.WriteString(random(rng))
		case p < 10:
			b.WriteString(strings.Repeat(separators[rng.IntN(len(separators))], 1+rng.IntN(40)))
		default:
			if p < 50 {
				kind = rng.IntN(len(words))
			}
			b.WriteString(words[kind][rng.IntN(len(words[kind]))])
		}
		b.WriteString(separators[rng.IntN(len(separators))])
	}
	return b.String()
}

// random returns some characters of one block, or of all of Unicode.
func random(rng *rand.Rand) string {
	var b strings.Builder
	base := rng.IntN(0x110000)
	if rng.IntN(2) == 0 {
		base = rng.IntN(0x3400)
	}
	for range 1 + rng.IntN(6) {
		r := rune(base&^0x7f + rng.IntN(0x80))
		if rng.IntN(4) == 0 {
			r = rune(rng.IntN(0x110000))
		}
		if utf8.ValidRune(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}
