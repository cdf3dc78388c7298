package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train"
)

// launchers are the variables by which a launcher tells a process its rank: mlx.launch,
// Open MPI, and MPICH and its kin.
var launchers = []string{"MLX_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK"}

// launched reports whether a launcher started this process.
func launched() bool {
	for _, name := range launchers {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return false
}

// backend is that of --distributed; "" is none.
func (c *trainCmd) backend() string {
	switch {
	case c.Distributed == "none", c.Distributed == "auto" && !launched():
		return ""
	case c.Distributed == "auto":
		return "any"
	}
	return c.Distributed
}

// join joins the processes that a launcher started beside this one, of which the
// first alone speaks.
func (t *training) join() error {
	backend := t.backend()
	if backend == "" {
		return nil
	}
	err := mlx.Do(t.ctx, func(th *mlx.Thread) (err error) {
		t.group, err = mlx.InitDistributed(th, backend, true)
		return err
	})
	if err != nil {
		return fmt.Errorf("--distributed=%s: %w", t.Distributed, err)
	}
	if !t.first() {
		silent, quiet := *t.console, *t.trainCmd
		silent.out, silent.err, quiet.Quiet = io.Discard, io.Discard, true
		t.console, t.trainCmd = &silent, &quiet
	}
	return nil
}

// leave closes the group.
func (t *training) leave() error {
	if t.group == nil {
		return nil
	}
	return mlx.Do(context.WithoutCancel(t.ctx), func(*mlx.Thread) error { return t.group.Close() })
}

func (t *training) first() bool { return t.group == nil || t.group.Rank() == 0 }

// share is which process this is, of how many.
func (t *training) share() (rank, of int) {
	if t.group == nil {
		return 0, 1
	}
	return t.group.Rank(), t.group.Size()
}

// alongside points to the processes beside this one where the end of one of them is
// why it failed.
func alongside(err error) error {
	if errors.Is(err, mlx.ErrPeerLost) {
		return fmt.Errorf("%w: see what the other processes say", err)
	}
	return err
}

// groupOptions let the run train with the others.
func (t *training) groupOptions() []train.Option {
	if t.group == nil {
		return nil
	}
	return []train.Option{train.WithGroup(t.group)}
}
