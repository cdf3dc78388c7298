package tune_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/convert"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train/tune"
)

var interopDir = flag.String("interop", "", "write the folders that testdata/interop.py reads into this one")

// interop is what mlx-lm and PEFT made of a folder that Save or SavePEFT wrote
// (testdata/interop.py).
type interop struct {
	MLX, PEFT *loaded
	Fused     map[string]sample // by mlx_lm.fuse
	Unpacked  map[string]sample // and --dequantize
	Theirs    *foreign          // a folder that PEFT wrote
}

// loaded is what was read, and the logits of someTokens with it.
type loaded struct {
	Config json.RawMessage
	Logits []float32
}

// foreign is an adapter folder that PEFT saved, its numbers made from the names.
type foreign struct {
	loaded
	Tensors []namedShape
}

// sample is some of a tensor.
type sample struct {
	Dtype  string
	Shape  []int
	Values []float64
}

// interopCases are cases of parity.json, and layers of theirs.
func interopCases(t *testing.T) map[string]*parityCase {
	t.Helper()
	var cases map[string]*parityCase
	readJSON(t, "parity.json", &cases)
	for _, name := range slices.Collect(maps.Keys(cases)) {
		if strings.HasSuffix(name, "/full") || name == "llama/dora of embeddings" || strings.Contains(name, "dora") && strings.HasPrefix(name, "experts") {
			delete(cases, name)
		}
	}
	return cases
}

// adapted is the model of a case with its adapters.
func (c *parityCase) adapted(t *testing.T, base string) *models.Model {
	t.Helper()
	m := load(t, base, models.WithWeights(models.Packed))
	require.NoError(t, tune.Apply(t.Context(), m, c.config()))
	setAdapters(t, m, ".lora_a", ".lora_b")
	return m
}

// forPEFT reports whether PEFT can have the adapter.
func (c *parityCase) forPEFT() bool {
	return len(c.Packed) == 0 && !slices.Contains(c.LoRA.Keys, "model.embed_tokens") && !strings.Contains(string(c.Config), "qwen3_moe")
}

// The folders that are written give the same logits in mlx-lm and PEFT, and merged
// the tensors of mlx_lm.fuse; folders of PEFT give its logits here.
func TestInterop(t *testing.T) {
	var refs map[string]*interop
	if *interopDir == "" {
		readJSON(t, "interop.json", &refs)
	}
	cases := interopCases(t)
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			c, dir := cases[name], t.TempDir()
			if *interopDir != "" {
				dir = filepath.Join(*interopDir, strings.ReplaceAll(name, "/", "_"))
				require.NoError(t, os.MkdirAll(dir, 0o755))
			}
			base := filepath.Join(dir, "base")
			require.NoError(t, os.CopyFS(base, os.DirFS(c.folder(t))))
			m := c.adapted(t, base)
			require.NoError(t, tune.Save(t.Context(), m, filepath.Join(dir, "mlx")))
			if c.forPEFT() {
				require.NoError(t, tune.SavePEFT(t.Context(), m, filepath.Join(dir, "peft")))
			}
			if *interopDir == "" {
				refs[name].requireEqual(t, m, dir)
			}
		})
	}
}

func (r *interop) requireEqual(t *testing.T, m *models.Model, dir string) {
	t.Helper()
	for folder, want := range map[string]*loaded{"mlx": r.MLX, "peft": r.PEFT} {
		if want == nil {
			require.NoDirExists(t, filepath.Join(dir, folder))
			continue
		}
		config, err := os.ReadFile(filepath.Join(dir, folder, "adapter_config.json"))
		require.NoError(t, err)
		require.JSONEq(t, string(want.Config), string(config))
		requireClose(t, want.Logits, logits(t, m), 1e-4)
		again := load(t, filepath.Join(dir, "base"), models.WithWeights(models.Packed), models.WithAdapter(filepath.Join(dir, folder)))
		requireClose(t, want.Logits, logits(t, again), 1e-4)
		requireClose(t, want.Logits, logits(t, loadOnto(t, filepath.Join(dir, "base"), filepath.Join(dir, folder))), 1e-4)
	}
	for folder, want := range map[string]map[string]sample{"fused": r.Fused, "unpacked": r.Unpacked} {
		if want == nil {
			continue
		}
		opts := []convert.Option{convert.Adapter(filepath.Join(dir, "mlx"))}
		if folder == "unpacked" {
			opts = append(opts, convert.Dequantize())
		}
		bound := 1e-4
		if folder == "fused" && r.Unpacked != nil {
			bound = 1 // packing again rounds
		}
		to := filepath.Join(dir, folder)
		_, err := convert.Folder(t.Context(), filepath.Join(dir, "base"), to, opts...)
		require.NoError(t, err)
		requireSamples(t, want, filepath.Join(to, "model.safetensors"))
		fused := logits(t, load(t, to))
		requireClose(t, logits(t, m), fused, bound)
		if folder == "fused" {
			merged := loadOnto(t, filepath.Join(dir, "base"), filepath.Join(dir, "mlx"))
			require.NoError(t, tune.Merge(t.Context(), merged))
			requireClose(t, fused, logits(t, merged), 1e-4)
		}
	}
	if r.Theirs != nil {
		r.Theirs.requireEqual(t, filepath.Join(dir, "base"))
	}
}

// requireEqual loads the folder of PEFT.
func (f *foreign) requireEqual(t *testing.T, base string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "adapter_config.json"), f.Config, 0o600))
	writeNumbers(t, filepath.Join(dir, "adapter_model.safetensors"), f.Tensors)
	requireClose(t, f.Logits, logits(t, load(t, base, models.WithAdapter(dir))), 1e-4)
	requireClose(t, f.Logits, logits(t, loadOnto(t, base, dir)), 1e-4)
}

// requireSamples compares the tensors of a file.
func requireSamples(t *testing.T, want map[string]sample, file string) {
	t.Helper()
	onThread(t, func(th *mlx.Thread) {
		arrays, _, err := mlx.LoadSafetensors(th, file)
		require.NoError(t, err)
		defer mlx.CloseAll(slices.Collect(maps.Values(arrays))...)
		require.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(arrays)))
		for name, a := range arrays {
			var shape []int
			var dtype mlx.Dtype
			flat, err := th.Build(func(s *mlx.Scope) mlx.Array {
				shape, dtype = s.Shape(a), s.DtypeOf(a)
				return s.AsType(s.Reshape(a, -1), dtype)
			})
			require.NoError(t, err)
			require.Equal(t, want[name].Shape, shape, name)
			require.Equal(t, want[name].Dtype, dtype.String(), name)
			values := float64s(t, th, flat, dtype)
			require.NoError(t, flat.Close())
			for i, v := range want[name].Values {
				require.InDelta(t, v, values[i*len(values)/len(want[name].Values)], 1e-6, "%s %d", name, i)
			}
		}
	})
}

func float64s(t *testing.T, th *mlx.Thread, a mlx.Array, dtype mlx.Dtype) (out []float64) {
	t.Helper()
	if dtype == mlx.Uint32 {
		words, err := mlx.Values[uint32](th, a)
		require.NoError(t, err)
		for _, w := range words {
			out = append(out, float64(w))
		}
		return out
	}
	values, err := mlx.Values[float32](th, a)
	require.NoError(t, err)
	for _, v := range values {
		out = append(out, float64(v))
	}
	return out
}
