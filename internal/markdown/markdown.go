// Package markdown writes tables, and the sections of documents that programs
// fill in.
package markdown

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// marks stand around a section that the program writes; the rest of the
// document is written by people.
func marks(section, by string) (begin, end string) {
	return "<!-- " + section + ": written by `" + by + "` -->", "<!-- " + section + ": end -->"
}

// Rewrite replaces one section of a file, by the name of the command that writes
// it.
func Rewrite(path, section, by, text string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("markdown: %w", err)
	}
	updated, err := replaceSection(string(old), section, by, text)
	if err != nil {
		return fmt.Errorf("markdown: %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("markdown: %w", err)
	}
	tmp := path + ".partial"
	defer os.Remove(tmp)
	if err := os.WriteFile(tmp, []byte(updated), 0o644); err != nil {
		return fmt.Errorf("markdown: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("markdown: %w", err)
	}
	return nil
}

// replaceSection puts text between the section's marks. A document without them
// gets them at its end.
func replaceSection(document, section, by, text string) (string, error) {
	begin, end := marks(section, by)
	if strings.Count(document, begin) > 1 || strings.Count(document, end) > 1 {
		return "", fmt.Errorf("the section %q is there twice", section)
	}
	block := begin + "\n\n" + strings.TrimSpace(text) + "\n\n" + end
	from, to := strings.Index(document, begin), strings.Index(document, end)
	switch {
	case from < 0 && to < 0:
		if document = strings.TrimRight(document, "\n"); document != "" {
			document += "\n\n"
		}
		return document + block + "\n", nil
	case from < 0 || to < from:
		return "", fmt.Errorf("the section %q has only one of its marks, or they are in the wrong order", section)
	}
	return document[:from] + block + document[to+len(end):], nil
}

// Table writes a Markdown table whose columns also line up on a terminal.
func Table(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				cell, pad = pad+cell, "" // figures to the right
			}
			fmt.Fprintf(&b, "| %s%s ", cell, pad)
		}
		b.WriteString("|\n")
		if n == 0 {
			b.WriteString(rule(widths))
		}
	}
	return b.String()
}

// rule is the line below a table's head.
func rule(widths []int) string {
	var b strings.Builder
	for i, w := range widths {
		if i == 0 {
			fmt.Fprintf(&b, "|%s", strings.Repeat("-", w+2))
			continue
		}
		fmt.Fprintf(&b, "|%s:", strings.Repeat("-", w+1))
	}
	return b.String() + "|\n"
}
