package convert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Error is how far a weight is from the one that it was made of.
type Error struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	// Form is how the converted weight is stored: "4 bits in groups of 64 (affine)",
	// or a dtype.
	Form string `json:"form"`
	// RMS is the root of the mean square of the differences, by that of the source.
	RMS float64 `json:"relative_rms"`
	// Max is the largest difference.
	Max float64 `json:"max_difference"`
}

// Errors lists every weight of a conversion, in the order of the model.
type Errors []Error

// Compare measures the converted folder against its source, one weight after the
// other, in float32. Both must be of one model.
func Compare(ctx context.Context, source, converted string) (list Errors, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("convert: compare: %w", err)
		}
	}()
	a, err := models.OpenCheckpoint(source)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	b, err := models.OpenCheckpoint(converted)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	made := map[string]nn.Tensor{}
	for _, t := range b.Tensors {
		made[t.Name] = t.Tensor
	}
	for _, from := range a.Tensors {
		to, ok := made[from.Name]
		if !ok || !slices.Equal(to.Shape(), from.Shape()) {
			return nil, fmt.Errorf("%s: %s has no weight of shape %v", from.Name, converted, from.Shape())
		}
		e := Error{Name: from.Name, Shape: from.Shape(), Form: formOf(to)}
		err := mlx.Do(ctx, func(t *mlx.Thread) error { return e.measure(ctx, t, from.Tensor, to) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", from.Name, err)
		}
		list = append(list, e)
	}
	return list, nil
}

func formOf(t nn.Tensor) string {
	if q, ok := t.(nn.Quantised); ok {
		q := q.Quantisation()
		return fmt.Sprintf("%d bits in groups of %d (%s)", q.Bits, q.GroupSize, q.Mode)
	}
	return nn.StoredDtype(t).String()
}

// measure reads both weights.
func (e *Error) measure(ctx context.Context, t *mlx.Thread, from, to nn.Tensor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a, err := from.Dense(t, mlx.Float32)
	if err != nil {
		return err
	}
	b, err := to.Dense(t, mlx.Float32)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	sums, err := t.Build(func(s *mlx.Scope) mlx.Array {
		a, b := s.Own(a, nil), s.Own(b, nil)
		diff := s.Subtract(b, a)
		return s.Stack([]mlx.Array{s.Mean(s.Square(diff), false), s.Mean(s.Square(a), false), s.Max(s.Abs(diff), false)})
	})
	if err != nil {
		return err
	}
	values, err := mlx.Values[float32](t, sums)
	if err = errors.Join(err, sums.Close(), t.ClearCache()); err != nil {
		return err
	}
	e.RMS = math.Sqrt(float64(values[0]) / math.Max(float64(values[1]), math.SmallestNonzeroFloat32))
	e.Max = float64(values[2])
	return nil
}

// WriteMarkdown writes a table, the worst weights first.
func (list Errors) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| weight | shape | stored as | relative RMS | largest difference |\n|---|---|---|---:|---:|\n")
	for _, e := range list.worst() {
		fmt.Fprintf(&b, "| %s | %s | %s | %.3g | %.3g |\n", e.Name, strings.Trim(strings.ReplaceAll(fmt.Sprint(e.Shape), " ", " x "), "[]"), e.Form, e.RMS, e.Max)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// worst sorts by the error, equal ones in the order of the model.
func (list Errors) worst() Errors {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Error) int {
		switch {
		case a.RMS > b.RMS:
			return -1
		case a.RMS < b.RMS:
			return 1
		}
		return 0
	})
	return list
}

// WriteJSON writes a list, in the order of the model.
func (list Errors) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(list)
}
