package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/native"
)

const (
	upstream = "https://github.com/ml-explore/mlx-c"

	// sourceVariable names a folder with mlx-c's source.
	sourceVariable = "MLX_C_SOURCE_DIR"

	gitLimit   = 30 * time.Second
	cargoLimit = 10 * time.Minute
)

// mlxcSource returns a folder with mlx-c's source: the one named, the one
// fetched before, the upstream tag, or the crate that vendors it.
func (o *Options) mlxcSource(ctx context.Context) (string, error) {
	for _, dir := range []string{o.MLXCSource, os.Getenv(sourceVariable)} {
		if dir == "" {
			continue
		}
		if !holdsSource(dir) {
			return "", fmt.Errorf("setup: %s does not hold mlx-c's source (no mlx/c/mlx.h)", dir)
		}
		return filepath.Abs(dir)
	}
	cache, err := fetch.CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "mlx-c-"+native.MLXCVersion)
	unlock, err := fetch.Lock(ctx, dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	if holdsSource(dir) {
		return dir, nil
	}
	tmp, err := os.MkdirTemp(cache, ".mlx-c-")
	if err != nil {
		return "", fmt.Errorf("setup: %w", err)
	}
	defer os.RemoveAll(tmp)
	source, err := o.fetchSource(ctx, tmp)
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.RemoveAll(dir), os.Rename(source, dir)); err != nil {
		return "", fmt.Errorf("setup: %w", err)
	}
	return dir, nil
}

// holdsSource reports whether a folder is mlx-c's source.
func holdsSource(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "mlx", "c", "mlx.h"))
	return err == nil
}

// fetchSource tries the crate and then the upstream tag; the error tells about
// both.
func (o *Options) fetchSource(ctx context.Context, tmp string) (string, error) {
	fmt.Fprintf(o.Out, "fetching mlx-c %s\n", native.MLXCVersion)
	dir, errCargo := fromCrate(ctx, filepath.Join(tmp, "crate"))
	if errCargo == nil {
		return dir, nil
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	dir, errGit := fromGit(ctx, filepath.Join(tmp, "git"))
	if errGit == nil {
		return dir, nil
	}
	return "", fmt.Errorf("setup: no source of mlx-c %s: tried the crate %s (%w) and the tag of %s (%w); name a folder with %s",
		native.MLXCVersion, native.MLXCCrate.Name, errCargo, upstream, errGit, sourceVariable)
}

// fromGit clones the tag and compares its commit with the pin.
func fromGit(ctx context.Context, dir string) (string, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return "", errors.New("git is not on the PATH")
	}
	err := command(ctx, gitLimit, "", nil, "git", "clone", "--quiet", "--depth=1", "--branch=v"+native.MLXCVersion, upstream, dir)
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "git", "-C", dir, "rev-parse", "HEAD").Output()
	if err != nil {
		return "", err
	}
	if got := strings.TrimSpace(string(out)); got != native.MLXCCommit {
		return "", fmt.Errorf("the tag is commit %s, the pin %s", got, native.MLXCCommit)
	}
	return dir, nil
}

// vendorManifest is the package whose only dependency is the crate.
const vendorManifest = `[package]
name = "mlx-c-source"
version = "0.0.0"
edition = "2021"
[lib]
path = "lib.rs"
[dependencies]
%s = { version = "=%s", default-features = false }
`

// fromCrate vendors the crate, which cargo checks against its registry, and
// compares its checksum with the pin.
func fromCrate(ctx context.Context, dir string) (string, error) {
	if _, err := exec.LookPath("cargo"); err != nil {
		return "", errors.New("cargo is not on the PATH")
	}
	crate := native.MLXCCrate
	manifest := fmt.Sprintf(vendorManifest, crate.Name, crate.Version)
	if err := errors.Join(os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "Cargo.toml"), []byte(manifest), 0o644),
		os.WriteFile(filepath.Join(dir, "lib.rs"), nil, 0o644)); err != nil {
		return "", err
	}
	if err := command(ctx, cargoLimit, dir, nil, "cargo", "vendor", "--quiet"); err != nil {
		return "", err
	}
	vendored := filepath.Join(dir, "vendor", crate.Name)
	var sums struct {
		Package string `json:"package"`
	}
	data, err := os.ReadFile(filepath.Join(vendored, ".cargo-checksum.json"))
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(data, &sums); err != nil {
		return "", err
	}
	if sums.Package != crate.SHA256 {
		return "", fmt.Errorf("the crate has sha256 %s, the pin %s", sums.Package, crate.SHA256)
	}
	source := filepath.Join(vendored, "src", "mlx-c")
	if !holdsSource(source) {
		return "", fmt.Errorf("the crate holds no mlx-c")
	}
	return source, nil
}
