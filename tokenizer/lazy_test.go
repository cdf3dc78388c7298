package tokenizer_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/tokenizer"
)

const lazyChild = "GO_MLX_TEST_LAZY_TABLES"

// Tables are built when they are first wanted, by whichever of many goroutines comes
// first: in a process that has built none, all get a tokenizer that works.
func TestTablesAtFirstUse(t *testing.T) {
	if os.Getenv(lazyChild) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTablesAtFirstUse$")
		cmd.Env = append(os.Environ(), lazyChild+"=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return
	}
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		kind := []string{"Whitespace", "WhitespaceSplit", "BertPreTokenizer"}[i%3]
		wg.Go(func() { errs[i] = encodes(kind) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
}

// encodes makes a tokenizer that splits by kind and tries it.
func encodes(kind string) error {
	tok, err := tokenizer.Parse(fmt.Appendf(nil, `{"pre_tokenizer": {"type": %q},
		"model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "für": 1, "alle": 2}, "unk_token": "[UNK]"}}`, kind))
	if err != nil {
		return err
	}
	ids, err := tok.Encode("für alle")
	if err == nil && !slices.Equal(ids, []int32{1, 2}) {
		err = fmt.Errorf("%s: %v", kind, ids)
	}
	return err
}
