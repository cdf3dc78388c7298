package train_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/train"
)

const (
	killFolder = "GO_MLX_TEST_KILL_FOLDER"
	killIters  = 60
)

// killOptions are those of the run that is killed.
func killOptions(l losses) []train.Option {
	return options(l, train.WithIters(killIters), train.WithSaveEvery(3), train.WithAccumulation(2), train.WithClip(1),
		train.WithValidation(&source{rows: 2, batches: 3}, -1), train.WithEvalEvery(10))
}

// A run that was killed at any time, twenty times in a row, and went on each time, has
// the losses and the weights of one that was left alone, to the bit.
func TestKilledRunsGoOn(t *testing.T) {
	if dir := os.Getenv(killFolder); dir != "" {
		trainToBeKilled(t, dir)
		return
	}
	want, whole := losses{}, t.TempDir()
	run, err := train.New(t.Context(), tinyModel(t), newSource(), append(killOptions(want), train.WithDir(whole))...)
	require.NoError(t, err)
	require.NoError(t, run.Run(t.Context()))
	require.NoError(t, run.Close())

	dir, have, kills := t.TempDir(), losses{}, 0
	for round := 0; ; round++ {
		ended, told := killable(t, dir, round, kills < 20)
		for iter, loss := range told {
			if before, ok := have[iter]; ok {
				require.Equal(t, before, loss, "iteration %d, again", iter) //nolint:testifylint // to the bit
			}
			have[iter] = loss
		}
		if ended {
			break
		}
		kills++
		require.Less(t, round, 60, "it does not get on")
	}
	require.GreaterOrEqual(t, kills, 20)
	require.Equal(t, want, have)
	for _, file := range []string{"weights.safetensors", "optimizer.safetensors", "state.json"} {
		require.Equal(t, readLatest(t, whole, file), readLatest(t, dir, file), file)
	}
}

func readLatest(t *testing.T, dir, file string) string {
	t.Helper()
	path, err := train.Latest(dir)
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(path, file))
	require.NoError(t, err)
	return string(text)
}

// killable runs a process that trains in dir, and kills it somewhere in between. It
// returns what the process told of its losses, and whether it came to its end.
func killable(t *testing.T, dir string, round int, kill bool) (ended bool, told losses) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledRunsGoOn$")
	cmd.Env = append(os.Environ(), killFolder+"="+dir)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	rng := rand.New(rand.NewPCG(uint64(round), 1))
	lines, told := 1+rng.IntN(6), losses{}
	text := bufio.NewScanner(out)
	for text.Scan() {
		var iter int
		var loss float64
		if n, _ := fmt.Sscanf(text.Text(), "iter %d loss %g", &iter, &loss); n == 2 {
			told[iter] = loss
			lines--
		}
		if lines == 0 && kill {
			time.Sleep(time.Duration(rng.IntN(12)) * time.Millisecond) // while it computes, evaluates or saves
			require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
		}
	}
	err = cmd.Wait()
	if err != nil && !strings.Contains(err.Error(), "killed") {
		require.NoError(t, err, errors.String())
	}
	return err == nil, told
}

// trainToBeKilled begins a run in dir, or goes on with the one there, and tells its
// losses.
func trainToBeKilled(t *testing.T, dir string) {
	l := losses{}
	opts := append(killOptions(l), train.WithObserver(func(e train.Event) error {
		if s, ok := e.(train.StepEvent); ok {
			fmt.Printf("iter %d loss %v\n", s.Iter, s.Loss)
		}
		return nil
	}))
	start := func() (*train.Run, error) {
		if _, err := train.Latest(dir); err == nil {
			return train.Resume(t.Context(), tinyModel(t), newSource(), dir, opts...)
		}
		return train.New(t.Context(), tinyModel(t), newSource(), append(opts, train.WithDir(dir))...)
	}
	run, err := start()
	require.NoError(t, err)
	require.NoError(t, run.Run(t.Context()))
	require.NoError(t, run.Close())
}
