package main

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Docs is the table of documentation: C name -> sentences that complete
// "<Go name> ...", in our own words (gen/docs/*.txt).
type Docs struct {
	entries map[string]string
	file    map[string]string
}

// readDocs reads every .txt file of a folder.
func readDocs(fsys fs.FS) (*Docs, error) {
	d := &Docs{entries: map[string]string{}, file: map[string]string{}}
	files, err := fs.Glob(fsys, "*.txt")
	if err != nil {
		return nil, fmt.Errorf("gen: docs: %w", err)
	}
	for _, name := range files {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("gen: docs: %w", err)
		}
		if err := d.add(name, string(data)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// add reads one file: names at column 0, their sentences indented by a tab.
func (d *Docs) add(file, text string) error {
	name := ""
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.TrimSpace(line) == "" || line[0] == '#':
		case line[0] == '\t' && name != "":
			d.entries[name] = strings.TrimSpace(d.entries[name] + " " + strings.TrimSpace(line))
		case line[0] == '\t' || strings.ContainsAny(strings.TrimSpace(line), " \t"):
			return fmt.Errorf("gen: docs/%s:%d: %q is neither a name nor a sentence of one", file, i+1, line)
		default:
			name = strings.TrimSpace(line)
			if d.file[name] != "" {
				return fmt.Errorf("gen: docs/%s:%d: %s is documented in %s already", file, i+1, name, d.file[name])
			}
			d.entries[name], d.file[name] = "", path.Base(file)
		}
	}
	return nil
}

// variants says how a name without an entry of its own falls back to its base.
var variants = []struct{ suffix, sentence string }{
	{"_axes", "It works along the given axes; negative ones count from the last."},
	{"_axis", "It works along one axis; a negative one counts from the last."},
}

// comment returns the doc comment of a C name, wrapped, beginning with the Go
// name. A name without documentation is an error.
func (d *Docs) comment(c, goName string) ([]string, error) {
	text := d.entries[c]
	for _, v := range variants {
		base, ok := strings.CutSuffix(c, v.suffix)
		if text == "" && ok && d.entries[base] != "" {
			text = d.entries[base] + " " + v.sentence
		}
	}
	if text == "" {
		text = "is undocumented yet."
	}
	lines := wrap(goName+" "+text, 96)
	if strings.HasPrefix(c, "mlx_") || strings.HasPrefix(c, "_mlx_") {
		lines = append(lines, "", "C: "+c+".")
	}
	return lines, nil
}

func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
