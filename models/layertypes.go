package models

import "forge.lthn.ai/core/go-mlx/models/cache"

// The values of config.json's layer_types that attend.
const (
	fullAttention    = "full_attention"
	slidingAttention = "sliding_attention"
)

// layerTypes are config.json's layer_types; where it has none, every pattern-th
// layer attends to everything and the others to a window.
func layerTypes(given []string, layers, pattern int) ([]string, error) {
	if given != nil {
		return given, checkLayerTypes(given, layers)
	}
	if err := checkSizes(sizes{{"sliding_window_pattern", pattern}}); err != nil {
		return nil, err
	}
	return layersWhere(layers, func(i int) bool { return (i+1)%pattern != 0 }), nil
}

// layersWhere are the types of layers of which those attend to a window that slide.
func layersWhere(layers int, slides func(i int) bool) []string {
	types := make([]string, min(max(layers, 0), maxLayers))
	for i := range types {
		types[i] = fullAttention
		if slides(i) {
			types[i] = slidingAttention
		}
	}
	return types
}

func checkLayerTypes(types []string, layers int) error {
	if len(types) != layers {
		return fieldError("layer_types", "%d types for %d layers", len(types), layers)
	}
	for i, t := range types {
		if t != fullAttention && t != slidingAttention {
			return fieldError("layer_types", "layer %d is %q, neither %s nor %s", i, t, fullAttention, slidingAttention)
		}
	}
	return nil
}

// attentionKinds are the caches of layers of those types.
func attentionKinds(types []string, window int) []cache.Kind {
	kinds := make([]cache.Kind, len(types))
	for i, t := range types {
		if t == slidingAttention {
			kinds[i] = cache.Sliding(window)
		}
	}
	return kinds
}
