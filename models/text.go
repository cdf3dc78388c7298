package models

import (
	"errors"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/templates"
)

type text struct{ stops []int32 }

func (x *text) encode(string, bool) ([]int32, error)       { return nil, errors.New("x") }
func (x *text) decoder() generate.Text                     { return nil }
func (x *text) render(templates.Chat) (string, error)      { return "", nil }
func ggufText(f *gguf.File) (text, error)                  { return text{}, nil }
func folderText(dir string) (text, error)                  { return text{}, nil }
