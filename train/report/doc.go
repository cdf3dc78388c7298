// Package report keeps what a training run tells: as lines of metrics.jsonl, as
// TensorBoard's event files, and as a page or a picture of its curves.
//
//	metrics, err := report.OpenMetrics("adapters/metrics.jsonl", 0)
//	run, err := train.New(ctx, model, source, train.WithObserver(metrics.Observe))
//	...
//	err = metrics.History().WriteHTML(file, settings)
package report
