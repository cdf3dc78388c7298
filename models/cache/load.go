package cache

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Load reads a cache that Save, or mlx-lm's save_prompt_cache, wrote, and the
// metadata of whoever saved it.
func Load(t *mlx.Thread, path string) (*Cache, map[string]string, error) {
	return LoadLike(t, path, nil)
}

// LoadLike is Load of a cache of the model that made another one, like, whose
// arrays have shapes, as after a pass that need not be computed. A cache of another
// model is an error that names the layer, before its arrays are read.
func LoadLike(t *mlx.Thread, path string, like *Cache) (*Cache, map[string]string, error) {
	c := &Cache{owner: t.NewOwner("cache")}
	metadata, err := c.load(t, path, like)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("cache: load %s: %w", path, err), c.Close())
	}
	return c, metadata, nil
}

func (c *Cache) load(t *mlx.Thread, path string, like *Cache) (metadata map[string]string, err error) {
	arrays, raw, err := mlx.LoadSafetensors(t, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, mlx.CloseAll(slices.Collect(maps.Values(arrays))...)) }()
	meta, err := parseMeta(raw)
	if err != nil {
		return nil, err
	}
	numbers, err := readScalars(t, arrays, meta.scalars)
	if err != nil {
		return nil, err
	}
	for i, class := range meta.classes {
		r := &stateReader{owner: c.owner, arrays: arrays, numbers: numbers, layer: i}
		make, known := stateReaders[class]
		if !known {
			return nil, fmt.Errorf("layer %d: a %q is not known", i, class)
		}
		l := make(r)
		if r.err != nil {
			return nil, fmt.Errorf("layer %d, a %s: %w", i, class, r.err)
		}
		c.Layers, c.kinds = append(c.Layers, l), append(c.kinds, Kind{})
	}
	c.count()
	if like != nil {
		if err := c.fit(like); err != nil {
			return nil, err
		}
	}
	return meta.user, t.Eval(c.State()...) // reads the file, which may change later
}

// count tells recurrent layers how many tokens were seen, as far as others know.
func (c *Cache) count() {
	seen := 0
	for _, l := range c.Layers {
		seen = max(seen, l.Offset())
	}
	for _, l := range c.Layers {
		if a, ok := l.(*ArraysCache); ok {
			a.offset = seen
		}
	}
}

// none is what readScalars reads nothing as.
const none = -1

// readScalars takes the arrays that stand for numbers or nothing out of the others.
func readScalars(t *mlx.Thread, arrays map[string]mlx.Array, all []fileScalar) (map[string]int, error) {
	numbers := map[string]int{}
	for _, s := range all {
		a, ok := arrays[s.name]
		if !ok {
			return nil, fmt.Errorf("%q is missing", s.name)
		}
		n := none
		if s.kind != scalarNone {
			if err := isNumber(a); err != nil {
				return nil, fmt.Errorf("%q: %w", s.name, err)
			}
			v, err := mlx.Item[int32](t, a)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", s.name, err)
			}
			if n = int(v); n < 0 {
				return nil, fmt.Errorf("%q is %d, want at least 0", s.name, n)
			}
		}
		numbers[s.name] = n
	}
	return numbers, nil
}

// isNumber refuses what is not one int32.
func isNumber(a mlx.Array) error {
	dtype, err := a.Dtype()
	if err != nil {
		return err
	}
	shape, err := a.Shape()
	if err != nil {
		return err
	}
	if dtype != mlx.Int32 || len(shape) != 0 {
		return fmt.Errorf("%v of shape %v is no number", dtype, shape)
	}
	return nil
}

// shapeOf is the shape of an array.
func shapeOf(a mlx.Array) (shape []int, err error) {
	dims, err := a.Shape()
	for _, d := range dims {
		shape = append(shape, int(d))
	}
	return shape, err
}

// stateReader takes the state of a layer out of a file. After an error its methods
// return nothing.
type stateReader struct {
	owner   *mlx.Owner
	arrays  map[string]mlx.Array
	numbers map[string]int
	layer   int
	err     error
}

func (r *stateReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// has reports whether there is something under a path.
func (r *stateReader) has(path string) bool {
	name := fmt.Sprintf("%d.%s", r.layer, path)
	_, ok := r.arrays[name]
	return ok && r.numbers[name] != none
}

// known reports whether there is an array, or nothing, under a path.
func (r *stateReader) known(path string) bool {
	_, ok := r.arrays[fmt.Sprintf("%d.%s", r.layer, path)]
	return ok
}

// number reads one that is at least min.
func (r *stateReader) number(path string, min int) int {
	name := fmt.Sprintf("%d.%s", r.layer, path)
	n, ok := r.numbers[name]
	if !ok || n < min {
		r.fail("%q is no number of at least %d", name, min)
		return min
	}
	return n
}

// array takes an array of some types into a place, and returns its shape.
func (r *stateReader) array(slot *mlx.Array, path string, types ...mlx.Dtype) (shape []int) {
	name := fmt.Sprintf("%d.%s", r.layer, path)
	a, ok := r.arrays[name]
	if _, scalar := r.numbers[name]; !ok || scalar || r.err != nil {
		r.fail("%q is missing", name)
		return nil
	}
	dtype, err := a.Dtype()
	if err != nil {
		r.fail("%q: %w", name, err)
		return nil
	}
	if shape, err = shapeOf(a); err != nil || len(shape) == 0 || !slices.Contains(types, dtype) {
		r.fail("%q is %v of shape %v, want %v", name, dtype, shape, types)
		return nil
	}
	delete(r.arrays, name)
	*slot = a
	return shape
}
