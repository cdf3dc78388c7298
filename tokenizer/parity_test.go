package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// reference is testdata/reference.json: what Hugging Face's tokenizers make of
// the texts (testdata/dump.py).
type reference struct {
	Texts []string
	Cases map[string]struct {
		IDs         [][]int32
		Plain       [][]int32 // null where the same as IDs
		Text        []string
		Jumbled     [][]int32
		JumbledText []string `json:"jumbled_text"`
	}
}

func loadReference(t testing.TB) (ref reference) {
	t.Helper()
	data, err := os.ReadFile("testdata/reference.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &ref))
	require.Greater(t, len(ref.Texts), 100)
	return ref
}

// trained are the tokenizers that dump.py trains.
var trained = []string{"gpt2", "llama3", "odd", "qwen2", "smollm"}

func TestEncodeEqualsReference(t *testing.T) {
	ref := loadReference(t)
	for _, name := range trained {
		t.Run(name, func(t *testing.T) {
			tok, err := Load(filepath.Join("testdata", name+".json"))
			require.NoError(t, err)
			c := ref.Cases[name]
			for i, text := range ref.Texts {
				ids, err := tok.Encode(text)
				require.NoError(t, err)
				require.Equal(t, c.IDs[i], ids, "%q", text)
				plain, err := tok.Encode(text, WithoutSpecialTokens())
				require.NoError(t, err)
				if c.Plain[i] == nil {
					require.Equal(t, c.IDs[i], plain, "%q without special tokens", text)
				} else {
					require.Equal(t, c.Plain[i], plain, "%q without special tokens", text)
				}
			}
		})
	}
}

func TestDecodeEqualsReference(t *testing.T) {
	ref := loadReference(t)
	for _, name := range trained {
		t.Run(name, func(t *testing.T) {
			tok, err := Load(filepath.Join("testdata", name+".json"))
			require.NoError(t, err)
			c := ref.Cases[name]
			for i, ids := range c.IDs {
				require.Equal(t, c.Text[i], tok.Decode(ids, SkipSpecialTokens()), "ids of %q", ref.Texts[i])
			}
			for i, ids := range c.Jumbled {
				require.Equal(t, c.JumbledText[i], tok.Decode(ids), "%v", ids)
			}
		})
	}
}

// A stream gives the same text as decoding at once, and only whole characters on
// the way.
func TestDecoderStreamsWholeCharacters(t *testing.T) {
	ref := loadReference(t)
	for _, name := range trained {
		tok, err := Load(filepath.Join("testdata", name+".json"))
		require.NoError(t, err)
		c := ref.Cases[name]
		for i, ids := range c.IDs {
			d, text := tok.NewDecoder(SkipSpecialTokens()), ""
			for _, id := range ids {
				part := d.Next(id)
				if !strings.Contains(c.Text[i], "\uFFFD") {
					require.NotContains(t, part, "\uFFFD", "%q", ref.Texts[i])
				}
				text += part
			}
			require.Equal(t, c.Text[i], text+d.Flush())
		}
		for i, ids := range c.Jumbled {
			d, text := tok.NewDecoder(), ""
			for _, id := range ids {
				text += d.Next(id)
			}
			require.Equal(t, c.JumbledText[i], text+d.Flush())
		}
	}
}

// Invalid UTF-8 is encoded as U+FFFD, one for each maximal invalid part, as a Rust
// program would hand it over.
func TestInvalidUTF8IsReplaced(t *testing.T) {
	tok, err := Load("testdata/gpt2.json")
	require.NoError(t, err)
	for text, valid := range map[string]string{
		"a\xffb": "a\uFFFDb", "\xe2\x82": "\uFFFD", "\xe2\x28\xa1": "\uFFFD(\uFFFD", "\xf0\x9f\x91": "\uFFFD",
		"\xc0\xaf": "\uFFFD\uFFFD", "\xed\xa0\x80": "\uFFFD\uFFFD\uFFFD",
	} {
		have, err := tok.Encode(text)
		require.NoError(t, err)
		want, err := tok.Encode(valid)
		require.NoError(t, err)
		require.Equal(t, want, have, "%x", text)
	}
}
