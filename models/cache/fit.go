package cache

import (
	"fmt"
	"slices"
)

// fit makes it a cache of the model that made the other one, or says in which layer
// it is not one.
func (c *Cache) fit(model *Cache) error {
	if len(c.Layers) != len(model.Layers) {
		return fmt.Errorf("%d layers, the model has %d", len(c.Layers), len(model.Layers))
	}
	for i, l := range c.Layers {
		if err := fits(l, model.Layers[i], model.kinds[i]); err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
	}
	c.kinds = model.kinds
	for i, l := range c.Layers {
		if ring, ok := l.(*RotatingKVCache); ok {
			ring.whole = c.kinds[i].window
		}
	}
	return nil
}

func fits(l, want Layer, k Kind) error {
	if ring, ok := l.(*RotatingKVCache); k.window > 0 && (!ok || ring.size > k.window) {
		return fmt.Errorf("a %T, the model has a window of %d tokens", l, k.window)
	}
	have, err := geometry(l)
	if err != nil {
		return err
	}
	expected, err := geometry(want)
	if err != nil {
		return err
	}
	if (k.arrays > 0) != (arraysOf(l) > 0) || arraysOf(l) != arraysOf(want) {
		return fmt.Errorf("a %T of %d arrays, the model has %d", l, arraysOf(l), arraysOf(want))
	}
	if len(have) > 0 && len(expected) > 0 && !slices.EqualFunc(have, expected, slices.Equal[[]int]) {
		return fmt.Errorf("shapes %v, the model has %v", have, expected)
	}
	return nil
}

// arraysOf is how many arrays a recurrent layer has; 0 of others.
func arraysOf(l Layer) int {
	if a, ok := l.(*ArraysCache); ok {
		return len(a.arrays)
	}
	return 0
}

// geometry is the shapes of a layer's arrays without rows and tokens: of keys and
// values as they are before they are packed. An empty layer has none.
func geometry(l Layer) (shapes [][]int, err error) {
	var st *store
	switch l := l.(type) {
	case *KVCache:
		st = &l.store
	case *RotatingKVCache:
		st = &l.store
	}
	for i, a := range l.State() {
		shape, err := shapeOf(a)
		if err != nil {
			return nil, err
		}
		switch {
		case st == nil:
			shapes = append(shapes, shape[1:])
		case i%st.parts() == 0:
			whole := st.shapeOf(shape)
			shapes = append(shapes, []int{whole[1], whole[3]})
		}
	}
	return shapes, nil
}
