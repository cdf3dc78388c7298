package templates

import (
	"embed"
	"fmt"
	"strings"
)

// namedFiles are templates of our own for formats that many models share.
//
//go:embed named/*.jinja
var namedFiles embed.FS

// Names lists the templates that Named knows, sorted.
func Names() []string {
	entries, _ := namedFiles.ReadDir("named") // embedded: it is there
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".jinja")
	}
	return names
}

// Named returns a template for a well-known format, for models that come
// without one: "chatml", "gemma", "llama3", "mistral" (Nemo and later) or
// "phi3". They render plain chats as these models' own do, and know no tools.
func Named(name string, opts ...Option) (*Template, error) {
	source, err := namedFiles.ReadFile("named/" + name + ".jinja")
	if err != nil {
		return nil, fmt.Errorf("templates: %w called %q: there are %s", ErrNoTemplate, name, strings.Join(Names(), ", "))
	}
	return Compile(string(source), opts...)
}
