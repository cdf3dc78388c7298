package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Snapshot is a commit of a model in the cache.
type Snapshot struct {
	Repo      string
	Commit    string
	Revisions []string // the branches and tags that mean it
	Path      string
	Files     int
	Size      int64     // bytes; a blob that two snapshots share counts in both
	LastUsed  time.Time // when a file of it was last read, as far as the system says
}

// List tells what models are in the cache, in the order of their names. Folders that
// are none are passed over.
func (c *Client) List() ([]Snapshot, error) {
	entries, err := os.ReadDir(c.cacheDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	var out []Snapshot
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), folderPrefix)
		r := Ref{Repo: strings.Replace(name, "--", "/", 1)}
		if !ok || !e.IsDir() || r.check() != nil {
			continue
		}
		list, err := c.snapshots(r)
		if err != nil {
			return nil, fmt.Errorf("hub: %s: %w", r.Repo, err)
		}
		out = append(out, list...)
	}
	return out, nil
}

// snapshots lists those of one model.
func (c *Client) snapshots(r Ref) ([]Snapshot, error) {
	entries, err := os.ReadDir(filepath.Join(c.cacheDir, r.folder(), "snapshots"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	refs, err := c.refs(r)
	if err != nil {
		return nil, err
	}
	var out []Snapshot
	for _, e := range entries {
		if !e.IsDir() || !commitPattern().MatchString(e.Name()) {
			continue
		}
		s := Snapshot{Repo: r.Repo, Commit: e.Name(), Revisions: refs[e.Name()], Path: c.snapshotDir(r, e.Name())}
		if err := s.measure(); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// measure counts files and bytes, each blob once.
func (s *Snapshot) measure() error {
	var seen []fs.FileInfo
	return filepath.WalkDir(s.Path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil // a link to nothing
		}
		s.Files++
		if used := lastUsed(info); used.After(s.LastUsed) {
			s.LastUsed = used
		}
		if !slices.ContainsFunc(seen, func(o fs.FileInfo) bool { return os.SameFile(o, info) }) {
			seen = append(seen, info)
			s.Size += info.Size()
		}
		return nil
	})
}

// refs maps commits to the branches and tags that mean them.
func (c *Client) refs(r Ref) (map[string][]string, error) {
	dir := filepath.Join(c.cacheDir, r.folder(), "refs")
	out := map[string][]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		commit := strings.TrimSpace(string(data))
		out[commit] = append(out[commit], filepath.ToSlash(name))
		return err
	})
	return out, err
}
