package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	"forge.lthn.ai/core/go-mlx/models/safetensors"
	"forge.lthn.ai/core/go-mlx/train"
	"forge.lthn.ai/core/go-mlx/train/report"
)

// trainFolder has rows that a tiny model can learn: the tokenizer knows a, b and ab.
func trainFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, rows := range map[string]int{"train": 16, "valid": 5, "test": 5} {
		var text strings.Builder
		for i := range rows {
			fmt.Fprintf(&text, "{\"text\": %q}\n", strings.Repeat("aab", 3+i%4)+"b")
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".jsonl"), []byte(text.String()), 0o600))
	}
	return dir
}

func trainArgs(t *testing.T, out string, more ...string) []string {
	t.Helper()
	return append([]string{"train", "--model", tinyFolder(t), "--data", trainFolder(t), "--adapter-path", out, "--num-layers=2", "--rank=4",
		"--learning-rate=0.01", "--steps-per-report=5", "--steps-per-eval=10", "--save-every=10"}, more...)
}

func history(t *testing.T, dir string) *report.History {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "metrics.jsonl"))
	require.NoError(t, err)
	defer f.Close()
	h, err := report.ReadHistory(f)
	require.NoError(t, err)
	return h
}

func adapterOf(t *testing.T, dir string) string {
	t.Helper()
	weights, err := os.ReadFile(filepath.Join(dir, "adapters.safetensors"))
	require.NoError(t, err)
	return string(weights)
}

// A run learns, tells so, and writes an adapter, curves and event files; one that was
// ended and taken up gives the same adapter.
func TestTrain(t *testing.T) {
	leaktest.Check(t)
	out := filepath.Join(t.TempDir(), "adapters")
	page, board := filepath.Join(t.TempDir(), "run.html"), filepath.Join(t.TempDir(), "board")
	o := call(t, "", trainArgs(t, out, "--iters=30", "--test", "--sample=ab", "--report", page, "--tensorboard", board)...)
	require.Equal(t, 0, o.code, o.err)
	require.Regexp(t, `^\S+/adapters: 30 iterations, loss \d+\.\d+, validation loss \d+\.\d+ -> \d+\.\d+\n\nbefore: ab\n`, o.out)
	require.Regexp(t, `\ntest loss \d+\.\d+, perplexity \d+\.\d+\n$`, o.out)
	require.Regexp(t, `train\.jsonl: 16 rows \(text\), 4 batches, \d+% padding`, o.err)
	require.Regexp(t, `\n30/30: loss \d`, o.err)
	require.Regexp(t, `\nTrainable parameters: \d\d?\.\d{3}% \(0\.\d{3}M/0\.\d{3}M\)\n`, o.err)
	h := history(t, out)
	require.Len(t, h.Steps, 6)
	require.Len(t, h.Begins, 1)
	require.EqualValues(t, numbersIn(t, out), h.Begins[0].Trained)
	require.Less(t, h.Steps[5].Loss, 0.8*h.Steps[0].Loss)
	require.Len(t, h.Evals, 4)
	require.Less(t, h.Evals[3].Loss, 0.8*h.Evals[0].Loss)
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(text), "<svg")
	require.Contains(t, string(text), "trainable parameters")
	events, err := filepath.Glob(filepath.Join(board, "*tfevents*"))
	require.NoError(t, err)
	require.Len(t, events, 1)

	again := filepath.Join(t.TempDir(), "again")
	args := trainArgs(t, again, "--sample=ab")
	require.Equal(t, 0, call(t, "", append(args, "--iters=20")...).code)
	requireSentence(t, quietly(call(t, "", append(args, "--iters=30")...)), exitFailed, "checkpoints of another run")
	requireSentence(t, quietly(call(t, "", append(args, "--iters=30", "--resume", "--learning-rate=0.02")...)), exitFailed, "the settings are not those of the checkpoint")
	o = call(t, "", append(args, "--iters=30", "--resume")...)
	require.Equal(t, 0, o.code, o.err)
	require.Equal(t, adapterOf(t, out), adapterOf(t, again))
	require.Len(t, history(t, again).Steps, 6)

	o = call(t, "", trainArgs(t, out, "--no-train", "--test", "-q")...)
	require.Equal(t, 0, o.code, o.err)
	require.Regexp(t, `^test loss \d\.\d+, perplexity`, o.out)
	further := filepath.Join(t.TempDir(), "further")
	o = call(t, "", trainArgs(t, further, "--resume-adapter-file", filepath.Join(out, "adapters.safetensors"), "--iters=5", "-q")...)
	require.Equal(t, 0, o.code, o.err)
	require.InDelta(t, h.Evals[3].Loss, history(t, further).Evals[0].Loss, 1e-4)
	require.Len(t, adapterOf(t, further), len(adapterOf(t, out)))
	require.Equal(t, 0, call(t, "", "generate", "--model", tinyFolder(t), "--adapter-path", out, "--raw", "-p", "aab", "--max-tokens=4").code)
}

