package convert

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// frontMatter is the block of YAML that a model card begins with.
var frontMatter = regexp.MustCompile(`\A\s*---[ \t]*\r?\n((?s:.*?)\n)---[ \t]*(?:\r?\n|\z)`)

// card writes README.md: what the source's card says of licence, languages and so
// on, with the library and the model that was converted. Its text is not taken
// over, since it speaks of other weights. Reference: create_model_card of
// mlx_lm/utils.py.
func (s *settings) card(from, dir string) error {
	path := filepath.Join(from, "README.md")
	data, err := beside(from, "README.md")
	if err != nil {
		return err
	}
	fields := &yaml.Node{Kind: yaml.MappingNode}
	if m := frontMatter.FindSubmatch(data); m != nil {
		var doc yaml.Node
		if err := yaml.Unmarshal(m[1], &doc); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if len(doc.Content) == 1 && doc.Content[0].Kind == yaml.MappingNode {
			fields = doc.Content[0]
		}
	} else {
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
		return fmt.Errorf("%s: %w", path, err)
	}
	return create(filepath.Join(dir, "README.md"), func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "---\n%s---\n", b.Bytes())
		return err
	})
}

func scalar(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	return n
}

// field finds the value of a key.
func field(fields *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(fields.Content); i += 2 {
		if fields.Content[i].Value == key {
			return fields.Content[i+1]
		}
	}
	return nil
}

// setField changes a value where it stands, or adds it.
func setField(fields *yaml.Node, key string, value *yaml.Node) {
	if at := field(fields, key); at != nil {
		*at = *value
		return
	}
	fields.Content = append(fields.Content, scalar(key), value)
}

// addTag adds to the tags, which may be one or a list.
func addTag(fields *yaml.Node, tag string) {
	tags := field(fields, "tags")
	if tags == nil || tags.Kind == yaml.ScalarNode {
		list := &yaml.Node{Kind: yaml.SequenceNode}
		if tags != nil && tags.Tag != "!!null" {
			list.Content = []*yaml.Node{scalar(tags.Value)}
		}
		setField(fields, "tags", list)
		tags = field(fields, "tags")
	}
	for _, n := range tags.Content {
		if n.Value == tag {
			return
		}
	}
	tags.Content = append(tags.Content, scalar(tag))
}
