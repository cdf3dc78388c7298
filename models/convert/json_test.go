package convert

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWritePython has what Python 3.11's json.dumps(json.loads(text), indent=4)
// makes of each text.
func TestWritePython(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                             "{}",
		`{"b":1,"a":[],"c":{},"a":null}`: "{\n    \"b\": 1,\n    \"a\": null,\n    \"c\": {}\n}",
		`{"x":[1e-5,0.00001,1E5,1e16,1e15,1.0,0.1,-0.0,1e22,123456789012345678901234567890,1.5e300,5e-324,0.0001]}`: "{\n    \"x\": [\n        1e-05,\n        1e-05,\n        100000.0,\n        1e+16,\n        1000000000000000.0,\n        1.0,\n        0.1,\n        -0.0,\n        1e+22,\n" +
			"        123456789012345678901234567890,\n        1.5e+300,\n        5e-324,\n        0.0001\n    ]\n}",
		`{"é":"\u2028\ud83d\ude00\"\\\/\b\f\n\r\t\u0001\u007f<&>"}`: "{\n    \"\\u00e9\": \"\\u2028\\ud83d\\ude00\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f<&>\"\n}",
		`{"t":[true,false,null,{"a":[{}]}]}`:                        "{\n    \"t\": [\n        true,\n        false,\n        null,\n        {\n            \"a\": [\n                {}\n            ]\n        }\n    ]\n}",
	} {
		o, err := parseObject([]byte(text))
		require.NoError(t, err)
		var b bytes.Buffer
		require.NoError(t, writePython(&b, o))
		require.Equal(t, want, b.String())
	}
	for _, text := range []string{``, `[]`, `{`, `{"a":NaN}`, `{} {}`, `1`} {
		_, err := parseObject([]byte(text))
		require.Error(t, err, text)
	}
	o, err := parseObject([]byte(`{"a": 1e999}`))
	require.NoError(t, err)
	require.Error(t, writePython(&bytes.Buffer{}, o))
}

// FuzzConfig writes what it can read, and reads the same again.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"a":[1,2.5,"x",{"b":null}],"text_config":{"quantization_config":{"bits":4}}}`))
	f.Add([]byte(`{"eos_token_id":[1e-5,-0.0,1e16],"é":"\u2028\u007f"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseObject(data)
		if err != nil {
			return
		}
		var first, second bytes.Buffer
		if writePython(&first, o) != nil {
			return // a number that no float holds
		}
		require.True(t, json.Valid(first.Bytes()))
		again, err := parseObject(first.Bytes())
		require.NoError(t, err)
		require.NoError(t, writePython(&second, again))
		require.Equal(t, first.String(), second.String())
	})
}
