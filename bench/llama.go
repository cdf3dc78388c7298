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

// llama is llama.cpp on the same file and as many threads.
var llama = setting{of: llamaCpp, label: "llama.cpp, the same file"}

// startLlama starts llama.cpp of the environment in dir, or of its own, and waits until the model is loaded.
func startLlama(ctx context.Context, dir, gguf string, threads int, log io.Writer) (*peer, error) {
	interpreter, err := llamaEnvironment(ctx, dir, log)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(log, "loading the model into llama.cpp, %s\n", count(threads, "thread"))
	cmd := fetch.Command(ctx, interpreter, "-c", llamaScript, gguf, strconv.Itoa(threads))
	cmd.Env = append(os.Environ(), "PYTHONNOUSERSITE=1")
	p, err := start(ctx, cmd, llama)
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
