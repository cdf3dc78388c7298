package cache

import mlx "forge.lthn.ai/core/go-mlx/runtime"

// quantizer is a layer whose numbers can be kept quantised.
type quantizer interface {
	quantize(s *mlx.Scope, f form)
}

// Quantize brings what the cache holds, and what comes after it, into numbers of
// that many bits, of which groups of that many share a scale and a bias (0 is
// DefaultGroup). Layers that keep no keys and values, or are quantised, stay as
// they are. As mlx-lm's to_quantized, for rotating caches too.
func (c *Cache) Quantize(t *mlx.Thread, bits, group int) error {
	how, err := newConfig([]Option{WithBits(bits, group)})
	if err != nil || how.form.bits == 0 {
		return err
	}
	_, err = t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		for _, l := range c.Layers {
			if q, ok := l.(quantizer); ok {
				q.quantize(s, how.form)
			}
		}
		return nil
	})
	return err
}

// quantize implements quantizer.
func (st *store) quantize(s *mlx.Scope, f form) {
	if st.bits != 0 {
		return
	}
	if !st.empty() {
		for _, slots := range [][3]*mlx.Array{st.keys, st.values} {
			packed, ok := f.take(s, *slots[0])
			if !ok {
				return // an error now or before
			}
			for i, slot := range slots {
				s.Assign(slot, packed.parts[i])
			}
		}
	}
	s.OnSuccess(func() { st.form = f })
}
