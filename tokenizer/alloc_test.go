package tokenizer

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Once warm, encoding into a slice that is long enough allocates nothing, or no
// more than a normalizer needs for the text that it writes.
func TestAppendEncodeAllocatesLittle(t *testing.T) {
	all := loadSpecs(t)
	sequence := json.RawMessage(`{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},` +
		`{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}`)
	written := all.with(t, "spell", map[string]json.RawMessage{"normalizer": sequence})
	for name, most := range map[string]float64{"smollm": 0, "llama3": 0, "qwen2": 1, "written": 0} {
		data, err := os.ReadFile("testdata/" + name + ".json")
		if name == "written" {
			data, err = written, nil
		}
		require.NoError(t, err)
		tok, err := Parse(data)
		require.NoError(t, err)
		for _, n := range []int{1, 8} { // whatever the length
			text := strings.Repeat("The quick brown fox isn't 12 lazy dogs. ", 10*n)
			ids, err := tok.Encode(text)
			require.NoError(t, err)
			if raceEnabled {
				continue // which lets pools forget
			}
			require.LessOrEqual(t, testing.AllocsPerRun(20, func() {
				_, err = tok.AppendEncode(ids[:0], text)
			}), most, "%s, %d bytes", name, len(text))
			require.NoError(t, err)
		}
	}
}
