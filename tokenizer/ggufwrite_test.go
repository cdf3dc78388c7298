package tokenizer

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// ggufOf is what GGUF writes, as FromGGUF reads it.
func ggufOf(t testing.TB, tok *Tokenizer, tokens int) ggufValues {
	t.Helper()
	pairs, err := tok.GGUF(tokens)
	require.NoError(t, err)
	values := ggufValues{}
	for _, p := range pairs {
		values[p.Key] = p.Value
	}
	return values
}

// A tokenizer.json as GGUF metadata, and that as a tokenizer.json again, make the
// tokens that Hugging Face's tokenizers made of the first.
func TestGGUFEqualsReference(t *testing.T) {
	ref := loadReference(t)
	for name, pre := range map[string]string{"smollm": "smollm", "llama3": "llama-bpe", "qwen2": "qwen2"} {
		t.Run(name, func(t *testing.T) {
			tok, err := Load(filepath.Join("testdata", name+".json"))
			require.NoError(t, err)
			values := ggufOf(t, tok, tok.Size()+2)
			require.Equal(t, pre, values[ggufPre])
			tokens, types := values[ggufTokens].([]string), values[ggufTypes].([]int32)
			require.Len(t, tokens, tok.Size()+2)
			require.Contains(t, tokens[len(tokens)-1], "[PAD")
			require.Equal(t, []int32{ggufUnused, ggufUnused}, types[tok.Size():])
			read, err := FromGGUF(values)
			require.NoError(t, err)
			data, err := GGUFToJSON(values)
			require.NoError(t, err)
			parsed, err := Parse(data)
			require.NoError(t, err)
			for i, text := range ref.Texts {
				for _, other := range []*Tokenizer{read, parsed} {
					ids, err := other.Encode(text)
					require.NoError(t, err)
					require.Equal(t, ref.Cases[name].IDs[i], ids, "%q", text)
					require.Equal(t, tok.Decode(ids), other.Decode(ids), "%q", text)
				}
			}
		})
	}
}

// scoredValues is a vocabulary with SentencePiece's scores: bytes, letters and a few words.
func scoredValues(prefix bool) ggufValues {
	tokens, types, scores := []string{"<unk>", "<s>", "</s>"}, []int32{ggufUnknown, ggufControl, ggufControl}, []float32{0, 0, 0}
	add := func(token string, kind int32, score float32) {
		tokens, types, scores = append(tokens, token), append(types, kind), append(scores, score)
	}
	for b := range 256 {
		add(byteName(byte(b)), ggufByte, 0)
	}
	for i, word := range []string{"he", "ll", "▁he", "llo", "hello", "▁hello", "wo", "▁wo", "▁world", "ld", "rld", "or"} {
		add(word, ggufNormal, -float32(i))
	}
	for _, letter := range "▁helowrd" {
		add(string(letter), ggufNormal, -100)
	}
	add("<tag>", ggufUserDefined, 0)
	return ggufValues{
		ggufModel: "llama", ggufTokens: tokens, ggufTypes: types, ggufScores: scores, ggufPrefix: prefix,
		"tokenizer.ggml.bos_token_id": uint32(1), "tokenizer.ggml.add_bos_token": true,
	}
}

func byteName(b byte) string {
	const digits = "0123456789ABCDEF"
	return "<0x" + string(digits[b>>4]) + string(digits[b&15]) + ">"
}

// Scores become merges and merges scores, and the tokens stay.
func TestGGUFScoresBothWays(t *testing.T) {
	for _, prefix := range []bool{false, true} {
		values := scoredValues(prefix)
		tok, err := FromGGUF(values)
		require.NoError(t, err)
		data, err := GGUFToJSON(values)
		require.NoError(t, err)
		parsed, err := Parse(data)
		require.NoError(t, err)
		again := ggufOf(t, parsed, parsed.Size())
		require.Equal(t, values[ggufTokens], again[ggufTokens])
		require.Equal(t, prefix, again[ggufPrefix])
		read, err := FromGGUF(again)
		require.NoError(t, err)
		for _, text := range append(ggufProbes, "hello world", "held <tag>hello\n", "  world or wolrd", "héllo") {
			want, err := tok.Encode(text)
			require.NoError(t, err)
			for _, other := range []*Tokenizer{parsed, read} {
				got, err := other.Encode(text)
				require.NoError(t, err)
				require.Equal(t, want, got, "%q", text)
				require.Equal(t, tok.Decode(want), other.Decode(want), "%q", text)
			}
		}
	}
}

func TestGGUFRefusesWhatItCannotSay(t *testing.T) {
	odd, err := Load("testdata/odd.json")
	require.NoError(t, err)
	_, err = odd.GGUF(odd.Size())
	require.ErrorContains(t, err, "tokenizer: as GGUF: ")
	prefixed, err := Load("testdata/gpt2.json") // puts a space before every text
	require.NoError(t, err)
	_, err = prefixed.GGUF(prefixed.Size())
	require.ErrorContains(t, err, "tokenizer.ggml.pre: no name stands for what its normalizer and pre-tokenizer do")
	qwen, err := Load("testdata/qwen2.json")
	require.NoError(t, err)
	_, err = qwen.GGUF(qwen.Size() - 1)
	require.ErrorContains(t, err, "tokens are more than the")
	upper := *qwen
	upper.normalize = lowercase{}
	_, err = upper.GGUF(qwen.Size())
	require.ErrorContains(t, err, "tokenizer.ggml.pre: no name stands for what its normalizer and pre-tokenizer do")
	twice := *qwen
	twice.before = []int32{1, 2}
	_, err = twice.GGUF(qwen.Size())
	require.ErrorContains(t, err, "2 tokens stand around every text")
}
