package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
)

//go:embed c/ops.c
var opsC string

//go:embed ops.py
var opsPython string

// opPeer is a process that builds the graphs of opCases in another language.
type opPeer struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	err  bytes.Buffer
}

// startC compiles ops.c and starts it on the library that serves us.
func startC(ctx context.Context, library string, log io.Writer) (*opPeer, error) {
	dir, err := os.MkdirTemp("", "go-mlx-ops-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir) // a running program needs its file no more
	source, program := filepath.Join(dir, "ops.c"), filepath.Join(dir, "ops")
	if err := os.WriteFile(source, []byte(opsC), 0o644); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	build := fetch.Command(ctx, "cc", "-O2", "-o", program, source, "-ldl")
	build.Stdout, build.Stderr = log, log
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("bench: compiling ops.c: %w", err)
	}
	return startOps("C", fetch.Command(ctx, program, library))
}

func startPython(ctx context.Context, python string) (*opPeer, error) {
	return startOps("Python", fetch.Command(ctx, python, "-c", opsPython))
}

// startOps starts a peer and waits until it is ready.
func startOps(name string, cmd *exec.Cmd) (*opPeer, error) {
	p := &opPeer{name: name, cmd: cmd}
	cmd.Stderr = &p.err
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	p.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", name, err)
	}
	if line, err := p.out.ReadString('\n'); err != nil || line != "ready\n" {
		return nil, p.failed(fmt.Errorf("it did not begin: %q", line))
	}
	return p, nil
}

// run takes the times of a case, in nanoseconds.
func (p *opPeer) run(name string, rounds int) (series, error) {
	if _, err := fmt.Fprintf(p.in, "%s %d\n", name, rounds); err != nil {
		return nil, p.failed(err)
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		return nil, p.failed(err)
	}
	var times series
	for _, word := range strings.Fields(line) {
		ns, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, p.failed(err)
		}
		times = append(times, ns)
	}
	if len(times) != rounds {
		return nil, p.failed(fmt.Errorf("asked for %d times, got %d", rounds, len(times)))
	}
	return times, nil
}

// failed ends the process and adds its last words.
func (p *opPeer) failed(err error) error {
	return fmt.Errorf("bench: %s: %w %s", p.name, errors.Join(err, p.close()), strings.TrimSpace(p.err.String()))
}

// close ends the process, which stops at the end of its input.
func (p *opPeer) close() error {
	if p == nil {
		return nil
	}
	p.in.Close()
	return p.cmd.Wait()
}

// mallocs counts what Go has allocated so far.
func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
