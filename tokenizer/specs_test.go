package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// specs is testdata/specs.json: what Hugging Face's tokenizers make of short
// texts with every component (testdata/specs.py).
type specs struct {
	Bases map[string]map[string]json.RawMessage
	Texts []string
	Pairs [][2]string
	Specs []struct {
		Name  string
		Base  string
		Parts map[string]json.RawMessage
		Texts [][][]int32         // ids, starts, ends, words; null: an error
		Pairs [][]json.RawMessage // the same with types, masks and overflow
	}
	Decoders []struct {
		Name        string
		Decoder     json.RawMessage
		Plain, Text []*string
	}
	Lists [][]int32
}

func loadSpecs(t testing.TB) (s specs) {
	t.Helper()
	data, err := os.ReadFile("testdata/specs.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &s))
	require.Greater(t, len(s.Specs), 100)
	return s
}

// with returns the base tokenizer with members replaced.
func (s *specs) with(t testing.TB, base string, parts map[string]json.RawMessage) []byte {
	t.Helper()
	doc := maps.Clone(s.Bases[base])
	maps.Copy(doc, parts)
	data, err := json.Marshal(doc)
	require.NoError(t, err)
	return data
}

func TestComponentsEqualReference(t *testing.T) {
	all := loadSpecs(t)
	for _, spec := range all.Specs {
		t.Run(spec.Name, func(t *testing.T) {
			tok, err := Parse(all.with(t, spec.Base, spec.Parts))
			require.NoError(t, err)
			for i, want := range spec.Texts {
				text := all.Texts[i]
				e, err := tok.EncodeFull(text)
				if want == nil {
					require.Error(t, err, "%q", text)
					continue
				}
				require.NoError(t, err, "%q", text)
				require.Equal(t, fmt.Sprint(want), fmt.Sprint(listed(text, e)), "ids, starts, ends, words of %q", text)
				ids, err := tok.Encode(text)
				require.NoError(t, err, "%q", text)
				require.Equal(t, fmt.Sprint(want[0]), fmt.Sprint(ids), "%q", text)
			}
			for i, want := range spec.Pairs {
				pair, opts := all.Pairs[i/2], []EncodeOption(nil)
				if i%2 == 1 {
					opts = []EncodeOption{WithoutSpecialTokens()}
				}
				e, err := tok.EncodePair(pair[0], pair[1], opts...)
				if want == nil {
					require.Error(t, err, "%q", pair)
					continue
				}
				require.NoError(t, err, "%q", pair)
				wanted, err := json.Marshal(want)
				require.NoError(t, err)
				have, err := json.Marshal(whole(pair, e))
				require.NoError(t, err)
				require.Equal(t, string(wanted), string(have), "%q, special tokens: %t", pair, i%2 == 0)
			}
		})
	}
}

// listed are the lists of an encoding as specs.py has them.
func listed(text string, e *Encoding) [][]int32 {
	starts, ends := inCharacters(text, e.Offsets)
	return [][]int32{e.IDs, starts, ends, e.Words}
}

// whole is all of an encoding of a pair, whose texts have one byte a character but for the end of the last.
func whole(pair [2]string, e *Encoding) []any {
	starts, ends := make([]int32, e.Len()), make([]int32, e.Len())
	for i, at := range e.Offsets {
		starts[i], ends[i] = int32(at.Start), int32(at.End)
		if text := pair[1]; at.End == len(text) && strings.HasSuffix(text, "é") {
			ends[i]--
		}
	}
	over := []any{}
	for _, o := range e.Overflow {
		over = append(over, whole(pair, o))
	}
	list := func(v []int32) []int32 { return append([]int32{}, v...) }
	return []any{
		list(e.IDs), list(starts), list(ends), list(e.Words), list(e.TypeIDs), list(e.SpecialMask), list(e.AttentionMask), over,
	}
}

func TestDecodersEqualReference(t *testing.T) {
	all := loadSpecs(t)
	for _, c := range all.Decoders {
		t.Run(c.Name, func(t *testing.T) {
			tok, err := Parse(all.with(t, "spell", map[string]json.RawMessage{"decoder": c.Decoder}))
			require.NoError(t, err)
			for i, ids := range all.Lists {
				if c.Text[i] == nil {
					continue // where the reference panics
				}
				require.Equal(t, *c.Text[i], tok.Decode(ids), "%v", ids)
				require.Equal(t, *c.Plain[i], tok.Decode(ids, SkipSpecialTokens()), "%v without special tokens", ids)
				d := tok.NewDecoder()
				for range 2 { // the second time after Flush
					streamed := ""
					for _, id := range ids {
						streamed += d.Next(id)
					}
					streamed += d.Flush()
					require.Equal(t, *c.Text[i], streamed, "%v streamed", ids)
				}
			}
		})
	}
}
