// Package setup puts MLX's native libraries in place: libmlx from the pinned
// wheel, mlx-c compiled against it, and the library that sends MLX's BLAS calls
// to OpenBLAS.
package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/native"
)

// Options say what to install and where.
type Options struct {
	// Backend is cpu, cuda, cuda12 or metal; "" is metal on a Mac and cpu elsewhere.
	Backend string
	// Prefix is the folder to install into; "" is the one in the user cache that
	// the loader searches.
	Prefix string
	// MLXRoot is an MLX that is installed already, instead of the wheel.
	MLXRoot string
	// MLXCSource is a folder with mlx-c's source, instead of fetching it.
	MLXCSource string
	// Force installs even if everything is there.
	Force bool
	// Out takes the progress.
	Out io.Writer

	platform string // GOOS/GOARCH
}

// Install installs the libraries and returns the folder. A second call with the
// same pins does nothing; one that was interrupted leaves the installation as
// it was.
func Install(ctx context.Context, o Options) (string, error) {
	if err := o.complete(); err != nil {
		return "", err
	}
	if !o.Force && o.installed() { // without the lock: the folder may be read-only
		o.say("MLX %s (%s) is in place: %s", native.MLXVersion, o.Backend, o.Prefix)
		return o.Prefix, nil
	}
	unlock, err := fetch.Lock(ctx, o.Prefix, o.Out)
	if err != nil {
		return "", err
	}
	defer unlock()
	if !o.Force && o.installed() {
		return o.Prefix, nil // another process was faster
	}
	began := time.Now()
	if err := o.checkPrefix(); err != nil {
		return "", err
	}
	if err := o.checkTools(ctx); err != nil {
		return "", err
	}
	if err := o.make(ctx); err != nil {
		return "", err
	}
	o.say("MLX %s (%s) installed in %s in %.0f s", native.MLXVersion, o.Backend, o.Prefix, time.Since(began).Seconds())
	return o.Prefix, nil
}

// Installed returns the folder that Install would leave as it is, if there is one.
func Installed(o Options) (prefix string, ok bool) {
	if err := o.complete(); err != nil || !o.installed() {
		return "", false
	}
	return o.Prefix, true
}

// say tells about the progress in a line.
func (o *Options) say(format string, args ...any) { fmt.Fprintf(o.Out, format+"\n", args...) }

// make installs into a folder beside the prefix and puts it in the prefix's
// place when it is whole.
func (o *Options) make(ctx context.Context) error {
	tmp := o.Prefix + ".partial"
	if err := errors.Join(os.RemoveAll(tmp), os.MkdirAll(filepath.Join(tmp, workFolder), 0o755)); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := o.install(ctx, tmp); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	return replace(o.Prefix, tmp)
}

// workFolder is the part of the folder being made that is not installed: build
// trees and the temporary files of the tools.
const workFolder = ".work"

// replace puts tmp in the place of dir. A process killed in between leaves
// either the old or the new folder, or for a moment none, never a part of one.
func replace(dir, tmp string) error {
	old := dir + ".old.partial"
	err := errors.Join(os.RemoveAll(filepath.Join(tmp, workFolder)), os.RemoveAll(old))
	if err == nil {
		if err = os.Rename(dir, old); os.IsNotExist(err) {
			err = nil
		}
	}
	if err == nil {
		err = os.Rename(tmp, dir)
	}
	if err = errors.Join(err, os.RemoveAll(old)); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	return nil
}

// install does the work in tmp, the prefix to be.
func (o *Options) install(ctx context.Context, tmp string) error {
	root, err := o.placeMLX(ctx, tmp)
	if err != nil {
		return err
	}
	openblas, err := o.placeOpenBLAS(ctx, tmp)
	if err != nil {
		return err
	}
	source, err := o.mlxcSource(ctx)
	if err != nil {
		return err
	}
	if err := o.build(ctx, tmp, root, source, openblas); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, completeFile), []byte(o.stamp()), 0o644); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	return nil
}
