package data

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRows reads files: every line that is not blank is read where it is, and what
// is a row becomes an example with a mask of its length.
func FuzzRows(f *testing.F) {
	for _, name := range []string{"chat", "tools", "completions", "text"} {
		data, err := os.ReadFile("testdata/" + name + ".jsonl")
		require.NoError(f, err)
		f.Add(data, true)
	}
	e := tinyEncoder(f, "smollm", chatML)
	f.Fuzz(func(t *testing.T, data []byte, answers bool) {
		d := &File{encoder: e, config: config{keys: Keys{}.withDefaults()}}
		if answers {
			d.mask = maskOthers
		}
		count, from := 0, newLines(bytes.NewReader(data))
		for {
			l, err := from.next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			require.Equal(t, data[l.offset:l.offset+int64(len(l.text))], l.text)
			require.Equal(t, bytes.Count(data[:l.offset], []byte("\n"))+1, l.number)
			if count++; d.format == "" && d.detect(l.text) != nil {
				continue
			}
			ex, row, err := d.parse(l.text)
			if err != nil {
				continue
			}
			require.Equal(t, newRow(ex, row.Keys), row)
			require.True(t, ex.Trained == nil || len(ex.Trained) == len(ex.Tokens))
			require.Equal(t, d.format != Text && answers, ex.Trained != nil)
		}
		require.Equal(t, notBlank(data), count)
	})
}

func notBlank(data []byte) (n int) {
	for _, line := range bytes.Split(bytes.TrimPrefix(data, bom), []byte("\n")) {
		if len(bytes.Trim(line, " \t\r")) > 0 {
			n++
		}
	}
	return n
}
