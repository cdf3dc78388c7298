package tokenizer

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// metadata is a GGUF file's, in memory.
type metadata map[string]any

func (m metadata) Has(key string) bool { return m[key] != nil }

func value[T any](m metadata, key string) (v T, err error) {
	v, ok := m[key].(T)
	if !ok {
		err = errors.New("test.gguf: " + key + ": no such metadata key")
	}
	return v, err
}

func (m metadata) String(key string) (string, error)    { return value[string](m, key) }
func (m metadata) Strings(key string) ([]string, error) { return value[[]string](m, key) }
func (m metadata) Bool(key string) (bool, error)        { return value[bool](m, key) }
func (m metadata) Int(key string) (int64, error)        { return value[int64](m, key) }
func (m metadata) Floats(key string) ([]float64, error) { return value[[]float64](m, key) }
func (m metadata) Ints(key string) ([]int64, error)     { return value[[]int64](m, key) }

// asGGUF writes a tokenizer as GGUF metadata, merges rebuilt from its table.
func asGGUF(t *testing.T, path, pre string) metadata {
	t.Helper()
	tok, err := Load(path)
	require.NoError(t, err)
	m := tok.model.(*bpe)
	tokens, types := make([]string, tok.Size()), make([]int64, tok.Size())
	for i := range tokens {
		tokens[i], _ = tok.Token(int32(i))
		types[i] = 1
		if added := tok.added.of(int32(i)); added != nil {
			types[i] = ggufUserDefined
			if added.special {
				types[i] = ggufControl
			}
		}
	}
	var merges []string
	byRank := map[uint32]string{}
	for _, s := range m.pairs.slots {
		if s.rank() != noRank {
			byRank[s.rank()] = tokens[s.left] + " " + tokens[s.right]
		}
	}
	for _, rank := range slices.Sorted(maps.Keys(byRank)) {
		merges = append(merges, byRank[rank])
	}
	md := metadata{
		ggufModel: "gpt2", ggufPre: pre, ggufTokens: tokens, ggufTypes: types, ggufMerges: merges,
		"tokenizer.ggml.add_bos_token": len(tok.before) > 0,
	}
	if len(tok.before) > 0 {
		md["tokenizer.ggml.bos_token_id"] = int64(tok.before[0])
	}
	return md
}

// The names of GGUF files stand for the same pipelines that the tokenizer.json of
// these models spell out.
func TestFromGGUFEqualsReference(t *testing.T) {
	ref := loadReference(t)
	for name, pre := range map[string]string{"smollm": "smollm", "llama3": "llama-bpe", "qwen2": "qwen2"} {
		md := asGGUF(t, filepath.Join("testdata", name+".json"), pre)
		tok, err := FromGGUF(md)
		require.NoError(t, err)
		for i, text := range ref.Texts {
			ids, err := tok.Encode(text)
			require.NoError(t, err)
			require.Equal(t, ref.Cases[name].IDs[i], ids, "%s: %q", name, text)
		}
	}
}

func TestBadGGUFIsRefused(t *testing.T) {
	good := asGGUF(t, "testdata/smollm.json", "smollm")
	n := len(good[ggufTokens].([]string))
	for _, c := range []struct {
		name, key string
		value     any
		want      string
	}{
		{"no tokenizer", ggufModel, nil, "tokenizer.ggml.model: no such metadata key"},
		{"no scores", ggufModel, "llama", "tokenizer.ggml.scores: no such"},
		{"unknown pre", ggufPre, "default", `tokenizer.ggml.pre: unknown pre-tokenizer "default" (known: `},
		{"unknown model", ggufModel, "rwkv", `tokenizer.ggml.model: unknown model "rwkv" (known: gpt2, llama)`},
		{"no tokens", ggufTokens, nil, "tokenizer.ggml.tokens: no such"},
		{"no merges", ggufMerges, nil, "tokenizer.ggml.merges: no such"},
		{"bad merge", ggufMerges, []string{"abc", "a b"}, `tokenizer.ggml.merges[0]: "abc" is not two tokens`},
		{"merge of unknown", ggufMerges, []string{"zz b"}, `tokenizer.ggml.merges[0]: token "zz" is not in`},
		{"types too few", ggufTypes, []int64{1, 2}, "tokenizer.ggml.token_type: 2 types for "},
		{"token twice", ggufTokens, append([]string{"a"}, good[ggufTokens].([]string)[1:n]...), "is given twice"},
		{"bos without id", "tokenizer.ggml.add_bos_token", true, "tokenizer.ggml.bos_token_id: no such"},
	} {
		t.Run(c.name, func(t *testing.T) {
			md := maps.Clone(good)
			md[c.key] = c.value
			_, err := FromGGUF(md)
			require.ErrorContains(t, err, "tokenizer: ")
			require.ErrorContains(t, err, c.want)
		})
	}
	md := maps.Clone(good)
	md["tokenizer.ggml.add_eos_token"], md["tokenizer.ggml.eos_token_id"] = true, int64(n)
	_, err := FromGGUF(md)
	require.ErrorContains(t, err, "tokenizer.ggml.eos_token_id: ")
}
