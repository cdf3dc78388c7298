package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/models/convert"
	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/models/hub"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

type convertCmd struct {
	Model      string   `required:"" short:"m" aliases:"hf-path" placeholder:"PATH" help:"The folder to convert, as Hugging Face has it, a .gguf file, a name of the Hub (org/name), or smollm2."`
	Out        string   `default:"mlx_model" aliases:"mlx-path,outfile" type:"path" placeholder:"PATH" help:"The folder to write, which is new or empty, or a .gguf file."`
	Outtype    string   `default:"auto" enum:"auto,f32,f16,bf16,q8_0,q4_1,q4_0" placeholder:"TYPE" help:"The type of a .gguf file: f32, f16, bf16, q8_0, q4_1 or q4_0; auto is the float that the model computes in."`
	Quantize   bool     `short:"q" help:"Pack the weights."`
	QBits      int      `name:"q-bits" help:"Bits of a weight: 2, 3, 4, 5, 6 or 8."`
	QGroupSize int      `name:"q-group-size" help:"Weights that share a scale: 32, 64 or 128."`
	QMode      string   `name:"q-mode" default:"affine" enum:"affine,mxfp4,mxfp8,nvfp4" help:"affine, mxfp4, mxfp8 or nvfp4."`
	Predicate  string   `name:"quant-predicate" placeholder:"RECIPE" help:"Mix widths: mixed_2_6, mixed_3_4, mixed_3_6 or mixed_4_6."`
	Layer      []string `sep:"none" placeholder:"REGEXP=SETTINGS" help:"Pack the layers of these names otherwise: 'down_proj=bits=8,group_size=32', 'lm_head=mode=mxfp8', 'router=dense'. The first that matches counts."`
	Dtype      string   `default:"" enum:",float16,bfloat16,float32" placeholder:"TYPE" help:"Store numbers that are not packed as float16, bfloat16 or float32; without it as config.json's torch_dtype says."`
	Dequantize bool     `short:"d" help:"Unpack the weights."`
	Report     string   `type:"path" placeholder:"FILE" help:"Write how far each weight is from its source: a table for .md, a list for .json, a picture for .svg and .png."`
	BaseModel  string   `placeholder:"NAME" help:"The model's name, for the model card."`
	writing
}

// Help is shown by --help.
func (*convertCmd) Help() string {
	return "The folder is the one that mlx_lm.convert writes, and holds the same bytes. An --out that ends in .gguf is a file for llama.cpp. Memory is that of one weight.\n\n" + examples(
		`mlx convert --model ./Qwen3-8B --out ./Qwen3-8B-4bit -q                                  # needs a downloaded model`,
		`mlx convert --model Qwen/Qwen3-8B --out ./Qwen3-8B-4bit -q --json                        # needs a network`,
		`mlx convert --model ./Qwen3-8B --out ./mixed -q --quant-predicate mixed_4_6              # needs a downloaded model`,
		`mlx convert --model ./Qwen3-8B --out ./3bit -q --q-bits 3 --layer 'down_proj=bits=6' --report errors.md  # needs a downloaded model`,
		`mlx convert --model ./Qwen3-8B-4bit --out ./bf16 --dequantize --dtype bfloat16           # needs a downloaded model`,
		`mlx convert --model ./Qwen3-8B --out ./Qwen3-8B-Q8_0.gguf --outtype q8_0                 # needs a downloaded model`,
		`mlx convert --model ./Qwen3-8B-Q4_K_M.gguf --out ./Qwen3-8B-Q4_K_M                       # needs a downloaded model`)
}

// Validate refuses flags that do not go together.
func (c *convertCmd) Validate() error {
	if exts := []string{".md", ".json", ".svg", ".png"}; c.Report != "" && !slices.Contains(exts, filepath.Ext(c.Report)) {
		return fmt.Errorf("--report=%s is none of %s", c.Report, strings.Join(exts, ", "))
	}
	_, known := fetch.FindModel(c.Model)
	if _, err := os.Stat(c.Model); c.Model != "" && err != nil && !known && !hub.IsRef(c.Model) {
		return fmt.Errorf("--model: %w", err)
	}
	switch {
	case !c.toGGUF() && c.Outtype != "auto":
		return fmt.Errorf("--outtype goes with an --out that ends in .gguf")
	case c.toGGUF() && (c.Quantize || c.Dequantize || c.Dtype != ""):
		return errors.New("--quantize, --dequantize and --dtype are for folders; --outtype is what a .gguf file has")
	}
	_, err := c.options()
	return err
}

