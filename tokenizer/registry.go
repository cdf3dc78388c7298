package tokenizer

import (
	"maps"
	"slices"
	"strings"
)

// registry maps the `type` names of one kind of component to the functions that build them. Builders get the registry,
// so that a Sequence can build its members.
type registry[T any] map[string]func(f *fields, r registry[T]) (T, error)

// build makes the component that n describes; a null or absent n gives the zero T.
func (r registry[T]) build(n *node) (T, error) {
	var none T
	if n == nil || n.isNull() {
		return none, nil
	}
	f := n.fields()
	name := f.string("type")
	if f.err != nil {
		return none, f.err
	}
	make, ok := r[name]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(r)), ", ")
		return none, f.need("type").errorf("unknown type %q (known: %s)", name, known)
	}
	c, err := make(f, r)
	if err != nil {
		return none, err
	}
	return c, f.close()
}

// buildAll makes the components in the array member key.
func (r registry[T]) buildAll(f *fields, key string) ([]T, error) {
	list := f.list(key)
	if f.err != nil {
		return nil, f.err
	}
	out := make([]T, len(list))
	for i := range list {
		if list[i].isNull() {
			return nil, list[i].errorf("want an object, have null")
		}
		var err error
		if out[i], err = r.build(&list[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// made builds what has no options but needs a table, which is built when it is first wanted.
func made[T any](component func() T) func(*fields, registry[T]) (T, error) {
	return func(*fields, registry[T]) (T, error) { return component(), nil }
}

// always builds the same component, which has no options.
func always[T any](component T) func(*fields, registry[T]) (T, error) {
	return func(*fields, registry[T]) (T, error) { return component, nil }
}
