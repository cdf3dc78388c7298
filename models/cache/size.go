package cache

// Sizes tells what a cache takes by the number of tokens in it.
type Sizes []layerSize

type layerSize struct {
	fixed, token uint64 // bytes in all and for each token
	window       int    // of the tokens that are kept; 0 for all
}

// Sizes reads the shapes that the layers have after any number of tokens, at
// least one; nothing is computed for it.
func (c *Cache) Sizes() (Sizes, error) {
	sizes := make(Sizes, len(c.Layers))
	for i, l := range c.Layers {
		_, grows := l.(KV)
		sizes[i].window = c.kinds[i].window
		for _, a := range l.State() {
			bytes, err := a.Nbytes()
			if err != nil {
				return nil, err
			}
			shape, err := a.Shape()
			if err != nil {
				return nil, err
			}
			if grows && len(shape) == 4 && shape[2] > 0 { // [B, H, capacity, d]
				sizes[i].token += bytes / uint64(shape[2])
			} else {
				sizes[i].fixed += bytes
			}
		}
	}
	return sizes, nil
}

// Bytes is what the cache takes with that many tokens.
func (s Sizes) Bytes(tokens int) (total uint64) {
	for _, l := range s {
		kept := tokens
		if l.window > 0 {
			kept = min(kept, l.window)
		}
		total += l.fixed + l.token*uint64(kept)
	}
	return total
}

// Windows lists how many tokens each layer keeps, 0 for all.
func (s Sizes) Windows() []int {
	windows := make([]int, len(s))
	for i, l := range s {
		windows[i] = l.window
	}
	return windows
}
