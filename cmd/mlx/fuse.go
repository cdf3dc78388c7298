package main

import "forge.lthn.ai/core/go-mlx/models/convert"

type fuseCmd struct {
	Model      string `required:"" short:"m" type:"existingdir" placeholder:"DIR" help:"The folder of the model that was adapted, as Hugging Face has it."`
	Adapter    string `name:"adapter-path" default:"adapters" type:"existingdir" placeholder:"DIR" help:"The adapter, of mlx-lm or PEFT."`
	Out        string `name:"save-path" aliases:"out" default:"fused_model" type:"path" placeholder:"DIR" help:"The folder to write, which is new or empty."`
	Dequantize bool   `short:"d" aliases:"de-quantize" help:"Unpack the weights; without it those that are packed are packed again in the same way."`
	BaseModel  string `placeholder:"NAME" help:"The model's name, for the model card."`
	writing
}

// Help is shown by --help.
func (*fuseCmd) Help() string {
	return "The folder has the tensors that mlx_lm.fuse writes. Memory is that of one weight.\n\n" + examples(
		`mlx fuse --model ./Qwen3-8B --adapter-path ./adapters --save-path ./fused                # needs a downloaded model`,
		`mlx fuse --model ./Qwen3-8B-4bit --adapter-path ./adapters --save-path ./bf16 --dequantize  # needs a downloaded model`)
}

// Run merges an adapter into a folder.
func (f *fuseCmd) Run(con *console) error {
	opts := []convert.Option{convert.BaseModel(f.BaseModel), convert.Adapter(f.Adapter)}
	if f.Dequantize {
		opts = append(opts, convert.Dequantize())
	}
	r, err := convert.Folder(con.ctx, f.Model, f.Out, append(opts, f.progress(con)...)...)
	if err != nil {
		return err
	}
	return f.tell(con, f.Out, r)
}
