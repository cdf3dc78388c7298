package main

import (
	"fmt"
	"slices"
	"strings"
	"text/template"
)

// maxWords is the most words that a shim returns beside its error.
const maxWords = 6

// shim is one C function of zshim.c, ready to be written.
type shim struct {
	Name   string // mlx_matmul
	Return string // gm_ret1
	Params string
	Lines  []string
}

// emitHeader writes zshim.h: the types of the headers, the pointers to the
// library's functions and the prototypes of the shims.
func emitHeader(api *API, bindings []*Binding) (string, error) {
	return execute(headerTemplate, api, bindings)
}

// emitSource writes zshim.c: the symbol table and one shim for each function.
func emitSource(api *API, bindings []*Binding) (string, error) {
	return execute(sourceTemplate, api, bindings)
}

func execute(text string, api *API, bindings []*Binding) (string, error) {
	t, err := template.New("shim").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	data := struct {
		Types   []string
		Words   []string
		Symbols []*Binding
		Shims   []shim
	}{Types: cTypes(api)}
	for n := 1; n <= maxWords; n++ {
		data.Words = append(data.Words, wordStruct(n))
	}
	for _, x := range bindings {
		if x.Family != "skip" {
			data.Symbols = append(data.Symbols, x)
		}
		if x.generated() {
			data.Shims = append(data.Shims, newShim(x))
		}
	}
	err = t.Execute(&b, data)
	return b.String(), err
}

// cTypes declares the headers' types again, so that nothing of mlx-c is needed
// to compile the bindings.
func cTypes(api *API) []string {
	var out []string
	for _, e := range api.Enums {
		out = append(out, fmt.Sprintf("typedef enum { %s } %s;", strings.Join(e.Values, ", "), e.Name))
	}
	done := map[string]bool{}
	for _, s := range api.Structs {
		if s.Opaque || done[s.Name] {
			continue
		}
		done[s.Name] = true
		fields := make([]string, len(s.Fields))
		for i, f := range s.Fields {
			fields[i] = f.Type.Declare(f.Name) + ";"
		}
		out = append(out, fmt.Sprintf("typedef struct { %s } %s;", strings.Join(fields, " "), s.Name))
	}
	return out
}

func wordStruct(n int) string {
	var fields []string
	for i := range n {
		fields = append(fields, fmt.Sprintf("uintptr_t w%d;", i))
	}
	return fmt.Sprintf("typedef struct { %s char *err; } gm_ret%d;", strings.Join(fields, " "), n)
}

// Pointer declares the variable that holds the library's function.
func (b *Binding) Pointer() string {
	params := make([]string, len(b.Params))
	for i, p := range b.Params {
		params[i] = p.Type.Declare("")
	}
	if len(params) == 0 {
		params = []string{"void"}
	}
	decl := fmt.Sprintf("%s (*p_%s)(%s)", b.Result, b.Name, strings.Join(params, ", "))
	return halfBits.Replace(decl)
}

// halfBits names half-precision numbers by their bits, which every compiler
// has a type for.
var halfBits = strings.NewReplacer("bfloat16_t", "uint16_t", "float16_t", "uint16_t")

// newShim writes the C function that makes one call and brings its results and
// its error back in one struct.
func newShim(b *Binding) shim {
	s := shim{Name: b.Name}
	var params []string
	for _, a := range b.Order {
		if !a.Out {
			params = append(params, a.fillAll(argRows[a.Kind].params)...)
		}
	}
	words, lines := b.body(&params)
	if len(words) == 0 {
		words = []string{"0"}
	}
	s.Return = fmt.Sprintf("gm_ret%d", len(words))
	s.Params = strings.Join(params, ", ")
	if s.Params == "" {
		s.Params = "void"
	}
	s.Lines = append(lines, fmt.Sprintf("return (%s){%s, gm_error(gm_st)};", s.Return, strings.Join(words, ", ")))
	return s
}

// body writes the statements of a shim and lists the words that it returns.
func (b *Binding) body(params *[]string) (words, lines []string) {
	if b.Direct != nil && b.Direct.Kind == "pointer" {
		return b.pointerBody(params)
	}
	if b.Family == "free" {
		return nil, b.freeBody()
	}
	var call, post []string
	for _, a := range b.Order {
		r := argRows[a.Kind]
		pre, exprs, after := r.pre, r.call, r.post
		if a.Out {
			o := outRows[a.Kind]
			pre, exprs, after = o.pre, []string{o.call}, o.post
			words = append(words, a.fillAll(o.words)...)
		}
		lines = appendLine(lines, a.fill(pre))
		post = appendLine(post, a.fill(after))
		call = append(call, a.fillAll(exprs)...)
	}
	if self := b.Order; len(self) > 0 && self[0].Kind == "self" {
		words = append(words, fmt.Sprintf("(uintptr_t)%s_o.ctx", self[0].Name))
	}
	expr := fmt.Sprintf("p_%s(%s)", b.Name, strings.Join(call, ", "))
	if dtype := b.dtypeSuffix(); dtype != "" {
		expr = fmt.Sprintf("gm_holds(%s, %s) ? %s : 1", argRows["handle"].callFor(b.Recv), dtype, expr)
	}
	lines = append(lines, b.callLine(expr))
	if d := b.Direct; d != nil {
		words = append(words, d.fillAll(outRows[d.Kind].words)...)
	}
	return words, append(lines, post...)
}

