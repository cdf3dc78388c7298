package main

import (
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/models"
)

// loadModel loads a model, and shows on a terminal how far it is.
func loadModel(c *console, path string, opts ...models.Option) (*models.Model, error) {
	if !fetch.IsTerminal(c.err) {
		return models.Load(c.ctx, path, opts...)
	}
	report, end := loadingBar(c.err)
	defer end()
	return models.Load(c.ctx, path, append(opts, models.WithLoadProgress(report))...)
}

// loadingBar is a bar over a model's weights, which goes when it is at its end.
func loadingBar(out io.Writer) (report func(done, total int, layer string), end func()) {
	bars := mpb.New(mpb.WithOutput(out), mpb.WithWidth(60), mpb.WithRefreshRate(100*time.Millisecond))
	bar := bars.AddBar(0, mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Name("loading")), mpb.AppendDecorators(decor.Percentage()))
	var last time.Time
	report = func(done, total int, _ string) {
		// The weights of a layer may take less time than telling of them.
		if now := time.Now(); done == total || now.Sub(last) >= 20*time.Millisecond {
			last = now
			bar.SetTotal(int64(total), false)
			bar.SetCurrent(int64(done))
		}
	}
	return report, func() {
		bar.Abort(true)
		bars.Wait()
	}
}
