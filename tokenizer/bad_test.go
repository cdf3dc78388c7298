package tokenizer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// edit returns testdata/llama3.json with old replaced by new.
func edit(t *testing.T, old, new string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/llama3.json")
	require.NoError(t, err)
	require.Contains(t, string(data), old)
	return strings.Replace(string(data), old, new, 1)
}

// Each error names the member at fault.
func TestBadFilesAreRefused(t *testing.T) {
	const vocab = `"vocab":{`
	for _, c := range []struct{ name, src, want string }{
		{"empty", "", "tokenizer: unexpected end of input, want an object"},
		{"no JSON", "GGUF\x00\x01", "tokenizer: unexpected 'G' at byte 0"},
		{"no UTF-8", "{\"\xff\":1}", "tokenizer: not valid UTF-8"},
		{"truncated", edit(t, "", "")[:5000], "unexpected end of input"},
		{"nothing in it", "{}", "tokenizer: model: missing"},
		{"more after it", "{}{}", "the end of the document"},
		{"deep", `{"normalizer":` + strings.Repeat("[", 100000), "nested more than 64 levels deep"},
		{"model twice", edit(t, `"model":{`, `"model":{"vocab":{},"merges":[]},"model":{`), "model: given twice"},
		{"unknown part", edit(t, `"version"`, `"vers"`), "vers: unknown option"},
		{"unknown model", edit(t, `"type":"BPE"`, `"type":"CharBPE"`), `model.type: unknown type "CharBPE" (known: BPE, Unigram, WordLevel, WordPiece)`},
		{"unknown model option", edit(t, `"fuse_unk"`, `"fuse"`), "model.fuse: unknown option"},
		{"unknown normalizer", edit(t, `"normalizer":null`, `"normalizer":{"type":"Rot13"}`),
			`normalizer.type: unknown type "Rot13"`},
		{"unknown pre-tokenizer", edit(t, `"type":"Split"`, `"type":"Splat"`), `pretokenizers[0].type: unknown type "Splat"`},
		{"unknown behavior", edit(t, `"behavior":"Isolated"`, `"behavior":"Ignored"`), `behavior: unknown behavior "Ignored"`},
		{"bad pattern", edit(t, `(?i:'s`, `((?i:'s`), "pattern.Regex: "},
		{"word pattern", edit(t, `(?i:'s`, `\\w+|(?i:'s`), `\w, which is not supported`},
		{"unknown decoder", edit(t, `"decoder":{"type":"ByteLevel"`, `"decoder":{"type":"Morse"`), `decoder.type: unknown type`},
		{"dropout", edit(t, `"dropout":null`, `"dropout":0.1`), "model.dropout: want 0 or null, have 0.1"},
		{"unknown unk", edit(t, `"unk_token":null`, `"unk_token":"<unk>"`), `model.unk_token: token "<unk>" is not in the vocabulary`},
		{"id negative", edit(t, vocab, vocab+`"zz":-1,`), "model.vocab: -1 is not a token id"},
		{"id absurd", edit(t, vocab, vocab+`"zz":1e99,`), "1e99 is not a token id"},
		{"id taken", edit(t, vocab, vocab+`"zz":5,`), "model.vocab: id 5 is taken"},
		{"token twice", edit(t, vocab, vocab+`"zz":9000,"zz":9001,`), `token "zz" is given twice`},
		{"vocab missing", `{"model":{"type":"BPE","merges":[]}}`, "model.vocab: missing"},
		{"merge of unknown", edit(t, `"merges":[`, `"merges":[["zzz","a"],`), `model.merges[0]: token "zzz" is not in the vocabulary`},
		{"merge of three", edit(t, `"merges":[`, `"merges":[["a","b","c"],`), "[0]: 3 tokens, want 2"},
		{"merge of one", edit(t, `"merges":[`, `"merges":["ab",`), `[0]: "ab" is not two tokens`},
		{"added token without id", edit(t, `"added_tokens":[{"id":`, `"added_tokens":[{"ident":`), "added_tokens[0].id: missing"},
		{"truncation", edit(t, `"truncation":null`, `"truncation":{"max_length":5}`), "truncation.stride: missing"},
		{"template without text", edit(t, `"single":[`, `"single":[],"other":[`), "post_processor"},
		{"surrogate", `{"version":"\ud800"}`, "bad escape"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.src))
			require.ErrorContains(t, err, c.want)
			path := filepath.Join(t.TempDir(), "tokenizer.json")
			require.NoError(t, os.WriteFile(path, []byte(c.src), 0o600))
			_, err = Load(path)
			require.ErrorContains(t, err, "tokenizer: "+path+": ")
		})
	}
	_, err := Load(filepath.Join(t.TempDir(), "tokenizer.json"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
