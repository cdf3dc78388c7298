package models

// gpt-oss: OpenAI, 2025, https://arxiv.org/abs/2508.10925. Reference:
// mlx_lm/models/gpt_oss.py. A Llama whose layers attend to a window and to
// everything by turns, with a sink for each head, and whose MLP is a mixture of
// experts.

import (
	"math"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// GptOssConfig is config.json of model_type "gpt_oss".
type GptOssConfig struct {
	LlamaConfig
	NumLocalExperts  int     `json:"num_local_experts"`
	NumExpertsPerTok int     `json:"num_experts_per_tok"`
	SwigluAlpha      float64 `json:"swiglu_alpha"`
	SwigluLimit      float64 `json:"swiglu_limit"`
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *GptOssConfig) normalize() error {
	c.HeadDim = orElse(c.HeadDim, 64)
	c.RMSNormEps = orElse(c.RMSNormEps, 1e-5)
	c.RopeTheta = orElse(c.RopeTheta, 150000)
	c.SwigluAlpha, c.SwigluLimit = orElse(c.SwigluAlpha, 1.702), orElse(c.SwigluLimit, 7)
	if c.SwigluAlpha < 0 || c.SwigluLimit < 0 {
		return fieldError("swiglu_limit", "neither it (%v) nor swiglu_alpha (%v) may be negative", c.SwigluLimit, c.SwigluAlpha)
	}
	c.AttentionBias = true
	if c.SlidingWindow == nil {
		c.SlidingWindow = new(int)
		*c.SlidingWindow = 128
	}
	if c.LayerTypes == nil {
		c.LayerTypes = layersWhere(c.NumHiddenLayers, func(i int) bool { return i%2 == 0 })
	}
	if err := checkExperts("num_local_experts", c.NumLocalExperts, c.NumExpertsPerTok); err != nil {
		return err
	}
	return c.LlamaConfig.normalize()
}

type gptOssAttention struct {
	QKV   nn.Fused  `weight:"q_proj,k_proj,v_proj"`
	OProj nn.Linear `weight:"o_proj"`
	Sinks nn.Param  `weight:"sinks"`
	Rope  nn.RoPE   `weight:""`

	heads, kvHeads, dim int
}

func newGptOssAttention(c *LlamaConfig, layerType string) *gptOssAttention {
	d, q, kv := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim
	return &gptOssAttention{
		QKV:   nn.Fused{In: d, Outs: []int{q, kv, kv}},
		OProj: nn.Linear{In: q, Out: d},
		Sinks: nn.Param{Shape: []int{c.NumAttentionHeads}},
		Rope:  c.rope(layerType, c.HeadDim, 150000),
		heads: c.NumAttentionHeads, kvHeads: c.NumKeyValueHeads, dim: c.HeadDim,
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (a *gptOssAttention) Forward(s *mlx.Scope, x mlx.Array, kv cache.KV) mlx.Array {
	qkv := a.QKV.QKV(s, x, a.dim, a.heads, a.kvHeads) // [B, H, L, d] each
	qkv = qkv.Turn(s, &a.Rope, kv.Position())
	attend := cache.Attention{Scale: float32(1 / math.Sqrt(float64(a.dim))), Sinks: a.Sinks.Array()}
	out := cache.Attend(s, kv, qkv, attend)          // [B, Hq, L, d]
	return a.OProj.Forward(s, nn.MergeHeads(s, out)) // [B, L, D]
}

type gptOssMoE struct {
	Router  nn.Linear    `weight:"router"`
	Experts nn.SwitchGLU `weight:"experts"`

	topK int
}

func newGptOssMoE(c *GptOssConfig) *gptOssMoE {
	e, d, i := c.NumLocalExperts, c.HiddenSize, c.IntermediateSize
	return &gptOssMoE{
		Router: nn.Linear{In: d, Out: e},
		Experts: nn.SwitchGLU{
			GateUp: nn.SwitchFused{Experts: e, In: d, Outs: []int{i, i}},
			Down:   nn.SwitchLinear{Experts: e, In: i, Out: d},
			Activation: func(s *mlx.Scope, gate, up mlx.Array) mlx.Array {
				return nn.SwiGLUOAI(s, gate, up, c.SwigluAlpha, c.SwigluLimit)
			},
		},
		topK: c.NumExpertsPerTok,
	}
}

// Forward maps x [B, L, D] to [B, L, D].
func (m *gptOssMoE) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	gates := m.Router.Forward(s, x)                                         // [B, L, E]
	experts := nn.TopK(s, gates, m.topK)                                    // [B, L, K]
	weights := s.SoftmaxAxis(s.TakeAlongAxis(gates, experts, -1), -1, true) // [B, L, K]
	return nn.Mix(s, m.Experts.Forward(s, x, experts), weights)             // [B, L, D]
}

func newGptOss(c *GptOssConfig) architecture {
	m := newLlamaStem(&c.LlamaConfig)
	for _, t := range c.LayerTypes {
		m.Layers = append(m.Layers, newBlock(c.HiddenSize, c.RMSNormEps, newGptOssAttention(&c.LlamaConfig, t), newGptOssMoE(c)))
	}
	m.stored = gptOssExperts
	return m
}

// gptOssExperts shows the experts of a checkpoint of Hugging Face, the rows of gate
// and up by turns, as layers. Those that are not packed are transposed, and may be
// so only under the names of that form.
func gptOssExperts(w nn.Weights) nn.Weights {
	w = nn.MapTensors(w, func(name string, t nn.Tensor) nn.Tensor {
		shape := t.Shape()
		if _, packed := t.(nn.Quantised); packed || len(shape) != 3 || !gptOssProjection(name) {
			return t
		}
		return nn.Derived(t, []int{shape[0], shape[2], shape[1]}, func(s *mlx.Scope, a mlx.Array) mlx.Array {
			return s.Contiguous(s.SwapAxes(a, -2, -1), false)
		})
	})
	w = nn.Rename(w, func(stored string) (string, bool) {
		layer, bias := strings.CutSuffix(stored, "_bias")
		switch {
		case !gptOssProjection(layer):
			return stored, true
		case bias:
			return layer + ".bias", true
		}
		return layer + ".weight", true
	})
	return nn.Deinterleave(w, "gate_up_proj", "gate_proj", "up_proj")
}

// gptOssProjection tells the weights of experts as Hugging Face names them.
func gptOssProjection(name string) bool {
	return strings.HasSuffix(name, ".experts.gate_up_proj") || strings.HasSuffix(name, ".experts.down_proj")
}
