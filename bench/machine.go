package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/cpu"

	"forge.lthn.ai/core/go-mlx/native"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// machine is what figures depend on. It names no host and no path.
type machine struct {
	cpu     string
	cores   int
	memory  uint64 // bytes, 0 when unknown
	gpu     string // "" when MLX computes on the CPU
	system  string
	goVer   string
	mlx     string // the library's own version
	blas    string
	peer    hello // zero without one
	llama   string
	threads int // of the kernels, and so of llama.cpp
}

// describe asks the system and MLX.
func describe(ctx context.Context) (machine, error) {
	m := machine{cores: runtime.NumCPU(), threads: threads(), goVer: runtime.Version()}
	if runtime.GOOS == "darwin" {
		m.cpu, m.memory, m.system = darwin()
	} else {
		m.cpu = fieldOf("/proc/cpuinfo", "model name")
		m.memory = kilobytes(fieldOf("/proc/meminfo", "MemTotal"))
		m.system = strings.Trim(fieldOf("/etc/os-release", "PRETTY_NAME"), `"`)
	}
	m.cpu = strings.TrimSpace(m.cpu + " " + vectors())
	m.system = strings.TrimSpace(m.system + " " + runtime.GOOS + "/" + runtime.GOARCH)
	lib, err := mlx.LoadLibrary()
	if err != nil {
		return m, err
	}
	m.mlx, m.blas = lib.Version, blasName(lib.BLAS)
	return m, mlx.Do(ctx, func(t *mlx.Thread) error {
		device, err := t.Device()
		if err != nil || device.Type == mlx.CPU {
			return err
		}
		info, err := t.DeviceInfo()
		m.gpu = info["device_name"]
		if m.gpu == "" {
			m.gpu = device.String()
		}
		return err
	})
}

// section is the name of the part of the document for such machines.
func (m machine) section() string {
	if m.gpu != "" {
		return "gpu"
	}
	return "cpu"
}

// lines describe the machine, one thing a line.
func (m machine) lines() []string {
	hardware := fmt.Sprintf("%s, %d cores", m.cpu, m.cores)
	if m.memory > 0 {
		hardware += fmt.Sprintf(", %.0f GiB of memory", float64(m.memory)/(1<<30))
	}
	if m.gpu != "" {
		hardware = m.gpu + "; " + hardware
	}
	lines := []string{
		hardware + "; " + m.system,
		fmt.Sprintf("go-mlx: %s, MLX %s, mlx-c %s, %s", m.goVer, m.mlx, native.MLXCVersion, m.blas),
	}
	if m.peer.MLXLM != "" {
		lines = append(lines, fmt.Sprintf("Python: %s, mlx %s, mlx-lm %s, as pip installs them, %s",
			m.peer.Python, m.peer.MLX, m.peer.MLXLM, m.peer.Device))
	}
	if m.llama != "" {
		lines = append(lines, fmt.Sprintf("llama.cpp: llama-cpp-python %s, compiled on this machine, %s", m.llama, count(m.threads, "thread")))
	}
	return lines
}

// threads is how many the kernels run on: GO_MLX_THREADS, or one for each core.
func threads() int {
	if n, err := strconv.Atoi(os.Getenv("GO_MLX_THREADS")); err == nil && n > 0 {
		return n
	}
	return runtime.NumCPU()
}

// blasName names the BLAS behind libmlx: the wheel that setup installs, or what
// the system has.
func blasName(path string) string {
	switch {
	case runtime.GOOS == "darwin":
		return "Accelerate"
	case path == "":
		return "libmlx's own BLAS"
	}
	if w, ok := native.FindWheel("blas", runtime.GOOS+"/"+runtime.GOARCH); ok {
		return fmt.Sprintf("OpenBLAS (%s %s)", w.Package, w.Version)
	}
	return "OpenBLAS"
}

// vectors names the widest vector instructions, on which a BLAS's speed depends.
func vectors() string {
	switch {
	case cpu.X86.HasAVX512F:
		return "(AVX-512)"
	case cpu.X86.HasAVX2:
		return "(AVX2)"
	}
	return ""
}

// residentPeak is the most memory that a process had so far, 0 when the system does
// not tell.
func residentPeak(pid int) uint64 {
	return kilobytes(fieldOf(fmt.Sprintf("/proc/%d/status", pid), "VmHWM"))
}

// fieldOf is the value of the first line "key: value" or "key=value" of a file,
// or "".
func fieldOf(path, key string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return field(string(data), key)
}

func field(text, key string) string {
	for line := range strings.Lines(text) {
		at := strings.IndexAny(line, ":=")
		if at >= 0 && strings.TrimSpace(line[:at]) == key {
			return strings.TrimSpace(line[at+1:])
		}
	}
	return ""
}

// kilobytes reads "24503600 kB" as bytes.
func kilobytes(s string) uint64 {
	n, err := strconv.ParseUint(strings.TrimSuffix(s, " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// darwin asks a Mac's own tools.
func darwin() (name string, memory uint64, system string) {
	ask := func(tool string, args ...string) string {
		out, _ := exec.Command(tool, args...).Output()
		return strings.TrimSpace(string(out))
	}
	memory, _ = strconv.ParseUint(ask("sysctl", "-n", "hw.memsize"), 10, 64)
	return ask("sysctl", "-n", "machdep.cpu.brand_string"), memory, "macOS " + ask("sw_vers", "-productVersion")
}
