package convert_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/convert"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

var (
	llamaBLAS = flag.String("llama-cpp-blas", "", "a Python with llama-cpp-python that was built with GGML_BLAS=ON")
	llamaCpp  = flag.String("llama-cpp", "", "a Python with llama-cpp-python, which reads the GGUF files that tests write")
	mlxLM     = flag.String("mlx-lm", "", "a Python with mlx-lm 0.32.2, which reads the folders that tests make of GGUF files")
)

// peer asks another program for its greedy tokens (testdata/peers.py).
type peer struct {
	Prompt []int32  `json:"prompt"`
	Count  int      `json:"tokens"`
	Texts  []string `json:"texts"`
}

// answer is what testdata/peers.py answers.
type answer struct {
	Tokens   []int32
	Texts    [][]int32
	Margins  []float64
	Rounding float64
}

func (p *peer) ask(t *testing.T, python, kind, path string) (a answer) {
	t.Helper()
	question, err := json.Marshal(p)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "peers.py"), kind, path)
	var complaints bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(question), &complaints
	out, err := cmd.Output()
	require.NoError(t, err, complaints.String())
	require.NoError(t, json.Unmarshal(out, &a), "%s", out)
	return a
}

// greedy are our tokens after the prompt.
func (p *peer) greedy(t *testing.T, path string) (tokens []int32) {
	t.Helper()
	m, err := models.Load(t.Context(), path, models.WithDtype(mlx.Float32))
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close()) }()
	for token, err := range m.GenerateTokens(t.Context(), p.Prompt, generate.WithMaxTokens(p.Count), generate.WithoutStops()) {
		require.NoError(t, err)
		tokens = append(tokens, token.ID)
	}
	require.NotEmpty(t, tokens)
	return tokens
}

var capital = peer{Prompt: []int32{504, 3575, 282, 4649, 314}, Count: 24, Texts: corpus} // "The capital of France is"

var gemmaCapital = []int32{2, 818, 5279, 529, 7001, 563} // the same

// corpus are texts on which tokenizers differ.
var corpus = []string{
	"", " ", "Hello, world!", "It's 2026; we'll've paid $1,234.56.", "  indented\n\n\tcode(x) { return x+1; }\r\n", "naïve café cafe\u0301",
	"你好，世界 東京 한국어 हिन्दी ไทย مرحبا", "😀👍🏽 ✨", "<|im_start|>user\nhi<|im_end|>\n", "camelCaseHTTPServer snake_case 0x1F", "½ ² ٣ ⅷ",
}

// llama.cpp reads every type, and makes the same tokens of numbers. Beside packed
// weights its own kernels round activations to 8 bits, on which this small model parts
// from ours soon (TestLlamaCppAgreesOnPackedWeights has them as they are); of Q4_1 it
// makes the tokens that it makes of the file the model came in.
func TestLlamaCppReadsSmolLM2(t *testing.T) {
	if *llamaCpp == "" {
		t.Skip("-llama-cpp names no Python")
	}
	source := testmodels.RequireSmolLM2(t)
	for _, typ := range []gguf.Type{gguf.TypeF32, gguf.TypeF16, gguf.TypeBF16, gguf.TypeQ8_0, gguf.TypeQ4_1, gguf.TypeQ4_0} {
		t.Run(typ.String(), func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "model.gguf")
			_, err := convert.GGUF(t.Context(), source, to, typ)
			require.NoError(t, err)
			theirs := capital.ask(t, *llamaCpp, "llama.cpp", to)
			requireTexts(t, to, theirs.Texts)
			switch typ {
			case gguf.TypeF32, gguf.TypeF16, gguf.TypeBF16:
				require.Equal(t, theirs.Tokens, capital.greedy(t, to))
			case gguf.TypeQ4_1:
				require.Equal(t, capital.ask(t, *llamaCpp, "llama.cpp", source).Tokens, theirs.Tokens)
			}
		})
	}
}

