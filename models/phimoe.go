package models

// Phi-3.5-MoE: Abdin et al., 2024, https://arxiv.org/abs/2404.14219. Reference:
// mlx_lm/models/phimoe.py. A Llama with biases and layer norms whose MLPs are
// mixtures of experts, chosen by SparseMixer.

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// PhiMoEConfig is config.json of model_type "phimoe".
type PhiMoEConfig struct {
	Phi3Config
	NumLocalExperts   int     `json:"num_local_experts"`
	NumExpertsPerTok  int     `json:"num_experts_per_tok"`
	RouterJitterNoise float64 `json:"router_jitter_noise"`
}

// normalize fills in the defaults and refuses what cannot be a model.
func (c *PhiMoEConfig) normalize() error {
	c.AttentionBias = true
	c.RouterJitterNoise = orElse(c.RouterJitterNoise, 0.01)
	if c.RouterJitterNoise < 0 {
		return fieldError("router_jitter_noise", "%v is negative", c.RouterJitterNoise)
	}
	if err := checkExperts("num_local_experts", c.NumLocalExperts, c.NumExpertsPerTok); err != nil {
		return err
	}
	return c.Phi3Config.normalize()
}

type phiMoE struct {
	Gate    nn.Linear    `weight:"gate"`
	Experts nn.SwitchGLU `weight:"switch_mlp"`

	topK   int
	jitter float64
}

// Forward maps x [B, L, D] to [B, L, D].
func (m *phiMoE) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	experts, weights := m.choose(s, m.Gate.Forward(s, x))       // [B, L, K] each
	return nn.Mix(s, m.Experts.Forward(s, x, experts), weights) // [B, L, D]
}

// choose is SparseMixer: the best expert, weighed by the softmax of the scores
// [B, L, E] that are near to its own, then the best of the others. Liu et al.,
// 2023, https://arxiv.org/abs/2310.00811.
func (m *phiMoE) choose(s *mlx.Scope, gates mlx.Array) (experts, weights mlx.Array) {
	dtype := s.DtypeOf(gates)
	none, size, left := s.Scalar(math.Inf(-1), dtype), s.Abs(gates), gates
	var chosen, scores []mlx.Array
	for range m.topK {
		best := s.MaxAxis(left, -1, true)                                    // [B, L, 1]
		expert := s.StopGradient(s.ArgmaxAxis(left, -1, true))               // [B, L, 1]
		distance := s.Divide(s.Subtract(best, gates), s.Maximum(size, best)) // [B, L, E]
		far := s.Greater(distance, s.Scalar(2*m.jitter, dtype))              // [B, L, E]
		near := s.SoftmaxAxis(s.Where(far, none, left), -1, true)            // [B, L, E]
		chosen, scores = append(chosen, expert), append(scores, s.TakeAlongAxis(near, expert, -1))
		left = s.PutAlongAxis(left, expert, none, -1)
	}
	return s.ConcatenateAxis(chosen, -1), s.ConcatenateAxis(scores, -1)
}

type phiMoEBlock struct {
	SelfAttn               *llamaAttention `weight:"self_attn"`
	MoE                    *phiMoE         `weight:"block_sparse_moe"`
	InputLayernorm         nn.LayerNorm    `weight:"input_layernorm"`
	PostAttentionLayernorm nn.LayerNorm    `weight:"post_attention_layernorm"`
}

// Forward maps h [B, L, D] to [B, L, D].
func (b *phiMoEBlock) Forward(s *mlx.Scope, h nn.Residual, kv cache.KV) nn.Residual {
	x := h.Sum(s)
	x = s.Add(x, b.SelfAttn.Forward(s, b.InputLayernorm.Forward(s, x), kv))
	return nn.Plus(x, b.MoE.Forward(s, b.PostAttentionLayernorm.Forward(s, x)))
}

type phimoe struct {
	EmbedTokens nn.Embedding   `weight:"model.embed_tokens"`
	Layers      []*phiMoEBlock `weight:"model.layers"`
	Norm        nn.LayerNorm   `weight:"model.norm"`
	LMHead      nn.Linear      `weight:"lm_head"`

	kinds   []cache.Kind
	experts int
}

func newPhiMoE(c *PhiMoEConfig) architecture {
	d, norm := c.HiddenSize, nn.LayerNorm{Dims: c.HiddenSize, Eps: c.RMSNormEps}
	m := &phimoe{
		EmbedTokens: nn.Embedding{Vocab: c.VocabSize, Dims: d},
		Norm:        norm,
		LMHead:      nn.Linear{In: d, Out: c.VocabSize},
		kinds:       attentionKinds(c.LayerTypes, valueOr(c.SlidingWindow, 0)),
		experts:     c.NumLocalExperts,
	}
	for _, t := range c.LayerTypes {
		m.Layers = append(m.Layers, &phiMoEBlock{
			SelfAttn: newLlamaAttention(&c.LlamaConfig, t),
			MoE: &phiMoE{
				Gate:    nn.Linear{In: d, Out: c.NumLocalExperts, NoBias: true},
				Experts: nn.NewSwitchGLU(c.NumLocalExperts, d, c.IntermediateSize),
				topK:    c.NumExpertsPerTok, jitter: c.RouterJitterNoise,
			},
			InputLayernorm:         norm,
			PostAttentionLayernorm: norm,
		})
	}
	return m
}

func (m *phimoe) sanitize(w nn.Weights) nn.Weights {
	return nn.StackExpertsAs(w, m.experts, mixtralNames())
}

// Forward maps tokens [B, L] to logits [B, L, V], or [B] to [B, V].
func (m *phimoe) Forward(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	return m.Head(s, m.Hidden(s, tokens, kv))
}

// Hidden implements architecture.
func (m *phimoe) Hidden(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	h := nn.Plain(m.EmbedTokens.Forward(s, tokens)) // [B, L, D]
	for i, layer := range m.Layers {
		h = through(s, kv, layer, i, h)
	}
	return m.Norm.Forward(s, h.Sum(s))
}

// Head implements architecture.
func (m *phimoe) Head(s *mlx.Scope, h mlx.Array) mlx.Array { return m.LMHead.Forward(s, h) }

func (m *phimoe) headLayer() any { return &m.LMHead }

// NewCache makes an empty cache.
func (m *phimoe) NewCache(t *mlx.Thread, opts ...cache.Option) *cache.Cache {
	return cache.New(t, m.kinds, opts...)
}
