package convert

import (
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// blockWeight takes the number of its block from a weight's name.
var blockWeight = regexp.MustCompile(`^(.*\.)?layers\.(\d+)\.(.+)\.weight$`)

// WritePicture draws the relative RMS over the blocks of the model, a line for each
// kind of weight that has an error, as "svg" or "png".
func (list Errors) WritePicture(w io.Writer, format string) error {
	if format != "svg" && format != "png" {
		return fmt.Errorf("convert: picture: format %q is neither svg nor png", format)
	}
	lines := map[string]plotter.XYs{}
	for _, e := range list {
		m := blockWeight.FindStringSubmatch(e.Name)
		if m == nil || e.RMS == 0 || math.IsInf(e.RMS, 0) || math.IsNaN(e.RMS) {
			continue
		}
		block, _ := strconv.Atoi(m[2])
		lines[m[3]] = append(lines[m[3]], plotter.XY{X: float64(block), Y: e.RMS})
	}
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "Error of the weights", "block", "relative RMS"
	p.Y.Min, p.Legend.Top = 0, true
	p.Add(plotter.NewGrid())
	for i, kind := range slices.Sorted(maps.Keys(lines)) {
		line, points, err := plotter.NewLinePoints(lines[kind])
		if err != nil {
			return fmt.Errorf("convert: picture: %w", err)
		}
		line.Color, points.Color, points.Shape = plotutil.Color(i), plotutil.Color(i), plotutil.Shape(i)
		p.Add(line, points)
		p.Legend.Add(kind, line, points)
	}
	to, err := p.WriterTo(9*vg.Inch, 5*vg.Inch, format)
	if err != nil {
		return fmt.Errorf("convert: picture: %w", err)
	}
	_, err = to.WriteTo(w)
	return err
}
