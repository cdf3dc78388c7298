package cache

import (
	"errors"
	"fmt"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// saved is the state of a layer as a class of mlx-lm has it.
type saved struct {
	class  string
	leaves []leaf
}

// leaf is an element of a state.
type leaf struct {
	path  string    // as tree_flatten names it
	array mlx.Array // or, where it is null:
	count int       // a number
	none  bool      // or nothing
}

// saver is a layer that can be saved.
type saver interface {
	save() (saved, error)
}

// Save writes the cache to a safetensors file that mlx-lm's load_prompt_cache
// reads, with metadata of the caller's, which may be nil. The file is there whole
// or not at all. Layers that mlx-lm has no class for (rotating and quantised at
// once) are read by Load alone.
func Save(t *mlx.Thread, path string, c *Cache, metadata map[string]string) error {
	if err := save(t, path, c, metadata); err != nil {
		return fmt.Errorf("cache: save: %w", err)
	}
	return nil
}

func save(t *mlx.Thread, path string, c *Cache, metadata map[string]string) error {
	meta, arrays := fileMeta{user: metadata}, map[string]mlx.Array{}
	var names []string // of scalars
	var values []leaf
	for i, l := range c.Layers {
		s, ok := l.(saver)
		if !ok {
			return fmt.Errorf("layer %d: a %T cannot be saved", i, l)
		}
		state, err := s.save()
		if err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
		meta.classes = append(meta.classes, state.class)
		for _, leaf := range state.leaves {
			name := fmt.Sprintf("%d.%s", i, leaf.path)
			if arrays[name] = leaf.array; leaf.array.IsNull() {
				names, values = append(names, name), append(values, leaf)
			}
		}
	}
	made, err := scalars(t, values)
	if err != nil {
		return err
	}
	for i, name := range names {
		arrays[name] = made[i]
		meta.scalars = append(meta.scalars, fileScalar{name, values[i].kind()})
	}
	return errors.Join(mlx.SaveSafetensors(t, path, arrays, meta.encode()), mlx.CloseAll(made...))
}

func (l leaf) kind() string {
	if l.none {
		return scalarNone
	}
	return scalarNumber
}

// scalars makes the arrays that stand for numbers and nothing.
func scalars(t *mlx.Thread, values []leaf) ([]mlx.Array, error) {
	return t.BuildAll(func(s *mlx.Scope) (all []mlx.Array) {
		for _, v := range values {
			if v.none {
				all = append(all, s.Zeros([]int{0}, mlx.Float32))
			} else {
				all = append(all, s.Scalar(float64(v.count), mlx.Int32))
			}
		}
		return all
	})
}

// leaves are the buffers, and the numbers behind them.
func (st *store) leaves(numbers ...int) (all []leaf) {
	for group, slots := range [][3]*mlx.Array{st.keys, st.values} {
		switch {
		case st.empty():
			all = append(all, leaf{path: fmt.Sprint(group), none: true})
		case st.bits == 0:
			all = append(all, leaf{path: fmt.Sprint(group), array: *slots[0]})
		default:
			for i, slot := range slots {
				all = append(all, leaf{path: fmt.Sprintf("%d.%d", group, i), array: *slot})
			}
		}
	}
	if st.bits != 0 {
		numbers = append(numbers, st.group, st.bits)
	}
	for i, n := range numbers {
		all = append(all, leaf{path: fmt.Sprint(2 + i), count: n})
	}
	return all
}

var errPadded = errors.New("rows of different lengths cannot be saved: extract them first")

// The classes of layers in files.
const (
	classKV                = "KVCache"
	classQuantized         = "QuantizedKVCache"
	classRotating          = "RotatingKVCache"
	classQuantizedRotating = "QuantizedRotatingKVCache" // mlx-lm has none
	classArrays            = "ArraysCache"
)

// save implements saver.
func (c *KVCache) save() (saved, error) {
	if c.left != nil {
		return saved{}, errPadded
	}
	class := classKV
	if c.bits != 0 {
		class = classQuantized
	}
	return saved{class, c.leaves(c.offset)}, nil
}

// save implements saver.
func (c *RotatingKVCache) save() (saved, error) {
	if c.left != nil {
		return saved{}, errPadded
	}
	class := classRotating
	if c.bits != 0 {
		class = classQuantizedRotating
	}
	return saved{class, c.leaves(c.offset, c.first, c.size, c.next)}, nil
}

// save implements saver. How many tokens were seen is not in it: Load takes that
// from the other layers.
func (c *ArraysCache) save() (saved, error) {
	if c.left != nil {
		return saved{}, errPadded
	}
	s := saved{class: classArrays}
	for i, a := range c.arrays {
		s.leaves = append(s.leaves, leaf{path: fmt.Sprintf("0.%d", i), array: *a, none: a.IsNull()})
	}
	s.leaves = append(s.leaves, leaf{path: "1", none: true}, leaf{path: "2", none: true})
	return s, nil
}
