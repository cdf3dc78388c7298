package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// blob is a file's content: its address, its name in blobs/ and its size.
type blob struct {
	file
	etag    string
	address string
}

var (
	etagPattern = lazy(`^[A-Za-z0-9_][A-Za-z0-9._+=-]{0,199}$`)
	gitPattern  = lazy(`^[0-9a-f]{40}$`)
	lfsPattern  = lazy(`^[0-9a-f]{64}$`)
)

// head asks for a file's hash and size.
func (c *Client) head(ctx context.Context, r Ref, commit string, f file) (blob, error) {
	b := blob{file: f, address: c.address(r.Repo, "resolve", commit, f.Path)}
	err := c.retry(ctx, func() error {
		resp, err := c.do(ctx, http.MethodHead, b.address, nil)
		if err != nil {
			return err
		}
		resp.Body.Close()
		away := resp.StatusCode/100 == 3 && resp.Header.Get("Location") != ""
		if err := c.statusError(resp); err != nil && !away {
			return err
		}
		return b.read(resp, commit, away)
	})
	return b, err
}

// read takes what the headers say; away is an answer that sends us to another host.
func (b *blob) read(resp *http.Response, commit string, away bool) error {
	h := resp.Header
	if at := h.Get("X-Repo-Commit"); at != "" && at != commit {
		return final("the hub answers for commit %.64q instead of %s", at, commit)
	}
	etag := h.Get("X-Linked-Etag")
	if etag == "" {
		etag = h.Get("ETag")
	}
	b.etag = strings.Trim(strings.TrimPrefix(etag, "W/"), `"`)
	if !etagPattern().MatchString(b.etag) || strings.HasSuffix(b.etag, ".incomplete") {
		return final("ETag %.80q cannot name a blob", etag)
	}
	size := resp.ContentLength
	if away {
		size = -1
	}
	if s := h.Get("X-Linked-Size"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 {
			return final("X-Linked-Size %.80q is no size", s)
		}
		size = n
	}
	if size >= 0 && size != b.Size {
		return final("the hub says %d bytes in its list and %d for the file", b.Size, size)
	}
	return nil
}

// hasher computes the hash that an ETag is: git's of a blob, or sha256 of a large
// file. Nil is one that says nothing.
func (b blob) hasher() hash.Hash {
	switch {
	case lfsPattern().MatchString(b.etag):
		return sha256.New()
	case gitPattern().MatchString(b.etag):
		h := sha1.New()
		fmt.Fprintf(h, "blob %d\x00", b.Size)
		return h
	}
	return nil
}

// path is where a blob is.
func (c *Client) blobPath(r Ref, etag string) string {
	return filepath.Join(c.cacheDir, r.folder(), "blobs", etag)
}

// fetch sees to it that the blob is in the cache.
func (c *Client) fetch(ctx context.Context, r Ref, b blob, t *tally) error {
	path := c.blobPath(r, b.etag)
	if hasSize(path, b.Size) {
		t.set(b.file, b.Size, 0)
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	unlock, err := c.lock(ctx, r, b.etag)
	if err != nil {
		return err
	}
	defer unlock()
	if hasSize(path, b.Size) {
		t.set(b.file, b.Size, 0)
		return nil // another process was faster
	}
	return c.download(ctx, b, path, t)
}

func hasSize(path string, size int64) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// download brings the blob to path, resuming what is there of it.
func (c *Client) download(ctx context.Context, b blob, path string, t *tally) error {
	part := path + ".incomplete"
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	p := &partial{blob: b, f: f, tally: t}
	resumed, err := p.resume()
	if err != nil {
		return err
	}
	err = c.transfer(ctx, p)
	if errors.Is(err, ErrChecksum) && resumed {
		if err = p.restart(); err == nil { // what was there was not ours
			err = c.transfer(ctx, p)
		}
	}
	if errors.Is(err, ErrChecksum) {
		return errors.Join(err, os.Remove(part))
	}
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return os.Rename(part, path)
}

// partial is a blob of which the first n bytes are in a file.
type partial struct {
	blob
	f     *os.File
	n     int64
	hash  hash.Hash
	tally *tally
}

// resume takes what the file holds already.
func (p *partial) resume() (some bool, err error) {
	info, err := p.f.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() > p.Size {
		return false, p.restart()
	}
	if p.hash = p.hasher(); p.hash != nil {
		p.n, err = io.Copy(p.hash, p.f)
	} else {
		p.n, err = p.f.Seek(0, io.SeekEnd)
	}
	p.tally.set(p.file, p.n, 0)
	return p.n > 0, err
}

// restart begins again.
func (p *partial) restart() error {
	p.n, p.hash = 0, p.hasher()
	p.tally.set(p.file, 0, 0)
	if err := p.f.Truncate(0); err != nil {
		return err
	}
	_, err := p.f.Seek(0, io.SeekStart)
	return err
}

// Write appends bytes that arrived. More than the size is an error.
func (p *partial) Write(b []byte) (int, error) {
	if p.n+int64(len(b)) > p.Size {
		return 0, final("more than the %d bytes that the hub said", p.Size)
	}
	n, err := p.f.Write(b)
	p.n += int64(n)
	if p.hash != nil {
		p.hash.Write(b[:n])
	}
	p.tally.set(p.file, p.n, int64(n))
	if err != nil {
		return n, finalError{err} // the disk is full
	}
	return n, nil
}

// check compares the hash of the whole.
func (p *partial) check() error {
	if p.hash == nil {
		return nil
	}
	if got := hex.EncodeToString(p.hash.Sum(nil)); got != p.etag {
		return finalError{fmt.Errorf("%w: %s instead of %s", ErrChecksum, got, p.etag)}
	}
	return nil
}
