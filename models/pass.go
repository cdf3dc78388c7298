package models

import (
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// through maps h [B, L, D] to [B, L, D] as layer i does.
func through(s *mlx.Scope, kv *cache.Cache, layer block, i int, h nn.Residual) nn.Residual {
	if !kv.Pass().Recompute {
		return layer.Forward(s, h, kv.KV(s, i))
	}
	return nn.Plain(recomputed(s, kv, layer, func(s *mlx.Scope, in []mlx.Array) mlx.Array {
		return layer.Forward(s, nn.Plain(in[0]), kv.KV(s, i)).Sum(s)
	}, h.Sum(s)))
}

// recomputed is f of in, run by a block. Where the pass says so, f keeps nothing
// for the gradient and runs again: the block's trained weights go in as arguments,
// for what f captures is constant.
func recomputed(s *mlx.Scope, kv *cache.Cache, block any, f func(s *mlx.Scope, in []mlx.Array) mlx.Array, in ...mlx.Array) mlx.Array {
	if !kv.Pass().Recompute {
		return f(s, in)
	}
	params := nn.Trainable(block)
	again := mlx.Checkpoint(func(s *mlx.Scope, args []mlx.Array) (out []mlx.Array) {
		params.With(args[len(in):], func() { out = []mlx.Array{f(s, args[:len(in)])} })
		return out
	})
	out := again(s, append(in[:len(in):len(in)], params.Arrays()...))
	if len(out) != 1 {
		return mlx.Array{} // an error went before
	}
	return out[0]
}

// headOf is the output layer: head, or where that is nil the embedding.
func headOf(s *mlx.Scope, head *nn.Linear, e *nn.Embedding, h mlx.Array) mlx.Array {
	if head == nil {
		return e.AsLinear(s, h)
	}
	return head.Forward(s, h)
}

func orEmbedding(head *nn.Linear, e *nn.Embedding) any {
	if head == nil {
		return e
	}
	return head
}
