package tokenizer

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/peer"
)

// One tokenizer serves many goroutines: every one gets what one alone gets.
func TestConcurrentUse(t *testing.T) {
	all := loadSpecs(t)
	texts := peer.Texts(300, nil, 9)
	for _, name := range []string{"spell", "level", "piece", "unigram"} {
		tok, err := Parse(all.with(t, name, nil))
		require.NoError(t, err)
		want := make([][]int32, len(texts))
		for i, text := range texts {
			want[i], err = tok.Encode(text)
			require.NoError(t, err)
		}
		fresh, err := Parse(all.with(t, name, nil)) // with an empty cache
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i, text := range texts {
					ids, err := fresh.Encode(text)
					if err != nil || firstDifference("ids", ids, want[i]) != "" {
						t.Errorf("%s: %q: %v, %v", name, text, ids, err)
					}
					_ = fresh.Decode(ids)
				}
			})
		}
		wg.Wait()
	}
}

// withParts returns the tokenizer that spells, with members replaced.
func withParts(t *testing.T, parts map[string]string) (*Tokenizer, error) {
	t.Helper()
	all, raw := loadSpecs(t), make(map[string]json.RawMessage)
	for k, v := range parts {
		raw[k] = json.RawMessage(v)
	}
	return Parse(all.with(t, "spell", raw))
}

func TestEncodeBatchPadsToTheLongest(t *testing.T) {
	tok, err := withParts(t, map[string]string{"padding": `{"strategy":"BatchLongest","direction":"Right","pad_id":3,"pad_type_id":0,` +
		`"pad_token":"<pad>","pad_to_multiple_of":null}`})
	require.NoError(t, err)
	list, err := tok.EncodeBatch([]string{"a", "b c b", ""})
	require.NoError(t, err)
	for i, mask := range [][]int32{{1, 0, 0, 0, 0}, {1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}} {
		require.Equal(t, mask, list[i].AttentionMask)
		require.Equal(t, 5, list[i].Len())
	}
	require.Equal(t, int32(3), list[0].IDs[4])
	require.Equal(t, int32(3), tok.Roles().Pad)
}

// What the reference lets pass, or panics at, is an error here.
func TestLengthsThatCannotBe(t *testing.T) {
	const template = `{"type":"BertProcessing","cls":["<s>",1],"sep":["</s>",2]}`
	for want, parts := range map[string]map[string]string{
		"truncation.max_length: 1 tokens leave no room for the 2 that are added": {
			"truncation": `{"max_length":1,"stride":0,"strategy":"LongestFirst"}`, "post_processor": template,
		},
		"truncation.stride: 3 is not less than the 3 tokens": {"truncation": `{"max_length":3,"stride":3,"strategy":"LongestFirst"}`},
		"OnlySecond needs a second text":                     {"truncation": `{"max_length":3,"stride":0,"strategy":"OnlySecond"}`},
	} {
		tok, err := withParts(t, parts)
		require.NoError(t, err)
		_, err = tok.Encode("a b c a b c")
		require.ErrorContains(t, err, want)
	}
	_, err := withParts(t, map[string]string{"post_processor": `{"type":"Sequence","processors":[` + template + "," + template + "]}"})
	require.ErrorContains(t, err, "a template over the result of another")
}

