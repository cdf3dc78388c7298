package bindings

import (
	"bytes"
	"math"
	"unsafe"
)

// #include <stdlib.h>
import "C"

// pointer turns a word of a shim's answer into the C pointer that it is.
func pointer(word uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&word)) }

// takeString copies a malloc'd C string and frees it.
func takeString(word uintptr) string {
	if word == 0 {
		return ""
	}
	p := pointer(word)
	defer C.free(p)
	return C.GoString((*C.char)(p))
}

// borrowString copies a C string that belongs to an object of MLX.
func borrowString(word uintptr) string {
	if word == 0 {
		return ""
	}
	return C.GoString((*C.char)(pointer(word)))
}

// takeHandles copies a malloc'd list of handles and frees the list.
func takeHandles[H any](k kind, word, n uintptr) []H {
	p := pointer(word)
	defer C.free(p)
	words := unsafe.Slice((*uintptr)(p), n)
	out := make([]H, n)
	for i, h := range words {
		*(*uintptr)(unsafe.Pointer(&out[i])) = opened(k, h)
	}
	return out
}

func takeInts(word, n uintptr) []int32 {
	p := pointer(word)
	defer C.free(p)
	return append([]int32{}, unsafe.Slice((*int32)(p), n)...)
}

// takeStrings splits a malloc'd text of n strings, each ended by NUL.
func takeStrings(word, n uintptr) []string {
	p := pointer(word)
	defer C.free(p)
	out := make([]string, n)
	for i := range out {
		out[i] = C.GoString((*C.char)(p))
		p = unsafe.Add(p, len(out[i])+1)
	}
	return out
}

func takeArrayMap(keys, values, n uintptr) map[string]Array {
	names := takeStrings(keys, n)
	arrays := takeHandles[Array](kindArray, values, n)
	out := make(map[string]Array, n)
	for i, k := range names {
		out[k] = arrays[i]
	}
	return out
}

func takeStringMap(pairs, n uintptr) map[string]string {
	list := takeStrings(pairs, 2*n)
	out := make(map[string]string, n)
	for i := 0; i < len(list); i += 2 {
		out[list[i]] = list[i+1]
	}
	return out
}

func complex64Bits(bits uint64) complex64 {
	return complex(math.Float32frombits(uint32(bits)), math.Float32frombits(uint32(bits>>32)))
}

// goText copies what a C stream wrote, without its closing NUL.
func goText(p unsafe.Pointer, n int) string {
	return string(bytes.TrimRight(unsafe.Slice((*byte)(p), n), "\x00"))
}
