package report

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	width  = 9 * vg.Inch
	height = 3.4 * vg.Inch
	margin = vg.Inch / 8
)

// curve is a line of a picture.
type curve struct {
	name   string
	points plotter.XYs
}

// losses are the curves of the training and the validation loss.
func (h *History) losses() []curve {
	training, validation := curve{name: "training"}, curve{name: "validation"}
	for _, e := range h.Steps {
		training.points = append(training.points, plotter.XY{X: float64(e.Iter), Y: e.Loss})
	}
	for _, e := range h.Evals {
		validation.points = append(validation.points, plotter.XY{X: float64(e.Iter), Y: e.Loss})
	}
	return []curve{training, validation}
}

// rates is the curve of the learning rate.
func (h *History) rates() []curve {
	c := curve{}
	for _, e := range h.Steps {
		c.points = append(c.points, plotter.XY{X: float64(e.Iter), Y: e.Rate})
	}
	return []curve{c}
}

// drawing is a plot of those of the curves that have points.
func drawing(title, unit string, curves []curve) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text, p.Legend.Top = title, "iteration", unit, true
	p.BackgroundColor, p.X.Min = color.White, 0
	p.Add(plotter.NewGrid())
	for i, c := range curves {
		if len(c.points) == 0 {
			continue
		}
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("report: %s: %w", title, err)
		}
		line, points, err := plotter.NewLinePoints(c.points)
		if err != nil {
			return nil, fmt.Errorf("report: %s: %w", title, err)
		}
		line.Color, points.Color = plotutil.Color(i), plotutil.Color(i)
		points.Shape, points.Radius = draw.CircleGlyph{}, vg.Points(1.5)
		p.Add(line, points)
		if c.name != "" {
			p.Legend.Add(c.name, line)
		}
	}
	widen(&p.X)
	widen(&p.Y)
	return p, nil
}

// largest bounds what is drawn: far beyond it sums overflow, and axes have no ticks.
const largest = 1e100

// check refuses figures that no axis can have.
func (c curve) check() error {
	for _, p := range c.points {
		if !(math.Abs(p.Y) <= largest) {
			return fmt.Errorf("%v of iteration %.0f cannot be drawn", p.Y, p.X)
		}
	}
	return nil
}

// widen makes room around figures that are all the same, or as good as.
func widen(a *plot.Axis) {
	size := max(math.Abs(a.Min), math.Abs(a.Max))
	if a.Max-a.Min > 1e-6*size || math.IsInf(size, 0) { // none at all: plot has an answer
		return
	}
	if size == 0 {
		size = 1
	}
	a.Min, a.Max = a.Min-size/2, a.Max+size/2
}

// drawings are the plots of a run: its losses, its learning rate. That begins at 0, so
// that one that never changes is a line with a number beside it.
func (h *History) drawings() ([]*plot.Plot, error) {
	loss, err := drawing("Loss", "nats a token", h.losses())
	if err != nil {
		return nil, err
	}
	rate, err := drawing("Learning rate", "", h.rates())
	if err != nil {
		return nil, err
	}
	rate.Y.Min = min(rate.Y.Min, 0)
	return []*plot.Plot{loss, rate}, nil
}

// WriteSVG draws the losses over the learning rate.
func (h *History) WriteSVG(w io.Writer) error {
	c := vgsvg.New(width, 2*height)
	if err := h.draw(draw.New(c)); err != nil {
		return err
	}
	_, err := c.WriteTo(w)
	return err
}

// WritePNG is WriteSVG as a picture of dots.
func (h *History) WritePNG(w io.Writer) error {
	c := vgimg.PngCanvas{Canvas: vgimg.New(width, 2*height)}
	if err := h.draw(draw.New(c)); err != nil {
		return err
	}
	_, err := c.WriteTo(w)
	return err
}

func (h *History) draw(c draw.Canvas) error {
	plots, err := h.drawings()
	if err != nil {
		return err
	}
	c = draw.Crop(c, margin, -margin, margin, -margin)
	plots[0].Draw(draw.Crop(c, 0, 0, height, 0))
	plots[1].Draw(draw.Crop(c, 0, 0, 0, -height))
	return nil
}
