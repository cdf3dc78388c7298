package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// The sides that are compared.
const (
	goMLX    = "go-mlx"
	mlxLM    = "mlx-lm"
	llamaCpp = "llama.cpp"
)

// contender is one setting that is measured, of one of the sides.
type contender interface {
	name() string
	side() string
	run(ctx context.Context, w workload) (sample, error)
	close() error
}

// measure lets every contender run in turns, so that what else the machine does
// falls on all of them.
func measure(ctx context.Context, all []contender, w workload, limit time.Duration, log io.Writer) ([]result, error) {
	results := make([]result, len(all))
	for i, c := range all {
		var err error
		if results[i], err = warmUp(ctx, c, w, limit, log); err != nil {
			return nil, fmt.Errorf("bench: %s: %w", c.name(), err)
		}
	}
	for range w.runs {
		for i, c := range all {
			r := &results[i]
			if len(r.samples) >= r.work.runs {
				continue
			}
			fmt.Fprintf(log, "run %d of %d: %s: ", len(r.samples)+1, r.work.runs, r.name)
			s, err := c.run(ctx, r.work)
			if err != nil {
				fmt.Fprintln(log)
				return nil, fmt.Errorf("bench: %s: %w", r.name, err)
			}
			r.samples = append(r.samples, s)
			fmt.Fprintln(log, s)
		}
	}
	return results, nil
}

// warmUp runs a contender shortly. Ours has to do all of the work whatever it
// takes; a setting of the peer's gets what it can do within the limit. One that
// seems too slow may have been disturbed and gets another chance. Where no more
// than the warm-up is possible, that counts: it took long enough.
func warmUp(ctx context.Context, c contender, w workload, limit time.Duration, log io.Writer) (result, error) {
	r := result{name: c.name(), side: c.side(), work: w}
	for chances := 3; chances > 0; chances-- {
		fmt.Fprintf(log, "warming up: %s: ", r.name)
		s, err := c.run(ctx, w.probe())
		if err != nil {
			fmt.Fprintln(log)
			return r, err
		}
		fmt.Fprintln(log, s)
		if r.side == goMLX {
			break
		}
		if r.work = w.fit(s, limit); !r.work.shortened {
			break
		}
		if r.work.prompt == minPrompt && r.work.tokens == minTokens {
			r.samples = []sample{s}
			break
		}
	}
	return r, nil
}

func closeAll(all []contender) error {
	var errs []error
	for _, c := range all {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// contenders starts everything that is measured and describes the machine.
func contenders(ctx context.Context, o options, root string, log io.Writer) (all []contender, m machine, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll(all))
		}
	}()
	if m, err = describe(ctx); err != nil {
		return nil, m, err
	}
	mine, err := startOurs(ctx, o.file, oursSettings(m.threads, m.gpu != ""), log)
	all = append(all, mine...)
	if err != nil {
		return all, m, err
	}
	if o.Model != smollm2 {
		fmt.Fprintln(log, "mlx-lm is left out: the conversion for it is that of a pinned model")
	} else {
		peers, err := startPeers(ctx, o, root, m.gpu != "", log)
		all = append(all, peers...)
		if err != nil {
			return all, m, err
		}
		m.peer = peers[0].(*peer).hello
	}
	if m.gpu != "" {
		return all, m, nil // llama.cpp as pip makes it runs on the CPU
	}
	for _, s := range llamaSettings(m.threads) {
		p, err := startLlama(ctx, o.Llama, o.file, s, log)
		if err != nil {
			return all, m, err
		}
		all, m.llama = append(all, p), p.Llama
	}
	return all, m, nil
}

// startPeers starts mlx-lm in every setting.
func startPeers(ctx context.Context, o options, root string, gpu bool, log io.Writer) (all []contender, err error) {
	python, err := environment(ctx, o.Peer, gpu, log)
	if err != nil {
		return nil, err
	}
	folder, err := converted(ctx, python, root, o.file, log)
	if err != nil {
		return nil, err
	}
	for _, s := range settings {
		p, err := startPeer(ctx, python, folder, s, log)
		if err != nil {
			return all, err
		}
		all = append(all, p)
	}
	return all, nil
}
