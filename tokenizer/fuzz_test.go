package tokenizer

import (
	"os"
	"testing"
	"unicode/utf8"
)

// FuzzParse feeds files to the reader, and text to what it accepts.
func FuzzParse(f *testing.F) {
	for _, name := range append([]string{"tiny"}, trained...) {
		data, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "It's 12 <|end|> 日本\n")
	}
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		tok, err := Parse(data)
		if err != nil || len(text) > 1000 {
			return
		}
		ids, err := tok.Encode(text)
		if err != nil {
			return
		}
		if got := tok.Decode(ids); !utf8.ValidString(got) {
			t.Fatalf("decoded to invalid UTF-8: %q", got)
		}
	})
}

// FuzzRoundTrip: a byte-level vocabulary with all bytes loses nothing.
func FuzzRoundTrip(f *testing.F) {
	tok, err := Load("testdata/smollm.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"", "a b  c", "<|end|>", "日本\x00\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := tok.Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		d, streamed := tok.NewDecoder(), ""
		for _, id := range ids {
			streamed += d.Next(id)
		}
		streamed += d.Flush()
		if want := validText(text); tok.Decode(ids) != want || streamed != want {
			t.Fatalf("%q became %q, streamed %q", text, tok.Decode(ids), streamed)
		}
	})
}
