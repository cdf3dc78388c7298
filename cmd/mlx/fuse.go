package main

import (
	"errors"
	"path/filepath"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/convert"
)

// fuseCmd has the names of mlx_lm.fuse.
type fuseCmd struct {
	Model      string `required:"" short:"m" placeholder:"MODEL" help:"The model that was adapted: a model folder, a .gguf file, org/name, or smollm2."`
	Adapter    string `name:"adapter-path" default:"adapters" type:"existingdir" placeholder:"DIR" help:"The adapter, of mlx-lm or PEFT."`
	Out        string `name:"save-path" aliases:"out" default:"fused_model" type:"path" placeholder:"DIR" help:"The folder to write, which is new or empty."`
	Dequantize bool   `short:"d" aliases:"de-quantize" help:"Unpack the weights; without it those that are packed are packed again in the same way."`
	ExportGGUF bool   `name:"export-gguf" help:"Write a GGUF file too."`
	GGUFPath   string `name:"gguf-path" default:"ggml-model-f16.gguf" placeholder:"FILE" help:"Its name, in the folder unless it says where."`
	Outtype    string `default:"f16" enum:"auto,f32,f16,bf16,q8_0,q4_1,q4_0" placeholder:"TYPE" help:"Its type: f32, f16, bf16, q8_0, q4_1 or q4_0; auto is the float that the model computes in."`
	BaseModel  string `placeholder:"NAME" help:"The model's name, for the model card."`
	writing
}

// Help is shown by --help.
func (*fuseCmd) Help() string {
	return "The folder has the tensors that mlx_lm.fuse writes. Memory is that of one weight.\n\n" + examples(
		`mlx fuse --model ./Qwen3-8B --adapter-path ./adapters --save-path ./fused                # needs a downloaded model`,
		`mlx fuse --model ./Qwen3-8B-4bit --adapter-path ./adapters --save-path ./bf16 --dequantize  # needs a downloaded model`,
		`mlx fuse --model smollm2 --adapter-path ./first --save-path ./fused-first --export-gguf --outtype q8_0 --gguf-path fused.gguf`)
}

// Validate refuses flags that do not go together.
func (f *fuseCmd) Validate() error {
	if !strings.EqualFold(filepath.Ext(f.GGUFPath), ".gguf") {
		return errors.New("--gguf-path must end in .gguf")
	}
	if !f.ExportGGUF && (f.Outtype != "f16" || f.GGUFPath != "ggml-model-f16.gguf") {
		return errors.New("--gguf-path and --outtype go with --export-gguf")
	}
	return nil
}

// Run merges an adapter into a folder.
func (f *fuseCmd) Run(con *console) error {
	from, err := modelPath(con, f.Model)
	if err != nil {
		return err
	}
	opts := append([]convert.Option{convert.BaseModel(f.BaseModel)}, f.progress(con)...)
	merged := append(opts[:len(opts):len(opts)], convert.Adapter(f.Adapter))
	if f.Dequantize {
		merged = append(merged, convert.Dequantize())
	}
	r, err := convert.Folder(con.ctx, from, f.Out, merged...)
	if err != nil {
		return err
	}
	if err := f.tell(con, f.Out, r); err != nil || !f.ExportGGUF {
		return err
	}
	to := f.GGUFPath
	if !filepath.IsAbs(to) {
		to = filepath.Join(f.Out, to)
	}
	if r, err = convert.GGUF(con.ctx, f.Out, to, outtypes[f.Outtype], opts...); err != nil {
		return err
	}
	return f.tell(con, to, r)
}
