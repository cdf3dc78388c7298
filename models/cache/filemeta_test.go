package cache

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzMeta feeds the parser of a file's metadata: what it takes it gives back, what
// it refuses it says so.
func FuzzMeta(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"2.0": ""}`, `{"0.model": "tiny", "1.0": "KVCache", "2.0": "", "2.1.0": "0.2", "2.1.1": "scalar"}`,
		`{"1.1": "KVCache"}`, `{"1.00": "x"}`, `{"1.": ""}`, `{"2.1.2": ""}`, `{"2.99999999999999999999.0": ""}`, `{"0.": ""}`, `{"1.0.": ""}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var raw map[string]string
		if json.Unmarshal([]byte(text), &raw) != nil {
			return
		}
		m, err := parseMeta(raw)
		if err != nil {
			require.True(t, errors.Is(err, errNoPromptCache), err)
			return
		}
		require.LessOrEqual(t, len(m.classes)+len(m.scalars)+len(m.user), len(raw))
		again := m.encode()
		if raw == nil {
			raw = map[string]string{}
		}
		raw["2.0"] = "" // empty is empty
		require.Equal(t, raw, again)
	})
}
