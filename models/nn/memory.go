package nn

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// Memory is what a recurrent layer makes of the tokens that went before: arrays
// of fixed sizes that each pass replaces. Package cache has one that lasts.
type Memory interface {
	// Get is array i, null before the first token.
	Get(i int) mlx.Array
	// Set replaces array i when the Build succeeds.
	Set(s *mlx.Scope, i int, a mlx.Array)
	// Mask tells which of the next tokens count, Bool [B, L]; null when all do.
	Mask(s *mlx.Scope, tokens int) mlx.Array
	// Advance counts tokens when the Build succeeds.
	Advance(s *mlx.Scope, tokens int)
}

// masked is x [B, L, ...] with zeros where the mask [B, L] is false; x where the
// mask is null.
func masked(s *mlx.Scope, mask, x mlx.Array) mlx.Array {
	if mask.IsNull() {
		return x
	}
	for range s.Ndim(x) - s.Ndim(mask) {
		mask = s.ExpandDims(mask, -1)
	}
	return s.Where(mask, x, num(s, 0, x))
}
