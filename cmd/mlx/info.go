package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
)

type infoCmd struct {
	Model   string `short:"m" placeholder:"MODEL" xor:"what" required:"" help:"A model folder, a .gguf file, or smollm2 for the small default model; of the weights only headers are read."`
	Config  string `type:"path" placeholder:"FILE" xor:"what" required:"" help:"A config.json, or a folder that holds one; no weights are needed."`
	Context int    `default:"8192" help:"Tokens for which the cache's memory is told."`
	Tensors bool   `help:"List every parameter with its shape and, with --model, its precision."`
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

// Validate refuses a context that nobody has.
func (i *infoCmd) Validate() error {
	if i.Context < 0 {
		return fmt.Errorf("--context=%d is negative", i.Context)
	}
	return nil
}

// Run prints what a model's files, or its configuration alone, say of it.
func (i *infoCmd) Run(c *console) error {
	info, err := i.read(c)
	if err != nil {
		return err
	}
	if i.JSON {
		return json.NewEncoder(c.out).Encode(i.document(info))
	}
	return i.print(c.out, info)
}

func (i *infoCmd) read(c *console) (*models.Info, error) {
	if i.Model != "" {
		path, err := modelPath(c, i.Model)
		if err != nil {
			return nil, err
		}
		return models.Inspect(c.ctx, path)
	}
	path, config, err := readConfig(i.Config)
	if err != nil {
		return nil, err
	}
	info, err := models.Describe(c.ctx, config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return info, nil
}

// readConfig reads a config.json, or that of a folder, and tells its path.
func readConfig(path string) (string, []byte, error) {
	if stat, err := os.Stat(path); err == nil && stat.IsDir() {
		path = filepath.Join(path, "config.json")
	}
	config, err := os.ReadFile(path)
	return path, config, err
}

// layerTensors is a tensor that many layers have.
type layerTensors struct {
	name  string
	shape []int
	form  string // empty where no file says it
}

var layerNumber = regexp.MustCompile(`\.(\d+)\.`)

// collapse joins the tensors of layers that are alike: model.layers.{0-27}.mlp.
func collapse(list []layerTensors) []layerTensors {
	type group struct {
		layerTensors
		pattern     string
		first, last int
		count       int
	}
	var order []*group
	seen := map[string]*group{}
	for _, t := range list {
		pattern, number := t.name, 0
		if m := layerNumber.FindStringSubmatchIndex(t.name); m != nil {
			number, _ = strconv.Atoi(t.name[m[2]:m[3]])
			pattern = t.name[:m[2]] + "*" + t.name[m[3]:]
		}
		key := fmt.Sprint(pattern, t.shape, t.form)
		g, ok := seen[key]
		if !ok {
			g = &group{t, pattern, number, number, 0}
			seen[key] = g
			order = append(order, g)
		}
		g.first, g.last = min(g.first, number), max(g.last, number)
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
