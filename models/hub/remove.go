package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Removal is what Remove takes away.
type Removal struct {
	Snapshots []Snapshot
	Freed     int64 // bytes of blobs that no other snapshot uses
	blobs     []string
	refs      []string
	ref       Ref
	all       bool
}

// PlanRemoval finds out what removing a model takes away: the snapshot of the
// revision, or all of them where none is named. What is not there is ErrNotCached.
func (c *Client) PlanRemoval(r Ref) (*Removal, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.File != "" {
		return nil, fmt.Errorf("hub: %s: a snapshot is removed whole: leave the file out", r)
	}
	p, err := c.planRemoval(r)
	if err != nil {
		return nil, fmt.Errorf("hub: %s: %w", r, err)
	}
	return p, nil
}

func (c *Client) planRemoval(r Ref) (*Removal, error) {
	list, err := c.snapshots(r)
	if err != nil {
		return nil, err
	}
	p := &Removal{ref: r, all: r.Revision == ""}
	var kept []Snapshot
	commit := c.commitOf(r)
	for _, s := range list {
		if p.all || s.Commit == commit {
			p.Snapshots = append(p.Snapshots, s)
			p.refs = append(p.refs, s.Revisions...)
		} else {
			kept = append(kept, s)
		}
	}
	if len(p.Snapshots) == 0 && (!p.all || !isDir(filepath.Join(c.cacheDir, r.folder()))) {
		return nil, fmt.Errorf("%w %s", ErrNotCached, c.cacheDir)
	}
	return p, p.measure(filepath.Join(c.cacheDir, r.folder(), "blobs"), kept)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// measure finds the blobs that no kept snapshot uses.
func (p *Removal) measure(dir string, kept []Snapshot) error {
	used, err := blobsOf(kept)
	if err != nil {
		return err
	}
	gone, err := blobsOf(p.Snapshots)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if (p.all || slices.Contains(gone, e.Name())) && !slices.Contains(used, e.Name()) {
			p.blobs = append(p.blobs, filepath.Join(dir, e.Name()))
			if info, err := e.Info(); err == nil {
				p.Freed += info.Size()
			}
		}
	}
	return nil
}

// blobsOf lists the names of the blobs that snapshots link to.
func blobsOf(list []Snapshot) ([]string, error) {
	var out []string
	for _, s := range list {
		err := filepath.WalkDir(s.Path, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Type()&fs.ModeSymlink == 0 {
				return err
			}
			target, err := os.Readlink(path)
			out = append(out, filepath.Base(target))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Remove takes a plan's snapshots away: branches first, so that none means a
// snapshot that is gone.
func (c *Client) Remove(p *Removal) error {
	dir := filepath.Join(c.cacheDir, p.ref.folder())
	var errs []error
	if p.all {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, "refs")), os.RemoveAll(dir),
			os.RemoveAll(filepath.Join(c.cacheDir, ".locks", p.ref.folder())))
	} else {
		for _, name := range p.refs {
			errs = append(errs, os.Remove(filepath.Join(dir, "refs", filepath.FromSlash(name))))
		}
		for _, s := range p.Snapshots {
			errs = append(errs, os.RemoveAll(s.Path), removeIfThere(filepath.Join(dir, "trees", s.Commit+".json")))
		}
		for _, b := range p.blobs {
			errs = append(errs, os.Remove(b))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("hub: removing %s: %s", p.ref, strings.ReplaceAll(err.Error(), "\n", ", "))
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
