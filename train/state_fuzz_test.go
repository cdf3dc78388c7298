package train

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is read is written as it was, and a run can go on with its numbers.
func FuzzParseState(f *testing.F) {
	f.Add([]byte(`{"version":1,"progress":{"iter":4,"updates":2,"loss":1.5,"best":0.25,"best_iter":4},"position":{"epoch":1,"batch":2},"settings":{"seed":"0"}}`))
	f.Add([]byte(`{"version":1,"progress":{"iter":-4}}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{"version":1,"settings":{"seed":null}} more`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseState(text)
		if err != nil {
			return
		}
		require.GreaterOrEqual(t, s.Progress.Iter, 0)
		require.GreaterOrEqual(t, s.Position.Batch, 0)
		again, err := json.Marshal(s)
		require.NoError(t, err)
		back, err := parseState(again)
		require.NoError(t, err)
		require.Equal(t, s.Progress, back.Progress)
		require.NoError(t, s.Settings.differ(back.Settings))
	})
}
