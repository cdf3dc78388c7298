package mt19937

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// NumPy's permutations, as models/testdata/perplexity.py dumped them.
func TestPermutationsEqualNumPy(t *testing.T) {
	data, err := os.ReadFile("../../models/testdata/perplexity.json")
	require.NoError(t, err)
	var ref struct{ Permutations map[string][]int }
	require.NoError(t, json.Unmarshal(data, &ref))
	require.Len(t, ref.Permutations, 5)
	for name, want := range ref.Permutations {
		var seed uint32
		var n int
		_, err := fmt.Sscan(name, &seed, &n)
		require.NoError(t, err)
		got := New(seed).Permutation(n)
		require.Equal(t, want, got[:min(n, 16)], name)
		require.Len(t, got, n)
	}
	require.Empty(t, New(1).Permutation(0))
}
