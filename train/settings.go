package train

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// settings are what a run must have in common with the one that it goes on with, by
// the names that an error says.
type settings map[string]string

// described is a Source, an optimizer or the like that knows what its results depend
// on.
type described interface{ Settings() map[string]string }

// settings lists those of r.
func (r *Run) settings() settings {
	out := settings{
		"optimizer":       describe(r.optimizer),
		"learning rate":   r.rates(),
		"accumulation":    fmt.Sprint(r.accumulate),
		"gradient clip":   fmt.Sprint(r.clip),
		"seed":            fmt.Sprint(r.seed),
		"recompute":       fmt.Sprint(r.recompute),
		"processes":       fmt.Sprint(r.processes()),
		"trained weights": r.trainedWeights(),
		"type of numbers": fmt.Sprint(r.model.Policy().Dtype),
		"vocabulary":      fmt.Sprint(r.model.VocabSize()),
	}
	if d, ok := r.source.(described); ok {
		for name, v := range d.Settings() {
			out["data: "+name] = v
		}
	}
	return out
}

func describe(v any) string {
	if d, ok := v.(described); ok {
		own := d.Settings()
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(own)) {
			parts = append(parts, name+"="+own[name])
		}
		return fmt.Sprintf("%T %s", v, strings.Join(parts, " "))
	}
	return fmt.Sprintf("%T %+v", v, v)
}

// rates are the schedule's first ones and some later.
func (r *Run) rates() string {
	var out []string
	for _, step := range []int{0, 1, 2, 10, 100, 1000, 10000} {
		out = append(out, fmt.Sprintf("%g", r.schedule(step)))
	}
	return strings.Join(out, ", ")
}

func (r *Run) processes() int {
	if r.group == nil {
		return 1
	}
	return r.group.Size()
}

// trainedWeights says how many there are, and which by a digest.
func (r *Run) trainedWeights() string {
	sum := sha256.New()
	for name, a := range r.params.All() {
		shape, _ := a.Shape()
		dtype, _ := a.Dtype()
		fmt.Fprintln(sum, name, shape, dtype)
	}
	return fmt.Sprintf("%d, digest %s", len(r.params), hex.EncodeToString(sum.Sum(nil)[:6]))
}

// differ says in what other is not s.
func (s settings) differ(other settings) error {
	names := slices.AppendSeq(slices.Collect(maps.Keys(s)), maps.Keys(other))
	slices.Sort(names)
	var parts []string
	for _, name := range slices.Compact(names) {
		if a, b := s[name], other[name]; a != b {
			parts = append(parts, fmt.Sprintf("%s: %s, now %s", name, orNone(a), orNone(b)))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrSettings, strings.Join(parts, "; "))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
