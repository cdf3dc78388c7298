package models

import (
	"errors"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// openGGUF opens a GGUF file: configuration, weights, vocabulary and template
// are all in it. Its text is late.
func openGGUF(path string) (*checkpoint, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	ck, err := ggufCheckpoint(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return ck, nil
}

func ggufCheckpoint(f *gguf.File) (*checkpoint, error) {
	name, arch, err := ggufArchOf(f)
	if err != nil {
		return nil, err
	}
	config, err := readGGUFConfig(f, name, arch)
	if err != nil {
		return nil, err
	}
	ck := &checkpoint{name: f.Name(), dtype: arch.dtype, weights: newGGUFWeights(f, arch, config)}
	if ck.config, err = config.json(); err != nil {
		return nil, err
	}
	ck.license, _ = f.String("general.license") // for people: nothing depends on them
	ck.size, _ = f.String("general.size_label")
	ck.late = func() (text, error) {
		x, err := ggufText(f)
		f.Metadata = gguf.Metadata{} // the vocabulary is in the tokenizer now
		return x, err
	}
	return ck, nil
}
