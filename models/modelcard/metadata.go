package modelcard

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// Source is what a converter finds beside a model's weights.
type Source struct {
	Card       []byte   // README.md; empty where there is none, as the others
	Config     []byte   // config.json, of which _name_or_path counts
	Generation []byte   // generation_config.json, for the sampling that it recommends
	Given      string   // a name that the user gave; empty for none
	Names      []string // the others that the model may be known by, the best first
	Parameters Parameters
}

// told are the fields that are texts, by the ends of their keys, in their order.
var told = []string{
	"name", "author", "version", "organization", "finetune", "basename", "description", "size_label", "license", "license.name", "license.link",
	"source.url", "source.doi", "source.uuid", "source.repo_url",
}

// cardKeys are fields of a card for what is told; the first that is there counts.
var cardKeys = []struct{ field, key string }{
	{"name", "name"}, {"author", "author"}, {"version", "version"}, {"organization", "organization"}, {"description", "description"},
	{"finetune", "finetune"}, {"basename", "basename"}, {"size_label", "size_label"}, {"source.url", "url"}, {"source.doi", "doi"},
	{"source.uuid", "uuid"}, {"source.repo_url", "repo_url"},
	{"name", "model_name"}, {"author", "model_author"}, {"version", "model_version"}, {"organization", "model_organization"},
	{"description", "model_description"}, {"finetune", "model_finetune"}, {"basename", "model_basename"}, {"size_label", "model_size_label"},
	{"source.url", "model_url"}, {"source.doi", "model_doi"}, {"source.uuid", "model_uuid"}, {"source.repo_url", "model_repo_url"},
	{"author", "model_creator"}, {"basename", "model_type"},
	{"license", "license"}, {"license.name", "license_name"}, {"license.link", "license_link"},
}

// Metadata is what general.* of a GGUF file says of where a model comes from and how
// it is to be sampled, as llama.cpp's converter writes it. A card that is broken is an
// error; other files that are broken say nothing.
func Metadata(s Source) ([]gguf.Pair, error) {
	card, err := FrontMatter(s.Card)
	if err != nil {
		return nil, fmt.Errorf("README.md: %w", err)
	}
	w := &writer{texts: map[string]string{}, parameters: s.Parameters.Total}
	w.name(s.Given)
	for _, k := range cardKeys {
		list := texts(Field(card, k.key))
		if k.field != "license" && len(list) > 1 {
			continue
		}
		w.tell(k.field, strings.Join(list, ","))
	}
	var config struct {
		Path string `json:"_name_or_path"`
	}
	_ = json.Unmarshal(s.Config, &config)
	if strings.Count(config.Path, "/") <= 1 { // and no path of somebody's computer
		w.name(config.Path)
	}
	for _, name := range s.Names {
		w.name(name)
	}
	w.tell("size_label", s.Parameters.SizeLabel())
	w.sampling(s.Generation)
	for _, field := range told {
		if text := w.texts[field]; text != "" {
			w.set(field, text)
		}
	}
	w.origins("base_model", firstOf(card, "base_model", "base_models", "base_model_sources"))
	w.origins("dataset", firstOf(card, "datasets", "dataset", "dataset_sources"))
	w.list("tags", card, "tags", "pipeline_tag")
	w.list("languages", card, "languages", "language")
	return w.pairs, w.err
}

// writer collects metadata.
type writer struct {
	texts      map[string]string
	parameters int64
	pairs      []gguf.Pair
	err        error // the first
}

// tell says something of a field that nothing has been said of.
func (w *writer) tell(field, text string) {
	if w.texts[field] == "" {
		w.texts[field] = text
	}
}

// name tells what a name tells.
func (w *writer) name(id string) {
	n := ParseName(id, w.parameters)
	w.tell("name", Title(n.Full))
	w.tell("organization", Title(n.Organization))
	w.tell("basename", n.Base)
	w.tell("finetune", n.Finetune)
	w.tell("version", n.Version)
	w.tell("size_label", n.Size)
}

func (w *writer) set(key string, value any) {
	v, err := gguf.NewValue(value)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("general.%s: %w", key, err)
	}
	w.pairs = append(w.pairs, gguf.Pair{Key: "general." + key, Value: v})
}

// list writes the texts of several fields together.
func (w *writer) list(key string, card *yaml.Node, fields ...string) {
	var all []string
	for _, field := range fields {
		all = append(all, texts(Field(card, field))...)
	}
	if all != nil {
		w.set(key, all)
	}
}

func firstOf(card *yaml.Node, fields ...string) *yaml.Node {
	for _, field := range fields {
		if n := Field(card, field); n != nil {
			return n
		}
	}
	return nil
}

// recommended are the fields of generation_config.json about sampling.
var recommended = []struct {
	field, key string
	whole      bool
}{
	{"top_k", "top_k", true}, {"top_p", "top_p", false}, {"min_p", "min_p", false}, {"xtc_probability", "xtc_probability", false},
	{"xtc_threshold", "xtc_threshold", false}, {"temperature", "temp", false}, {"penalty_last_n", "penalty_last_n", true},
	{"penalty_repeat", "penalty_repeat", false}, {"mirostat", "mirostat", true}, {"mirostat_tau", "mirostat_tau", false},
	{"mirostat_eta", "mirostat_eta", false},
}

// sampling writes how a model is to be sampled.
func (w *writer) sampling(generation []byte) {
	var fields map[string]any
	_ = json.Unmarshal(generation, &fields)
	for _, r := range recommended {
		n, ok := fields[r.field].(float64)
		switch {
		case !ok:
		case r.whole:
			w.set("sampling."+r.key, int32(n))
		default:
			w.set("sampling."+r.key, float32(n))
		}
	}
}