// quietly is an outcome with the last line of its errors alone.
func quietly(o outcome) outcome {
	lines := strings.Split(strings.TrimSpace(o.err), "\n")
	o.err = lines[len(lines)-1] + "\n"
	return o
}

// Every method trains, packed rows and recomputed layers too.
func TestTrainMethods(t *testing.T) {
	leaktest.Check(t)
	for _, more := range [][]string{{"--fine-tune-type=dora", "--num-layers", "-1", "--val-batches", "-1"}, {"--fine-tune-type=full", "--optimizer=adamw", "--learning-rate=0.003"},
		{"--pack", "--max-seq-length=32", "--grad-accumulation-steps=2"}, {"--grad-checkpoint", "--clip=1", "--optimizer=lion", "--learning-rate=0.003"},
		{"--mlx-lm-batches", "--keys=self_attn.q_proj,mlp.up_proj"}} {
		out := filepath.Join(t.TempDir(), "adapters")
		o := call(t, "", trainArgs(t, out, append(more, "--iters=10", "-q")...)...)
		require.Equal(t, 0, o.code, "%v: %s", more, o.err)
		require.Empty(t, o.err)
		h := history(t, out)
		require.Less(t, h.Evals[1].Loss, h.Evals[0].Loss, more)
		o = call(t, "", trainArgs(t, out, "--no-train", "--test", "-q")...)
		require.Equal(t, 0, o.code, "%v: %s", more, o.err)
		require.Regexp(t, `^test loss \d`, o.out)
	}
}

// A run that only gets worse ends early, and says so.
func TestTrainGetsWorse(t *testing.T) {
	leaktest.Check(t)
	good, out := filepath.Join(t.TempDir(), "good"), filepath.Join(t.TempDir(), "adapters")
	require.Equal(t, 0, call(t, "", trainArgs(t, good, "--iters=30", "-q")...).code)
	o := call(t, "", trainArgs(t, out, "--resume-adapter-file", filepath.Join(good, "adapters.safetensors"), "--learning-rate=100",
		"--steps-per-eval=1", "--early-stop=2", "-q")...)
	require.Equal(t, 0, o.code, o.err)
	require.Regexp(t, `/adapters: 2 iterations, ended early, .*\nthe best validation was at the beginning: nothing that was trained is better\n$`, o.out)
}

// Ctrl-C saves a checkpoint, which --resume takes up.
func TestTrainInterrupted(t *testing.T) {
	out := filepath.Join(t.TempDir(), "adapters")
	args := trainArgs(t, out, "--save-every=1000000")
	cmd := program(t, append(args, "--iters=1000000")...)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines, text := bufio.NewScanner(stderr), ""
	for lines.Scan() {
		if text += lines.Text() + "\n"; strings.HasPrefix(lines.Text(), "15/") {
			require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		}
	}
	requireExit(t, cmd.Wait(), exitInterrupted)
	require.Contains(t, text, "is saved; the same command with --resume goes on\nmlx: interrupted\n")
	path, err := train.Latest(out)
	require.NoError(t, err)
	var iter int
	_, err = fmt.Sscanf(filepath.Base(path), "checkpoint-%d", &iter)
	require.NoError(t, err)
	o := call(t, "", append(args, "--resume", fmt.Sprintf("--iters=%d", iter+5))...)
	require.Equal(t, 0, o.code, o.err)
	require.Contains(t, o.out, fmt.Sprintf("adapters: %d iterations", iter+5))
}

// loraConfig is a file of mlx_lm.lora's, with all its names.
const loraConfig = `
model: %q
train: true
fine_tune_type: dora
training_mode: normal
optimizer: adamw
optimizer_config:
  adam: {}
  adamw:
    betas: [0.9, 0.98]
    eps: 1e-6
    weight_decay: 0.05
    bias_correction: true
data: %q
mask_prompt: false
seed: 3
num_layers: -1
batch_size: 3
iters: 7
val_batches: -1
learning_rate: 1e-5
report_to: null
project_name: null
steps_per_report: 3
steps_per_eval: 200
grad_accumulation_steps: 1
resume_adapter_file: null
adapter_path: %q
save_every: 100
test: false
test_batches: 100
max_seq_length: 64
grad_checkpoint: false
clear_cache_threshold: 0
trust_remote_code: false
lora_parameters:
  keys: [self_attn.q_proj, "self_attn.v_proj"]
  rank: 2
  scale: 10.0
  dropout: 0.0
lr_schedule:
  name: cosine_decay
  warmup: 2
  warmup_init: 1e-7
  arguments: [1e-3, 100, 1e-5]
`

