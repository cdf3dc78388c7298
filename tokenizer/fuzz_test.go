package tokenizer

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"forge.lthn.ai/core/go-mlx/internal/peer"
)

// FuzzParse feeds files to the reader, and text to what it accepts.
func FuzzParse(f *testing.F) {
	all := loadSpecs(f)
	for i, spec := range all.Specs {
		if i%5 == 0 {
			f.Add(all.with(f, spec.Base, spec.Parts), "It's 12 <s> 日本\n")
		}
	}
	for _, c := range all.Decoders {
		f.Add(all.with(f, "spell", map[string]json.RawMessage{"decoder": c.Decoder}), "ab é")
	}
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		tok, err := Parse(data)
		if err != nil || len(text) > 1000 {
			return
		}
		ids, err := tok.Encode(text)
		if err != nil {
			return
		}
		if got := tok.Decode(ids); !utf8.ValidString(got) {
			t.Fatalf("decoded to invalid UTF-8: %q", got)
		}
	})
}

// FuzzRoundTrip: a byte-level vocabulary with all bytes loses nothing.
func FuzzRoundTrip(f *testing.F) {
	tok, err := Load("testdata/smollm.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"", "a b  c", "<|end|>", "日本\x00\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := tok.Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		d, streamed := tok.NewDecoder(), ""
		for _, id := range ids {
			streamed += d.Next(id)
		}
		streamed += d.Flush()
		if want := validText(text); tok.Decode(ids) != want || streamed != want {
			t.Fatalf("%q became %q, streamed %q", text, tok.Decode(ids), streamed)
		}
	})
}

// fuzzed are tokenizers of every model, and those that dump.py trains.
func fuzzed(t testing.TB) (names []string, files [][]byte) {
	t.Helper()
	all := loadSpecs(t)
	for _, spec := range all.Specs {
		if strings.HasPrefix(spec.Name, "model ") || strings.HasPrefix(spec.Name, "normalizer ") {
			names, files = append(names, spec.Name), append(files, all.with(t, spec.Base, spec.Parts))
		}
	}
	for _, name := range trained {
		data, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		names, files = append(names, name), append(files, data)
	}
	return names, files
}

// FuzzModels: ids, offsets and streams of every model agree with each other.
func FuzzModels(f *testing.F) {
	names, files := fuzzed(f)
	var toks []*Tokenizer
	for _, data := range files {
		tok, err := Parse(data)
		if err != nil {
			f.Fatal(err)
		}
		toks = append(toks, tok)
	}
	for i := range toks {
		f.Add(uint8(i), "cab  ab\n Ab'S é日本 <s>x\x00")
	}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		tok, name := toks[int(which)%len(toks)], names[int(which)%len(toks)]
		ids, err := tok.Encode(text)
		full, fullErr := tok.EncodeFull(text)
		if (err == nil) != (fullErr == nil) {
			t.Fatalf("%s: %v and %v", name, err, fullErr)
		}
		if err != nil {
			return
		}
		if d := firstDifference("ids", full.IDs, ids); d != "" {
			t.Fatalf("%s: %s", name, d)
		}
		for i, at := range full.Offsets {
			if at.Start < 0 || at.Start > at.End || at.End > len(text) {
				t.Fatalf("%s: token %d is at %v of %d bytes", name, i, at, len(text))
			}
		}
		d, streamed := tok.NewDecoder(), ""
		for _, id := range ids {
			streamed += d.Next(id)
		}
		if streamed += d.Flush(); streamed != tok.Decode(ids) {
			t.Fatalf("%s: streamed %q, want %q", name, streamed, tok.Decode(ids))
		}
	})
}

// FuzzReference compares with the reference over a pipe, where there is Python.
func FuzzReference(f *testing.F) {
	interpreter := requireReference(f)
	names, files := fuzzed(f)
	dir := f.TempDir()
	type pair struct {
		tok  *Tokenizer
		peer *peer.Peer
	}
	open := make(map[int]pair)
	var mu sync.Mutex
	f.Cleanup(func() {
		for _, p := range open {
			p.peer.Close()
		}
	})
	start := func(t *testing.T, i int) pair {
		if p, ok := open[i]; ok {
			return p
		}
		path := filepath.Join(dir, names[i]+".json")
		if err := os.WriteFile(path, files[i], 0o600); err != nil {
			t.Fatal(err)
		}
		tok, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		p, err := peer.Start(context.Background(), interpreter, filepath.Join("testdata", "peer.py"), path, false)
		if err != nil {
			t.Fatal(err)
		}
		open[i] = pair{tok, p}
		return open[i]
	}
	for i := 0; i < len(files); i += 9 {
		f.Add(uint8(i), "cab  ab\n Ab'S é日本 <s>x\x00")
	}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		mu.Lock()
		defer mu.Unlock()
		i := int(which) % len(files)
		if strings.Contains(names[i], "no unk") { // an error there ends the peer
			return
		}
		p := start(t, i)
		replies, err := p.peer.Encode([]string{validText(text)})
		if err != nil {
			t.Fatal(err)
		}
		if d := compare(p.tok, text, replies[0]); d != "" {
			t.Fatalf("%s: %q: %s", names[i], text, d)
		}
	})
}
