package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// RMSNorm scales by the reciprocal root mean square of the last axis, then by a
// weight. Zhang and Sennrich, 2019, https://arxiv.org/abs/1910.07467.
type RMSNorm struct {
	Dims int // of x; 0 takes what the checkpoint has
	Eps  float32

	weight mlx.Array // [D]
}

// Forward keeps the shape of x [..., D].
func (n *RMSNorm) Forward(s *mlx.Scope, x mlx.Array) mlx.Array { return s.RMSNorm(x, n.weight, n.Eps) }

func (n *RMSNorm) load(l *loader, names []string) error {
	t := l.tensor(names[0] + ".weight")
	if t == nil || !l.check(names[0]+".weight", t.Shape(), []int{n.Dims}) {
		return nil // noted
	}
	var err error
	n.weight, err = l.dense(t)
	return err
}
