package models

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// fields are entries of a config.json; nil takes one away.
type fields map[string]any

// change returns the configuration with other entries.
func (c *parityCase) change(t *testing.T, with fields) json.RawMessage {
	t.Helper()
	var config map[string]any
	require.NoError(t, json.Unmarshal(c.Config, &config))
	for name, v := range with {
		config[name] = v
		if v == nil {
			delete(config, name)
		}
	}
	data, err := json.Marshal(config)
	require.NoError(t, err)
	return data
}

// badField is a value that a field must not have, and the error.
type badField struct {
	field string
	value any
	want  string
}

// requireFieldErrors puts each value into the first configuration of
// testdata/parity/FILE.json. It must be refused by the name of its field, and so
// must absurd numbers in each of the sizes.
func requireFieldErrors(t *testing.T, file string, sizes []string, bad []badField) {
	t.Helper()
	cases := parityCases(t, file)
	c := cases[slices.Sorted(maps.Keys(cases))[0]]
	_, err := newArchitecture(c.Config)
	require.NoError(t, err)
	for _, size := range sizes {
		for _, v := range []any{-1, 1 << 25, 1e18} {
			bad = append(bad, badField{size, v, size + ": "})
		}
		bad = append(bad, badField{size, "many", size + ": string is no int"})
	}
	for _, b := range bad {
		_, err := newArchitecture(c.change(t, fields{b.field: b.value}))
		require.ErrorContains(t, err, b.want, "%s %v", b.field, b.value)
	}
}

// The error names the field as the file does, however deep in Go's structs it is.
func TestFieldsAreNamedAsInTheFile(t *testing.T) {
	for _, model := range []string{"llama", "glm4", "qwen3", "gemma2", "olmoe", "qwen3_next"} {
		_, err := newArchitecture([]byte(`{"model_type": "` + model + `", "hidden_size": "many"}`))
		require.EqualError(t, err, "hidden_size: string is no int", model)
	}
	_, err := newArchitecture([]byte(`{"model_type": "gemma3", "text_config": {"rope_scaling": {"factor": []}}}`))
	require.EqualError(t, err, "text_config: rope_scaling.factor: array is no float64")
}