// Errors name the member at fault.
func TestBadComponentsAreRefused(t *testing.T) {
	for want, parts := range map[string]map[string]string{
		`truncation.strategy: unknown strategy "Some"`:                   {"truncation": `{"max_length":3,"stride":0,"strategy":"Some"}`},
		`truncation.direction: unknown direction "Up"`:                   {"truncation": `{"max_length":3,"stride":0,"strategy":"OnlyFirst","direction":"Up"}`},
		`padding.strategy: unknown strategy "All"`:                       {"padding": `{"strategy":"All","pad_id":1,"pad_type_id":0,"pad_token":""}`},
		`padding: pads to more than`:                                     {"padding": `{"strategy":{"Fixed":2000000000},"pad_id":1,"pad_type_id":0,"pad_token":""}`},
		`pre_tokenizer.replacement: want one character, have "__"`:       {"pre_tokenizer": `{"type":"Metaspace","replacement":"__"}`},
		`pre_tokenizer.prepend_scheme: unknown scheme "last"`:            {"pre_tokenizer": `{"type":"Metaspace","replacement":"_","prepend_scheme":"last"}`},
		`pre_tokenizer.length: want at least 1`:                          {"pre_tokenizer": `{"type":"FixedLength","length":0}`},
		`pre_tokenizer.delimiter: want one character`:                    {"pre_tokenizer": `{"type":"CharDelimiterSplit","delimiter":""}`},
		`normalizer.precompiled_charsmap: illegal base64`:                {"normalizer": `{"type":"Precompiled","precompiled_charsmap":"!"}`},
		`normalizer.precompiled_charsmap: the trie has 1024 bytes, of 0`: {"normalizer": `{"type":"Precompiled","precompiled_charsmap":"AAQAAA=="}`},
		`normalizer.normalizers[0]: want an object, have null`:           {"normalizer": `{"type":"Sequence","normalizers":[null]}`},
		`post_processor.cls: want a token and its id`:                    {"post_processor": `{"type":"BertProcessing","cls":["a"],"sep":["b",1]}`},
		`SpecialToken "<x>" is not known here`: {"post_processor": `{"type":"TemplateProcessing","pair":[],"special_tokens":{},` +
			`"single":[{"SpecialToken":{"id":"<x>","type_id":0}}]}`},
		`Sequence "B" is not known here`: {"post_processor": `{"type":"TemplateProcessing","pair":[],"special_tokens":{},` +
			`"single":[{"Sequence":{"id":"B","type_id":0}}]}`},
		`decoder.content: want one character`:        {"decoder": `{"type":"Strip","content":"ab","start":0,"stop":0}`},
		`model.vocab: want an array of tokens`:       {"model": `{"type":"Unigram","vocab":{"a":0}}`},
		`model.vocab: want an object`:                {"model": `{"type":"BPE","vocab":[["a",0]],"merges":[]}`},
		`model.unk_id: 7 is not one of the 1`:        {"model": `{"type":"Unigram","vocab":[["a",0]],"unk_id":7}`},
		`[1]: 1 values, want a token and a score`:    {"model": `{"type":"Unigram","vocab":[["a",0],["b"]]}`},
		`model.max_input_chars_per_word: missing`:    {"model": `{"type":"WordPiece","vocab":{},"unk_token":"u","continuing_subword_prefix":"##"}`},
		`model.unk_token: missing`:                   {"model": `{"type":"WordLevel","vocab":{}}`},
		`pre_tokenizer.behavior: unknown behavior`:   {"pre_tokenizer": `{"type":"Punctuation","behavior":"Eaten"}`},
		`decoder.decoders[1].type: unknown type "X"`: {"decoder": `{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"X"}]}`},
	} {
		_, err := withParts(t, parts)
		require.ErrorContains(t, err, want)
	}
}

// Parts of a text that lies in a kept buffer are written anew without touching each other.
func TestPartsInKeptBuffers(t *testing.T) {
	tok, err := withParts(t, map[string]string{
		"normalizer": `{"type":"Sequence","normalizers":[{"type":"Lowercase"},{"type":"Prepend","prepend":"x"}]}`,
		"pre_tokenizer": `{"type":"Sequence","pretokenizers":[{"type":"Metaspace","replacement":"▁"},` +
			`{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false,"use_regex":false}]}`,
		"added_tokens": `[{"id":0,"content":"abc","normalized":true,"special":false,"single_word":false,"lstrip":false,"rstrip":false}]`,
	})
	require.NoError(t, err)
	for _, text := range []string{"AA bbb abc cc dd abc eee ff gg", "é abcabc ü"} {
		full, err := tok.EncodeFull(text)
		require.NoError(t, err)
		for range 3 {
			ids, err := tok.Encode(text)
			require.NoError(t, err)
			require.Equal(t, full.IDs, ids, "%q", text)
		}
	}
}
