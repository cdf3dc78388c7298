package cache

import (
	"errors"
	"fmt"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// batched is a layer whose rows, the sequences of a batch, can be taken apart and
// put together. What a method does holds when the Build succeeds.
type batched interface {
	Layer
	// fresh is an empty layer of the same settings, whose arrays belong to o.
	fresh(o *mlx.Owner) batched
	// width is the number of rows, 1 if nothing was stored.
	width() int
	// filter leaves those rows, in that order.
	filter(s *mlx.Scope, rows []int)
	// extract fills a fresh layer with one row, without its padding.
	extract(s *mlx.Scope, into batched, row int)
	// merge fills the layer with the rows of all, which end together. It may be one
	// of them.
	merge(s *mlx.Scope, all []batched)
}

// Filter keeps the rows of a batch that are named, in that order, and drops the
// others, and the padding that none of the rest needs. As mlx-lm's filter.
func (c *Cache) Filter(t *mlx.Thread, rows ...int) error {
	layers, err := c.batch()
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errors.New("cache: a batch needs a row: close it instead")
	}
	for _, row := range rows {
		if err := c.checkRow(row); err != nil {
			return err
		}
	}
	_, err = t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		for _, l := range layers {
			l.filter(s, rows)
		}
		return nil
	})
	return err
}

// Extract copies a row of a batch into a cache of its own, without padding. As
// mlx-lm's extract.
func (c *Cache) Extract(t *mlx.Thread, row int) (*Cache, error) {
	layers, err := c.batch()
	if err != nil {
		return nil, err
	}
	if err := c.checkRow(row); err != nil {
		return nil, err
	}
	return c.like(t, layers, func(s *mlx.Scope, i int, into batched) { layers[i].extract(s, into, row) })
}

// Merge copies caches of the same layers into one whose rows are all of theirs,
// padded on the left where they are shorter. As mlx-lm's merge.
func Merge(t *mlx.Thread, caches ...*Cache) (*Cache, error) {
	all, err := together(caches)
	if err != nil {
		return nil, err
	}
	first := make([]batched, len(all))
	for i := range all {
		first[i] = all[i][0]
	}
	return caches[0].like(t, first, func(s *mlx.Scope, i int, into batched) { into.merge(s, all[i]) })
}

// Extend appends the rows of another cache of the same layers. As mlx-lm's extend.
func (c *Cache) Extend(t *mlx.Thread, other *Cache) error {
	all, err := together([]*Cache{c, other})
	if err != nil {
		return err
	}
	_, err = t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		for _, layers := range all {
			layers[0].merge(s, layers)
		}
		return nil
	})
	return err
}

// Rows is the number of sequences in the cache, 1 before anything was stored.
func (c *Cache) Rows() int {
	if layers, err := c.batch(); err == nil && len(layers) > 0 {
		return layers[0].width()
	}
	return 1
}

func (c *Cache) checkRow(row int) error {
	if rows := c.Rows(); row < 0 || row >= rows {
		return fmt.Errorf("cache: there is no row %d in a batch of %d", row, rows)
	}
	return nil
}

// batch is the layers, if rows of all of them can be taken apart.
func (c *Cache) batch() ([]batched, error) {
	if c.err != nil {
		return nil, c.err
	}
	layers := make([]batched, len(c.Layers))
	for i, l := range c.Layers {
		b, ok := l.(batched)
		if !ok {
			return nil, fmt.Errorf("cache: layer %d, a %T, has no rows", i, l)
		}
		layers[i] = b
	}
	return layers, nil
}

// together is the layers of several caches, by layer.
func together(caches []*Cache) ([][]batched, error) {
	if len(caches) == 0 {
		return nil, errors.New("cache: nothing to merge")
	}
	all := make([][]batched, len(caches[0].Layers))
	for n, c := range caches {
		layers, err := c.batch()
		if err != nil {
			return nil, err
		}
		if len(layers) != len(all) {
			return nil, fmt.Errorf("cache: %d layers and %d: cache %d is of another model", len(all), len(layers), n)
		}
		for i, l := range layers {
			all[i] = append(all[i], l)
		}
	}
	return all, nil
}

// like makes a cache of fresh layers and fills each.
func (c *Cache) like(t *mlx.Thread, layers []batched, fill func(s *mlx.Scope, i int, into batched)) (*Cache, error) {
	out := &Cache{kinds: c.kinds, owner: t.NewOwner("cache")}
	_, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		for i, l := range layers {
			into := l.fresh(out.owner)
			out.Layers = append(out.Layers, into)
			fill(s, i, into)
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}
