package main

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"

	"forge.lthn.ai/core/go-mlx/native"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

type doctorCmd struct {
	Model   string `short:"m" help:"Tell why a model would not load or fit: a model folder, a .gguf file, or smollm2."`
	Context int    `default:"8192" help:"Tokens of the text for which its cache is to fit."`
	weightFlags
}

// Validate refuses a context that nobody has.
func (d *doctorCmd) Validate() error {
	if d.Context < 0 {
		return fmt.Errorf("--context=%d is negative", d.Context)
	}
	return nil
}

// Run prints what was loaded and why, what the device is, and whether a model fits.
func (d *doctorCmd) Run(c *console) error {
	fmt.Fprintf(c.out, "go-mlx     for MLX %s, mlx-c %s\n", native.MLXVersion, native.MLXCVersion)
	fmt.Fprintf(c.out, "system     %s/%s, %d CPUs, %s\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	lib, err := mlx.LoadLibrary()
	if err != nil {
		return err // it names the places searched
	}
	fmt.Fprintf(c.out, "libmlxc    %s\n", lib.MLXC)
	fmt.Fprintf(c.out, "libmlx     %s (MLX %s)\n", found(lib.MLX), lib.Version)
	fmt.Fprintf(c.out, "BLAS       %s\n", blas(lib.BLAS))
	fmt.Fprintf(c.out, "kernels    %s\n", kernels(lib))
	list(c.out, "searched", lib.Tried)
	if next := rest(lib, mlx.SearchPlaces()); len(next) > 0 {
		list(c.out, "next", next)
	}
	err = mlx.Do(c.ctx, func(t *mlx.Thread) error { return describe(c.out, t) })
	if err != nil || d.Model == "" {
		return err
	}
	return d.model(c)
}

// list prints lines under a label.
func list(w io.Writer, label string, lines []string) {
	for _, line := range lines {
		fmt.Fprintf(w, "%-10s %s\n", label, line)
		label = ""
	}
}

// rest are the places that would be tried if the library were not where it is.
func rest(lib mlx.Library, places []string) []string {
	var next []string
	for _, dir := range places[min(len(lib.Tried), len(places)):] {
		if dir == "" {
			dir = "where the system looks"
		}
		next = append(next, dir)
	}
	return next
}

func found(path string) string {
	if path == "" {
		return "found by the system's linker"
	}
	return path
}

func blas(path string) string {
	switch {
	case path != "":
		return "OpenBLAS through " + path
	case runtime.GOOS == "darwin":
		return "Accelerate"
	}
	return "what libmlx brings: the reference BLAS, slow; run `mlx setup`"
}

// kernels tells about our own kernels for a CPU.
func kernels(lib mlx.Library) string {
	if lib.Kernels == "" {
		return "none for a CPU, so MLX's own serve: " + lib.NoKernels
	}
	isa, threads, err := mlx.KernelInfo()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s (%s, %d threads)", lib.Kernels, isa, threads)
}

// describe prints the device and the memory.
func describe(w io.Writer, t *mlx.Thread) error {
	device, err := t.Device()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "device     %v\n", device)
	info, err := t.DeviceInfo()
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(info)) {
		fmt.Fprintf(w, "           %s: %s\n", key, info[key])
	}
	limit, err := t.MemoryLimit()
	if err != nil {
		return err
	}
	active, err := t.ActiveMemory()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "memory     limit %.1f GB, in use %.1f MB\n", float64(limit)/1e9, float64(active)/1e6)
	return nil
}
