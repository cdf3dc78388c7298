package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// table writes lines of a label and a text.
type table struct{ *tabwriter.Writer }

func newTable(out io.Writer) table { return table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)} }

func (w table) line(label, format string, args ...any) {
	fmt.Fprintf(w, label+"\t"+format+"\n", args...)
}

func (i *infoCmd) print(out io.Writer, info *models.Info) error {
	w := newTable(out)
	w.line("model", "%s, %d layers, vocabulary of %d", info.ModelType, info.Layers, info.Vocab)
	w.line("parameters", "%s", parameters(info))
	i.printWeights(w, info)
	w.line("cache", "%s for %s tokens", humanize.Bytes(info.CacheBytes(i.Context)), humanize.Comma(int64(i.Context)))
	if text := limits(info.Limits); text != "" {
		w.line("limits", "%s", text)
	}
	if f := info.Files; f != nil {
		w.line("template", "%s", listOr(f.Templates, "none"))
		w.line("tokenizer", "%s", tokenizerLine(f.Tokenizer))
		if f.SizeLabel != "" {
			w.line("size label", "%s", visible(f.SizeLabel))
		}
		if f.License != "" {
			w.line("license", "%s", visible(f.License))
		}
	}
	if i.Tensors {
		if err := w.Flush(); err != nil { // a table of its own
			return err
		}
		for _, t := range collapse(tensorsOf(info)) {
			w.line(t.name, "%s", strings.TrimSuffix(fmt.Sprintf("%v\t%s", t.shape, t.form), "\t"))
		}
	}
	return w.Flush()
}

func parameters(info *models.Info) string {
	all, active := info.Parameters(), info.ActiveParameters()
	text := fmt.Sprintf("%s (%s)", humanize.Comma(all), short(all))
	if active != all {
		text += fmt.Sprintf(", of which a token takes %s (%s)", humanize.Comma(active), short(active))
	}
	return text
}

// printWeights tells what the weights take: in the files in each of their forms,
// else as the configuration has them, and in forms that they could be packed to.
func (i *infoCmd) printWeights(w table, info *models.Info) {
	if f := info.Files; f == nil {
		w.line("weights", "%s as stored (%v)", humanize.Bytes(info.WeightBytes()), info.Dtype)
	} else {
		w.line("weights", "%s in files", humanize.Bytes(uint64(f.Bytes())))
		for _, p := range precisions(f) {
			w.line("", "%s in %s as %s (%.3g bits each)", humanize.Bytes(uint64(p.Bytes)), english.Plural(p.Weights, "tensor", ""),
				p.Form, p.bits())
		}
	}
	for _, p := range packings {
		w.line("", "%s at %s", humanize.Bytes(info.PackedBytes(p.q)), p.name)
	}
}

// precision is what weights of one form add up to.
type precision struct {
	Form       string `json:"form"`
	Weights    int    `json:"tensors"`
	Parameters int64  `json:"parameters"`
	Bytes      int64  `json:"bytes"`
}

func (p precision) bits() float64 { return float64(8*p.Bytes) / float64(max(p.Parameters, 1)) }

// precisions are the forms of the weights, in the order in which they come.
func precisions(f *models.Files) []precision {
	var list []precision
	at := map[string]int{}
	for _, w := range f.Weights {
		n, ok := at[w.Form]
		if !ok {
			n = len(list)
			at[w.Form] = n
			list = append(list, precision{Form: w.Form})
		}
		size := int64(1)
		for _, d := range w.Shape {
			size *= int64(d)
		}
		p := &list[n]
		p.Weights, p.Parameters, p.Bytes = p.Weights+1, p.Parameters+size, p.Bytes+w.Bytes
	}
	return list
}

// limits tells the longest text and how far layers look back.
func limits(l models.Limits) string {
	var parts []string
	if l.MaxPositions > 0 {
		parts = append(parts, humanize.Comma(int64(l.MaxPositions))+" tokens")
	}
	var order []int
	layers := map[int]int{}
	for _, window := range l.Windows {
		if layers[window]++; layers[window] == 1 && window > 0 {
			order = append(order, window)
		}
	}
	for _, window := range order {
		parts = append(parts, fmt.Sprintf("%d of %d layers look back %s", layers[window], len(l.Windows), humanize.Comma(int64(window))))
	}
	return strings.Join(parts, "; ")
}

func tokenizerLine(t *tokenizer.Tokenizer) string {
	if t == nil {
		return "none"
	}
	names := specialNames(t)
	text := fmt.Sprintf("%s, %s tokens, %d special", t.Kind(), humanize.Comma(int64(t.Size())), len(names))
	const shown = 8
	if len(names) > shown {
		names = append(names[:shown:shown], "…")
	}
	if len(names) > 0 {
		text += ": " + visible(strings.Join(names, " "))
	}
	return text
}

// specialNames are the special tokens as the vocabulary writes them, by id.
func specialNames(t *tokenizer.Tokenizer) []string {
	names := []string{}
	for _, id := range t.SpecialTokens() {
		name, _ := t.Token(id)
		names = append(names, name)
	}
	return names
}

func listOr(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	return strings.Join(list, ", ")
}
