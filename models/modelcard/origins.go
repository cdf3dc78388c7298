package modelcard

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// originFields are what is said of a model or of data that this one was made from.
var originFields = []string{"name", "author", "version", "organization", "description", "url", "doi", "uuid", "repo_url"}

// origins writes what a model was made from: names of the Hub, addresses, or mappings
// of originFields.
func (w *writer) origins(kind string, n *yaml.Node) {
	n = resolve(n)
	if n == nil || n.Tag == "!!null" {
		return
	}
	entries := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		entries = n.Content
	}
	w.set(kind+".count", uint32(len(entries))) //nolint:gosec // the card was read
	for i, entry := range entries {
		said := w.origin(resolve(entry))
		for _, field := range originFields {
			if text := said[field]; text != "" {
				w.set(fmt.Sprintf("%s.%d.%s", kind, i, field), text)
			}
		}
	}
}

const hubAddress = "https://huggingface.co/"

var (
	address    = regexp.MustCompile(`^(https?|ssh)://`)
	hubPattern = regexp.MustCompile(`^https?://huggingface\.co/([^/]+/[^/]+)$`)
)

func (w *writer) origin(n *yaml.Node) map[string]string {
	said := map[string]string{}
	if n.Kind == yaml.MappingNode {
		for _, field := range originFields {
			said[field] = strings.Join(texts(Field(n, field)), ",")
		}
		return said
	}
	id := n.Value
	if address.MatchString(id) {
		said["repo_url"] = id
		m := hubPattern.FindStringSubmatch(id)
		if m == nil {
			return said
		}
		id = m[1]
	}
	name := ParseName(id, w.parameters)
	said["name"], said["organization"], said["version"] = Title(name.Full), Title(name.Organization), name.Version
	if said["repo_url"] == "" && name.Organization != "" {
		said["repo_url"] = hubAddress + name.Organization + "/" + name.Full
	}
	return said
}
