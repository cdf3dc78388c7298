package tokenizer

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/internal/peer"
	"forge.lthn.ai/core/go-mlx/internal/python"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// requireReference returns a Python with the reference; without npm or Python
// the test is skipped.
func requireReference(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("compares with the reference over large vocabularies: not with -short")
	}
	path, err := testmodels.TokenizersPython(t.Context(), t.Output())
	skipWithout(t, err)
	return path
}

func skipWithout(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, python.ErrMissing) || errors.Is(err, fetch.ErrNoClient) {
		t.Skip(err)
	}
	require.NoError(t, err)
}

// startPeer runs the reference for a tokenizer.json.
func startPeer(t testing.TB, path string) *peer.Peer {
	t.Helper()
	interpreter := requireReference(t)
	p, err := peer.Start(context.Background(), interpreter, filepath.Join("testdata", "peer.py"), path, true)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// largeTexts is how many texts every large vocabulary is tried with.
const largeTexts = 20000

// Ids, offsets and decoded texts of real vocabularies are the reference's.
func TestLargeVocabulariesEqualReference(t *testing.T) {
	requireReference(t)
	for _, name := range testmodels.Tokenizers() {
		t.Run(name, func(t *testing.T) {
			path, err := testmodels.Tokenizer(t.Context(), name, t.Output())
			skipWithout(t, err)
			tok, err := Load(path)
			require.NoError(t, err)
			requireSame(t, tok, startPeer(t, path), peer.Texts(largeTexts, someAdded(tok), 1))
		})
	}
}

// The same of a Unigram and a WordPiece tokenizer, trained on texts of all kinds.
func TestTrainedTokenizersEqualReference(t *testing.T) {
	interpreter := requireReference(t)
	dir := t.TempDir()
	var lines []byte
	for _, text := range peer.Texts(4000, nil, 7) {
		line, err := json.Marshal(validText(text))
		require.NoError(t, err)
		lines = append(append(lines, line...), '\n')
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "texts"), lines, 0o600))
	for _, kind := range []string{"unigram", "wordpiece"} {
		t.Run(kind, func(t *testing.T) {
			path := filepath.Join(dir, kind+".json")
			script := filepath.Join("testdata", "train.py")
			require.NoError(t, python.Run(t.Context(), t.Output(), interpreter, script, kind, filepath.Join(dir, "texts"), path))
			tok, err := Load(path)
			require.NoError(t, err)
			requireSame(t, tok, startPeer(t, path), peer.Texts(largeTexts, someAdded(tok), 1))
		})
	}
}

// GGUF files of the same vocabularies give the same ids and texts.
func TestLargeGGUFEqualsReference(t *testing.T) {
	requireReference(t)
	for name, pre := range map[string]string{
		"llama3_1": "llama-bpe", "qwen3": "qwen2", "gptoss": "gpt-4o", "deepseek_v3": "deepseek-v3", "llama2": "",
	} {
		t.Run(name, func(t *testing.T) {
			path, err := testmodels.Tokenizer(t.Context(), name, t.Output())
			skipWithout(t, err)
			md := asGGUF(t, path, pre)
			if name == "llama2" {
				md[ggufModel], md[ggufScores] = "llama", scoresOf(t, path)
			}
			requireAlike(t, md, path)
		})
	}
}

// A GGUF file of Gemma 3, with SentencePiece's scores, is its tokenizer.json.
func TestGemmaGGUFEqualsReference(t *testing.T) {
	requireReference(t)
	path, err := testmodels.Tokenizer(t.Context(), "gemma3", t.Output())
	skipWithout(t, err)
	model, err := testmodels.Gemma3(t.Context(), t.Output())
	require.NoError(t, err)
	f, err := gguf.Open(model)
	require.NoError(t, err)
	defer f.Close()
	requireAlike(t, &f.Metadata, path)
	tok, err := FromGGUF(&f.Metadata)
	require.NoError(t, err)
	roles := tok.Roles()
	require.Equal(t, []int32{2, 1, 0, 3}, []int32{roles.BOS, roles.EOS, roles.Pad, roles.Unknown})
	require.Equal(t, []int32{1, 106}, roles.Ends, "<eos> and <end_of_turn>")
}

// scoresOf makes scores of ranks: what merges first has the greatest.
func scoresOf(t *testing.T, path string) []float64 {
	t.Helper()
	tok, err := Load(path)
	require.NoError(t, err)
	scores := make([]float64, tok.Size())
	for i := range scores {
		scores[i] = -1e9
	}
	for _, s := range tok.model.(*bpe).pairs.slots {
		if s.rank() != noRank {
			scores[s.into] = max(scores[s.into], -float64(s.rank()))
		}
	}
	return scores
}

// requireAlike compares a GGUF's tokenizer with that of a tokenizer.json.
func requireAlike(t *testing.T, md Metadata, path string) {
	t.Helper()
	want, err := Load(path)
	require.NoError(t, err)
	have, err := FromGGUF(md)
	require.NoError(t, err)
	for _, text := range peer.Texts(largeTexts/2, someAdded(want), 3) {
		ids, err := want.Encode(text)
		require.NoError(t, err)
		got, err := have.Encode(text)
		require.NoError(t, err)
		require.Empty(t, firstDifference("ids", got, ids), "%q", text)
		require.Equal(t, want.Decode(ids), have.Decode(ids), "%q", text)
	}
}

// someAdded returns contents of added tokens, for texts to hold.
func someAdded(tok *Tokenizer) []string {
	var out []string
	for i, a := range tok.added.tokens {
		if i < 40 || i%64 == 0 {
			out = append(out, a.content)
		}
	}
	return out
}

// requireSame compares everything that is made of the texts with the reference.
func requireSame(t testing.TB, tok *Tokenizer, p *peer.Peer, texts []string) {
	t.Helper()
	const batch = 1000
	for len(texts) > 0 {
		n := min(batch, len(texts))
		valid := make([]string, n)
		for i := range valid {
			valid[i] = validText(texts[i])
		}
		replies, err := p.Encode(valid)
		require.NoError(t, err)
		for i, want := range replies {
			if err := compare(tok, texts[i], want); err != "" {
				t.Fatalf("%q: %s", texts[i], err)
			}
		}
		texts = texts[n:]
	}
}

// compare returns what is not as in the reference, "" if nothing.
func compare(tok *Tokenizer, text string, want peer.Reply) string {
	ids, err := tok.Encode(text)
	if err != nil {
		return err.Error()
	}
	if d := firstDifference("ids", ids, want.IDs); d != "" {
		return d
	}
	full, err := tok.EncodeFull(text)
	if err != nil {
		return err.Error()
	}
	if d := firstDifference("ids of EncodeFull", full.IDs, want.IDs); d != "" {
		return d
	}
	starts, ends := inCharacters(text, full.Offsets)
	if d := firstDifference("starts", starts, want.Starts) + firstDifference("ends", ends, want.Ends); d != "" {
		return d
	}
	if got := tok.Decode(ids); got != want.Text {
		return "decoded to " + got + ", want " + want.Text
	}
	d := tok.NewDecoder(SkipSpecialTokens())
	var streamed strings.Builder
	for _, id := range ids {
		part := d.Next(id)
		if !utf8.ValidString(part) {
			return "the stream gave " + part
		}
		streamed.WriteString(part)
	}
	streamed.WriteString(d.Flush())
	if got := streamed.String(); got != want.Plain {
		return "streamed " + got + ", want " + want.Plain
	}
	return ""
}
