package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/train"
	"forge.lthn.ai/core/go-mlx/train/optim"
	"forge.lthn.ai/core/go-mlx/train/tune"
)

// trainCmd has the names and defaults of mlx_lm.lora.
type trainCmd struct {
	Config  kong.ConfigFlag `short:"c" placeholder:"FILE" help:"Take settings from a YAML file of mlx_lm.lora's names; flags override it."`
	Model   string          `required:"" short:"m" help:"A model folder, a .gguf file, org/name, or smollm2 for the small default model."`
	Train   bool            `default:"true" negatable:"" help:"Train; --no-train with --test only tests."`
	Adapter string          `name:"adapter-path" default:"adapters" type:"path" placeholder:"DIR" help:"Where checkpoints and, in the end, the adapter go."`
	Resume  bool            `help:"Go on with the newest checkpoint in --adapter-path."`
	From    string          `name:"resume-adapter-file" type:"path" placeholder:"FILE" help:"Begin with this adapter, of mlx-lm or PEFT: its file of weights, beside adapter_config.json, which says what is trained."`

	trainData   `group:"Data"`
	trainMethod `group:"Method"`
	trainLoop   `group:"Loop"`

	Distributed string `default:"auto" enum:"auto,none,any,ring,mpi,nccl,jaccl" placeholder:"BACKEND" help:"Train with the processes that mlx.launch or mpirun started beside this one: by ring, mpi, nccl, jaccl or any of them; auto is any where there are some, none trains alone."`
	Report      string `type:"path" placeholder:"FILE" help:"Write curves and samples: a page for .html, a picture for .svg and .png."`
	TensorBoard string `name:"tensorboard" type:"path" placeholder:"DIR" help:"Write TensorBoard's event files."`
	Quiet       bool   `short:"q" help:"Show no progress."`
}

// trainData says what is trained on.
type trainData struct {
	Data       string `required:"" type:"path" placeholder:"DIR" help:"A folder with train.jsonl and, if there is to be validation and a test, valid.jsonl and test.jsonl."`
	MaskPrompt bool   `xor:"mask" help:"Train on the completion, or the last message, alone."`
	Assistant  bool   `name:"assistant-only" xor:"mask" help:"Train on all that an assistant wrote."`
	BatchSize  int    `default:"4" help:"Rows of a batch."`
	MaxLength  int    `name:"max-seq-length" default:"2048" help:"Tokens of a row; what is behind them is cut off."`
	Pack       bool   `help:"Put several examples into a row, as many as fit."`
	SkipBad    bool   `help:"Leave malformed lines out and count them, instead of failing."`
	AsMLXLM    bool   `name:"mlx-lm-batches" help:"Make the batches that mlx-lm makes, to compare with it."`
	Prompt     string `name:"prompt-feature" default:"prompt" help:"Member of a row with the prompt."`
	Completion string `name:"completion-feature" default:"completion" help:"Member of a row with the completion."`
	Chat       string `name:"chat-feature" default:"messages" help:"Member of a row with the messages."`
	Text       string `name:"text-feature" default:"text" help:"Member of a row with the text."`
}

// trainMethod says what of the model is trained, and how.
type trainMethod struct {
	Type      string    `name:"fine-tune-type" enum:"lora,dora,full" default:"lora" help:"lora, dora or full."`
	Layers    int       `name:"num-layers" default:"16" help:"Train so many of the last layers; -1 is all."`
	Rank      int       `default:"8" help:"Rank of the adapters."`
	Scale     float64   `default:"20" help:"What their products are multiplied by."`
	Dropout   float64   `default:"0" help:"Share of a layer's input that its adapter does not see."`
	Keys      []string  `placeholder:"NAME" help:"Train the layers of these names only: self_attn.q_proj,self_attn.v_proj."`
	Optimizer string    `enum:"adam,adamw,adafactor,lion,muon,sgd" default:"adam" help:"adam, adamw, adafactor, lion, muon or sgd."`
	OptConfig yamlBlock `name:"optimizer-config" placeholder:"YAML" help:"Settings by optimizer: '{adamw: {weight_decay: 0.1}}'."`
	Rate      float64   `name:"learning-rate" default:"1e-5" help:"Learning rate."`
	Schedule  yamlBlock `name:"lr-schedule" placeholder:"YAML" help:"Its schedule: '{name: cosine_decay, arguments: [1e-5, 1000], warmup: 100}'."`
	Clip      float64   `default:"0" help:"Scale gradients down to this norm; 0 does not."`
	Recompute bool      `name:"grad-checkpoint" help:"Compute the layers again for their gradients: less memory, more time."`
	Seed      uint32    `default:"0" help:"Seed of the order, of the adapters and of dropout."`
}

// trainLoop says how long, and what is done on the way.
type trainLoop struct {
	Iters       int      `default:"1000" help:"Batches to train on."`
	Accumulate  int      `name:"grad-accumulation-steps" default:"1" help:"Batches of an update."`
	ReportEvery int      `name:"steps-per-report" default:"10" help:"Iterations between reports."`
	EvalEvery   int      `name:"steps-per-eval" default:"200" help:"Iterations between validations."`
	ValBatches  int      `default:"25" help:"Batches of a validation; -1 is all."`
	SaveEvery   int      `default:"100" help:"Iterations between checkpoints."`
	EarlyStop   int      `placeholder:"N" help:"End when so many validations after the best were no better."`
	Test        bool     `help:"Tell the loss on test.jsonl in the end."`
	TestBatches int      `default:"500" help:"Batches of the test; -1 is all."`
	Samples     []string `name:"sample" sep:"none" placeholder:"PROMPT" help:"Show what the model answers before and after."`
}

