package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The table has a row for each side with the medians of its runs, and what ours is
// times the other.
func TestTrainTable(t *testing.T) {
	side := func(rates ...float64) []trained {
		var all []trained
		for _, r := range rates {
			all = append(all, trained{Rate: r, Peak: int64(r * 1e7)})
		}
		return all
	}
	table := trainTable([]training{{name: "small, LoRA", sides: [2]string{"ours", "theirs"}, result: [2][]trained{side(300, 100, 200), side(100, 100, 50)}}})
	require.Contains(t, table, "| small, LoRA: ours   |  200 (100–300) |  2.00 (1.00–3.00) |")
	require.Contains(t, table, "| small, LoRA: theirs | 100 (50.0–100) | 1.00 (0.500–1.00) |")
	require.Contains(t, table, "| **small, LoRA**     |     **2.00 ×** |        **2.00 ×** |")
}

// Rows are of the asked sizes, differ from each other, and have ids that every model
// has.
func TestTrainWork(t *testing.T) {
	w := (&trainOptions{Batch: 3, Length: 16, Iters: 2, Rank: 4}).work(smallVocabulary)
	require.Len(t, w.Tokens, 3)
	require.NotEqual(t, w.Tokens[0], w.Tokens[1])
	for _, row := range w.Tokens {
		require.Len(t, row, 17)
		for _, id := range row {
			require.Less(t, id, int32(smallVocabulary))
		}
	}
	b, err := newSameBatch(w.Tokens).Next()
	require.NoError(t, err)
	trained, padding := b.Count()
	require.Equal(t, 48, trained)
	require.Zero(t, padding)
}
