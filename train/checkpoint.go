package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train/data"
)

// A checkpoint is a folder of these files, and of those of WithFiles. It is written
// under a hidden name, seen to the disk, and renamed: a folder of the name is whole.
const (
	weightsFile   = "weights.safetensors"   // trained, by their names
	optimizerFile = "optimizer.safetensors" // moments and the count of updates
	stateFile     = "state.json"
)

const (
	checkpointPrefix = "checkpoint-"
	partPrefix       = ".checkpoint-"
	bestFile         = "best" // holds the name of the best checkpoint
)

// stateVersion is that of state.json.
const stateVersion = 1

// saved is state.json.
type saved struct {
	Version  int           `json:"version"`
	Progress progress      `json:"progress"`
	Position data.Position `json:"position"` // of the next batch
	Settings settings      `json:"settings"`
}

// saveDue reports whether it is time for a checkpoint: where no gradients wait for an
// update.
func (r *Run) saveDue(last bool) bool {
	if last || r.Stopped() {
		return true
	}
	if r.at.Iter%r.accumulate != 0 {
		return false
	}
	isBest := r.at.Best != nil && r.at.BestIter == r.at.Iter
	return isBest || r.at.Iter%r.saveEvery < r.accumulate && r.at.Iter >= r.saveEvery
}

// Save writes a checkpoint of the run as it is now. Between the batches of an update
// there is none to be had.
func (r *Run) Save() error {
	if r.dir == "" {
		return errors.New("train: save: there is no folder: see WithDir")
	}
	if r.at.Iter%r.accumulate != 0 && r.at.Iter != r.iters {
		return fmt.Errorf("train: save: iteration %d is between the %d batches of an update", r.at.Iter, r.accumulate)
	}
	if err := r.save(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

func (r *Run) save() error {
	if err := r.settle(); err != nil {
		return err
	}
	if err := r.checkWeights(); err != nil {
		return err
	}
	if !r.first() {
		return nil
	}
	began := r.now()
	r.clock.pause(began)
	path := filepath.Join(r.dir, fmt.Sprintf("%s%07d", checkpointPrefix, r.at.Iter))
	if err := r.write(path); err != nil {
		return fmt.Errorf("checkpoint %s: %w", path, err)
	}
	if r.at.Best != nil && r.at.BestIter == r.at.Iter {
		err := atomicfile.Write(filepath.Join(r.dir, bestFile), func(w io.Writer) error {
			_, err := io.WriteString(w, filepath.Base(path)+"\n")
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := r.prune(); err != nil {
		return err
	}
	r.clock.start(r.now())
	return r.tell(SaveEvent{Iter: r.at.Iter, Path: path})
}

// checkWeights refuses weights that are no numbers: a loss that is one may have made
// them.
func (r *Run) checkWeights() error {
	return r.do(func(t *mlx.Thread) error {
		all, err := t.Build(func(s *mlx.Scope) mlx.Array {
			ok := s.Full(nil, s.Scalar(1, mlx.Bool), mlx.Bool)
			for _, l := range r.params {
				ok = s.LogicalAnd(ok, s.All(s.IsFinite(l.Array()), false))
			}
			return ok
		})
		if err != nil {
			return err
		}
		defer all.Close()
		finite, err := mlx.Item[bool](t, all)
		if err == nil && !finite {
			err = fmt.Errorf("%w any more after this update: the weights are not", ErrNotFinite)
		}
		return err
	})
}

// write puts a checkpoint in place, or nothing.
func (r *Run) write(path string) (err error) {
	if _, err := os.Stat(path); err == nil {
		return nil // saved before: equal, for training is deterministic
	}
	part, err := os.MkdirTemp(r.dir, partPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	if err := r.writeArrays(part); err != nil {
		return err
	}
	if err := r.files(part); err != nil {
		return err
	}
	state := saved{stateVersion, r.at, r.source.Position(), r.settings()}
	text, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	err = atomicfile.Write(filepath.Join(part, stateFile), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return err
	}
	if err := os.Chmod(part, 0o755); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return atomicfile.SyncDir(r.dir)
}

func (r *Run) writeArrays(dir string) error {
	return r.do(func(t *mlx.Thread) error {
		weights := map[string]mlx.Array{}
		for name, a := range r.params.All() {
			weights[name] = a
		}
		if err := mlx.SaveSafetensors(t, filepath.Join(dir, weightsFile), weights, nil); err != nil {
			return err
		}
		return mlx.SaveSafetensors(t, filepath.Join(dir, optimizerFile), r.state.Arrays(), nil)
	})
}

// openDir makes the folder of the checkpoints, in which there must be none.
func (r *Run) openDir() error {
	if r.dir == "" || !r.first() {
		return nil
	}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return err
	}
	found, err := checkpoints(r.dir)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("%s holds checkpoints of another run: Resume it, or take another folder", r.dir)
	}
	return removeParts(r.dir)
}

// removeParts removes what processes left that ended while they wrote.
func removeParts(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, partPrefix+"*"))
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

// checkpoints lists the iterations of those in a folder, in order.
func checkpoints(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []int
	for _, e := range entries { // sorted by name, and so by number
		number, ok := strings.CutPrefix(e.Name(), checkpointPrefix)
		if n, err := strconv.Atoi(number); ok && err == nil && e.IsDir() {
			out = append(out, n)
		}
	}
	return out, nil
}

// prune removes old checkpoints.
func (r *Run) prune() error {
	found, err := checkpoints(r.dir)
	if err != nil {
		return err
	}
	for _, n := range found[:max(0, len(found)-r.keep)] {
		if r.at.Best != nil && n == r.at.BestIter {
			continue
		}
		old := filepath.Join(r.dir, fmt.Sprintf("%s%07d", checkpointPrefix, n))
		part := filepath.Join(r.dir, fmt.Sprintf("%s%07d", partPrefix, n))
		if err := errors.Join(os.Rename(old, part), os.RemoveAll(part)); err != nil { // half of one is none
			return err
		}
	}
	return nil
}

// Best is the path of the checkpoint in dir that did best in its evaluations.
func Best(dir string) (string, error) {
	name, err := os.ReadFile(filepath.Join(dir, bestFile))
	if err != nil {
		return "", fmt.Errorf("train: %s holds no best checkpoint: %w", dir, err)
	}
	return filepath.Join(dir, filepath.Base(strings.TrimSpace(string(name)))), nil
}

// Latest is the path of the newest checkpoint in dir.
func Latest(dir string) (string, error) {
	found, err := checkpoints(dir)
	if err != nil {
		return "", fmt.Errorf("train: %w", err)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("train: %s holds no checkpoint", dir)
	}
	return filepath.Join(dir, fmt.Sprintf("%s%07d", checkpointPrefix, found[len(found)-1])), nil
}
