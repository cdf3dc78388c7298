package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"forge.lthn.ai/core/go-mlx/internal/markdown"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// kernelsOptions are the command line of `bench kernels`.
type kernelsOptions struct {
	Runs int    `default:"7" help:"How often each is measured; the fastest counts."`
	Out  string `type:"path" placeholder:"FILE" help:"Write the figures there, not to docs/benchmarks.md."`
}

// Weights [n, kernelWidth] of so many bytes are read from memory, not from a cache.
const (
	kernelWidth = 2048
	kernelBytes = 192 << 20
)

// kernelCase is a form of weights.
type kernelCase struct {
	name        string
	bits, group int // group 0 is dense
	mode        string
	dtype       mlx.Dtype // of the scales, or of the weights
}

var kernelCases = []kernelCase{
	{"4 bits, groups of 32, float16 (Q4_1)", 4, 32, "affine", mlx.Float16},
	{"4 bits, groups of 64, float32", 4, 64, "affine", mlx.Float32},
	{"6 bits, groups of 16, float32 (Q6_K)", 6, 16, "affine", mlx.Float32},
	{"8 bits, groups of 32, float16 (Q8_0)", 8, 32, "affine", mlx.Float16},
	{"mxfp4", 4, 32, "mxfp4", mlx.Uint8},
	{"bfloat16", 16, 0, "", mlx.BFloat16},
	{"float16", 16, 0, "", mlx.Float16},
}

// kernelResult is what a form showed.
type kernelResult struct {
	kernelCase
	bytes     int
	one, many time.Duration // of a product with one row, and with manyRows
}

// rate is in GB/s.
func rateOf(bytes int, took time.Duration) float64 { return float64(bytes) / took.Seconds() / 1e9 }

// runKernels measures products of few rows with weights beyond the cache, beside
// plainly reading memory with as many threads.
func runKernels(ctx context.Context, o kernelsOptions, out, log io.Writer) error {
	if o.Runs < 1 {
		return errors.New("bench: want one run at least")
	}
	m, err := describe(ctx)
	if err != nil {
		return err
	}
	var reads time.Duration
	var results []kernelResult
	if err := mlx.Do(ctx, func(t *mlx.Thread) error {
		if !t.CPUKernels() {
			return errors.New("bench: there are no kernels of our own here (see mlx doctor)")
		}
		reads = readTime(m.threads, o.Runs)
		for _, c := range kernelCases {
			fmt.Fprintf(log, "measuring %s\n", c.name)
			r, err := c.measure(ctx, t, o.Runs)
			if err != nil {
				return fmt.Errorf("bench: %s: %w", c.name, err)
			}
			results = append(results, r)
		}
		again := readTime(m.threads, o.Runs)
		reads = min(reads, again)
		return nil
	}); err != nil {
		return err
	}
	text := kernelsTable(reads, results)
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if o.Out == "" {
		root, err := moduleRoot()
		if err != nil {
			return err
		}
		o.Out = document(root)
	}
	return markdown.Rewrite(o.Out, "bench "+m.section()+" kernels", "make bench", kernelsMarkdown(m, o, text))
}

// measure makes the weights and takes the time of both products.
func (c kernelCase) measure(ctx context.Context, t *mlx.Thread, runs int) (r kernelResult, err error) {
	r.kernelCase = c
	made, err := t.BuildAll(c.weights)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, mlx.CloseAll(made...)) }()
	if err := t.Eval(made...); err != nil {
		return r, err
	}
	if r.bytes, err = bytesOf(made); err != nil {
		return r, err
	}
	for rows, to := range map[int]*time.Duration{1: &r.one, manyRows: &r.many} {
		for range runs {
			took, err := c.product(t, made, rows)
			if err = errors.Join(err, ctx.Err()); err != nil {
				return r, err
			}
			if *to == 0 || took < *to {
				*to = took
			}
		}
	}
	return r, nil
}

func bytesOf(arrays []mlx.Array) (int, error) {
	n, err := nbytes(arrays)
	return int(n), err
}