// callLine stores what the function returns: its status, or its value.
func (b *Binding) callLine(expr string) string {
	switch {
	case b.Direct != nil && b.Direct.Kind == "cstring":
		return fmt.Sprintf("int gm_st = 0; const char *res = %s;", expr)
	case b.Direct != nil:
		return fmt.Sprintf("int gm_st = 0; %s res = %s;", b.Direct.CType, expr)
	case b.Result.Base == "void":
		return fmt.Sprintf("int gm_st = 0; %s;", expr)
	default:
		return fmt.Sprintf("int gm_st = %s;", expr)
	}
}

func (b *Binding) freeBody() []string {
	self := b.Recv
	lines := []string{b.callLine(fmt.Sprintf("p_%s(%s)", b.Name, argRows[self.Kind].callFor(self)))}
	if self.Kind == "boxed" {
		lines = append(lines, fmt.Sprintf("free((void *)%s);", self.Name))
	}
	return lines
}

// pointerBody copies what the function points to into the caller's buffer,
// after the checks that MLX leaves out.
func (b *Binding) pointerBody(params *[]string) (words, lines []string) {
	self := argRows["handle"].callFor(b.Recv)
	if dtype := b.dtypeSuffix(); dtype != "" {
		*params = append(*params, "void *out", "size_t n")
		return nil, []string{
			"int gm_st = 0;",
			fmt.Sprintf("if (gm_readable(%s, %s, n)) gm_copy(out, p_%s(%s), n * sizeof(%s));", self, dtype, b.Name, self, b.Direct.CType),
		}
	}
	elem := b.Direct.CType
	*params = append(*params, elem+" *out", "size_t cap")
	return []string{"n"}, []string{
		fmt.Sprintf("int gm_st = 0; const %s *p = p_%s(%s);", elem, b.Name, self),
		fmt.Sprintf("size_t n = gm_dims(%s, cap);", self),
		"gm_copy(out, p, n * sizeof *out);",
	}
}

// dtypeSuffix is the MLX dtype that a typed accessor (mlx_array_item_int8,
// mlx_array_data_int8) reads, or "".
func (b *Binding) dtypeSuffix() string {
	for _, prefix := range []string{"mlx_array_item_", "mlx_array_data_"} {
		if d, ok := strings.CutPrefix(b.Name, prefix); ok {
			return "MLX_" + strings.ToUpper(d)
		}
	}
	return ""
}

func (r argRow) callFor(a *Arg) string { return a.fill(r.call[0]) }

func appendLine(lines []string, line string) []string {
	if line == "" {
		return lines
	}
	return append(lines, line)
}

// kinds lists the Go names of the handle types, sorted.
func kinds(c *classifier) []string {
	var out []string
	for t := range c.handles {
		out = append(out, c.names.typ(t))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

const headerTemplate = `// Code generated by gen from the mlx-c headers. DO NOT EDIT.

#ifndef GO_MLX_ZSHIM_H
#define GO_MLX_ZSHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef float _Complex mlx_complex64_t;
typedef void (*mlx_error_handler_func)(const char *msg, void *data);
{{range .Types}}{{.}}
{{end}}
// What a shim returns: its results, and the error's message or NULL.
{{range .Words}}{{.}}
{{end}}
// The library's functions, found when it is loaded.
{{range .Symbols}}extern {{.Pointer}};
{{end}}
// One shim for each function: the call and its error in one crossing.
{{range .Shims}}{{.Return}} gm_{{.Name}}({{.Params}});
{{end}}
#endif
`

const sourceTemplate = `// Code generated by gen from the mlx-c headers. DO NOT EDIT.

#include "shim.h"

{{range .Symbols}}{{.Pointer}};
{{end}}
const gm_symbol gm_symbols[] = {
{{range .Symbols}}{{if not .Optional}}	{"{{.Name}}", (void **)&p_{{.Name}}, {{if .Fallback}}"{{.Fallback}}"{{else}}NULL{{end}}},
{{end}}{{end}}	{NULL, NULL, NULL},
};

// Those of the library that may be absent.
const gm_symbol gm_kernel_symbols[] = {
{{range .Symbols}}{{if .Optional}}	{"{{.Name}}", (void **)&p_{{.Name}}, NULL},
{{end}}{{end}}	{NULL, NULL, NULL},
};
{{range .Shims}}
{{.Return}} gm_{{.Name}}({{.Params}}) {
{{range .Lines}}	{{.}}
{{end}}}
{{end}}`
