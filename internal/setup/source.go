package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
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
)

// Bounds of fetching the source: three megabytes in either case, but cargo may
// bring its index up to date first.
var (
	gitLimit   = 2 * time.Minute
	cargoLimit = 10 * time.Minute
)

// namedSource is the folder with mlx-c's source that the user named, or "".
func (o *Options) namedSource() (string, error) {
	for _, dir := range []string{o.MLXCSource, os.Getenv(sourceVariable)} {
		if dir == "" {
			continue
		}
		if !holdsSource(dir) {
			return "", fmt.Errorf("setup: %s does not hold mlx-c's source (no mlx/c/mlx.h)", dir)
		}
		return filepath.Abs(dir)
	}
	return "", nil
}

// sourceFolder is where the source is kept once it is fetched.
func sourceFolder() (string, error) {
	cache, err := fetch.CacheDir()
	return filepath.Join(cache, "mlx-c-"+native.MLXCVersion), err
}

// checkSource finds out whether the source can be had at all.
func (o *Options) checkSource() error {
	dir, err := o.namedSource()
	if err != nil || dir != "" {
		return err
	}
	if dir, err = sourceFolder(); err != nil {
		return err
	}
	if holdsSource(dir) || onPath("cargo") || onPath("git") {
		return nil
	}
	return fmt.Errorf("setup: neither cargo nor git is on the PATH: one of them fetches mlx-c's source; "+
		"install one, or name a folder with the source with %s", sourceVariable)
}

// mlxcSource returns a folder with mlx-c's source: the one named, the one
// fetched before, the crate that vendors it, or the upstream tag.
func (o *Options) mlxcSource(ctx context.Context) (string, error) {
	dir, err := o.namedSource()
	if err != nil || dir != "" {
		return dir, err
	}
	if dir, err = sourceFolder(); err != nil {
		return "", err
	}
	if holdsSource(dir) {
		return dir, nil
	}
	unlock, err := fetch.Lock(ctx, dir, o.Out)
	if err != nil {
		return "", err
	}
	defer unlock()
	if holdsSource(dir) {
		return dir, nil // another process was faster
	}
	tmp := dir + ".partial"
	if err := errors.Join(os.RemoveAll(tmp), os.RemoveAll(dir), os.MkdirAll(tmp, 0o755)); err != nil {
		return "", fmt.Errorf("setup: %w", err)
	}
	defer os.RemoveAll(tmp)
	source, err := o.fetchSource(ctx, tmp)
	if err != nil {
		return "", err
	}
	if err := os.Rename(source, dir); err != nil {
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
	sources := []struct {
		what string
		from func(ctx context.Context, dir string) (string, error)
	}{
		{"the crate " + native.MLXCCrate.Name, fromCrate},
		{"the tag of " + upstream, fromGit},
	}
	var tried []string
	for i, s := range sources {
		o.say("fetching mlx-c %s: %s", native.MLXCVersion, s.what)
		dir, err := s.from(ctx, filepath.Join(tmp, fmt.Sprint(i)))
		if err == nil {
			return dir, nil
		}
		if err := ctx.Err(); err != nil {
			return "", fmt.Errorf("setup: fetching mlx-c's source: %w", err)
		}
		tried = append(tried, fmt.Sprintf("%s (%s)", s.what, brief(err)))
	}
	return "", fmt.Errorf("setup: no source of mlx-c %s: tried %s; name a folder with it with %s",
		native.MLXCVersion, strings.Join(tried, " and "), sourceVariable)
}

// fromGit clones the tag and compares its commit with the pin.
func fromGit(ctx context.Context, dir string) (string, error) {
	if !onPath("git") {
		return "", errors.New("git is not on the PATH")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	source := filepath.Join(dir, "mlx-c")
	git := tool{limit: gitLimit, dir: dir}
	args := []string{"clone", "--quiet", "--depth=1", "--branch=v" + native.MLXCVersion, upstream, source}
	if err := git.run(ctx, "git", args...); err != nil {
		return "", err
	}
	var got string
	git.dir, git.watch = source, func(line string) { got = line }
	if err := git.run(ctx, "git", "rev-parse", "HEAD"); err != nil {
		return "", err
	}
	if got != native.MLXCCommit {
		return "", fmt.Errorf("the tag is commit %s, the pin %s", got, native.MLXCCommit)
	}
	if !holdsSource(source) {
		return "", errors.New("the tag holds no mlx/c/mlx.h")
	}
	return source, nil
}

// vendorManifest is the package whose only dependency is the crate. It is a
// workspace of its own, whatever lies in the folders above.
const vendorManifest = `[package]
name = "mlx-c-source"
version = "0.0.0"
edition = "2021"
[lib]
path = "lib.rs"
[dependencies]
%s = { version = "=%s", default-features = false }
[workspace]
`

// fromCrate vendors the crate, which cargo checks against its registry, and
// compares its checksum with the pin.
func fromCrate(ctx context.Context, dir string) (string, error) {
	if !onPath("cargo") {
		return "", errors.New("cargo is not on the PATH")
	}
	crate := native.MLXCCrate
	manifest := fmt.Sprintf(vendorManifest, crate.Name, crate.Version)
	if err := errors.Join(os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "Cargo.toml"), []byte(manifest), 0o644),
		os.WriteFile(filepath.Join(dir, "lib.rs"), nil, 0o644)); err != nil {
		return "", err
	}
	cargo := tool{limit: cargoLimit, dir: dir}
	if err := cargo.run(ctx, "cargo", "vendor", "--quiet"); err != nil {
		return "", err
	}
	vendored := filepath.Join(dir, "vendor", crate.Name)
	if err := checkCrate(vendored); err != nil {
		return "", err
	}
	source := filepath.Join(vendored, "src", "mlx-c")
	if !holdsSource(source) {
		return "", errors.New("the crate holds no mlx-c")
	}
	return source, nil
}

// checkCrate compares a vendored crate's checksum with the pin.
func checkCrate(dir string) error {
	var sums struct {
		Package string `json:"package"`
	}
	data, err := os.ReadFile(filepath.Join(dir, ".cargo-checksum.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &sums); err != nil {
		return fmt.Errorf(".cargo-checksum.json: %w", err)
	}
	if want := native.MLXCCrate.SHA256; sums.Package != want {
		return fmt.Errorf("the crate has sha256 %s, the pin %s", sums.Package, want)
	}
	return nil
}
