package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"forge.lthn.ai/core/go-mlx/internal/mt19937"
)

// readDocuments reads a file that is one text, or lines of JSON with a text each.
func readDocuments(c *console, path string) ([]string, error) {
	data, err := readInput(c, path)
	if err != nil {
		return nil, fmt.Errorf("reading the text: %w", err)
	}
	if !strings.EqualFold(filepath.Ext(path), ".jsonl") {
		return []string{string(data)}, nil
	}
	var documents []string
	for n, line := range bytes.Split(data, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var row struct{ Text *string }
		if err = json.Unmarshal(line, &row); err == nil && row.Text == nil {
			err = errors.New(`there is no "text"`)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, n+1, err)
		}
		documents = append(documents, *row.Text)
	}
	return documents, nil
}

// shuffled is the order in which mlx-lm takes n documents with a seed.
func shuffled(n int, seed uint32) []int { return mt19937.New(seed).Permutation(n) }
