package convert

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/modelcard"
)

// card writes README.md: what the source's card says of licence, languages and so
// on, with the library and the model that was converted. Its text is not taken
// over, since it speaks of other weights. Reference: create_model_card of
// mlx_lm/utils.py.
func (s *settings) card(from, dir string) error {
	fields, err := frontMatter(from)
	if err != nil {
		return err
	}
	if fields == nil {
		fields = &yaml.Node{Kind: yaml.MappingNode}
		setField(fields, "language", scalar("en"))
	}
	setField(fields, "library_name", scalar("mlx"))
	setField(fields, "pipeline_tag", scalar("text-generation"))
	addTag(fields, "mlx")
	if s.baseModel != "" {
		setField(fields, "base_model", scalar(s.baseModel))
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.CompactSeqIndent()
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(fields), enc.Close()); err != nil {
		return fmt.Errorf("%s: model card: %w", from, err)
	}
	return create(filepath.Join(dir, "README.md"), func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "---\n%s---\n", b.Bytes())
		return err
	})
}

// frontMatter is what a folder's card begins with, or what a GGUF file says that a card
// does; nil where there is neither.
func frontMatter(from string) (*yaml.Node, error) {
	if isGGUF(from) {
		return ggufFrontMatter(from)
	}
	data, err := beside(from, "README.md")
	if err != nil {
		return nil, err
	}
	fields, err := modelcard.FrontMatter(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(from, "README.md"), err)
	}
	return fields, nil
}

func ggufFrontMatter(from string) (*yaml.Node, error) {
	f, err := gguf.Open(from)
	if err != nil {
		return nil, err
	}
	fields := &yaml.Node{Kind: yaml.MappingNode}
	if license, err := f.String("general.license"); err == nil {
		setField(fields, "license", scalar(license))
	}
	for _, k := range []struct{ key, field string }{{"general.languages", "language"}, {"general.tags", "tags"}} {
		if names, err := f.Strings(k.key); err == nil {
			list := &yaml.Node{Kind: yaml.SequenceNode}
			for _, name := range names {
				list.Content = append(list.Content, scalar(name))
			}
			setField(fields, k.field, list)
		}
	}
	if len(fields.Content) == 0 {
		fields = nil
	}
	return fields, f.Close()
}

func scalar(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	return n
}

// setField changes a value where it stands, or adds it.
func setField(fields *yaml.Node, key string, value *yaml.Node) {
	if at := modelcard.Field(fields, key); at != nil {
		*at = *value
		return
	}
	fields.Content = append(fields.Content, scalar(key), value)
}

// addTag adds to the tags, which may be one or a list.
func addTag(fields *yaml.Node, tag string) {
	tags := modelcard.Field(fields, "tags")
	if tags == nil || tags.Kind == yaml.ScalarNode {
		list := &yaml.Node{Kind: yaml.SequenceNode}
		if tags != nil && tags.Tag != "!!null" {
			list.Content = []*yaml.Node{scalar(tags.Value)}
		}
		setField(fields, "tags", list)
		tags = modelcard.Field(fields, "tags")
	}
	for _, n := range tags.Content {
		if n.Value == tag {
			return
		}
	}
	tags.Content = append(tags.Content, scalar(tag))
}
