package modelcard_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/modelcard"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// reference is what Python's gguf says (testdata/modelcard.py).
func reference(t *testing.T) (r struct {
	Names []struct {
		ID         string
		Parameters int64
		Parts      [6]string
	}
	Titles [][2]string
	Sizes  [][2]json.RawMessage
	Cards  []struct {
		Card, Folder       string
		Config, Generation json.RawMessage
		Parameters         [4]int64
		Pairs              [][2]any
	}
}) {
	t.Helper()
	data, err := os.ReadFile("testdata/modelcard.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &r))
	return r
}

func parameters(n [4]int64) modelcard.Parameters {
	return modelcard.Parameters{Total: n[0], Shared: n[1], Expert: n[2], Experts: int(n[3])}
}

func TestParseName(t *testing.T) {
	for _, c := range reference(t).Names {
		want := modelcard.Name{
			Full: c.Parts[0], Organization: c.Parts[1], Base: c.Parts[2], Finetune: c.Parts[3], Version: c.Parts[4], Size: c.Parts[5],
		}
		require.Equal(t, want, modelcard.ParseName(c.ID, c.Parameters), "%s of %d", c.ID, c.Parameters)
	}
}

func TestTitle(t *testing.T) {
	for _, c := range reference(t).Titles {
		require.Equal(t, c[1], modelcard.Title(c[0]), c[0])
	}
}

func TestSizeLabel(t *testing.T) {
	for _, c := range reference(t).Sizes {
		var n [4]int64
		var want string
		require.NoError(t, json.Unmarshal(c[0], &n))
		require.NoError(t, json.Unmarshal(c[1], &want))
		if n[0] == 0 { // there the converter does not ask
			want = ""
		}
		require.Equal(t, want, parameters(n).SizeLabel(), "%v", n)
	}
}

// A card, a configuration and a folder's name become the metadata that llama.cpp's
// converter writes, in its order.
func TestMetadata(t *testing.T) {
	keys := map[string]bool{}
	for _, c := range reference(t).Cards {
		pairs, err := modelcard.Metadata(modelcard.Source{
			Card: []byte(c.Card), Config: c.Config, Generation: c.Generation, Names: []string{c.Folder}, Parameters: parameters(c.Parameters),
		})
		require.NoError(t, err, c.Folder)
		var got [][2]any
		for _, p := range pairs {
			got = append(got, [2]any{p.Key, p.Value.Any()})
			keys[p.Key] = true
		}
		require.Equal(t, asJSON(t, c.Pairs), asJSON(t, got), c.Folder)
	}
	require.GreaterOrEqual(t, len(keys), 40)
}

// asJSON makes numbers of all kinds comparable: single precision is what a file has.
func asJSON(t *testing.T, pairs [][2]any) string {
	t.Helper()
	for i, p := range pairs {
		if n, ok := p[1].(float64); ok {
			pairs[i][1] = float32(n)
		}
	}
	data, err := json.MarshalIndent(pairs, "", " ")
	require.NoError(t, err)
	return string(data)
}

// What the user names goes before what files say.
func TestGivenName(t *testing.T) {
	pairs, err := modelcard.Metadata(modelcard.Source{
		Card: []byte("---\nmodel_name: Other\n---\n"), Given: "org/mine-7B-chat", Names: []string{"folder"},
	})
	require.NoError(t, err)
	got := map[string]any{}
	for _, p := range pairs {
		got[p.Key] = p.Value.Any()
	}
	require.Equal(t, map[string]any{
		"general.name": "Mine 7B Chat", "general.organization": "Org", "general.basename": "mine", "general.finetune": "chat", "general.size_label": "7B",
	}, got)
}

func TestBrokenCard(t *testing.T) {
	_, err := modelcard.Metadata(modelcard.Source{Card: []byte("---\na: [1\n---\n")})
	require.ErrorContains(t, err, "README.md: yaml: ")
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte("---\nlicense: mit\nbase_model: [a/b, &x {name: c}, *x]\n---\n"), "org/x-7b1-8k")
	f.Fuzz(func(t *testing.T, card []byte, name string) {
		pairs, err := modelcard.Metadata(modelcard.Source{Card: card, Names: []string{name}, Parameters: modelcard.Parameters{Total: 7e9}})
		if err == nil {
			for _, p := range pairs {
				require.Contains(t, p.Key, "general.")
			}
		}
	})
}
