// Package gguf reads GGUF model files, the format of llama.cpp and ggml, in pure Go.
//
// [Open] maps a file and checks its whole header before anything is used: every count, length, dimension and offset
// is compared with the size of the file before memory is allocated for it, so that a truncated or hostile file costs
// an error and nothing else. Metadata keeps its order in the file and is read through typed getters; tensors are
// described by [TensorInfo], with shapes in row-major order (GGUF stores them the other way round), and their bytes
// are slices of the mapping.
//
// The package knows the container and nothing of what is in it: the numbers inside quantised blocks belong to the
// package quant below it, the meaning of tensor names and any reordering of rows to the model loaders.
//
// Versions 2 and 3 in little-endian order are read; version 1 and big-endian files are refused by name. The format is
// described at https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
package gguf
