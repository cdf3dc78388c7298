package main

import (
	"fmt"
	"image/color"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"forge.lthn.ai/core/go-mlx/internal/atomicfile"
)

// colours are those of the sides.
var colours = map[string]color.Color{
	goMLX:    color.RGBA{R: 0x1f, G: 0x77, B: 0xb4, A: 0xff},
	mlxLM:    color.RGBA{R: 0xb0, G: 0xb0, B: 0xb0, A: 0xff},
	llamaCpp: color.RGBA{R: 0xff, G: 0x7f, B: 0x0e, A: 0xff},
}

// picture is the name of the picture's file, beside the document.
func (r report) picture() string {
	return "benchmarks-" + strings.ReplaceAll(r.section(), " ", "-") + ".svg"
}

// drawBeside writes the picture beside a document.
func (r report) drawBeside(document string) error {
	return atomicfile.Write(filepath.Join(filepath.Dir(document), r.picture()), r.draw)
}

// draw draws the rates of every contender that did all of the work, prefill beside decode,
// as an SVG.
func (r report) draw(w io.Writer) error {
	const width, height = 11 * vg.Inch, 3 * vg.Inch
	canvas := vgsvg.New(width, height)
	var plots [][]*plot.Plot
	plots = append(plots, nil)
	for _, c := range columns[:2] {
		p, err := r.bars(c.title, c.of)
		if err != nil {
			return fmt.Errorf("bench: picture: %w", err)
		}
		plots[0] = append(plots[0], p)
	}
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: vg.Inch / 4, PadTop: vg.Points(4), PadRight: vg.Points(12)}
	for i, c := range plot.Align(plots, tiles, draw.New(canvas))[0] {
		plots[0][i].Draw(c)
	}
	_, err := canvas.WriteTo(w)
	return err
}

// bars is a plot of one figure, the first contender on top.
func (r report) bars(title string, of func(sample) float64) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Min = title, 0
	var names []string
	for i := len(r.results) - 1; i >= 0; i-- {
		res := r.results[i]
		if res.work.shortened {
			continue
		}
		v := res.of(of).median()
		bar, err := plotter.NewBarChart(plotter.Values{v}, vg.Points(16))
		if err != nil {
			return nil, err
		}
		at := float64(len(names))
		bar.Horizontal, bar.XMin, bar.Color, bar.LineStyle.Width = true, at, colours[res.side], 0
		label, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: v, Y: at}}, Labels: []string{" " + figure(v)}})
		if err != nil {
			return nil, err
		}
		label.TextStyle[0].YAlign = draw.YCenter
		p.Add(bar, label)
		p.X.Max = max(p.X.Max, 1.15*v)
		names = append(names, res.name)
	}
	p.NominalY(names...)
	return p, nil
}
