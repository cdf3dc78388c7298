package modelcard

import (
	"bytes"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// frontMatter is the block of YAML that a model card begins with.
var frontMatter = regexp.MustCompile(`\A\s*---[ \t]*\r?\n((?s:.*?)\n)---[ \t]*(?:\r?\n|\z)`)

// FrontMatter is the mapping that the card in data begins with, empty where it is no
// mapping and nil where there is none. Tabs, which YAML refuses, count as two blanks.
func FrontMatter(data []byte) (*yaml.Node, error) {
	m := frontMatter.FindSubmatch(data)
	if m == nil {
		return nil, nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(bytes.ReplaceAll(m[1], []byte("\t"), []byte("  ")), &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 1 && doc.Content[0].Kind == yaml.MappingNode {
		return doc.Content[0], nil
	}
	return &yaml.Node{Kind: yaml.MappingNode}, nil
}

// Field finds the value of a key of a mapping, nil where it has none.
func Field(fields *yaml.Node, key string) *yaml.Node {
	if fields == nil || fields.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(fields.Content); i += 2 {
		if fields.Content[i].Value == key {
			return fields.Content[i+1]
		}
	}
	return nil
}

// License is what a card's front matter says of the licence, its names joined by
// commas, and empty where it says nothing.
func License(fields *yaml.Node) string { return strings.Join(texts(Field(fields, "license")), ",") }

// resolve follows an alias to its node.
func resolve(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// texts are a scalar, or the scalars of a list, as they are written.
func texts(n *yaml.Node) []string {
	n = resolve(n)
	switch {
	case n == nil || n.Tag == "!!null":
		return nil
	case n.Kind == yaml.ScalarNode:
		return []string{n.Value}
	case n.Kind != yaml.SequenceNode:
		return nil
	}
	var list []string
	for _, c := range n.Content {
		if c = resolve(c); c.Kind == yaml.ScalarNode {
			list = append(list, c.Value)
		}
	}
	return list
}
