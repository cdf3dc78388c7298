package optim

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Rates are those of mlx.optimizers, and of mlx-lm's warm-up.
func TestSchedulesEqualReference(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "schedules.json"))
	require.NoError(t, err)
	var ref struct {
		Steps []int
		Rates map[string][]float64
	}
	require.NoError(t, json.Unmarshal(data, &ref))
	warm, err := ParseSchedule(map[string]any{"name": "cosine_decay", "warmup": 10, "warmup_init": 1e-3, "arguments": []any{0.1, 100, 0.01}})
	require.NoError(t, err)
	schedules := map[string]Schedule{
		"exponential": Exponential(0.1, 0.9),
		"step":        Step(0.1, 0.5, 10),
		"cosine":      Cosine(0.1, 100, 0),
		"cosine end":  Cosine(0.1, 100, 0.02),
		"linear":      Linear(0.1, 0.01, 50),
		"joined":      Join(Linear(0, 0.1, 10), Then{10, Cosine(0.1, 200, 0)}, Then{120, Exponential(0.01, 0.99)}),
		"warmup":      warm,
	}
	require.Len(t, schedules, len(ref.Rates))
	for name, s := range schedules {
		for i, step := range ref.Steps {
			require.InDelta(t, ref.Rates[name][i], s(step), 2e-8, "%s, step %d", name, step)
		}
	}
}

// What has no steps is over at once, and nothing divides by 0.
func TestSchedulesOfNoSteps(t *testing.T) {
	require.Equal(t, 0.25, Linear(1, 0.25, 0)(0))
	require.Equal(t, 0.25, Cosine(1, 0, 0.25)(0))
	require.Equal(t, 0.25, Cosine(1, -5, 0.25)(3))
	require.Equal(t, 0.5, Step(1, 0.5, 0)(1))
	require.Equal(t, 3.0, Warmup(1, 0, Constant(3))(0))
}

func TestParseSchedule(t *testing.T) {
	for want, block := range map[string]map[string]any{
		`name "cosine" is none of cosine_decay, exponential_decay`:                  {"name": "cosine"},
		"arguments: [0.1] is not a list of 2 to 3 numbers":                          {"name": "cosine_decay", "arguments": []any{0.1}},
		"arguments: decay_steps is 0, want a whole number of at least 1":            {"name": "cosine_decay", "arguments": []any{0.1, 0}},
		"arguments: x is not a number":                                              {"name": "exponential_decay", "arguments": []any{0.1, "x"}},
		"warmup: -1 is not a number that it may be":                                 {"name": "exponential_decay", "arguments": []any{0.1, 0.9}, "warmup": -1},
		"warmups: is not a setting; there are arguments, name, warmup, warmup_init": {"name": "exponential_decay", "arguments": []any{0.1, 0.9}, "warmups": 1},
		"arguments: <nil> is not a list of 3 numbers":                               {"name": "step_decay"},
	} {
		_, err := ParseSchedule(block)
		require.ErrorContains(t, err, "optim: lr_schedule: ")
		require.ErrorContains(t, err, want)
	}
	s, err := ParseSchedule(map[string]any{"name": "step_decay", "arguments": []any{0.1, 0.5, 10}})
	require.NoError(t, err)
	require.Equal(t, 0.05, s(10))
}

func TestParse(t *testing.T) {
	for want, c := range map[string]struct {
		name     string
		settings map[string]any
	}{
		`optim: optimizer "lbfgs" is none of adafactor, adam, adamw, lion, muon, sgd`: {"lbfgs", nil},
		"optim: adam: beta: is not a setting; there are betas, bias_correction, eps":  {"adam", map[string]any{"beta": 1}},
		"optim: adam: betas: [1 0.9] are not numbers that they may be":                {"adam", map[string]any{"betas": []any{1, 0.9}}},
		"optim: adam: betas: 0.9 is not a list of 2 numbers":                          {"adam", map[string]any{"betas": 0.9}},
		"optim: sgd: nesterov: needs a momentum and no dampening":                     {"sgd", map[string]any{"nesterov": true}},
		"optim: sgd: nesterov: yes is neither true nor false":                         {"sgd", map[string]any{"nesterov": "yes"}},
		"optim: muon: ns_steps: 2.5 is not a number that it may be":                   {"muon", map[string]any{"ns_steps": 2.5}},
	} {
		_, err := Parse(c.name, c.settings)
		require.ErrorContains(t, err, want)
	}
	for name, want := range map[string]Optimizer{"adam": NewAdam(), "AdamW": NewAdamW(), "sgd": NewSGD(), "lion": NewLion(), "muon": NewMuon(), "adafactor": NewAdafactor()} {
		o, err := Parse(name, nil)
		require.NoError(t, err)
		require.Equal(t, want, o)
	}
	o, err := Parse("adamw", map[string]any{"betas": []any{0.8, 0.95}, "weight_decay": 0.1, "bias_correction": true, "eps": 1e-6})
	require.NoError(t, err)
	require.Equal(t, AdamW{Adam{[2]float64{0.8, 0.95}, 1e-6, true}, 0.1}, o)
}

// Whatever a file says, a block is a schedule whose rates can be asked for and an
// optimizer that a state may be made of, or an error of this package.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"name": "cosine_decay", "warmup": 10, "warmup_init": 1e-7, "arguments": [1e-5, 100, 1e-7]}`,
		`{"name": "step_decay", "arguments": [1, 0.5, 1]}`, `{"name": "linear_schedule", "arguments": [1, 2, 2147483647]}`,
		`{"name": "exponential_decay", "arguments": [1, null], "warmup": 1e300}`, `{"betas": [0.9, 0.95], "weight_decay": 1}`,
		`{"momentum": 0.9, "nesterov": true}`, `{"eps": [1e-30, 1e-3], "beta_1": null, "relative_step": "no"}`, `{"ns_steps": 1e9}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var block map[string]any
		if json.Unmarshal(text, &block) != nil {
			return
		}
		if rates, err := ParseSchedule(block); err != nil {
			require.ErrorContains(t, err, "optim: lr_schedule: ")
		} else {
			for _, step := range []int{0, 1, 100, math.MaxInt} {
				rates(step)
			}
		}
		for name := range optimizers {
			o, err := Parse(name, block)
			if err != nil {
				require.ErrorContains(t, err, "optim: "+name+": ")
				continue
			}
			require.NoError(t, o.(checker).check())
		}
	})
}
