package main

import (
	"io/fs"
	"strings"
	"testing/fstest"
)

// stubDir is where the stand-ins for the system's headers seem to lie.
const stubDir = "__stub__"

// builtinSource is read before the headers: what the parser itself needs, and
// the macros under which the headers show their half-precision functions.
const builtinSource = `
int __predefined_declarator;
#define __aarch64__ 1
#define __fp16 unsigned short
#define __bf16 unsigned short
`

// stubs declare only the names of the system's headers that mlx-c uses.
// Declared types keep their names, so that size_t stays size_t.
var stubs = fstest.MapFS{
	"stdbool.h":  {Data: []byte("#define bool _Bool\n#define true 1\n#define false 0\n")},
	"stddef.h":   {Data: []byte("#pragma once\ntypedef unsigned long size_t;\n#define NULL ((void *)0)\n")},
	"stdint.h":   {Data: []byte("#pragma once\n#include <stddef.h>\n" + intTypes)},
	"stdio.h":    {Data: []byte("#pragma once\n#include <stddef.h>\ntypedef struct _FILE FILE;\n")},
	"stdlib.h":   {Data: []byte("#include <stddef.h>\n")},
	"string.h":   {Data: []byte("#include <stddef.h>\n")},
	"complex.h":  {Data: []byte("#define complex _Complex\n")},
	"float.h":    {Data: []byte("")},
	"math.h":     {Data: []byte("")},
	"arm_fp16.h": {Data: []byte("")},
	"arm_bf16.h": {Data: []byte("")},
	"arm_sve.h":  {Data: []byte("")},
	"arm_neon.h": {Data: []byte("")},
}

const intTypes = `typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;
typedef unsigned long uintptr_t;
`

// both looks in one folder and then in the other.
type both [2]fs.FS

func (b both) Open(name string) (fs.File, error) {
	if f, err := b[0].Open(name); err == nil {
		return f, nil
	}
	return b[1].Open(name)
}

// overlay answers for the stub headers and leaves the rest to the headers.
type overlay struct{ headers fs.FS }

func (o overlay) Open(name string) (fs.File, error) {
	name = strings.TrimPrefix(name, "./")
	if stub, ok := strings.CutPrefix(name, stubDir+"/"); ok {
		return stubs.Open(stub)
	}
	return o.headers.Open(name)
}
