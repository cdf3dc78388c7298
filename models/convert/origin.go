package convert

import (
	"errors"
	"path/filepath"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/modelcard"
)

// origin is what general.* of a GGUF file says of where the model comes from.
func (s *settings) origin(from string, tensors []gguf.TensorInfo) ([]gguf.Pair, error) {
	if isGGUF(from) {
		return s.carriedOrigin(from)
	}
	source := modelcard.Source{Given: s.baseModel, Names: folderNames(from), Parameters: ggufParameters(tensors)}
	for name, data := range map[string]*[]byte{
		"README.md": &source.Card, "config.json": &source.Config, "generation_config.json": &source.Generation,
	} {
		var err error
		if *data, err = beside(from, name); err != nil {
			return nil, err
		}
	}
	return modelcard.Metadata(source)
}

// notCarried are keys of a file that are not those of the next.
var notCarried = map[string]bool{
	"general.architecture": true, "general.type": true, "general.alignment": true, "general.file_type": true,
	"general.quantization_version": true, "general.quantized_by": true,
}

// carriedOrigin is what a GGUF file says of where its model comes from; a name that the
// user gave goes before its own.
func (s *settings) carriedOrigin(from string) (pairs []gguf.Pair, err error) {
	f, err := gguf.Open(from)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	named := s.baseModel != ""
	if named {
		name, err := gguf.NewValue(s.baseModel)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, gguf.Pair{Key: "general.name", Value: name})
	}
	for key, value := range f.All() {
		if strings.HasPrefix(key, "general.") && !notCarried[key] && (!named || key != "general.name") {
			pairs = append(pairs, gguf.Pair{Key: key, Value: value})
		}
	}
	return pairs, nil
}

// folderNames are the names that a folder gives its model: in the cache of the Hub, the
// folder is a commit, and the model's name is above it.
func folderNames(dir string) []string {
	if path, err := filepath.Abs(dir); err == nil {
		dir = path
	}
	above := filepath.Dir(dir)
	if repo, ok := strings.CutPrefix(filepath.Base(filepath.Dir(above)), "models--"); ok && filepath.Base(above) == "snapshots" {
		return []string{strings.Replace(repo, "--", "/", 1)}
	}
	return []string{filepath.Base(dir)}
}

// ggufParameters counts parameters as llama.cpp's converter does. Reference:
// get_total_parameter_count of gguf/gguf_writer.py.
func ggufParameters(tensors []gguf.TensorInfo) (p modelcard.Parameters) {
	experts, matrices := 0, 0
	for _, t := range tensors {
		size := int64(t.Elements())
		p.Total += size
		rank := 3
		if strings.HasSuffix(t.Name, ".bias") {
			rank = 2
		}
		if !strings.Contains(t.Name, "_exps.") || len(t.Shape) < 3 {
			p.Shared += size
			continue
		}
		n := t.Shape[len(t.Shape)-rank]
		p.Expert += size / int64(max(n, 1))
		experts, matrices = experts+n, matrices+1
	}
	if matrices > 0 {
		p.Experts = experts / matrices
	}
	return p
}