// toGGUF tells a file that is to be written from a folder.
func (c *convertCmd) toGGUF() bool { return strings.EqualFold(filepath.Ext(c.Out), ".gguf") }

// outtypes are the types of GGUF files by the names of llama.cpp's converter.
var outtypes = map[string]gguf.Type{
	"auto": convert.GGUFAuto, "f32": gguf.TypeF32, "f16": gguf.TypeF16, "bf16": gguf.TypeBF16,
	"q8_0": gguf.TypeQ8_0, "q4_1": gguf.TypeQ4_1, "q4_0": gguf.TypeQ4_0,
}

// Run converts a folder or a file.
func (c *convertCmd) Run(con *console) error {
	opts, err := c.options()
	if err != nil {
		return err
	}
	from, err := modelPath(con.silent(c.Quiet), c.Model)
	if err != nil {
		return err
	}
	if from != c.Model && hub.IsRef(c.Model) && c.BaseModel == "" && !c.toGGUF() {
		ref, _ := hub.ParseRef(c.Model)
		opts = append(opts, convert.BaseModel(ref.Repo))
	}
	opts = append(opts, c.progress(con)...)
	var r *convert.Result
	if c.toGGUF() {
		r, err = convert.GGUF(con.ctx, from, c.Out, outtypes[c.Outtype], opts...)
	} else {
		r, err = convert.Folder(con.ctx, from, c.Out, opts...)
	}
	if err != nil {
		return err
	}
	if err := c.report(con, from); err != nil {
		return err
	}
	return c.tell(con, c.Out, r)
}

// report compares what was written with its source.
func (c *convertCmd) report(con *console, from string) error {
	if c.Report == "" {
		return nil
	}
	list, err := convert.Compare(con.ctx, from, c.Out)
	if err != nil {
		return err
	}
	ext := filepath.Ext(c.Report)
	write := func(w io.Writer) error { return list.WritePicture(w, ext[1:]) }
	switch ext {
	case ".md":
		write = list.WriteMarkdown
	case ".json":
		write = list.WriteJSON
	}
	return atomicfile.Write(c.Report, write)
}

func (c *convertCmd) options() ([]convert.Option, error) {
	opts := []convert.Option{convert.BaseModel(c.BaseModel)}
	switch {
	case c.Quantize:
		opts = append(opts, convert.Quantize(nn.Quantisation{Bits: c.QBits, GroupSize: c.QGroupSize, Mode: c.QMode}))
	case c.QBits != 0 || c.QGroupSize != 0 || c.QMode != "affine":
		return nil, errors.New("--q-bits, --q-group-size and --q-mode go with --quantize")
	}
	if c.Predicate != "" {
		opts = append(opts, convert.Recipe(c.Predicate))
	}
	if c.Dequantize {
		opts = append(opts, convert.Dequantize())
	}
	for _, text := range c.Layer {
		o, err := layerOption(text)
		if err != nil {
			return nil, fmt.Errorf("--layer %s: %w", text, err)
		}
		opts = append(opts, o)
	}
	for _, d := range []mlx.Dtype{mlx.Float16, mlx.BFloat16, mlx.Float32} {
		if d.String() == c.Dtype {
			opts = append(opts, convert.Dtype(d))
		}
	}
	return opts, nil
}

// layerSettings takes a pattern, which may hold equals signs, from its settings.
var layerSettings = regexp.MustCompile(`^(.+?)=(dense|(?:(?:bits|group_size|mode)=\w+,?)+)$`)

// layerOption reads REGEXP=SETTINGS.
func layerOption(text string) (convert.Option, error) {
	m := layerSettings.FindStringSubmatch(text)
	if m == nil {
		return nil, errors.New("want REGEXP=bits=N,group_size=N,mode=NAME or REGEXP=dense")
	}
	pattern, err := regexp.Compile(m[1])
	if err != nil {
		return nil, err
	}
	var q nn.Quantisation
	if m[2] == "dense" {
		return convert.Layer(pattern, q), nil
	}
	q.Mode = "affine"
	for setting := range strings.SplitSeq(strings.TrimSuffix(m[2], ","), ",") {
		key, value, _ := strings.Cut(setting, "=")
		if key == "mode" {
			q.Mode = value
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is no number", key, value)
		}
		*map[string]*int{"bits": &q.Bits, "group_size": &q.GroupSize}[key] = n
	}
	return convert.Layer(pattern, q), nil
}
