package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Docs is the table of documentation: C name -> sentences that complete
// "<Go name> ...", in our own words (gen/docs/*.txt).
type Docs struct {
	entries map[string]string
	place   map[string]string // file and line of each entry
	used    map[string]bool   // what comment was asked for, or fell back to
}

// readDocs reads every .txt file of a folder.
func readDocs(fsys fs.FS) (*Docs, error) {
	d := &Docs{entries: map[string]string{}, place: map[string]string{}, used: map[string]bool{}}
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
	for _, name := range slices.Sorted(maps.Keys(d.place)) {
		if d.entries[name] == "" {
			return nil, fmt.Errorf("gen: %s: %s has no sentence", d.place[name], name)
		}
	}
	return d, nil
}

// add reads one file: names at column 0, their sentences indented by a tab,
// comments behind a # at column 0.
func (d *Docs) add(file, text string) error {
	name := ""
	for i, line := range strings.Split(text, "\n") {
		place := fmt.Sprintf("docs/%s:%d", path.Base(file), i+1)
		switch {
		case strings.TrimSpace(line) == "" || line[0] == '#':
		case line[0] == '\t' && name != "":
			d.entries[name] = strings.TrimSpace(d.entries[name] + " " + strings.TrimSpace(line))
		case strings.ContainsAny(strings.TrimRight(line, " \t\r"), " \t"):
			return fmt.Errorf("gen: %s: %q is neither a name nor a sentence of one", place, line)
		default:
			name = strings.TrimSpace(line)
			if d.place[name] != "" {
				return fmt.Errorf("gen: %s: %s is documented in %s already", place, name, d.place[name])
			}
			d.place[name] = place
		}
	}
	return nil
}

// variants says how a name without an entry of its own falls back to its base.
var variants = []struct{ suffix, sentence string }{
	{"_axes", "It works along the given axes; negative ones count from the last."},
	{"_axis", "It works along one axis; a negative one counts from the last."},
}

// docWidth is how wide a line of a comment is, without its slashes.
const docWidth = 96

// comment returns the doc comment of a C name, wrapped, beginning with the Go
// name. A name without documentation is an error.
func (d *Docs) comment(c, goName string) ([]string, error) {
	text, ok := d.sentences(c)
	if !ok {
		return nil, fmt.Errorf("gen: docs: %s (%s) has no documentation: add it to gen/docs/<header>.txt", c, goName)
	}
	return append(wrap(goName+" "+text, docWidth), "", "C: "+c+"."), nil
}

// sentences finds the entry of a C name, or that of its base.
func (d *Docs) sentences(c string) (string, bool) {
	if text, ok := d.entries[c]; ok {
		d.used[c] = true
		return text, true
	}
	for _, v := range variants {
		base, ok := strings.CutSuffix(c, v.suffix)
		if text := d.entries[base]; ok && text != "" {
			d.used[base] = true
			return text + " " + v.sentence, true
		}
	}
	return "", false
}

// stale returns an error that lists the entries which no comment was made of:
// they name no function or type of the headers. It is for the end of a run.
func (d *Docs) stale() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(d.entries)) {
		if !d.used[name] {
			err := fmt.Errorf("gen: %s: %s is no function or type that needs documentation: remove it", d.place[name], name)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
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
