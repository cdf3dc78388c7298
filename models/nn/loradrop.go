package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// Drops reports whether any adapter of model has a dropout.
func Drops(model any) bool { return len(dropping(model)) > 0 }

func dropping(model any) []*LoRA {
	var out []*LoRA
	for _, ad := range Adaptables(model) {
		if ad.LoRA != nil && ad.LoRA.Dropout > 0 {
			out = append(out, ad.LoRA)
		}
	}
	return out
}

// Dropping runs fn, a step of training, in which the adapters of model drop
// parts of their inputs. Everything that is dropped follows from key, also where a
// part of fn runs again for its gradient. Outside of it nothing is dropped.
func Dropping(s *mlx.Scope, model any, key mlx.Array, fn func()) {
	list := dropping(model)
	if len(list) == 0 {
		fn()
		return
	}
	keys := s.RandomSplitNum(key, len(list)) // [n, 2]
	for i, r := range list {
		r.key = s.Squeeze(s.Slice(keys, []int{i, 0}, []int{i + 1, 2}, []int{1, 1}))
	}
	defer func() {
		for _, r := range list {
			r.key = mlx.Array{}
		}
	}()
	fn()
}
