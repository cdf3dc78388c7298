package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// yamlBlock is a flag with settings by name.
type yamlBlock map[string]any

// UnmarshalText reads YAML.
func (b *yamlBlock) UnmarshalText(text []byte) error {
	*b = nil
	if err := yaml.Unmarshal(text, (*map[string]any)(b)); err != nil {
		return errors.New(strings.ReplaceAll(err.Error(), "\n", ""))
	}
	return nil
}

// loraParameters is the block of mlx_lm.lora's that has flags of its own here.
const loraParameters = "lora_parameters"

// unsupported are names of mlx_lm.lora that mean nothing here, and what there is
// instead; they may have the values that ask for nothing.
var unsupported = map[string]string{
	"report_to":             "see --tensorboard and --report",
	"project_name":          "see --tensorboard and --report",
	"hf_dataset":            "see --data",
	"trust_remote_code":     "no code of a model is run",
	"clear_cache_threshold": "memory that is not used is given back",
	"training_mode":         "only what mlx-lm calls normal is there",
}

// yamlConfig reads a file of settings for flags.
func yamlConfig(r io.Reader) (kong.Resolver, error) {
	name := "the configuration"
	if f, ok := r.(*os.File); ok {
		name = f.Name()
	}
	var values map[string]any
	if err := yaml.NewDecoder(r).Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %s", name, strings.ReplaceAll(err.Error(), "\n", ""))
	}
	s := &yamlSettings{name: name, values: map[string]any{}}
	for key, v := range values {
		if key != loraParameters {
			s.values[key] = v
			continue
		}
		block, ok := v.(map[string]any)
		if !ok && v != nil {
			return nil, fmt.Errorf("%s: %s must have settings by name, not %v", name, key, v)
		}
		for key, v := range block {
			s.values[loraParameters+"."+key] = v
		}
	}
	return s, nil
}

// yamlSettings resolves flags by the names of mlx_lm.lora: those of the flags, with _
// for -.
type yamlSettings struct {
	name   string
	values map[string]any
}

// loraFlags are the flags whose settings stand in the block lora_parameters.
var loraFlags = []string{"rank", "scale", "dropout", "keys"}

// settingName is what a flag is called in the file.
func settingName(flag string) string {
	name := strings.ReplaceAll(flag, "-", "_")
	if slices.Contains(loraFlags, name) {
		return loraParameters + "." + name
	}
	return name
}

// Resolve implements kong.Resolver. Values are given as their text, so that they are
// checked as those of a command line.
func (s *yamlSettings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	switch v := s.values[settingName(flag.Name)].(type) {
	case nil:
		return nil, nil
	case map[string]any:
		text, err := yaml.Marshal(v)
		return string(text), err
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = fmt.Sprint(item)
		}
		return strings.Join(items, ","), nil
	default:
		return fmt.Sprint(v), nil
	}
}

// Validate implements kong.Resolver: it refuses names that no flag has.
func (s *yamlSettings) Validate(app *kong.Application) error {
	var known []string
	for _, n := range app.Children {
		if n.Name == "train" {
			for _, f := range n.Flags {
				known = append(known, settingName(f.Name))
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.values)) {
		instead, ok := unsupported[key]
		switch {
		case slices.Contains(known, key):
		case !ok:
			return fmt.Errorf("%s: unknown setting %s, did you mean %s?", s.name, key, nearest(key, known))
		case asks(key, s.values[key]):
			return fmt.Errorf("%s: %s is not supported: %s", s.name, key, instead)
		}
	}
	return nil
}

// asks reports whether a setting is not one of those that ask for nothing.
func asks(key string, v any) bool {
	return v != nil && v != false && v != 0 && v != "" && (key != "training_mode" || v != "normal")
}

// nearest is the name that takes the fewest changes.
func nearest(name string, known []string) (best string) {
	least := math.MaxInt
	for _, k := range known {
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's: letters to insert, leave out or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
