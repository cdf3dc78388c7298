package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/internal/python"
)

//go:embed llama.py
var llamaScript string

// llamaVersion is the llama-cpp-python that is compared with.
const llamaVersion = "0.3.36"

// llamaSettings are llama.cpp on the same file and as many threads, with several prompts
// at once, and on one thread.
func llamaSettings(threads int) []setting {
	const label = "llama.cpp, the same file"
	all := []setting{
		{of: llamaCpp, label: label, threads: threads},
		{of: llamaCpp, label: fmt.Sprintf("%s, %d prompts at once", label, manyRows), threads: threads, rows: manyRows},
	}
	if threads > 1 {
		all = append(all, setting{of: llamaCpp, label: label + ", 1 thread", threads: 1})
	}
	return all
}

// startLlama starts llama.cpp of the environment in dir, or of its own, and waits until the model is loaded.
func startLlama(ctx context.Context, dir, gguf string, s setting, log io.Writer) (*peer, error) {
	interpreter, err := llamaEnvironment(ctx, dir, log)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(log, "loading the model into llama.cpp, %s, %s\n", count(s.threads, "thread"), count(max(1, s.rows), "prompt"))
	cmd := fetch.Command(ctx, interpreter, "-c", llamaScript, gguf, strconv.Itoa(s.threads))
	cmd.Env = append(os.Environ(), "PYTHONNOUSERSITE=1")
	p, err := start(ctx, cmd, s)
	if err != nil {
		return nil, err
	}
	if p.Llama != llamaVersion {
		err := fmt.Errorf("bench: the Python environment has llama-cpp-python %s, want %s", p.Llama, llamaVersion)
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// llamaEnvironment is the Python with llama-cpp-python: of the environment in dir, or
// of one in the user cache folder, for which it is compiled.
func llamaEnvironment(ctx context.Context, dir string, log io.Writer) (string, error) {
	if dir != "" {
		return python.In(dir)
	}
	return python.Environment(ctx, []string{"llama-cpp-python==" + llamaVersion}, log, "llama-cpp-python")
}
