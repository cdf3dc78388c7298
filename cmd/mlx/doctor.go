package main

import (
	"encoding/json"
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
	JSON    bool   `help:"Print one JSON object; sizes are bytes."`
	weightFlags
}

// diagnosis is what doctor found, as --json prints it.
type diagnosis struct {
	MLX        string          `json:"mlx_wanted"`
	MLXC       string          `json:"mlx_c_wanted"`
	System     string          `json:"system"`
	CPUs       int             `json:"cpus"`
	Go         string          `json:"go"`
	Library    *libraryFound   `json:"library"` // null where there is none that is usable
	Device     string          `json:"device,omitempty"`
	DeviceInfo map[string]any  `json:"device_info,omitempty"`
	Limit      uint64          `json:"memory_limit,omitempty"`
	Active     uint64          `json:"memory_in_use"`
	Model      *modelDiagnosis `json:"model,omitempty"`
	Error      string          `json:"error,omitempty"`
}

type libraryFound struct {
	MLXC     string   `json:"libmlxc"`
	MLX      string   `json:"libmlx"` // empty where the system's linker found it
	Version  string   `json:"version"`
	BLAS     string   `json:"blas"`
	Kernels  string   `json:"kernels"` // our own for a CPU
	Searched []string `json:"searched"`
	Next     []string `json:"next"`
}

// Validate refuses a context that nobody has.
func (d *doctorCmd) Validate() error {
	if d.Context < 0 {
		return fmt.Errorf("--context=%d is negative", d.Context)
	}
	return nil
}

// Run prints what was loaded and why, what the device is, and whether a model fits:
// all that can be told, whatever the error.
func (d *doctorCmd) Run(c *console) error {
	r := &diagnosis{
		MLX: native.MLXVersion, MLXC: native.MLXCVersion, System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version(),
	}
	err := d.examine(c, r)
	if !d.JSON {
		r.print(c.out)
		return err
	}
	if err != nil {
		r.Error = err.Error()
	}
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	if failed := e.Encode(r); failed != nil {
		return failed
	}
	return err
}

// examine finds everything out.
func (d *doctorCmd) examine(c *console, r *diagnosis) error {
	lib, err := mlx.LoadLibrary()
	if err != nil {
		return err // it names the places searched
	}
	r.Library = &libraryFound{
		MLXC: lib.MLXC, MLX: lib.MLX, Version: lib.Version, BLAS: blas(lib.BLAS), Kernels: kernels(lib), Searched: lib.Tried, Next: rest(lib, mlx.SearchPlaces()),
	}
	if err := mlx.Do(c.ctx, r.examine); err != nil || d.Model == "" {
		return err
	}
	r.Model = new(modelDiagnosis)
	return d.model(c, r.Model)
}

// examine asks for the device and the memory.
func (r *diagnosis) examine(t *mlx.Thread) error {
	device, err := t.Device()
	if err != nil {
		return err
	}
	r.Device = fmt.Sprint(device)
	info, err := t.DeviceInfo()
	if err != nil {
		return err
	}
	r.DeviceInfo = map[string]any{}
	for key, v := range info {
		r.DeviceInfo[key] = fmt.Sprint(v)
	}
	if r.Limit, err = t.MemoryLimit(); err != nil {
		return err
	}
	r.Active, err = t.ActiveMemory()
	return err
}

// print writes what was found.
func (r *diagnosis) print(w io.Writer) {
	fmt.Fprintf(w, "go-mlx     for MLX %s, mlx-c %s\n", r.MLX, r.MLXC)
	fmt.Fprintf(w, "system     %s, %d CPUs, %s\n", r.System, r.CPUs, r.Go)
	if lib := r.Library; lib != nil {
		fmt.Fprintf(w, "libmlxc    %s\n", lib.MLXC)
		fmt.Fprintf(w, "libmlx     %s (MLX %s)\n", found(lib.MLX), lib.Version)
		fmt.Fprintf(w, "BLAS       %s\n", lib.BLAS)
		fmt.Fprintf(w, "kernels    %s\n", lib.Kernels)
		list(w, "searched", lib.Searched)
		list(w, "next", lib.Next)
	}
	if r.Device == "" {
		return
	}
	fmt.Fprintf(w, "device     %s\n", r.Device)
	for _, key := range slices.Sorted(maps.Keys(r.DeviceInfo)) {
		fmt.Fprintf(w, "           %s: %v\n", key, r.DeviceInfo[key])
	}
	fmt.Fprintf(w, "memory     limit %.1f GB, in use %.1f MB\n", float64(r.Limit)/1e9, float64(r.Active)/1e6)
	if r.Model != nil {
		r.Model.print(w)
	}
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
