package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/native"
)

// newModelScript goes before the others.
//
//go:embed newmodel.py
var newModelScript string

//go:embed peer.py
var peerScript string

// setting is one way in which a peer runs the model.
type setting struct {
	of      string // the side
	folder  string // of the converted model, for mlx-lm
	weights string // the form of the weights, for go-mlx
	label   string
	threads int // 0 leaves it to the side
	rows    int // prompts at once; 0 is one
}

// settings are those that a user of mlx-lm has; the last two are the best a CPU
// can get out of it.
var settings = []setting{
	{of: mlxLM, folder: "f16", label: "mlx-lm, 4-bit with f16 scales, as converted"},
	{of: mlxLM, folder: "q4-f32", label: "mlx-lm, 4-bit with f32 scales"},
	{of: mlxLM, folder: "f32", label: "mlx-lm, dense f32"},
}

// hello is what a peer says of itself once its model is loaded.
type hello struct {
	Python string `json:"python"`
	MLX    string `json:"mlx"`
	MLXLM  string `json:"mlx-lm"`
	Device string `json:"device"`
	Llama  string `json:"llama-cpp-python"`
	Form   string `json:"form"` // of go-mlx's weights
}

// request and answer are one run of a peer; times are in seconds, memory in bytes.
type request struct {
	Prompt []int32   `json:"prompt"`
	Beside [][]int32 `json:"beside,omitempty"` // prompts of the same length to run at once with it
	Tokens int       `json:"tokens"`
	Builds int       `json:"builds"`
}

type answer struct {
	Tokens  []int32   `json:"tokens"`
	Beside  [][]int32 `json:"beside"` // the tokens of the prompts beside
	PromptS float64   `json:"prompt_s"`
	DecodeS float64   `json:"decode_s"`
	BuildS  []float64 `json:"build_s"`
	Arrays  uint64    `json:"arrays"` // what MLX's arrays took at most
	Cache   uint64    `json:"cache"`  // what keys and values took of it
}

// check is an error where the answer is not all that was asked for.
func (a answer) check(r request) error {
	if len(a.Tokens) != r.Tokens || len(a.BuildS) != r.Builds {
		return fmt.Errorf("asked for %d tokens and %d builds, got %d and %d", r.Tokens, r.Builds, len(a.Tokens), len(a.BuildS))
	}
	if len(a.Beside) != len(r.Beside) {
		return fmt.Errorf("asked for %d prompts at once, got %d", 1+len(r.Beside), 1+len(a.Beside))
	}
	for i, tokens := range a.Beside {
		if len(tokens) != r.Tokens {
			return fmt.Errorf("asked for %d tokens of each prompt, got %d of prompt %d", r.Tokens, len(tokens), i+2)
		}
	}
	return nil
}

// peer is a Python process that keeps its model loaded between runs.
type peer struct {
	setting
	hello
	ctx context.Context
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
	err *bytes.Buffer // what it says on standard error; read once it has ended
}

// startPeer starts mlx-lm and waits until its model is loaded.
func startPeer(ctx context.Context, python, models string, s setting, log io.Writer) (*peer, error) {
	return startScript(ctx, python, peerScript, s, log, filepath.Join(models, s.folder))
}

// asked is whether whoever started this process set what train.LimitAhead sets.
var _, asked = os.LookupEnv("MLX_MAX_MB_PER_BUFFER")

// inherited is the environment without what this process set for itself.
func inherited() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return !asked && strings.HasPrefix(v, "MLX_MAX_MB_PER_BUFFER=")
	})
}

// startScript starts a script with arguments, of which the first is a model.
func startScript(ctx context.Context, python, script string, s setting, log io.Writer, args ...string) (*peer, error) {
	fmt.Fprintf(log, "loading the model into %s\n", s.label)
	cmd := fetch.Command(ctx, python, append([]string{"-c", newModelScript + script}, args...)...)
	cmd.Env = append(inherited(), "HF_HUB_OFFLINE=1", "PYTHONNOUSERSITE=1")
	p, err := start(ctx, cmd, s)
	if err != nil {
		return nil, err
	}
	if p.MLX != native.MLXVersion || p.MLXLM != mlxLMVersion {
		err := fmt.Errorf("bench: the Python environment has mlx %s and mlx-lm %s, want %s and %s",
			p.MLX, p.MLXLM, native.MLXVersion, mlxLMVersion)
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func start(ctx context.Context, cmd *exec.Cmd, s setting) (*peer, error) {
	p := &peer{setting: s, ctx: ctx, cmd: cmd, err: &bytes.Buffer{}}
	cmd.Stderr = p.err
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", s.label, err)
	}
	p.out = json.NewDecoder(out)
	if err := p.out.Decode(&p.hello); err != nil {
		return nil, p.failed(err)
	}
	return p, nil
}

func (p *peer) name() string { return p.label }
func (p *peer) side() string { return p.of }

// run implements contender.
func (p *peer) run(_ context.Context, w workload) (sample, error) {
	s := sample{promptTokens: w.prompt, rows: p.rows}
	if p.of == llamaCpp || p.rows > 1 {
		w.builds = 0 // llama.cpp builds inside of a step
	}
	r, a := request{w.sequence(w.prompt), w.others(p.rows), w.tokens, w.builds}, answer{}
	if err := p.ask(r, &a); err != nil {
		return s, err
	}
	if err := a.check(r); err != nil {
		return s, err
	}
	s.tokens, s.promptTime, s.decodeTime = a.Tokens, seconds(a.PromptS), seconds(a.DecodeS)
	for _, b := range a.BuildS {
		s.builds = append(s.builds, seconds(b))
	}
	s.arrays, s.cache, s.resident = a.Arrays, a.Cache, residentPeak(p.cmd.Process.Pid)
	return s, nil
}

// ask sends a line and waits for one.
func (p *peer) ask(request, answer any) error {
	if err := json.NewEncoder(p.in).Encode(request); err != nil {
		return p.failed(err)
	}
	if err := p.out.Decode(answer); err != nil {
		return p.failed(err)
	}
	return nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// failed ends the process and says why it could not be talked to: its own last
// words where it has any.
func (p *peer) failed(err error) error {
	p.in.Close()
	if p.cmd.ProcessState == nil {
		if ended := p.cmd.Wait(); ended != nil {
			err = ended
		}
	}
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	if said := strings.TrimSpace(p.err.String()); said != "" {
		lines := strings.Split(said, "\n")
		err = fmt.Errorf("%w: %s", err, lines[len(lines)-1])
	}
	return fmt.Errorf("bench: %s: %w", p.label, err)
}

// close ends the process: without standard input it has nothing to do.
func (p *peer) close() error {
	if p.cmd.ProcessState != nil {
		return nil // failed before
	}
	p.in.Close()
	if err := p.cmd.Wait(); err != nil && p.ctx.Err() == nil {
		return fmt.Errorf("bench: %s: %w", p.label, err)
	}
	return nil
}
