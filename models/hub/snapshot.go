package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// Pull asks the hub what the revision is now, gets what of it is missing, and
// returns the path of the snapshot: its folder, or its GGUF file where one is named
// or there is nothing else. A hub that cannot be reached leaves the snapshot that is
// there, if it is whole.
func (c *Client) Pull(ctx context.Context, r Ref) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	if c.offline {
		return c.Cached(r)
	}
	path, err := c.pull(ctx, r)
	if err == nil {
		return path, nil
	}
	if unreachable(err) && ctx.Err() == nil {
		if path, e := c.Cached(r); e == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("hub: %s: %w", r, err)
}

// Get returns the snapshot that is in the cache, without asking the hub, or pulls it.
func (c *Client) Get(ctx context.Context, r Ref) (string, error) {
	path, err := c.Cached(r)
	if err == nil || !errors.Is(err, ErrNotCached) || c.offline {
		return path, err
	}
	return c.Pull(ctx, r)
}

// unreachable reports whether an error says nothing about the model.
func unreachable(err error) bool {
	var status *StatusError
	if errors.As(err, &status) {
		return errors.Is(err, ErrServer) || errors.Is(err, ErrRateLimited)
	}
	return !isFinal(err)
}

func (c *Client) pull(ctx context.Context, r Ref) (string, error) {
	commit, err := c.resolve(ctx, r)
	if err != nil {
		return "", err
	}
	all, err := c.files(ctx, r, commit)
	if err != nil {
		return "", err
	}
	files, err := c.pick(r, all)
	if err != nil {
		return "", finalError{err}
	}
	blobs, err := c.fetchAll(ctx, r, commit, files)
	if err != nil {
		return "", finalError{err}
	}
	if err := c.link(r, commit, blobs); err != nil {
		return "", finalError{err}
	}
	return c.modelPath(r, commit, files), nil
}

// modelPath is the one file where it is a GGUF file, the first where that is split,
// and the folder otherwise.
func (c *Client) modelPath(r Ref, commit string, files []file) string {
	dir := c.snapshotDir(r, commit)
	names := gguf.SplitNames(files[0].Path)
	other := func(f file) bool { return !slices.Contains(names, f.Path) }
	if isGGUF(names[0]) && !slices.ContainsFunc(files, other) {
		return filepath.Join(dir, filepath.FromSlash(names[0]))
	}
	return dir
}

func (c *Client) snapshotDir(r Ref, commit string) string {
	return filepath.Join(c.cacheDir, r.folder(), "snapshots", commit)
}

// fetchAll gets the files, once there is room for all.
func (c *Client) fetchAll(ctx context.Context, r Ref, commit string, files []file) ([]blob, error) {
	blobs := make([]blob, len(files))
	err := c.each(ctx, files, func(ctx context.Context, i int, f file) (err error) {
		blobs[i], err = c.head(ctx, r, commit, f)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := c.checkSpace(r, blobs); err != nil {
		return nil, err
	}
	t := newTally(c.progress, files)
	return blobs, c.each(ctx, files, func(ctx context.Context, i int, _ file) error { return c.fetch(ctx, r, blobs[i], t) })
}

// each does something with several files at once. One that fails ends the others.
func (c *Client) each(ctx context.Context, files []file, do func(ctx context.Context, i int, f file) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.workers)
	for i, f := range files {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := do(ctx, i, f); err != nil {
				return fmt.Errorf("%s: %w", f.Path, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// link makes the snapshot of blobs that are there, and the branch after it.
func (c *Client) link(r Ref, commit string, blobs []blob) error {
	dir := c.snapshotDir(r, commit)
	for _, b := range blobs {
		if err := linkFile(c.blobPath(r, b.etag), filepath.Join(dir, filepath.FromSlash(b.Path))); err != nil {
			return err
		}
	}
	if r.revision() == commit {
		return nil
	}
	ref := c.refPath(r)
	if old, err := os.ReadFile(ref); err == nil && string(old) == commit {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(ref), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(ref, func(w io.Writer) error { // no line break: huggingface_hub takes all of it
		_, err := io.WriteString(w, commit)
		return err
	})
}

func (c *Client) refPath(r Ref) string {
	return filepath.Join(c.cacheDir, r.folder(), "refs", filepath.FromSlash(r.revision()))
}

// linkFile makes path a relative link to a blob; a hard one where the system has no
// others.
func linkFile(blob, path string) error {
	target, err := filepath.Rel(filepath.Dir(path), blob)
	if err != nil {
		return err
	}
	if old, err := os.Readlink(path); err == nil && old == target {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d.link", filepath.Base(blob), os.Getpid()))
	os.Remove(tmp)
	if err := os.Symlink(target, tmp); err != nil {
		if err := os.Link(blob, tmp); err != nil {
			return err
		}
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return nil
}

// commitOf is the commit that the cache knows for a revision; empty is none.
func (c *Client) commitOf(r Ref) string {
	if commitPattern().MatchString(r.revision()) {
		return r.revision()
	}
	data, err := os.ReadFile(c.refPath(r))
	if commit := strings.TrimSpace(string(data)); err == nil && commitPattern().MatchString(commit) {
		return commit
	}
	return ""
}
