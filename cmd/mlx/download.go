package main

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/models/hub"
)

// hubModel is the path of a model of the Hub, downloaded unless it is there.
func hubModel(c *console, name string) (string, error) {
	ref, err := hub.ParseRef(name)
	if err != nil {
		return "", err
	}
	show := newDownload(c.err, name)
	client, err := hub.New(hub.WithProgress(show.report))
	if err != nil {
		return "", err
	}
	defer show.end()
	return client.Get(c.ctx, ref)
}

// download shows how far one is: a bar on a terminal, lines elsewhere.
type download struct {
	out   io.Writer
	name  string
	begun time.Time
	told  time.Time // of the last line
	files map[string]bool

	bars  *mpb.Progress
	bar   *mpb.Bar
	speed atomic.Uint64 // bytes a second
}

// tellEvery is how often lines tell of a file that takes long.
const tellEvery = 5 * time.Second

func newDownload(out io.Writer, name string) *download {
	return &download{out: out, name: name, files: map[string]bool{}}
}

// report is called as bytes arrive. What was there before is shown with them, and
// is no news alone.
func (d *download) report(p hub.Progress) {
	if p.Transferred == 0 {
		return
	}
	if d.begun.IsZero() {
		d.begun = time.Now()
		d.told = d.begun
		fmt.Fprintf(d.out, "downloading %s: %s, %d files\n", d.name, size(p.AllSize), p.Files)
		if fetch.IsTerminal(d.out) {
			d.addBar()
		}
	}
	if d.bar != nil {
		d.speed.Store(uint64(float64(p.Transferred) / max(time.Since(d.begun).Seconds(), 0.001)))
		d.bar.SetTotal(p.AllSize, false)
		d.bar.SetCurrent(p.AllDone)
		return
	}
	d.line(p)
}

func (d *download) addBar() {
	d.bars = mpb.New(mpb.WithOutput(d.out), mpb.WithWidth(60), mpb.WithRefreshRate(200*time.Millisecond))
	d.bar = d.bars.AddBar(0,
		mpb.PrependDecorators(decor.CountersKiloByte("% .1f / % .1f")),
		mpb.AppendDecorators(
			decor.Percentage(),
			decor.Any(func(decor.Statistics) string { return "  " + humanize.Bytes(d.speed.Load()) + "/s" }),
		),
	)
}

// line tells of each file that is complete, and now and then of one that is not.
func (d *download) line(p hub.Progress) {
	complete := p.Done == p.Size
	switch {
	case complete && !d.files[p.File]:
		d.files[p.File] = true
		fmt.Fprintf(d.out, "%3d%%  %s (%s)\n", percent(p), visible(p.File), size(p.Size))
	case !complete && time.Since(d.told) > tellEvery:
		fmt.Fprintf(d.out, "%3d%%  %s of %s\n", percent(p), size(p.AllDone), size(p.AllSize))
	default:
		return
	}
	d.told = time.Now()
}

// end leaves the bar as it is and gives the terminal back.
func (d *download) end() {
	if d.bar == nil {
		return
	}
	if d.bar.Current() > 0 {
		d.bar.SetTotal(-1, true)
	}
	d.bar.Abort(false)
	d.bars.Wait()
}

func percent(p hub.Progress) int64 { return 100 * p.AllDone / max(p.AllSize, 1) }

func size(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }
