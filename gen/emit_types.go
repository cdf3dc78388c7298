package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
)

// emitTypes writes ztypes.go: the handle types with their kinds, the enums and
// the optionals.
func emitTypes(c *classifier, api *API, docs *Docs) ([]byte, error) {
	f := jen.NewFile("bindings")
	f.HeaderComment("// " + generatedBy)
	all := kinds(c)
	f.Const().DefsFunc(func(g *jen.Group) {
		for i, k := range all {
			if i == 0 {
				g.Id("kind" + k).Id("kind").Op("=").Iota()
				continue
			}
			g.Id("kind" + k)
		}
		g.Id("kinds").Op("=").Iota()
	})
	f.Comment("// kindNames are the handle types by kind, as Live reports them.")
	f.Var().Id("kindNames").Op("=").Index(jen.Id("kinds")).String().ValuesFunc(func(g *jen.Group) {
		for _, k := range all {
			g.Lit(k)
		}
	})
	done := map[string]bool{}
	for _, s := range api.Structs {
		if done[s.Name] || s.Opaque {
			continue
		}
		done[s.Name] = true
		if err := emitStruct(f, c, s, docs); err != nil {
			return nil, err
		}
	}
	for _, e := range api.Enums {
		if err := emitEnum(f, c, e, docs); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	if err := f.Render(&out); err != nil {
		return nil, fmt.Errorf("gen: types: %w", err)
	}
	return out.Bytes(), nil
}

func emitStruct(f *jen.File, c *classifier, s *Struct, docs *Docs) error {
	name := c.names.typ(s.Name)
	switch {
	case c.isHandle(s.Name):
		doc, err := docs.comment(s.Name, name)
		if err != nil {
			return err
		}
		f.Add(comment(doc))
		f.Type().Id(name).Struct(jen.Id("h").Uintptr())
	case strings.HasPrefix(s.Name, "mlx_optional_"):
		doc, err := docs.comment(s.Name, name)
		if err != nil {
			return err
		}
		value := scalarRows[s.Fields[0].Type.Base].goType
		if value == "" {
			value = c.names.typ(s.Fields[0].Type.Base)
		}
		f.Add(comment(doc))
		f.Type().Id(name).Struct(jen.Id("Value").Id(value), jen.Id("Valid").Bool())
	}
	f.Line()
	return nil
}

// emitEnum writes an enum with its constants, its names and the bound that
// checkEnum compares with, since mlx-c indexes tables with it unchecked.
func emitEnum(f *jen.File, c *classifier, e *Enum, docs *Docs) error {
	name := c.names.typ(e.Name)
	doc, err := docs.comment(e.Name, name)
	if err != nil {
		return err
	}
	f.Add(comment(doc))
	f.Type().Id(name).Int32()
	var labels []jen.Code
	f.Comment("// The values of " + name + ".")
	f.Const().DefsFunc(func(g *jen.Group) {
		for i, v := range e.Values {
			id := c.names.camel(strings.TrimPrefix(strings.ToLower(v), "mlx_"))
			labels = append(labels, jen.Lit(strings.ToLower(strings.TrimPrefix(v, "MLX_"))))
			if i == 0 {
				g.Id(id).Id(name).Op("=").Iota()
				continue
			}
			g.Id(id)
		}
	})
	table := unexported(name) + "Names"
	f.Var().Id(table).Op("=").Index(jen.Op("...")).String().Values(labels...)
	f.Comment("// String returns MLX's name of the value.")
	f.Func().Params(jen.Id("v").Id(name)).Id("String").Params().String().Block(jen.Return(jen.Id("enumString").Call(jen.Lit(name), jen.Id("int").Call(jen.Id("v")), jen.Id(table).Index(jen.Op(":")))))
	f.Line()
	f.Func().Params(jen.Id("v").Id(name)).Id("valid").Params().Bool().Block(jen.Return(jen.Id("v").Op(">=").Lit(0).Op("&&").Int().Call(jen.Id("v")).Op("<").Len(jen.Id(table))))
	f.Line()
	return nil
}

func unexported(s string) string { return strings.ToLower(s[:1]) + s[1:] }
