package main

import "forge.lthn.ai/core/go-mlx/models"

// infoJSON is what --json prints; sizes are bytes.
type infoJSON struct {
	ModelType    string            `json:"model_type"`
	Dtype        string            `json:"dtype"`
	Layers       int               `json:"layers"`
	Vocab        int               `json:"vocab_size"`
	Parameters   int64             `json:"parameters"`
	Active       int64             `json:"active_parameters"`
	Weights      map[string]uint64 `json:"weight_bytes"`
	Context      int               `json:"context"`
	Cache        uint64            `json:"cache_bytes"`
	MaxPositions int               `json:"max_position_embeddings,omitempty"`
	Windows      []int             `json:"windows"` // of each layer; 0 looks back to the beginning
	Files        *filesJSON        `json:"files,omitempty"`
	Tensors      []tensorJSON      `json:"tensors"`
}

// filesJSON is what a configuration alone does not tell.
type filesJSON struct {
	Precisions []precision    `json:"precisions"`
	Templates  []string       `json:"chat_templates"`
	Tokenizer  *tokenizerJSON `json:"tokenizer"` // null where there is none
	SizeLabel  string         `json:"size_label,omitempty"`
	License    string         `json:"license,omitempty"`
}

type tokenizerJSON struct {
	Kind    string   `json:"kind"`
	Size    int      `json:"size"`
	Special []string `json:"special_tokens"`
}

type tensorJSON struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	Form  string `json:"form,omitempty"`
}

func (i *infoCmd) document(info *models.Info) infoJSON {
	d := infoJSON{
		ModelType: info.ModelType, Dtype: info.Dtype.String(), Layers: info.Layers, Vocab: info.Vocab,
		Parameters: info.Parameters(), Active: info.ActiveParameters(),
		Weights: map[string]uint64{"stored": info.WeightBytes()}, Context: i.Context, Cache: info.CacheBytes(i.Context),
		MaxPositions: info.Limits.MaxPositions, Windows: info.Limits.Windows,
	}
	for _, p := range packings {
		d.Weights[p.name] = info.PackedBytes(p.q)
	}
	if f := info.Files; f != nil {
		d.Weights["stored"] = uint64(f.Bytes())
		d.Files = &filesJSON{Precisions: precisions(f), Templates: append([]string{}, f.Templates...), SizeLabel: f.SizeLabel, License: f.License}
		if t := f.Tokenizer; t != nil {
			d.Files.Tokenizer = &tokenizerJSON{t.Kind(), t.Size(), specialNames(t)}
		}
	}
	for _, t := range tensorsOf(info) {
		d.Tensors = append(d.Tensors, tensorJSON{t.name, t.shape, t.form})
	}
	return d
}

// tensorsOf lists the weights: as the files name them, or else as the model does.
func tensorsOf(info *models.Info) []layerTensors {
	var list []layerTensors
	if info.Files != nil {
		for _, t := range info.Files.Weights {
			list = append(list, layerTensors{t.Name, t.Shape, t.Form})
		}
		return list
	}
	for _, t := range info.Tensors {
		list = append(list, layerTensors{t.Name, t.Shape, ""})
	}
	return list
}
