package runtime

import (
	"fmt"
	"math"
	"slices"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// Unmapped is the axis of an argument that Vmap does not map over: every call
// sees all of it.
const Unmapped = math.MinInt

// VmapOption changes how Vmap maps.
type VmapOption func(*mapping)

// mapping is over which axes Vmap maps.
type mapping struct{ in, out []int }

// InAxes says which axis of each argument is mapped over, the first when it is
// not given. One axis serves all arguments; negative ones count from the end.
func InAxes(axes ...int) VmapOption { return func(m *mapping) { m.in = slices.Clone(axes) } }

// OutAxes says which axis of each result the mapped axis becomes, the first when
// it is not given. One axis serves all results; negative ones count from the end.
func OutAxes(axes ...int) VmapOption { return func(m *mapping) { m.out = slices.Clone(axes) } }

// Vmap returns the function that does f for each index of the arguments' mapped
// axis, as one vectorised graph: f is written for a single example and sees
// arguments without that axis. The mapped axes must have one size, and one
// argument at least must be mapped. See mlx.core.vmap.
func Vmap(f Func, opts ...VmapOption) Func {
	m := mapping{in: []int{0}, out: []int{0}}
	for _, o := range opts {
		o(&m)
	}
	return func(s *Scope, args []Array) []Array {
		return s.transform("vmap", f, func(c bindings.Closure) ([]Array, error) { return m.apply(c, args) })
	}
}

// apply runs c on stand-ins and puts args in their place.
func (m mapping) apply(c bindings.Closure, args []Array) ([]Array, error) {
	in, err := resolveAxes("argument", m.in, args, 0)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(in, func(axis int32) bool { return axis >= 0 }) {
		return nil, fmt.Errorf("none of %d arguments is mapped", len(args))
	}
	standIns, results, err := bindings.DetailVmapTrace(c, args, in)
	if err != nil {
		return nil, err
	}
	defer closeBoth(standIns, results)
	out, err := resultAxes(m.out, results, 1)
	if err != nil {
		return nil, err
	}
	return bindings.DetailVmapReplace(args, standIns, results, in, out)
}

// closeBoth closes handles that exist, which does not fail.
func closeBoth(a, b []Array) {
	_ = bindings.CloseAll(a)
	_ = bindings.CloseAll(b)
}

// resolveAxes gives each array its axis, counted from the front, -1 for
// Unmapped. The arrays have extra dimensions more than they show.
func resolveAxes(what string, axes []int, arrays []Array, extra int) ([]int32, error) {
	if len(axes) != 1 && len(axes) != len(arrays) {
		return nil, fmt.Errorf("%d axes for %d %ss", len(axes), len(arrays), what)
	}
	out := make([]int32, len(arrays))
	for i, a := range arrays {
		axis := axes[min(i, len(axes)-1)]
		n, err := a.Ndim()
		if err != nil {
			return nil, fmt.Errorf("%s %d: %w", what, i, err)
		}
		if out[i], err = resolveAxis(axis, int(n)+extra); err != nil {
			return nil, fmt.Errorf("%s %d: %w", what, i, err)
		}
	}
	return out, nil
}

// resultAxes is resolveAxes for results, which are all mapped.
func resultAxes(axes []int, results []Array, extra int) ([]int32, error) {
	if i := slices.Index(axes, Unmapped); i >= 0 {
		return nil, fmt.Errorf("result %d: it cannot be Unmapped", i)
	}
	return resolveAxes("result", axes, results, extra)
}

// resolveAxis counts axis from the front of n dimensions, as MLX does: -1 is for
// Unmapped.
func resolveAxis(axis, n int) (int32, error) {
	switch {
	case axis == Unmapped:
		return -1, nil
	case axis < -n || axis >= n:
		return 0, fmt.Errorf("axis %d is out of range for %d dimensions", axis, n)
	case axis < 0:
		axis += n
	}
	return int32(axis), nil
}
