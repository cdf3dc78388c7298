package main

import (
	"encoding/json"
	"fmt"

	"github.com/dustin/go-humanize"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/models/convert"
)

// writing is how a command that writes a model tells of it.
type writing struct {
	JSON  bool `help:"Print one line of JSON; bytes are the weights'."`
	Quiet bool `help:"Show no progress."`
}

// writtenJSON is what --json prints.
type writtenJSON struct {
	Path       string  `json:"path"`
	Files      int     `json:"files"` // of weights
	Bytes      int64   `json:"bytes"`
	Parameters int64   `json:"parameters"`
	Bits       float64 `json:"bits_per_weight"`
}

// progress tells a terminal which tensor it is.
func (w *writing) progress(con *console) []convert.Option {
	if w.Quiet || !fetch.IsTerminal(con.err) {
		return nil
	}
	return []convert.Option{convert.Progress(func(done, total int, name string) {
		fmt.Fprintf(con.err, "\r\x1b[K%d of %d %s", done, total, name)
		if done == total {
			fmt.Fprintln(con.err)
		}
	})}
}

// tell tells what was written, and what somebody may have meant to be written otherwise.
func (w *writing) tell(con *console, to string, r *convert.Result) error {
	if r.Kept > 0 && !w.Quiet {
		fmt.Fprintf(con.err, "%s packed already: kept; --dequantize first packs otherwise\n", were(r.Kept, "weight"))
	}
	if w.JSON {
		return json.NewEncoder(con.out).Encode(writtenJSON{to, r.Shards, r.Bytes, r.Parameters, r.BitsPerWeight()})
	}
	_, err := fmt.Fprintf(con.out, "%s: %s in %s, %.3f bits per weight\n", to, humanize.IBytes(uint64(r.Bytes)), plural(r.Shards, "file"), r.BitsPerWeight())
	return err
}

func were(n int, thing string) string {
	if n == 1 {
		return "1 " + thing + " was"
	}
	return plural(n, thing) + " were"
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