// llama.cpp that unpacks weights and multiplies as they are, with a BLAS, finds each of
// our tokens the likeliest after those before it. Its GELU, which Gemma has, is a table
// of half precision: its logits of a file of F32 move by 0.01 with how it multiplies, so
// that of Gemma tokens may differ where it sees two as near as that.
func TestLlamaCppAgreesOnPackedWeights(t *testing.T) {
	if *llamaBLAS == "" {
		t.Skip("-llama-cpp-blas names no Python")
	}
	for _, m := range []struct {
		name, source string
		prompts      [][]int32 // "Once upon a time", "Water boils at" and that of capital
		near         float64
	}{
		{"SmolLM2", testmodels.RequireSmolLM2(t), [][]int32{capital.Prompt, {6403, 1980, 253, 655}, {12615, 36411, 418}}, 0},
		{"Gemma 3", testmodels.RequireGemma3(t), [][]int32{gemmaCapital, {2, 14946, 3324, 496, 990}, {2, 17390, 104264, 657}}, 0.02},
	} {
		for _, typ := range []gguf.Type{gguf.TypeQ8_0, gguf.TypeQ4_1, gguf.TypeQ4_0} {
			t.Run(m.name+" "+typ.String(), func(t *testing.T) {
				to := filepath.Join(t.TempDir(), "model.gguf")
				_, err := convert.GGUF(t.Context(), m.source, to, typ)
				require.NoError(t, err)
				for _, prompt := range m.prompts {
					requireLikeliest(t, to, prompt, m.near)
				}
			})
		}
	}
}

// requireLikeliest requires that llama.cpp with a BLAS finds our next 60 tokens the
// likeliest, but where the next likely is as near.
func requireLikeliest(t *testing.T, path string, prompt []int32, near float64) {
	t.Helper()
	q := peer{Prompt: prompt, Count: 60}
	ours := q.greedy(t, path)
	require.Len(t, ours, q.Count)
	q.Prompt = slices.Concat(prompt, ours)
	theirs := q.ask(t, *llamaBLAS, "sgemm", path)
	require.Greater(t, theirs.Rounding, 0.1, "its own kernels did it, and no BLAS")
	require.Len(t, theirs.Tokens, len(q.Prompt))
	for i, id := range ours {
		at := len(prompt) - 1 + i
		if theirs.Tokens[at] != id {
			t.Logf("token %d: %d, llama.cpp's is %d by %.4g", i, id, theirs.Tokens[at], theirs.Margins[at])
			require.Less(t, theirs.Margins[at], near)
		}
	}
	t.Logf("%d tokens; activations of 8 bits move a logit by %.3g, the two likeliest are %.3g apart or more", len(ours), theirs.Rounding,
		slices.Min(theirs.Margins[len(prompt)-1:]))
}

// requireTexts requires that the tokenizer in a GGUF file makes these tokens of corpus.
func requireTexts(t *testing.T, path string, want [][]int32) {
	t.Helper()
	f, err := gguf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	tok, err := tokenizer.FromGGUF(&f.Metadata)
	require.NoError(t, err)
	for i, text := range corpus {
		ids, err := tok.Encode(text)
		require.NoError(t, err)
		require.Equal(t, append([]int32{}, want[i]...), append([]int32{}, ids...), "%q", text)
	}
}

// llama.cpp reads a tiny model of every architecture.
func TestLlamaCppReadsEveryArchitecture(t *testing.T) {
	if *llamaCpp == "" {
		t.Skip("-llama-cpp names no Python")
	}
	for name, p := range parities(t) {
		t.Run(name, func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "model.gguf")
			_, err := convert.GGUF(t.Context(), p.folder(t), to, gguf.TypeF32)
			require.NoError(t, err)
			q := peer{Prompt: p.Tokens[0][:8], Count: 8}
			theirs, ours := q.ask(t, *llamaCpp, "llama.cpp", to).Tokens, q.greedy(t, to)
			require.Equal(t, theirs[:len(ours)], ours)
		})
	}
}

// mlx-lm reads folders that were GGUF files, of several types of blocks.
func TestMLXLMReadsFolders(t *testing.T) {
	if *mlxLM == "" {
		t.Skip("-mlx-lm names no Python")
	}
	gemma := testmodels.RequireGemma3(t)
	for name, c := range map[string]struct {
		source string
		ask    peer
	}{
		"SmolLM2 Q4_1":   {testmodels.RequireSmolLM2(t), capital},
		"Gemma 3 Q4_K_M": {gemma, peer{Prompt: gemmaCapital, Count: 24, Texts: corpus}},
	} {
		t.Run(name, func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "folder")
			_, err := convert.Folder(t.Context(), c.source, to, convert.Dtype(mlx.Float32))
			require.NoError(t, err)
			theirs, ours := c.ask.ask(t, *mlxLM, "mlx-lm", to), c.ask.greedy(t, c.source)
			require.Equal(t, theirs.Tokens[:len(ours)], ours)
			requireTexts(t, c.source, theirs.Texts)
		})
	}
}
