package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"forge.lthn.ai/core/go-mlx/models"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/train/data"
)

// ErrSettings is in the chain of the error of a Resume with other settings than those
// that the checkpoint was made with: the run would not be the one that was begun.
var ErrSettings = errors.New("the settings are not those of the checkpoint")

// Resume goes on with the run whose newest checkpoint is in dir, which is also where it
// saves: losses and weights are, bit for bit, those of a run that was never ended.
// The model, src and the options are those that it was begun with; WithIters may say
// more.
func Resume(ctx context.Context, m *models.Model, src data.Source, dir string, opts ...Option) (*Run, error) {
	r := &Run{config: newConfig(append(slices.Clone(opts), WithDir(dir))), model: m, source: src}
	err := r.check()
	if err == nil {
		err = r.resume(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("train: resume %s: %w", dir, err), r.Close())
	}
	return r, nil
}

func (r *Run) resume(ctx context.Context) error {
	path, err := Latest(r.dir)
	if err != nil {
		return err
	}
	state, err := readState(filepath.Join(path, stateFile))
	if err != nil {
		return err
	}
	if err := state.Settings.differ(r.settings()); err != nil {
		return err
	}
	if r.first() {
		if err := removeParts(r.dir); err != nil {
			return err
		}
	}
	if err := r.openState(ctx); err != nil {
		return err
	}
	if err := r.do(func(t *mlx.Thread) error { return r.restore(t, path) }); err != nil {
		return err
	}
	if err := r.source.Seek(state.Position); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	r.at = state.Progress
	r.clock.counted = r.at.Counted
	return nil
}

// readState reads state.json.
func readState(path string) (*saved, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := parseState(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func parseState(text []byte) (*saved, error) {
	var s saved
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, err
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("version: %d, want %d", s.Version, stateVersion)
	}
	p := s.Progress
	for _, n := range []struct {
		field string
		n     int64
	}{
		{"progress.iter", int64(p.Iter)}, {"progress.updates", int64(p.Updates)}, {"progress.tokens", p.Tokens},
		{"progress.best_iter", int64(p.BestIter)}, {"progress.waited", int64(p.Waited)},
		{"position.epoch", int64(s.Position.Epoch)}, {"position.batch", int64(s.Position.Batch)},
	} {
		if n.n < 0 {
			return nil, fmt.Errorf("%s: %d is negative", n.field, n.n)
		}
	}
	return &s, nil
}

// restore reads weights and moments.
func (r *Run) restore(t *mlx.Thread, path string) (err error) {
	file := filepath.Join(path, weightsFile)
	arrays, _, err := mlx.LoadSafetensors(t, file)
	if err != nil {
		return err
	}
	all := slices.Collect(maps.Values(arrays))
	defer func() { err = errors.Join(err, mlx.CloseAll(all...)) }()
	if len(arrays) != len(r.params) {
		return fmt.Errorf("%s: %d weights, %d are trained", file, len(arrays), len(r.params))
	}
	_, err = t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		for _, l := range r.params {
			a, ok := arrays[l.Name]
			if !ok {
				s.Fail(fmt.Errorf("%s: %s is missing", file, l.Name))
				return nil
			}
			if have, want := s.DtypeOf(a), s.DtypeOf(l.Array()); s.Err() == nil && have != want {
				s.Fail(fmt.Errorf("%s: %s is %v, the model's %v", file, l.Name, have, want))
			}
			l.Assign(s, a)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.Eval(r.params.Arrays()...); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return r.state.Load(t, filepath.Join(path, optimizerFile))
}
