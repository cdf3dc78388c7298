package main

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"forge.lthn.ai/core/go-mlx/internal/markdown"
)

// report is the outcome of one call of the program.
type report struct {
	machine machine
	options options
	results []result
	date    time.Time
	size    int64 // of the model's file
}

// columns are the figures of the table, and whether more of it is better.
var columns = []struct {
	title string
	of    func(sample) float64
	more  bool
	form  func(series) string
}{
	{"prefill, tokens/s", sample.prefill, true, spread},
	{"decode, tokens/s", sample.decode, true, spread},
	{"building a step, µs", sample.build, false, spread},
	{"MLX's arrays, MB", sample.inArrays, false, most},
	{"process, MB", sample.inProcess, false, most},
}

// text is the report for a terminal.
func (r report) text() string {
	return strings.Join(append(r.machine.lines(), "", r.table(), r.notes(), ""), "\n")
}

// markdown is the report for the document.
func (r report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s with `%s`.\n\n", r.date.Format(time.DateOnly), r.command())
	for _, l := range r.machine.lines() {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	fmt.Fprintf(&b, "\n%s\n%s\n", r.table(), r.notes())
	fmt.Fprintf(&b, "\n![Tokens a second of prefill and decode](%s)\n", r.picture())
	return b.String()
}

// command is what repeats the measurement.
func (r report) command() string {
	o := r.options
	if o.Quick {
		return "go run ./bench --quick"
	}
	return fmt.Sprintf("go run ./bench --model %s --prompt-tokens %d --tokens %d --runs %d",
		filepath.Base(o.Model), o.PromptTokens, o.Tokens, o.Runs)
}

// model is the name of what was measured.
func (r report) model() string {
	if o := r.options; o.Model != smollm2 {
		return strings.TrimSuffix(filepath.Base(o.file), ".gguf")
	}
	return "SmolLM2-135M-Instruct"
}

// section is the name of the part of the document for such machines and models.
func (r report) section() string {
	if r.options.Model != smollm2 {
		return r.machine.section() + " " + r.model()
	}
	return r.machine.section()
}

// table has a row for each contender and one that compares.
func (r report) table() string {
	rows := [][]string{{r.model()}}
	for _, c := range columns {
		rows[0] = append(rows[0], c.title)
	}
	for _, res := range r.results {
		row := []string{res.name}
		switch w := res.work; {
		case w.shortened:
			row[0] += fmt.Sprintf(" (%s of %d + %d tokens)", count(w.runs, "run"), w.prompt, w.tokens)
		case w.runs < r.options.Runs:
			row[0] += fmt.Sprintf(" (%s)", count(w.runs, "run"))
		}
		for _, c := range columns {
			row = append(row, c.form(res.of(c.of)))
		}
		rows = append(rows, row)
	}
	return markdown.Table(append(rows, r.ratios()...))
}

// ratios compares the default of go-mlx, the first result, with the best that
// each of the other sides shows in each column.
func (r report) ratios() (rows [][]string) {
	for _, side := range []string{mlxLM, llamaCpp} {
		if slices.ContainsFunc(r.results, func(res result) bool { return res.side == side }) {
			rows = append(rows, r.against(side))
		}
	}
	return rows
}

func (r report) against(side string) []string {
	row := []string{fmt.Sprintf("**go-mlx's default against %s's best**", side)}
	for _, c := range columns {
		mine, best := r.results[0].of(c.of).median(), r.best(side, c.of, c.more)
		if mine == 0 || best == 0 {
			row = append(row, "–")
			continue
		}
		row = append(row, fmt.Sprintf("**%.2f ×**", mine/best))
	}
	return row
}

// best is a side's best median of a figure, 0 when it has none. Settings that
// were too slow to do all of the work, and those of several prompts, are none of the best.
func (r report) best(side string, of func(sample) float64, more bool) float64 {
	best := 0.0
	for _, res := range r.results {
		v := res.of(of).median()
		if res.side != side || res.work.shortened || res.prompts() > 1 || v == 0 {
			continue
		}
		if best == 0 || (v > best) == more {
			best = v
		}
	}
	return best
}

// notes say what the table's figures are.
func (r report) notes() string {
	o := r.options
	text := fmt.Sprintf("Median (least–most) of %s in turns: "+
		"a prompt of %d tokens, %d greedy tokens, %d graphs of one step.",
		count(o.Runs, "run"), o.PromptTokens, o.Tokens, o.Builds)
	if tokens, of := agreement(r.results, goMLX, mlxLM); of > 1 {
		text += fmt.Sprintf(" The %d settings on MLX that ran all of it began with the same %d of %d tokens.", of, tokens, o.Tokens)
	}
	if tokens, of := agreement(r.results, llamaCpp); of > 1 {
		text += fmt.Sprintf(" The %d of llama.cpp began with the same %d of their own.", of, tokens)
	}
	if slices.ContainsFunc(r.results, func(res result) bool { return res.work.shortened }) {
		text += " A setting that would take far too long for that was run as its line says."
	}
	return text + r.sideBySide() + r.memory()
}

// sideBySide tells what several prompts at once gain over one of the same side, and how the
// sides compare in them.
func (r report) sideBySide() string {
	one, several := r.first(goMLX, false), r.first(goMLX, true)
	if one == nil || several == nil {
		return ""
	}
	text := fmt.Sprintf(" Of %d prompts at once the figures are those of all rows together: decode %s times one stream, prefill %s times",
		several.prompts(), times(sample.decode, several, one), times(sample.prefill, several, one))
	other, others := r.first(llamaCpp, false), r.first(llamaCpp, true)
	if other == nil || others == nil {
		return text + "."
	}
	return text + fmt.Sprintf("; llama.cpp's decode %s times its own one stream, prefill %s times. "+
		"At %d prompts go-mlx's decode is %s times llama.cpp's, its prefill %s times.",
		times(sample.decode, others, other), times(sample.prefill, others, other),
		several.prompts(), times(sample.decode, several, others), times(sample.prefill, several, others))
}

// first is a side's first result of one prompt or of several at once that did all of the
// work, nil where it has none.
func (r report) first(side string, several bool) *result {
	for i, res := range r.results {
		if res.side == side && len(res.samples) > 0 && !res.work.shortened && (res.prompts() > 1) == several {
			return &r.results[i]
		}
	}
	return nil
}

// times is how many times as great a figure is in a as in b.
func times(of func(sample) float64, a, b *result) string {
	return figure(a.of(of).median() / b.of(of).median())
}

// memory compares what the default takes with what it must.
func (r report) memory() string {
	of := func(s sample) float64 { return float64(s.cache) / 1e6 }
	file, kv, arrays := float64(r.size)/1e6, r.results[0].of(of).median(), r.results[0].of(sample.inArrays).median()
	if file == 0 || kv == 0 || arrays == 0 {
		return ""
	}
	return fmt.Sprintf(" The file has %s MB, keys and values take %s: the default's arrays take %.2f times both at most. "+
		"A process has libraries besides, and pages of the file, which the system may take back.", figure(file), figure(kv), arrays/(file+kv))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// spread is a median with its range, as "157 (151–160)".
func spread(s series) string {
	if s.median() == 0 {
		return "–"
	}
	if len(s) == 1 {
		return figure(s[0])
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range s {
		low, high = min(low, v), max(high, v)
	}
	return fmt.Sprintf("%s (%s–%s)", figure(s.median()), figure(low), figure(high))
}

// most is the greatest of the figures.
func most(s series) string {
	if len(s) == 0 || slices.Max(s) == 0 {
		return "–"
	}
	return figure(slices.Max(s))
}

// figure writes three significant digits.
func figure(v float64) string {
	digits := 0
	if v > 0 && v < 100 {
		digits = min(2-int(math.Floor(math.Log10(v))), 4)
	}
	return fmt.Sprintf("%.*f", digits, v)
}
