package setup

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/native"
)

// backends are MLX's builds.
var backends = []string{"cpu", "cuda", "cuda12", "metal"}

// completeFile tells what was installed. It is written last: without it, or
// with another content, an installation is not whole.
const completeFile = "complete"

// stampBegin begins every completeFile.
const stampBegin = "mlx "

// DefaultBackend is the backend for this system.
func DefaultBackend() string {
	if runtime.GOOS == "darwin" {
		return "metal"
	}
	return "cpu"
}

// DefaultPrefix is where the loader finds a backend without being told.
func DefaultPrefix(backend string) (string, error) {
	cache, err := fetch.CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "native", native.MLXVersion+"-"+strings.TrimSuffix(backend, "12")), nil
}

// complete fills in the defaults and refuses what cannot be.
func (o *Options) complete() (err error) {
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Backend == "" {
		o.Backend = DefaultBackend()
	}
	if o.platform == "" {
		o.platform = runtime.GOOS + "/" + runtime.GOARCH
	}
	if !slices.Contains(backends, o.Backend) {
		return fmt.Errorf("setup: unknown backend %q, want one of %s", o.Backend, strings.Join(backends, ", "))
	}
	if _, ok := native.FindWheel(o.Backend, o.platform); !ok && o.MLXRoot == "" {
		return fmt.Errorf("setup: MLX %s has no %s build for %s", native.MLXVersion, o.Backend, o.platform)
	}
	if o.Prefix == "" {
		if o.Prefix, err = DefaultPrefix(o.Backend); err != nil {
			return err
		}
	}
	for _, dir := range []*string{&o.Prefix, &o.MLXRoot, &o.MLXCSource} {
		if *dir == "" {
			continue
		}
		if *dir, err = filepath.Abs(*dir); err != nil {
			return fmt.Errorf("setup: %w", err)
		}
	}
	if real, err := filepath.EvalSymlinks(o.Prefix); err == nil {
		o.Prefix = real // a link to the folder stays one
	}
	return o.checkRoot()
}

// libmlx is libmlx's file name on the platform.
func (o *Options) libmlx() string {
	if strings.HasPrefix(o.platform, "darwin/") {
		return "libmlx.dylib"
	}
	return "libmlx.so"
}

// checkRoot refuses a folder that holds no MLX.
func (o *Options) checkRoot() error {
	if o.MLXRoot == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(o.MLXRoot, "lib", o.libmlx())); err != nil {
		return fmt.Errorf("setup: %s does not hold MLX (no lib/%s)", o.MLXRoot, o.libmlx())
	}
	return nil
}

// checkPrefix refuses to replace a folder that no installation of ours made.
func (o *Options) checkPrefix() error {
	entries, err := os.ReadDir(o.Prefix)
	if os.IsNotExist(err) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	have, err := os.ReadFile(filepath.Join(o.Prefix, completeFile))
	if err != nil || !strings.HasPrefix(string(have), stampBegin) {
		return fmt.Errorf("setup: %s has files of others: name a folder that is empty, new, or an earlier installation",
			o.Prefix)
	}
	return nil
}

// stamp is the content of completeFile: the pins, and what was named instead of
// them.
func (o *Options) stamp() string {
	lines := []string{
		stampBegin + native.MLXVersion,
		"mlx-c " + native.MLXCVersion + " " + native.MLXCCommit,
		"backend " + o.Backend,
		"build files " + sourcesSum(),
	}
	for _, use := range []string{o.Backend, "blas"} {
		if w, ok := native.FindWheel(use, o.platform); ok {
			lines = append(lines, "wheel "+w.File+" "+w.SHA256)
		}
	}
	if o.MLXRoot != "" {
		lines = append(lines, "mlx-root "+o.MLXRoot)
	}
	if o.MLXCSource != "" {
		lines = append(lines, "mlx-c-source "+o.MLXCSource)
	}
	return strings.Join(lines, "\n") + "\n"
}

// sourcesSum identifies the build files that the program carries.
func sourcesSum() string {
	h := sha256.New()
	_ = fs.WalkDir(native.Sources, ".", func(path string, d fs.DirEntry, err error) error {
		if d.Name() == "test" { // nothing that is installed comes of it
			return fs.SkipDir
		}
		if err != nil || d.IsDir() {
			return err
		}
		data, err := native.Sources.ReadFile(path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(data), data)
		return err
	})
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// installed reports whether the prefix holds what is asked for. What it was
// made from instead of the pins matters to who names it only.
func (o *Options) installed() bool {
	have, err := os.ReadFile(filepath.Join(o.Prefix, completeFile))
	if err != nil {
		return false
	}
	lines := strings.Split(string(have), "\n")
	for line := range strings.Lines(o.stamp()) {
		if !slices.Contains(lines, strings.TrimSuffix(line, "\n")) {
			return false
		}
	}
	return true
}
