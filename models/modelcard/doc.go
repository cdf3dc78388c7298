// Package modelcard reads what people say of a model, its card (README.md) and its
// name, and puts it into the words of a GGUF file's metadata. It is pure Go.
//
// Reference: gguf/metadata.py and gguf/utility.py of the Python package gguf, which
// llama.cpp's converter asks.
package modelcard
