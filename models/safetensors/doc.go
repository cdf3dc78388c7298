// Package safetensors reads safetensors files and sharded checkpoints in pure Go.
//
// A file is eight bytes of header length, a JSON header that gives every tensor a dtype, a shape and a range of bytes,
// and the data. [Open] maps a file and checks the header strictly before anything is used: no key twice, no unknown
// dtype, no shape that disagrees with its range, no overlap, no hole, nothing outside the file. [OpenIndex] opens the
// shards that a model.safetensors.index.json names and checks that together they hold what it promises.
//
// The format is described at https://huggingface.co/docs/safetensors.
package safetensors