// weights are the matrix, and scales and biases where it is packed. What is in them
// does not matter.
func (c kernelCase) weights(s *mlx.Scope) []mlx.Array {
	n := kernelBytes * 8 / c.bits / kernelWidth
	if c.group == 0 {
		return []mlx.Array{s.Full([]int{n, kernelWidth}, s.Scalar(0.5, c.dtype), c.dtype)}
	}
	words := s.Full([]int{n, kernelWidth * c.bits / 32}, s.Scalar(0x76543210, mlx.Uint32), mlx.Uint32)
	scales := []int{n, kernelWidth / c.group}
	if c.mode != "affine" {
		return []mlx.Array{words, s.Full(scales, s.Scalar(120, c.dtype), c.dtype)}
	}
	return []mlx.Array{words, s.Full(scales, s.Scalar(0.25, c.dtype), c.dtype), s.Full(scales, s.Scalar(-1, c.dtype), c.dtype)}
}

// product takes the time of one.
func (c kernelCase) product(t *mlx.Thread, w []mlx.Array, rows int) (time.Duration, error) {
	began := time.Now()
	y, err := t.Build(func(s *mlx.Scope) mlx.Array {
		x := s.Ones([]int{rows, kernelWidth}, mlx.Float32)
		if c.group == 0 {
			return s.CPUMatmul(x, w[0])
		}
		var biases mlx.Array
		if len(w) > 2 {
			biases = w[2]
		}
		return s.CPUQuantizedMatmul(x, w[0], w[1], biases, c.group, c.bits, c.mode, false)
	})
	if err != nil {
		return 0, err
	}
	err = t.Eval(y)
	took := time.Since(began)
	return took, errors.Join(err, y.Close())
}

// readTime is the shortest time to read kernelBytes of memory with so many threads.
func readTime(threads, runs int) (best time.Duration) {
	blocks := make([][8]uint64, kernelBytes/64)
	for i := range blocks {
		blocks[i][0] = uint64(i) // so that there are pages
	}
	totals := make([]uint64, threads)
	for range runs {
		began := time.Now()
		var wg sync.WaitGroup
		for i := range threads {
			part := blocks[len(blocks)*i/threads : len(blocks)*(i+1)/threads]
			wg.Go(func() { totals[i] += sumOf(part) })
		}
		wg.Wait()
		if took := time.Since(began); best == 0 || took < best {
			best = took
		}
	}
	return best
}

func sumOf(blocks [][8]uint64) uint64 {
	var sums [4]uint64
	for i := range blocks {
		b := &blocks[i]
		sums[0] += b[0] + b[4]
		sums[1] += b[1] + b[5]
		sums[2] += b[2] + b[6]
		sums[3] += b[3] + b[7]
	}
	return sums[0] + sums[1] + sums[2] + sums[3]
}

func kernelsTable(reads time.Duration, results []kernelResult) string {
	rows := [][]string{{"weights", "MB", "1 row, GB/s", "of reading", fmt.Sprintf("%d rows, GB/s", manyRows), "times one by one"}}
	read := rateOf(kernelBytes, reads)
	rows = append(rows, []string{"only reading them", figure(kernelBytes / 1e6), figure(read), "100 %", "–", "–"})
	for _, r := range results {
		one := rateOf(r.bytes, r.one)
		rows = append(rows, []string{r.name, figure(float64(r.bytes) / 1e6), figure(one), fmt.Sprintf("%.0f %%", 100*one/read),
			figure(rateOf(r.bytes, r.many)), figure(manyRows*r.one.Seconds()/r.many.Seconds()) + " ×"})
	}
	return markdown.Table(rows)
}

func kernelsMarkdown(m machine, o kernelsOptions, table string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s with `go run ./bench kernels --runs %d`.\n\n", time.Now().Format(time.DateOnly), o.Runs)
	for _, l := range m.lines() {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	fmt.Fprintf(&b, "\n%s\nThe fastest of %s on %s, building and starting the product included. Reading is a plain loop in Go.",
		table, count(o.Runs, "run"), count(m.threads, "thread"))
	return b.String()
}
