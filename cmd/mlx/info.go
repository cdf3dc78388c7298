package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
)

type infoCmd struct {
	Config  string `required:"" type:"path" placeholder:"FILE" help:"A config.json, or a folder that holds one; no weights are needed."`
	Context int    `default:"8192" help:"Tokens for which the cache's memory is told."`
	Tensors bool   `help:"List every parameter with its shape."`
	JSON    bool   `help:"Print one line of JSON, tensors included."`
}

// packings are the forms whose memory is told beside the configuration's own.
var packings = []struct {
	name string
	q    nn.Quantisation
}{
	{"8-bit", nn.Quantisation{GroupSize: 64, Bits: 8, Mode: "affine"}},
	{"4-bit", nn.Quantisation{GroupSize: 64, Bits: 4, Mode: "affine"}},
	{"mxfp4", nn.Quantisation{GroupSize: 32, Bits: 4, Mode: "mxfp4"}},
}

// Run prints what a configuration says of its model.
func (i *infoCmd) Run(c *console) error {
	path := i.Config
	if stat, err := os.Stat(path); err == nil && stat.IsDir() {
		path += "/config.json"
	}
	config, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := models.Describe(c.ctx, config)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if i.JSON {
		return json.NewEncoder(c.out).Encode(i.document(info))
	}
	i.print(c.out, info)
	return nil
}

// infoJSON is what --json prints; sizes are bytes.
type infoJSON struct {
	ModelType  string            `json:"model_type"`
	Dtype      string            `json:"dtype"`
	Layers     int               `json:"layers"`
	Vocab      int               `json:"vocab_size"`
	Parameters int64             `json:"parameters"`
	Weights    map[string]uint64 `json:"weight_bytes"`
	Context    int               `json:"context"`
	Cache      uint64            `json:"cache_bytes"`
	Tensors    []tensorJSON      `json:"tensors"`
}

type tensorJSON struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
}

func (i *infoCmd) document(info *models.Info) infoJSON {
	d := infoJSON{
		ModelType: info.ModelType, Dtype: info.Dtype.String(), Layers: info.Layers, Vocab: info.Vocab, Parameters: info.Parameters(),
		Weights: map[string]uint64{"stored": info.WeightBytes()}, Context: i.Context, Cache: info.CacheBytes(i.Context),
	}
	for _, p := range packings {
		d.Weights[p.name] = info.PackedBytes(p.q)
	}
	for _, t := range info.Tensors {
		d.Tensors = append(d.Tensors, tensorJSON{t.Name, t.Shape})
	}
	return d
}

func (i *infoCmd) print(out io.Writer, info *models.Info) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	line := func(label, format string, args ...any) { fmt.Fprintf(w, label+"\t"+format+"\n", args...) }
	line("model", "%s, %d layers, vocabulary of %d", info.ModelType, info.Layers, info.Vocab)
	line("parameters", "%s (%s)", humanize.Comma(info.Parameters()), short(info.Parameters()))
	line("weights", "%s as stored (%v)", humanize.Bytes(info.WeightBytes()), info.Dtype)
	for _, p := range packings {
		line("", "%s at %s", humanize.Bytes(info.PackedBytes(p.q)), p.name)
	}
	line("cache", "%s for %s tokens", humanize.Bytes(info.CacheBytes(i.Context)), humanize.Comma(int64(i.Context)))
	if i.Tensors {
		w.Flush() // a table of its own
		for _, t := range collapse(info.Tensors) {
			line(t.name, "%v", t.shape)
		}
	}
}

// layerTensors is a tensor that many layers have.
type layerTensors struct {
	name  string
	shape []int
}

var layerNumber = regexp.MustCompile(`\.(\d+)\.`)

// collapse joins the tensors of layers that are alike: model.layers.{0-27}.mlp.
func collapse(list []nn.Shape) []layerTensors {
	type group struct {
		layerTensors
		pattern     string
		first, last int
		count       int
	}
	var order []*group
	seen := map[string]*group{}
	for _, t := range list {
		pattern, number := t.Name, 0
		if m := layerNumber.FindStringSubmatchIndex(t.Name); m != nil {
			number, _ = strconv.Atoi(t.Name[m[2]:m[3]])
			pattern = t.Name[:m[2]] + "*" + t.Name[m[3]:]
		}
		key := fmt.Sprint(pattern, t.Shape)
		g, ok := seen[key]
		if !ok {
			g = &group{layerTensors{t.Name, t.Shape}, pattern, number, number, 0}
			seen[key] = g
			order = append(order, g)
		}
		g.last = number
		g.count++
	}
	out := make([]layerTensors, len(order))
	for i, g := range order {
		out[i] = g.layerTensors
		layers := fmt.Sprintf("{%d-%d}", g.first, g.last)
		if g.count != g.last-g.first+1 {
			layers = fmt.Sprintf("{%d of %d-%d}", g.count, g.first, g.last)
		}
		if g.count > 1 {
			out[i].name = strings.Replace(g.pattern, "*", layers, 1)
		}
	}
	return out
}

// short writes 1.24 B for billions, as model cards do.
func short(n int64) string {
	v, unit := humanize.ComputeSI(float64(n))
	return fmt.Sprintf("%.3g %s", v, strings.Replace(strings.ToUpper(unit), "G", "B", 1))
}
