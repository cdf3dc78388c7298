package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Bounds on what a hub may say.
const (
	maxFiles = 100_000
	maxPages = 1_000
	maxReply = 64 << 20
)

// file is a file of a repository.
type file struct {
	Path string
	Size int64
}

// resolve asks which commit a revision means.
func (c *Client) resolve(ctx context.Context, r Ref) (string, error) {
	if commitPattern().MatchString(r.revision()) {
		return r.revision(), nil
	}
	var reply struct {
		SHA string `json:"sha"`
	}
	// A revision is one piece of the address: the / of refs/pr/1 is escaped.
	address := c.address("api/models", r.Repo, "revision") + "/" + url.PathEscape(r.revision())
	if _, err := c.getJSON(ctx, address, &reply); err != nil {
		return "", err
	}
	if !commitPattern().MatchString(reply.SHA) {
		return "", fmt.Errorf("the hub's answer: sha %.80q is no commit", reply.SHA)
	}
	return reply.SHA, nil
}

// files lists what a commit has.
func (c *Client) files(ctx context.Context, r Ref, commit string) ([]file, error) {
	var all []file
	next := c.address("api/models", r.Repo, "tree", commit) + "?recursive=true"
	for range maxPages {
		var page []struct {
			Type string `json:"type"`
			Path string `json:"path"`
			Size int64  `json:"size"`
		}
		header, err := c.getJSON(ctx, next, &page)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if e.Type != "directory" {
				all = append(all, file{e.Path, e.Size})
			}
		}
		if len(all) > maxFiles {
			return nil, fmt.Errorf("more than %d files", maxFiles)
		}
		if next, err = c.nextPage(next, header.Values("Link")); err != nil || next == "" {
			return all, err
		}
	}
	return nil, fmt.Errorf("a list of more than %d pages", maxPages)
}

// nextPage reads a Link header; empty is none. It must stay with the endpoint.
func (c *Client) nextPage(from string, links []string) (string, error) {
	for _, field := range links {
		for link := range strings.SplitSeq(field, ",") {
			address, params, _ := strings.Cut(link, ";")
			if !strings.Contains(params, `rel="next"`) {
				continue
			}
			base, err := url.Parse(from)
			if err != nil {
				return "", fmt.Errorf("the list's next page has no address")
			}
			u, err := base.Parse(strings.Trim(strings.TrimSpace(address), "<>"))
			if err != nil || !sameOrigin(u, c.base) {
				return "", fmt.Errorf("the list's next page is not of %s", c.base.Host)
			}
			return u.String(), nil
		}
	}
	return "", nil
}

// getJSON gets an answer of the API.
func (c *Client) getJSON(ctx context.Context, address string, v any) (header http.Header, err error) {
	err = c.retry(ctx, func() error {
		ctx, stop := context.WithTimeout(ctx, 4*c.stall)
		defer stop()
		r, err := c.do(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		defer r.Body.Close()
		if err := c.statusError(r); err != nil {
			return err
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, maxReply+1))
		if err != nil {
			return fmt.Errorf("%s: %w", c.base.Host, err)
		}
		if len(body) > maxReply {
			return final("the hub's answer is longer than %d MiB", maxReply>>20)
		}
		if err := json.Unmarshal(body, v); err != nil {
			return final("the hub's answer: %w", err)
		}
		header = r.Header
		return nil
	})
	return header, err
}
