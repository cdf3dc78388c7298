package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/dustin/go-humanize"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"bytes": func(n int64) string { return humanize.IBytes(uint64(max(n, 0))) },
	"comma": humanize.Comma,
}).Parse(pageText))

// Setting is a line of a report's head.
type Setting struct{ Name, Value string }

// WriteHTML writes a page of everything: curves, figures, settings, and what the
// model answered before and after. It needs nothing but itself: no network, no script.
func (h *History) WriteHTML(w io.Writer, title string, settings []Setting) error {
	var svg bytes.Buffer
	if err := h.WriteSVG(&svg); err != nil {
		return err
	}
	text := svg.String()
	if i := strings.Index(text, "<svg"); i > 0 {
		text = text[i:] // without the head of a file of its own
	}
	err := page.Execute(w, map[string]any{
		"Title": title, "Settings": settings, "Curves": template.HTML(text), // of our own making
		"Evals": h.Evals, "Samples": h.comparisons(), "Last": h.last(),
	})
	if err != nil {
		return fmt.Errorf("report: page: %w", err)
	}
	return nil
}

// last is the last StepEvent, nil where there was none.
func (h *History) last() any {
	if len(h.Steps) == 0 {
		return nil
	}
	return h.Steps[len(h.Steps)-1]
}
