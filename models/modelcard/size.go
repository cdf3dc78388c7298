package modelcard

import (
	"fmt"
	"math"
	"strings"
)

// Parameters are the numbers of a model's parameters.
type Parameters struct {
	Total   int64
	Shared  int64 // outside of experts
	Expert  int64 // of one expert in all layers
	Experts int   // in a layer, 0 for a dense model
}

// SizeLabel writes a size as names have it, 135M or 8x7B, and is empty where there are
// no parameters. Reference: size_label of gguf/utility.py.
func (p Parameters) SizeLabel() string {
	switch {
	case p.Total == 0:
		return ""
	case p.Experts > 0:
		return fmt.Sprintf("%dx%s", p.Experts, rounded(p.Shared+p.Expert))
	}
	return rounded(p.Total)
}

// rounded writes a count with two digits or more.
func rounded(count int64) string {
	n, unit := float64(count)*1e-3, "K"
	switch {
	case count > 1e12:
		n, unit = float64(count)*1e-12, "T"
	case count > 1e9:
		n, unit = float64(count)*1e-9, "B"
	case count > 1e6:
		n, unit = float64(count)*1e-6, "M"
	}
	digits := strings.TrimLeft(fmt.Sprintf("%.0f", math.RoundToEven(n)), "0")
	return fmt.Sprintf("%.*f%s", max(2-len(digits), 0), n, unit)
}
