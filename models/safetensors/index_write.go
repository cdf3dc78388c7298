package safetensors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
)

// ShardName is the name of shard i of n, counted from 0: "model-00001-of-00003.safetensors", or "model.safetensors" where
// there is one.
func ShardName(i, n int) string {
	if n == 1 {
		return "model.safetensors"
	}
	return fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, n)
}

// Split divides tensors, in their order, into shards of at most limit bytes of data; a tensor that is larger has one of
// its own. It takes Name, DType and Shape.
func Split(tensors []TensorInfo, limit int64) ([][]TensorInfo, error) {
	var shards [][]TensorInfo
	var room int64
	for _, t := range tensors {
		size, err := t.DType.size(t.Shape)
		if err != nil {
			return nil, fmt.Errorf("safetensors: tensor %q: %w", t.Name, err)
		}
		if len(shards) == 0 || size > uint64(room) {
			shards, room = append(shards, nil), limit
		}
		last := len(shards) - 1
		shards[last] = append(shards[last], t)
		room = max(0, room-int64(min(size, uint64(limit))))
	}
	return shards, nil
}

// WriteIndex writes what mlx-lm writes into model.safetensors.index.json, byte for byte: the bytes of all tensors, the
// number of parameters and the shard of each tensor, by name.
func WriteIndex(w io.Writer, totalSize, totalParameters int64, weights map[string]string) error {
	var index struct {
		Metadata struct {
			TotalSize       int64 `json:"total_size"`
			TotalParameters int64 `json:"total_parameters"`
		} `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}
	index.Metadata.TotalSize, index.Metadata.TotalParameters, index.WeightMap = totalSize, totalParameters, weights
	var compact, out bytes.Buffer
	if err := writeJSON(&compact, index); err != nil {
		return fmt.Errorf("safetensors: index: %w", err)
	}
	if err := json.Indent(&out, compact.Bytes(), "", "    "); err != nil {
		return fmt.Errorf("safetensors: index: %w", err)
	}
	if _, err := w.Write(ascii(out.String())); err != nil {
		return fmt.Errorf("safetensors: index: %w", err)
	}
	return nil
}

// ascii escapes what Python's json.dump does.
func ascii(text string) []byte {
	var out []byte
	for _, r := range text {
		if r < 0x80 {
			out = append(out, byte(r))
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}