// Help is shown by --help.
func (*trainCmd) Help() string {
	return `Rows are {"text": …}, {"prompt": …, "completion": …} or {"messages": […], "tools": […]}, a line each. The folder written is one that
mlx-lm loads, and mlx generate --adapter-path. Ctrl-C saves a checkpoint, with which --resume goes on as if nothing had been.` + "\n\n" + examples(
		`mlx train --model smollm2 --data ./data --iters 4 --batch-size 2 --num-layers 2 --adapter-path ./first`,
		`mlx train --model smollm2 --data ./data --config lora.yaml --adapter-path ./second --report report.html`,
		`mlx train --model ./Qwen3-0.6B --data ./data --fine-tune-type dora --assistant-only --pack   # needs a downloaded model`,
		`mlx train --model ./Qwen3-0.6B --data ./data --adapter-path ./first --resume                 # needs a downloaded model`)
}

// Validate refuses flags that make no sense, before a model is loaded.
func (c *trainCmd) Validate() error {
	if exts := []string{".html", ".svg", ".png"}; c.Report != "" && !slices.Contains(exts, filepath.Ext(c.Report)) {
		return fmt.Errorf("--report=%s is none of %s", c.Report, strings.Join(exts, ", "))
	}
	for _, n := range []struct {
		flag     string
		n, least int
	}{
		{"batch-size", c.BatchSize, 1}, {"max-seq-length", c.MaxLength, 2}, {"rank", c.Rank, 1}, {"iters", c.Iters, 1},
		{"grad-accumulation-steps", c.Accumulate, 1}, {"steps-per-report", c.ReportEvery, 1}, {"steps-per-eval", c.EvalEvery, 1},
		{"val-batches", c.ValBatches, -1}, {"save-every", c.SaveEvery, 1}, {"early-stop", c.EarlyStop, 0}, {"test-batches", c.TestBatches, -1},
		{"num-layers", c.Layers, -1},
	} {
		if n.n < n.least {
			return fmt.Errorf("--%s=%d is not %d or more", n.flag, n.n, n.least)
		}
	}
	switch {
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("--dropout=%v is not 0 or more and below 1", c.Dropout)
	case !(c.Clip >= 0):
		return fmt.Errorf("--clip=%v is negative", c.Clip)
	case !c.Train && !c.Test:
		return errors.New("nothing to do: neither to train nor to --test")
	case c.Resume && c.From != "":
		return errors.New("--resume goes on with a run, --resume-adapter-file begins one: give one of them")
	}
	_, err := c.options()
	return err
}

// options are those of the run that need no model.
func (c *trainCmd) options() ([]train.Option, error) {
	schedule := optim.Constant(c.Rate)
	if c.Schedule != nil {
		var err error
		if schedule, err = optim.ParseSchedule(c.Schedule); err != nil {
			return nil, fmt.Errorf("--lr-schedule: %w", err)
		}
	}
	settings, err := c.optimizerSettings()
	if err != nil {
		return nil, err
	}
	optimizer, err := optim.Parse(c.Optimizer, settings)
	if err != nil {
		return nil, fmt.Errorf("--optimizer-config: %w", err)
	}
	opts := []train.Option{
		train.WithOptimizer(optimizer), train.WithSchedule(schedule), train.WithIters(c.Iters), train.WithAccumulation(c.Accumulate),
		train.WithClip(c.Clip), train.WithSeed(uint64(c.Seed)), train.WithReportEvery(c.ReportEvery), train.WithSaveEvery(c.SaveEvery),
		train.WithEvalEvery(c.EvalEvery), train.WithSamples(64, c.Samples...),
	}
	if c.Recompute {
		opts = append(opts, train.WithRecompute())
	}
	return opts, nil
}

// optimizerSettings are those of the optimizer that was chosen.
func (c *trainCmd) optimizerSettings() (map[string]any, error) {
	for name, block := range c.OptConfig {
		if _, ok := block.(map[string]any); !ok && block != nil {
			return nil, fmt.Errorf("--optimizer-config: %s must have settings by name, not %v", name, block)
		}
	}
	settings, _ := c.OptConfig[c.Optimizer].(map[string]any)
	return settings, nil
}

// load loads the model and makes of it what is trained.
func (c *trainCmd) load(con *console) (*models.Model, error) {
	path, err := modelPath(con, c.Model)
	if err != nil {
		return nil, err
	}
	adapter, full := c.adapter(), c.Type == string(tune.Full)
	if adapter != "" {
		a, err := models.OpenAdapter(adapter)
		if err != nil {
			return nil, err
		}
		full = len(a.Whole) > 0 // it says what is trained
		if err := a.Close(); err != nil {
			return nil, err
		}
	}
	var opts []models.Option
	if full {
		opts = append(opts, models.WithWeights(models.Dense), models.WithTraining())
	}
	m, err := loadModel(con, path, opts...)
	if err != nil {
		return nil, err
	}
	if adapter != "" {
		err = tune.Load(con.ctx, m, adapter)
	} else {
		err = tune.Apply(con.ctx, m, tune.Config{Method: tune.Method(c.Type), Layers: c.Layers, Keys: c.Keys, Rank: c.Rank, Scale: c.Scale,
			Dropout: c.Dropout, Seed: uint64(c.Seed)})
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// adapter is the one to begin with, or to test; "" is none.
func (c *trainCmd) adapter() string {
	switch {
	case c.From != "":
		return c.From
	case !c.Train && c.Adapter != "":
		return c.Adapter
	}
	return ""
}
