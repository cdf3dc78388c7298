package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"forge.lthn.ai/core/go-mlx/native"
)

// Archive is a pinned file of a package registry.
type Archive struct {
	Package string // as the registry calls it
	Version string
	File    string // the file's name, as the registry's client saves it
	SHA256  string
}

// client is a program that downloads an archive into a folder.
type client struct {
	name   string // as messages call it
	tool   string // the program
	args   func(a Archive, dir string) []string
	reason func(log string, err error) string // why it failed, in one line
}

// Wheel returns the path of a pinned wheel, downloading it with pip unless it
// is there. Progress goes to out.
func Wheel(ctx context.Context, w native.Wheel, out io.Writer) (string, error) {
	return get(ctx, Archive{w.Package, w.Version, w.File, w.SHA256}, wheels, out)
}

// Sdist returns the path of a pinned source distribution, downloading it with
// pip unless it is there. Progress goes to out.
func Sdist(ctx context.Context, a Archive, out io.Writer) (string, error) {
	return get(ctx, a, sdists, out)
}

// NPM returns the path of a pinned npm package, downloading it with npm unless
// it is there. Progress goes to out.
func NPM(ctx context.Context, a Archive, out io.Writer) (string, error) {
	return get(ctx, a, npm, out)
}

func get(ctx context.Context, a Archive, c client, out io.Writer) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "downloads")
	path := filepath.Join(dir, a.File)
	if Verify(path, a.SHA256) == nil {
		return path, nil // without the lock: the folder may be read-only
	}
	unlock, err := Lock(ctx, path, out)
	if err != nil {
		return "", err
	}
	defer unlock()
	if Verify(path, a.SHA256) == nil {
		return path, nil // another process was faster
	}
	return path, a.download(ctx, c, dir, path, out)
}

// download brings the file into a folder of its own, checks it there and gives
// it its name last.
func (a Archive) download(ctx context.Context, c client, dir, path string, out io.Writer) error {
	removeStale(dir, a.File)
	tmp, err := os.MkdirTemp(dir, tempPrefix(a.File)+"*")
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	defer os.RemoveAll(tmp)
	began := time.Now()
	if err := c.run(ctx, a, tmp, out); err != nil {
		return err
	}
	got := filepath.Join(tmp, a.File)
	err = Verify(got, a.SHA256)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("fetch: %s ended without error but saved no %s", c.name, a.File)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(got, path); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	fmt.Fprintf(out, "downloaded %s in %.1f s\n", a.File, time.Since(began).Seconds())
	return nil
}

// downloadTimeout bounds one download: the largest file has 90 MB.
var downloadTimeout = 15 * time.Minute

// ErrNoClient is wrapped when the program that would download is not installed.
var ErrNoClient = errors.New("not on the PATH")

// run downloads a into dir.
func (c client) run(ctx context.Context, a Archive, dir string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	tool, err := exec.LookPath(c.tool)
	if err != nil {
		return fmt.Errorf("fetch: %s is needed to download %s and is %w", c.tool, a.Package, ErrNoClient)
	}
	cmd := Command(ctx, tool, c.args(a, dir)...)
	// pip keeps what it is downloading in TMPDIR: here it is counted and cleared away.
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "PYTHONUNBUFFERED=1", "PIP_REQUIRE_VIRTUALENV=0")
	log := &logBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	stop := report(out, fmt.Sprintf("downloading %s %s", a.Package, a.Version), dir, log)
	err = cmd.Run()
	stop()
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("fetch: downloading %s %s took more than %v and was given up: %w",
			a.Package, a.Version, downloadTimeout, ctx.Err())
	case ctx.Err() != nil:
		return fmt.Errorf("fetch: downloading %s: %w", a.Package, ctx.Err())
	}
	return fmt.Errorf("fetch: %s could not download %s %s: %s", c.name, a.Package, a.Version, c.reason(log.String(), err))
}

// tempPrefix begins the names of the folders that a file is downloaded in.
func tempPrefix(file string) string { return "." + file + "-" }

// removeStale removes what a download left that was killed. The caller holds
// the file's lock, so nobody else is at it.
func removeStale(dir, file string) {
	old, _ := filepath.Glob(filepath.Join(dir, tempPrefix(file)+"*"))
	for _, path := range old {
		os.RemoveAll(path)
	}
}
