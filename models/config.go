package models

import "fmt"

// maxSize bounds every size in a configuration: far above any model, far below
// what overflows.
const maxSize = 1 << 24

// maxLayers bounds the layers, for which more is made than a number.
const maxLayers = 1 << 10

// sizes names the sizes of a configuration.
type sizes []struct {
	field string
	value int
}

// checkSizes refuses sizes that no model has, before anything is allocated.
func checkSizes(list sizes) error {
	for _, s := range list {
		limit := maxSize
		if s.field == "num_hidden_layers" {
			limit = maxLayers
		}
		if s.value < 1 || s.value > limit {
			return fieldError(s.field, "%d is not between 1 and %d", s.value, limit)
		}
	}
	return nil
}

func fieldError(field, format string, args ...any) error {
	return fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...))
}

func orElse[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// valueOr is what p points to, or def.
func valueOr[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