func TestTrainConfig(t *testing.T) {
	leaktest.Check(t)
	out := filepath.Join(t.TempDir(), "adapters")
	config := filepath.Join(t.TempDir(), "lora.yaml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, loraConfig, tinyFolder(t), trainFolder(t), out), 0o600))
	o := call(t, "", "train", "-c", config, "--iters=6", "--rank=3")
	require.Equal(t, 0, o.code, o.err)
	require.Contains(t, o.out, "adapters: 6 iterations")
	h := history(t, out)
	require.Len(t, h.Steps, 2)
	require.InDelta(t, 1e-3, h.Steps[1].Rate, 1e-5) // near the end of the warm-up
	data, err := os.ReadFile(filepath.Join(out, "adapter_config.json"))
	require.NoError(t, err)
	var saved struct {
		Type string `json:"fine_tune_type"`
		LoRA struct {
			Keys  []string
			Rank  int
			Scale float64
		} `json:"lora_parameters"`
	}
	require.NoError(t, json.Unmarshal(data, &saved))
	require.Equal(t, "dora", saved.Type)
	require.Equal(t, 3, saved.LoRA.Rank)
	require.Equal(t, 10.0, saved.LoRA.Scale)
	require.ElementsMatch(t, []string{"self_attn.q_proj", "self_attn.v_proj"}, saved.LoRA.Keys)
}

func TestTrainWrongConfig(t *testing.T) {
	for want, text := range map[string]string{
		"unknown setting lora_layer, did you mean num_layers?":                      "lora_layer: 4",
		"unknown setting lora_parameters.ranks, did you mean lora_parameters.rank?": "lora_parameters: {ranks: 4}",
		"unknown setting learning_rat, did you mean learning_rate?":                 "learning_rat: 1e-4",
		"report_to is not supported: see --tensorboard and --report":                "report_to: wandb",
		"training_mode is not supported: only what mlx-lm calls normal is there":    "training_mode: dpo",
		"hf_dataset is not supported: see --data":                                   "hf_dataset: {name: billsum}",
		`--iters: expected a valid 64 bit int but got "2.5"`:                        "iters: 2.5",
		`--fine-tune-type must be one of "lora","dora","full" but got "qlora"`:      "fine_tune_type: qlora",
		"lora_parameters must have settings by name, not 4":                         "lora_parameters: 4",
		"lora.yaml: yaml: mapping values":                                           "a: b: c",
		"--lr-schedule: optim:":                                                     "lr_schedule: {name: sine_decay, arguments: [1]}",
		"--optimizer-config: optim: adam":                                           "optimizer_config: {adam: {momentum: 1}}",
		"--batch-size=0 is not 1 or more":                                           "batch_size: 0",
		"bool value must be true, 1, yes, false, 0 or no but got":                   "test: perhaps",
	} {
		config := filepath.Join(t.TempDir(), "lora.yaml")
		require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
		requireSentence(t, call(t, "", "train", "--model=smollm2", "--data=x", "-c", config), exitUsage, want)
	}
	requireSentence(t, call(t, "", "train", "--model=smollm2", "--data=x", "-c", "/no/such.yaml"), exitUsage, "/no/such.yaml")
}

// Bad data is an error before a folder is made.
func TestTrainBadData(t *testing.T) {
	leaktest.Check(t)
	out := filepath.Join(t.TempDir(), "adapters")
	args := trainArgs(t, out, "--iters=2")
	path := filepath.Join(args[4], "train.jsonl")
	require.NoError(t, os.WriteFile(path, []byte("{\"text\": \"aab\"}\n{\"text\"\n"), 0o600))
	requireSentence(t, call(t, "", args...), exitFailed, "data: "+path+": line 2: unexpected end of JSON input")
	requireSentence(t, quietly(call(t, "", append(args, "--skip-bad")...)), exitFailed, "1 of 1 rows are left to train on: too few for a batch of 4")
	requireSentence(t, call(t, "", append(args, "--mask-prompt")...), exitFailed, "the rows are texts, in which no prompt can be masked")
	require.NoError(t, os.Remove(path))
	requireSentence(t, call(t, "", args...), exitFailed, "no such file", path)
	require.NoDirExists(t, out)
}

// numbersIn counts those of an adapter.
func numbersIn(t *testing.T, dir string) (n int) {
	t.Helper()
	f, err := safetensors.Open(filepath.Join(dir, "adapters.safetensors"))
	require.NoError(t, err)
	defer f.Close()
	for _, tensor := range f.Tensors {
		size := 1
		for _, d := range tensor.Shape {
			size *= d
		}
		n += size
	}
	return n
}
