package nn

import (
	"math"

	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// GroupGate chooses the experts of a token as DeepSeek-V3 does: by the sigmoid of
// a score and a bias that balances the load, among the experts of the best groups
// only. The bias chooses and does not weigh. DeepSeek-AI, 2024,
// https://arxiv.org/abs/2412.19437; group_expert_select of
// mlx_lm/models/deepseek_v3.py, MoEGate of deepseek_v2.py.
type GroupGate struct {
	In, Experts       int
	TopK              int // experts of a token
	Groups, TopGroups int // of experts, and how many of them a token looks into; 0 is 1
	Scale             float64
	Normalise         bool // the weights of a token add up to Scale
	Softmax           bool // of the scores, as DeepSeek-V2: no bias, and a group is as good as its best expert

	w    matrix // [E, D]
	bias Param  // float32 [E]
}

// Forward maps x [..., D] to the experts of each token, uint32 [..., K], and their
// weights, float32 [..., K].
func (g *GroupGate) Forward(s *mlx.Scope, x mlx.Array) (experts, weights mlx.Array) {
	scores, chosen := g.score(s, s.AsType(g.w.mul(s, x), mlx.Float32)) // [..., E]
	if g.TopGroups < g.Groups {
		chosen = g.limit(s, chosen)
	}
	experts = TopKNegated(s, chosen, g.TopK)
	weights = s.TakeAlongAxis(scores, experts, -1)
	if g.Normalise && g.TopK > 1 {
		weights = s.Divide(weights, s.SumAxis(weights, -1, true))
	}
	return experts, times(s, orDefault(g.Scale, 1), weights)
}

// score maps logits [..., E] to what weighs the experts and what chooses them.
func (g *GroupGate) score(s *mlx.Scope, logits mlx.Array) (scores, chosen mlx.Array) {
	if g.Softmax {
		scores = s.SoftmaxAxis(logits, -1, true)
		return scores, scores
	}
	scores = s.Sigmoid(logits)
	return scores, s.Add(scores, g.bias.Array())
}

// limit takes the experts of the worst groups out of the choice.
func (g *GroupGate) limit(s *mlx.Scope, chosen mlx.Array) mlx.Array {
	grouped, out := s.Unflatten(chosen, -1, g.Groups, -1), g.Groups-g.TopGroups // [..., G, E/G]
	best := g.measure(s, grouped)                                               // [..., G]
	worst := s.StopGradient(lastAxis(s, s.ArgpartitionAxis(best, out-1, -1), out))
	worst = s.ExpandDims(worst, -1) // [..., G-K, 1]
	grouped = s.PutAlongAxis(grouped, worst, num(s, math.Inf(-1), grouped), -2)
	return s.Flatten(grouped, -2, -1)
}

// measure tells how good groups [..., G, E/G] are: as the best two, or the best.
func (g *GroupGate) measure(s *mlx.Scope, grouped mlx.Array) mlx.Array {
	if g.Softmax {
		return s.MaxAxis(grouped, -1, false)
	}
	return s.SumAxis(s.TopKAxis(grouped, 2, -1), -1, false)
}

// plan reads the bias in single precision, whatever the model computes in: it is
// tuned more finely than bfloat16 can tell.
func (g *GroupGate) plan(l *loader, names []string) func() error {
	weight := g.w.plan(l, names[:1], g.In, []int{g.Experts})
	if g.Softmax {
		return weight
	}
	bias := l.find(join(names[0], correction), g.Experts)
	if bias == nil {
		return nil // noted
	}
	return inOrder(weight, func() error {
		a, err := bias.Dense(l.t, mlx.Float32)
		if err == nil {
			g.bias.keep(l.owner, a)
		}
		return err
	})
}

const correction = "e_score_correction_bias"

func (g *GroupGate) params(names []string) []spec {
	specs := g.w.params(names[0], g.In, g.Experts, initializer.Zeros())
	if g.Softmax {
		return specs
	}
	return append(specs, spec{
		name: join(names[0], correction), param: &g.bias, shape: []int{g.Experts}, init: initializer.Zeros(), buffer: true,
	})
}
