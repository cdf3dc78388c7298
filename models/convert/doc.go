// Package convert rewrites the folder of a model: packs or unpacks its weights,
// changes their dtype, and saves what mlx-lm's convert saves, tensor by tensor.
//
//	_, err := convert.Folder(ctx, "Qwen3-8B", "Qwen3-8B-4bit", convert.Quantize(nn.Quantisation{Bits: 4}))
//
// No model is in memory: a tensor is read, converted and written to its place in
// its file, and then the next one. The new folder gets its name when all of it is
// on the disk. Reference: mlx_lm/convert.py and mlx_lm/utils.py of mlx-lm 0.32.2.
package convert
