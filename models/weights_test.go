package models

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/internal/reftest"
	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// openStored opens tensors that are written under the packing that config tells.
func openStored(t *testing.T, config string, stored map[string]storedShape) *shards {
	t.Helper()
	dir := t.TempDir()
	writeTensors(t, filepath.Join(dir, "model.safetensors"), stored)
	return openFolderShards(t, config, dir)
}

func openFolderShards(t *testing.T, config, dir string) *shards {
	t.Helper()
	quant, err := readQuantConfig([]byte(config))
	require.NoError(t, err)
	w, err := openShards(dir, quant)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

// denseValues reads a tensor unpacked, and packed where it can be.
func denseValues(t *testing.T, th *mlx.Thread, w nn.Tensor) [][]float32 {
	t.Helper()
	a, err := w.Dense(th, mlx.Float32)
	require.NoError(t, err)
	require.Equal(t, w.Shape(), shapeOf(t, a))
	dense, err := mlx.Values[float32](th, a)
	require.NoError(t, err)
	require.NoError(t, a.Close())
	q, ok := w.(nn.Quantised)
	if !ok {
		return [][]float32{dense}
	}
	p, err := q.Packed(th, mlx.Float32)
	require.NoError(t, err)
	require.Equal(t, q.Quantisation(), p.Quantisation)
	a, err = unpacked(th, p, mlx.Float32)
	require.NoError(t, err)
	packed, err := mlx.Values[float32](th, a)
	require.NoError(t, err)
	require.NoError(t, a.Close())
	return [][]float32{dense, packed}
}

// gpt_oss stores experts as blocks of 32 numbers of E2M1, two in a byte, the low
// half first, and a power of two as E8M0 (OCP Microscaling Formats 1.0). They are
// MLX's bytes under one name; the bias beside them stays what it is.
func TestBlocksOfGPTOSS(t *testing.T) {
	const experts, out, groups = 3, 4, 2
	const name = "model.layers.0.mlp.experts.gate_up_proj"
	blocks := storedShape{dtype: safetensors.U8, shape: []int{experts, out, groups, 16}, random: true}
	scales := storedShape{dtype: safetensors.U8, shape: []int{experts, out, groups}, random: true}
	w := openStored(t, `{"quantization_config": {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}}`, map[string]storedShape{
		name + "_blocks": blocks, name + "_scales": scales, name + "_bias": {dtype: safetensors.F32, shape: []int{experts, out}},
	})
	require.Equal(t, []string{name, name + "_bias"}, w.Names())
	e2m1 := []float64{0, .5, 1, 1.5, 2, 3, 4, 6, 0, -.5, -1, -1.5, -2, -3, -4, -6}
	var want []float32
	powers := scales.bytes(name + "_scales")
	for i, b := range blocks.bytes(name + "_blocks") {
		power := int(powers[i/16]) - 127
		want = append(want, float32(math.Ldexp(e2m1[b&15], power)), float32(math.Ldexp(e2m1[b>>4], power)))
	}
	leaktest.Do(t, func(th *mlx.Thread) {
		tensor := w.Tensor(name)
		require.Equal(t, []int{experts, out, groups * 32}, tensor.Shape())
		require.Implements(t, (*nn.Quantised)(nil), tensor)
		for _, have := range denseValues(t, th, tensor) {
			require.Equal(t, want, have)
		}
	})
}

// Stacked experts are packed as matrices are, in every mode; a second scale of
// nvfp4 is multiplied in. MLX's own quantize and dequantize are the reference.
func TestPackedExperts(t *testing.T) {
	shape := []int{3, 8, 128} // E, out, in
	for _, q := range append(quantisations(false), quantisations(true)...) {
		for _, second := range []bool{false, true} {
			if second && q.Mode != "nvfp4" {
				continue
			}
			leaktest.Do(t, func(th *mlx.Thread) {
				dir := t.TempDir()
				arrays, want := packExperts(t, th, q, shape, second)
				require.NoError(t, mlx.SaveSafetensors(th, filepath.Join(dir, "model.safetensors"), arrays, nil))
				for _, a := range arrays {
					require.NoError(t, a.Close())
				}
				w := openFolderShards(t, "{}", dir)
				require.Equal(t, []string{"experts.weight"}, w.Names())
				tensor := w.Tensor("experts.weight").(nn.Fitter).Fit(shape[2])
				require.NoError(t, tensor.(nn.Checker).Check())
				require.Equal(t, shape, tensor.Shape())
				for _, have := range denseValues(t, th, tensor) {
					requireClose(t, want, have, 1e-6, q.Mode)
				}
			})
		}
	}
}

// packExperts packs random experts, and returns what they are once unpacked.
func packExperts(t *testing.T, th *mlx.Thread, q nn.Quantisation, shape []int, second bool) (map[string]mlx.Array, []float32) {
	t.Helper()
	values := reftest.NumbersOf("experts", shape)
	size := len(values) / shape[0]
	group, bits := mlx.SomeInt(q.GroupSize), mlx.SomeInt(q.Bits)
	all, err := th.BuildAll(func(s *mlx.Scope) []mlx.Array {
		var columns [4][]mlx.Array // words, scales, biases, second scales
		var dense []mlx.Array
		for e := range shape[0] {
			one := values[e*size : (e+1)*size]
			var global mlx.Array
			if second {
				global = s.Scalar(float64(slices.Max(one)), mlx.Float32)
				columns[3] = append(columns[3], global)
			}
			parts := s.Quantize(mlx.Const(s, one, shape[1:]...), group, bits, q.Mode, global)
			for i, p := range parts {
				columns[i] = append(columns[i], p)
			}
			var biases mlx.Array
			if len(parts) == 3 {
				biases = parts[2]
			}
			dense = append(dense, s.Dequantize(parts[0], parts[1], biases, group, bits, q.Mode, global, mlx.SomeDtype(mlx.Float32)))
		}
		out := []mlx.Array{s.StackAxis(dense, 0)}
		for _, c := range columns {
			if len(c) > 0 {
				out = append(out, s.StackAxis(c, 0))
			}
		}
		return out
	})
	require.NoError(t, err)
	require.NoError(t, th.Eval(all...))
	want, err := mlx.Values[float32](th, all[0])
	require.NoError(t, err)
	require.NoError(t, all[0].Close())
	names := []string{"weight", "scales", "biases"}
	if second {
		names[2] = "global_scale"
	}
	arrays := map[string]mlx.Array{}
	for i, a := range all[1:] {
		arrays["experts."+names[i]] = a
	}
	return arrays, want
}

// Whatever a config says of packing, it is understood or refused.
func FuzzQuantConfig(f *testing.F) {
	for _, seed := range []string{
		`{"quantization": {"bits": 4, "group_size": 64, "lm_head": {"bits": 8}, "model.norm": false}}`,
		`{"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": -1}}`,
		`{"text_config": {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}}`,
		`{"quantization": {"mode": "mxfp4"}}`, `{"quantization_config": {"quant_method": "awq"}}`, `{"quantization": []}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		c, err := readQuantConfig(config)
		if err != nil {
			return
		}
		for _, q := range append([]nn.Quantisation{c.all}, c.layers["lm_head"]) {
			if q.Bits != 0 {
				require.Contains(t, quantisations(q.Mode != "affine"), q)
			}
		}
		if c.packer.Method == "gptq" || c.packer.Method == "awq" {
			require.NoError(t, checkGroups(c.packer.GroupSize))
		}
	})
}

// Nor does an adapter's config do harm.
func FuzzAdapterConfig(f *testing.F) {
	for _, c := range []string{
		`{"fine_tune_type": "dora", "lora_parameters": {"rank": 8, "scale": 20.0}}`,
		`{"peft_type": "LORA", "r": 8, "lora_alpha": 16, "rank_pattern": {"^q_proj$": 4}, "alpha_pattern": {"(": 1}}`,
	} {
		f.Add([]byte(c))
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		if c, err := parseMLXAdapter(config); err == nil && c.FineTuneType != "full" {
			require.NotNil(t, c.LoRAParameters.Scale)
		}
		if c, err := parsePEFT(config); err == nil {
			require.False(t, math.IsNaN(c.scale("model.layers.0.self_attn.q_proj")))
		}
	})
}
