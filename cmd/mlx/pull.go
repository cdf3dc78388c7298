package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"forge.lthn.ai/core/go-mlx/models/hub"
)

type pullCmd struct {
	Model   string   `arg:"" help:"org/name or org/name@revision; org/name:FILE or org/name:Q4_K_M for one GGUF file."`
	File    string   `help:"The GGUF file, or its type; the same as after the colon."`
	Include []string `sep:"none" placeholder:"PATTERN" help:"Take the files that match, instead of those that a model is loaded from; may be repeated."`
	Exclude []string `sep:"none" placeholder:"PATTERN" help:"Leave out the files that match; may be repeated."`
	Workers int      `default:"8" help:"How many files come at once."`
	Quiet   bool     `short:"q" help:"Show no progress."`
	JSON    bool     `help:"Print one line of JSON."`
}

// Validate refuses what is no name.
func (p *pullCmd) Validate() error {
	r, err := hub.ParseRef(p.Model)
	switch {
	case p.Model == "": // kong asks for it
		return nil
	case err != nil:
		return err
	case p.File != "" && r.File != "":
		return errors.New("--file and a file after the colon exclude each other")
	case p.Workers < 1:
		return fmt.Errorf("--workers=%d is not 1 or more", p.Workers)
	}
	return nil
}

// Run downloads a model and prints where it is.
func (p *pullCmd) Run(c *console) error {
	ref, err := hub.ParseRef(p.Model)
	if err != nil {
		return err
	}
	if p.File != "" {
		ref.File = p.File
	}
	out := c.err
	if p.Quiet {
		out = io.Discard
	}
	show := newDownload(out, ref.String())
	client, err := hub.New(hub.WithProgress(show.report), hub.WithWorkers(p.Workers), hub.WithAllow(p.Include...), hub.WithIgnore(p.Exclude...))
	if err != nil {
		return err
	}
	path, err := client.Pull(c.ctx, ref)
	show.end()
	if err != nil {
		return err
	}
	if p.JSON {
		return json.NewEncoder(c.out).Encode(map[string]string{"model": ref.String(), "path": path})
	}
	_, err = fmt.Fprintln(c.out, path)
	return err
}
