package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
)

const bindingsPath = "forge.lthn.ai/core/go-mlx/bindings"

// emitScope writes runtime/zscope.go: one method of Scope for each operation
// that yields arrays. Dimensions are plain ints there.
func emitScope(m *Manifest, bindings []*Binding, docs *Docs) ([]byte, error) {
	f := jen.NewFile("runtime")
	f.HeaderComment("// " + generatedBy)
	for _, b := range bindings {
		if !inScope(m, b) {
			continue
		}
		name := b.GoName
		if b.Recv != nil {
			name = b.Recv.GoType + name
		}
		doc, err := docs.comment(b.Name, name)
		if err != nil {
			return nil, err
		}
		f.Add(comment(doc))
		f.Add(scopeMethod(b, name))
		f.Line()
	}
	var out bytes.Buffer
	if err := f.Render(&out); err != nil {
		return nil, fmt.Errorf("gen: zscope.go: %w", err)
	}
	return out.Bytes(), nil
}

func inScope(m *Manifest, b *Binding) bool {
	if m.has("noscope", b.Name) {
		return false
	}
	return strings.HasPrefix(b.Family, "op ") || m.has("scope", b.Name)
}

// scopeArgs are the receiver and the arguments without the stream.
func scopeArgs(b *Binding) []*Arg {
	var out []*Arg
	for _, a := range b.inArgs() {
		if a.CType != "mlx_stream" {
			out = append(out, a)
		}
	}
	return out
}

func scopeMethod(b *Binding, name string) *jen.Statement {
	args := scopeArgs(b)
	var zeros, types []jen.Code
	for _, o := range b.Outs {
		zero, typ := jen.Id("Array").Values(), jen.Id("Array")
		if o.Kind == "handles" {
			zero, typ = jen.Nil(), jen.Index().Id("Array")
		}
		zeros, types = append(zeros, zero), append(types, typ)
	}
	return jen.Func().Params(jen.Id("s").Op("*").Id("Scope")).Id(name).ParamsFunc(func(g *jen.Group) {
		for i, a := range args {
			g.Id(a.Name).Add(scopeType(args, i))
		}
	}).Params(types...).BlockFunc(func(g *jen.Group) {
		g.If(jen.Op("!").Id("s").Dot("ok").Call()).Block(jen.Return(zeros...))
		var results []jen.Code
		for i := range b.Outs {
			results = append(results, jen.Id(fmt.Sprintf("r%d", i)))
		}
		g.List(append(results, jen.Err())...).Op(":=").Add(scopeCall(b))
		g.Return(jen.Id("s").Dot(ownFunc(b)).Call(append([]jen.Code{jen.Lit(b.op())}, append(results, jen.Err())...)...))
	})
}

// ownFunc names the helper of Scope that takes the results in.
func ownFunc(b *Binding) string {
	switch {
	case b.Outs[0].Kind == "handles":
		return "ownAll"
	case len(b.Outs) == 1:
		return "own"
	default:
		return fmt.Sprintf("own%d", len(b.Outs))
	}
}

// scopeType is the type of an argument in a Scope method: dimensions are ints,
// and a list of them that comes last is variadic.
func scopeType(args []*Arg, i int) jen.Code {
	a := args[i]
	switch {
	case isDims(a) && i == len(args)-1 && countDims(args) == 1:
		return jen.Op("...").Int()
	case isDims(a):
		return jen.Index().Int()
	case a.Kind == "scalar" && a.GoType == "int32":
		return jen.Int()
	case a.Kind == "strings" || a.Kind == "string" || a.Kind == "nullstring" || a.Kind == "scalar" || a.Kind == "numbers":
		return code(a.fill(argRows[a.Kind].goType))
	case a.GoType == "Array" || a.GoType == "Dtype":
		return code(a.fill(argRows[a.Kind].goType))
	case a.Kind == "handles":
		return jen.Index().Qual(bindingsPath, a.GoType)
	default:
		return jen.Qual(bindingsPath, a.GoType)
	}
}

func isDims(a *Arg) bool { return a.Kind == "numbers" && a.GoType == "int32" }

func countDims(args []*Arg) int {
	n := 0
	for _, a := range args {
		if isDims(a) {
			n++
		}
	}
	return n
}

func scopeCall(b *Binding) jen.Code {
	call := jen.Qual(bindingsPath, b.GoName)
	if b.Recv != nil {
		call = jen.Id(b.Recv.Name).Dot(b.GoName)
	}
	return call.CallFunc(func(g *jen.Group) {
		for _, a := range b.Args {
			switch {
			case a.CType == "mlx_stream":
				g.Id("s").Dot("stream")
			case isDims(a):
				g.Id("s").Dot("dims").Call(jen.Lit(b.op()), jen.Id(a.Name))
			case a.Kind == "scalar" && a.GoType == "int32":
				g.Id("s").Dot("i32").Call(jen.Lit(b.op()), jen.Id(a.Name))
			default:
				g.Id(a.Name)
			}
		}
	})
}
