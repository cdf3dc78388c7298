package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/modfile"
)

// Manifest is go.generate: the pins, the headers and every override, each
// with its reason.
type Manifest struct {
	Headers []string
	Kernels []string // headers in native/ of a library that may be absent
	rows    map[string][]Row
}

// Row is one line of a block: its words and the comment that ends it.
type Row struct {
	Line   int
	Words  []string
	Reason string
}

// blocks names every verb of go.generate with the number of words that a row
// must have at least, whether it must give a reason, and how many hex digits its
// last word has, where that is a hash.
var blocks = map[string]struct {
	words  int
	reason bool
	hash   int
}{
	"mlx-c":     {2, false, 40},
	"mlx":       {1, false, 0},
	"crate":     {3, false, 64},
	"wheel":     {6, false, 64},
	"model":     {4, false, 64},
	"headers":   {1, false, 0},
	"kernels":   {1, false, 0},
	"strip":     {1, true, 0},
	"word":      {2, true, 0},
	"type":      {2, true, 0},
	"rename":    {2, true, 0},
	"value":     {1, true, 0},
	"nullcheck": {1, true, 0},
	"guard":     {3, true, 0},
	"check":     {3, true, 0},
	"fallback":  {2, true, 0},
	"calls":     {1, true, 0},
	"reads":     {1, true, 0},
	"hand":      {1, true, 0},
	"skip":      {1, true, 0},
	"noscope":   {1, true, 0},
	"scope":     {1, true, 0},
}

// readManifest reads go.generate. Unknown verbs, short rows, bad hashes and
// overrides without a reason are errors.
func readManifest(file string) (*Manifest, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("gen: %w", err)
	}
	return parseManifest(file, data)
}

func parseManifest(file string, data []byte) (*Manifest, error) {
	f, err := modfile.ParseLax(file, data, nil)
	if err != nil {
		return nil, fmt.Errorf("gen: %w", err)
	}
	m := &Manifest{rows: map[string][]Row{}}
	for _, stmt := range f.Syntax.Stmt {
		switch s := stmt.(type) {
		case *modfile.Line:
			if err := m.add(file, s.Token[0], s.Token[1:], s); err != nil {
				return nil, err
			}
		case *modfile.LineBlock:
			if _, ok := blocks[s.Token[0]]; !ok || len(s.Token) > 1 {
				return nil, fmt.Errorf("gen: %s:%d: unknown verb %q", file, s.Start.Line, strings.Join(s.Token, " "))
			}
			for _, line := range s.Line {
				if err := m.add(file, s.Token[0], line.Token, line); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, r := range m.rows["headers"] {
		m.Headers = append(m.Headers, r.Words...)
	}
	for _, r := range m.rows["kernels"] {
		m.Kernels = append(m.Kernels, r.Words...)
	}
	return m, nil
}

func (m *Manifest) add(file, verb string, words []string, line *modfile.Line) error {
	at := fmt.Sprintf("gen: %s:%d", file, line.Start.Line)
	b, ok := blocks[verb]
	if !ok {
		return fmt.Errorf("%s: unknown verb %q", at, verb)
	}
	if len(words) < b.words {
		return fmt.Errorf("%s: %s needs %d words, has %d", at, verb, b.words, len(words))
	}
	if last := words[len(words)-1]; b.hash > 0 && (len(words) > b.words || !isHex(last, b.hash)) {
		return fmt.Errorf("%s: %s %s ends with %q, not with a hash of %d hex digits", at, verb, words[0], last, b.hash)
	}
	r := Row{Line: line.Start.Line, Words: words}
	for _, c := range line.Suffix {
		r.Reason = strings.TrimSpace(strings.TrimPrefix(c.Token, "//"))
	}
	if b.reason && r.Reason == "" {
		return fmt.Errorf("%s: %s %s gives no reason", at, verb, words[0])
	}
	for _, old := range m.rows[verb] {
		if b.reason && old.Words[0] == words[0] {
			return fmt.Errorf("%s: %s %s stands already on line %d", at, verb, words[0], old.Line)
		}
	}
	m.rows[verb] = append(m.rows[verb], r)
	return nil
}

// isHex reports whether s is a hash of n hex digits, in lower case as the tools
// print them.
func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}

// has reports whether a block names the C function or type.
func (m *Manifest) has(verb, name string) bool {
	_, ok := m.find(verb, name)
	return ok
}

// find returns the row of a block that begins with name.
func (m *Manifest) find(verb, name string) (Row, bool) {
	for _, r := range m.rows[verb] {
		if r.Words[0] == name {
			return r, true
		}
	}
	return Row{}, false
}

// unused returns an error for the first override that names nothing in api:
// after a bump of mlx-c, overrides that lost their object must go too.
func (m *Manifest) unused(api *API) error {
	known := map[string]bool{}
	for _, f := range api.Funcs {
		known[f.Name] = true
	}
	for _, s := range api.Structs {
		known[s.Name] = true
	}
	for _, e := range api.Enums {
		known[e.Name] = true
	}
	for _, verb := range []string{"type", "rename", "value", "nullcheck", "guard", "check", "fallback", "calls", "reads", "hand", "skip", "noscope", "scope"} {
		for _, r := range m.rows[verb] {
			if !known[r.Words[0]] {
				return fmt.Errorf("gen: go.generate:%d: %s names %s, which the headers do not declare", r.Line, verb, r.Words[0])
			}
		}
	}
	return nil
}
