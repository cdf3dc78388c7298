package main

import (
	"go/token"
	"strings"
)

// names turns C names into Go names by the rules of go.generate.
type names struct{ m *Manifest }

// function names a C function: its rename, or its parts without the prefix.
func (n names) function(c string) string {
	if r, ok := n.m.find("rename", c); ok {
		return r.Words[1]
	}
	return n.camel(n.trim(c))
}

// typ names a C handle type.
func (n names) typ(c string) string {
	if r, ok := n.m.find("type", c); ok {
		return r.Words[1]
	}
	return n.camel(n.trim(c))
}

// trim drops the prefixes that would only repeat the package.
func (n names) trim(c string) string {
	for _, r := range n.m.rows["strip"] {
		if rest, ok := strings.CutPrefix(c, r.Words[0]); ok {
			return rest
		}
	}
	return strings.TrimPrefix(strings.TrimPrefix(c, "_"), "mlx_")
}

// camel joins the parts of a snake_case name, each capitalised as the table of
// words says.
func (n names) camel(snake string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(strings.ToLower(snake), "_") {
		if part == "" {
			continue
		}
		if r, ok := n.m.find("word", part); ok {
			b.WriteString(r.Words[1])
			continue
		}
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// param names a parameter: lowerCamelCase, never a keyword or a name that the
// generated code uses itself.
func (n names) param(c string) string {
	parts := strings.Split(strings.Trim(strings.ToLower(c), "_"), "_")
	name := parts[0]
	for _, p := range parts[1:] {
		name += n.camel(p)
	}
	if token.IsKeyword(name) || reserved[name] {
		name += "Arg"
	}
	return name
}

// reserved are identifiers of the generated code.
var reserved = map[string]bool{"r": true, "err": true, "unsafe": true, "math": true, "string": true, "res": true}
