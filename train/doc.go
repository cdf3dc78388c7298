// Package train fine-tunes language models: LoRA, DoRA and full fine-tuning, on
// dense and on quantised weights, as mlx-lm's tuner does.
//
// # Rooms
//
//   - train: the loop, its checkpoints, evaluation
//   - train/tune: what of a model is trained, and the adapter files
//   - train/optim: optimizers, learning rate schedules, clipping
//   - train/data: JSONL files to batches of tokens; pure Go
//   - train/report: metrics.jsonl, curves, TensorBoard files
//
// Reference: mlx_lm/lora.py and mlx_lm/tuner.
package train
