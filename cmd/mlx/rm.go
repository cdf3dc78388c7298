package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/models/hub"
)

type rmCmd struct {
	Models []string `arg:"" name:"model" help:"org/name for all of its snapshots, org/name@revision for one."`
	Yes    bool     `short:"y" help:"Do not ask."`
	JSON   bool     `help:"Print JSON, a line for each name; freed is bytes."`
}

// Validate refuses what is no name.
func (r *rmCmd) Validate() error {
	for _, name := range r.Models {
		if ref, err := hub.ParseRef(name); err != nil {
			return err
		} else if ref.File != "" {
			return fmt.Errorf("%s: a snapshot is removed whole: leave the file out", name)
		}
	}
	return nil
}

// Run says what goes, asks, and removes it.
func (r *rmCmd) Run(c *console) error {
	client, err := hub.New()
	if err != nil {
		return err
	}
	for _, name := range r.Models {
		ref, err := hub.ParseRef(name)
		if err != nil {
			return err
		}
		plan, err := client.PlanRemoval(ref)
		if err != nil {
			return err
		}
		if err := r.confirm(c, name, plan); err != nil {
			return err
		}
		if err := client.Remove(plan); err != nil {
			return err
		}
		if err := r.tell(c.out, name, plan); err != nil {
			return err
		}
	}
	return nil
}

// removedJSON is a line of --json.
type removedJSON struct {
	Model     string `json:"model"`
	Snapshots int    `json:"snapshots"`
	Freed     int64  `json:"freed"`
}

func (r *rmCmd) tell(out io.Writer, name string, plan *hub.Removal) error {
	if r.JSON {
		return json.NewEncoder(out).Encode(removedJSON{name, len(plan.Snapshots), plan.Freed})
	}
	_, err := fmt.Fprintf(out, "removed %s, freed %s\n", name, size(plan.Freed))
	return err
}

// confirm asks on a terminal; elsewhere --yes is needed.
func (r *rmCmd) confirm(c *console, name string, plan *hub.Removal) error {
	if r.Yes {
		return nil
	}
	if in, ok := c.in.(*os.File); !ok || !fetch.IsTerminal(in) {
		return fmt.Errorf("%s was not removed: give --yes where nobody can be asked", name)
	}
	return question(c, fmt.Sprintf("remove %s (%d snapshots, %s)? [y/N] ", name, len(plan.Snapshots), size(plan.Freed)))
}

var errKept = errors.New("nothing was removed")

func question(c *console, text string) error {
	fmt.Fprint(c.err, text)
	answer, err := bufio.NewReader(c.in).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	if err != nil {
		fmt.Fprintln(c.err)
	}
	return errKept
}
