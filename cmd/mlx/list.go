package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"forge.lthn.ai/core/go-mlx/models/hub"
)

type listCmd struct {
	JSON bool `help:"Print JSON, one line for each snapshot."`
}

// snapshotJSON is a line of --json; the size is bytes.
type snapshotJSON struct {
	Model     string    `json:"model"`
	Revisions []string  `json:"revisions"`
	Commit    string    `json:"commit"`
	Path      string    `json:"path"`
	Files     int       `json:"files"`
	Size      int64     `json:"size"`
	LastUsed  time.Time `json:"last_used"`
}

// Run prints what is in the cache.
func (l *listCmd) Run(c *console) error {
	client, err := hub.New()
	if err != nil {
		return err
	}
	list, err := client.List()
	if err != nil {
		return err
	}
	if l.JSON {
		enc := json.NewEncoder(c.out)
		for _, s := range list {
			if err := enc.Encode(snapshotJSON{s.Repo, append([]string{}, s.Revisions...), s.Commit, s.Path, s.Files, s.Size, s.LastUsed}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		fmt.Fprintf(c.err, "no models in %s; mlx pull org/name downloads one\n", client.CacheDir())
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODEL\tREVISION\tCOMMIT\tSIZE\tLAST USED")
	for _, s := range list {
		fmt.Fprintf(w, "%s\t%s\t%.8s\t%s\t%s\n", s.Repo, visible(strings.Join(s.Revisions, ",")), s.Commit, size(s.Size), humanize.Time(s.LastUsed))
	}
	return w.Flush()
}
