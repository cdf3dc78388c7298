package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"forge.lthn.ai/core/go-mlx/internal/peer"
)

// textSize is the length of a text in bytes, up to a character.
const textSize = 4096

// corpus returns n texts: two in three are prose and code of this repository, one is words of all scripts.
func corpus(n int) ([]string, error) {
	var files strings.Builder
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || files.Len() > n*textSize {
			return err
		}
		switch filepath.Ext(path) {
		case ".go", ".md", ".py":
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if utf8.Valid(data) && !strings.HasPrefix(filepath.Base(path), "z") {
				files.Write(data)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if files.Len() < 100*textSize {
		return nil, errors.New("bench: run it in the root of the repository")
	}
	ours := files.String()
	mixed := strings.ToValidUTF8(strings.Join(peer.Texts(50*n, nil, 5), " "), "\ufffd")
	out := make([]string, n)
	for i := range out {
		from, at := ours, i*textSize
		if i%3 == 2 {
			from = mixed
		}
		out[i] = window(from, at%(len(from)-2*textSize))
	}
	return out, nil
}

// window is a text of textSize bytes, filled up with spaces where a character would be cut.
func window(s string, at int) string {
	for !utf8.RuneStart(s[at]) {
		at++
	}
	end := at + textSize
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[at:end] + strings.Repeat(" ", at+textSize-end)
}
