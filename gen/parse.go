package main

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"modernc.org/cc/v4"
)

// Func is one function declaration of the headers, as the compiler sees it.
type Func struct {
	Name     string // mlx_matmul
	Header   string // ops, from mlx/c/ops.h
	Result   Type
	Params   []Param
	Variadic bool
	Optional bool   // in a library that may be absent
	Doc      string // the comment above it, without comment marks
}

// Param is one parameter of a Func.
type Param struct {
	Name     string
	Type     Type
	Nullable bool // marked /* may be null */ in the header
}

// Type is the little of a C type that classification needs: a base name, its
// indirections and whether what it points to is const. A function pointer has
// the base "func" and its own result and parameters.
type Type struct {
	Base   string // "mlx_array", "int", "bool", "char", "void", "func", ...
	Ptr    int
	Const  bool
	Result *Type
	Params []Type
}

// Declare writes a declaration of name with type t, as C writes it.
func (t Type) Declare(name string) string {
	if t.Base != "func" {
		return strings.TrimSpace(t.String() + " " + name)
	}
	params := make([]string, len(t.Params))
	for i, p := range t.Params {
		params[i] = p.Declare("")
	}
	return fmt.Sprintf("%s (*%s)(%s)", t.Result, name, strings.Join(params, ", "))
}

// String writes t as C writes it.
func (t Type) String() string {
	s := t.Base
	if t.Const {
		s = "const " + s
	}
	if t.Ptr > 0 {
		s += " " + strings.Repeat("*", t.Ptr)
	}
	return s
}

// Struct is a typedef'd struct of the headers.
type Struct struct {
	Name   string
	Fields []Param
	Opaque bool // declared but never defined in the headers
}

// Enum is a typedef'd enum of the headers.
type Enum struct {
	Name   string
	Values []string // in order, from 0
}

// API is everything that a set of headers declares.
type API struct {
	Funcs   []*Func
	Structs []*Struct
	Enums   []*Enum
}

// readAPI reads every header of the manifest. Of a header of kernels it takes the
// functions: their types are those of mlx-c.
func readAPI(m *Manifest, headers fs.FS) (*API, error) {
	api := &API{}
	for _, h := range m.Headers {
		one, err := parse(headers, h)
		if err != nil {
			return nil, err
		}
		api.Funcs = append(api.Funcs, one.Funcs...)
		api.Structs = append(api.Structs, one.Structs...)
		api.Enums = append(api.Enums, one.Enums...)
	}
	for _, h := range m.Kernels {
		one, err := parse(headers, h)
		if err != nil {
			return nil, err
		}
		for _, f := range one.Funcs {
			if f.Header == strings.TrimSuffix(path.Base(h), ".h") {
				f.Optional = true
				api.Funcs = append(api.Funcs, f)
			}
		}
	}
	return api, nil
}

// parse reads the umbrella header from fsys, hermetically: no host compiler
// and no host header takes part, so every machine sees the same API. Include
// paths are relative to the root of fsys.
func parse(fsys fs.FS, umbrella string) (*API, error) {
	abi, err := cc.NewABI("linux", "amd64")
	if err != nil {
		return nil, fmt.Errorf("gen: %w", err)
	}
	cfg := &cc.Config{
		ABI:             abi,
		FS:              overlay{fsys},
		FSOnly:          true,
		Header:          true,
		IncludePaths:    []string{"@", "."},
		SysIncludePaths: []string{stubDir},
	}
	ast, err := cc.Translate(cfg, []cc.Source{
		{Name: "<builtin>", Value: builtinSource},
		{Name: umbrella},
	})
	if err != nil {
		return nil, fmt.Errorf("gen: %s: %w", umbrella, err)
	}
	api := &API{}
	for tu := ast.TranslationUnit; tu != nil; tu = tu.TranslationUnit {
		if err := api.declare(tu.ExternalDeclaration); err != nil {
			return nil, err
		}
	}
	return api, nil
}

// declare adds what one external declaration declares. Declarations of the
// stub headers and of the builtin source are not part of the API.
func (api *API) declare(ed *cc.ExternalDeclaration) error {
	if ed.Case == cc.ExternalDeclarationFuncDef {
		return fmt.Errorf("gen: %v: a function body in a header", ed.Position())
	}
	d := ed.Declaration
	if ed.Case != cc.ExternalDeclarationDecl || d.Case != cc.DeclarationDecl {
		return nil
	}
	file := d.Position().Filename
	if strings.HasPrefix(file, "<") || strings.HasPrefix(file, stubDir) {
		return nil
	}
	for l := d.InitDeclaratorList; l != nil; l = l.InitDeclaratorList {
		dr := l.InitDeclarator.Declarator
		switch t := dr.Type().(type) {
		case *cc.FunctionType:
			if dr.IsTypename() {
				continue
			}
			f, err := newFunc(d, dr, t)
			if err != nil {
				return err
			}
			f.Header = strings.TrimSuffix(path.Base(file), ".h")
			api.Funcs = append(api.Funcs, f)
		case *cc.StructType:
			if dr.IsTypename() {
				api.Structs = append(api.Structs, newStruct(dr.Name(), t))
			}
		case *cc.EnumType:
			if dr.IsTypename() {
				api.Enums = append(api.Enums, newEnum(dr.Name(), t))
			}
		}
	}
	return nil
}

func newFunc(d *cc.Declaration, dr *cc.Declarator, t *cc.FunctionType) (*Func, error) {
	tokens := cc.NodeTokens(d)
	f := &Func{
		Name:     dr.Name(),
		Result:   typeOf(t.Result()),
		Variadic: t.IsVariadic(),
		Doc:      docComment(string(tokens[0].Sep())),
	}
	null := nullable(tokens)
	for i, p := range t.Parameters() {
		if p.Type().Kind() == cc.Void {
			continue // f(void)
		}
		name := p.Name()
		if name == "" {
			return nil, fmt.Errorf("gen: %v: %s: parameter %d has no name", dr.Position(), f.Name, i+1)
		}
		f.Params = append(f.Params, Param{Name: name, Type: typeOf(p.Type()), Nullable: null[name]})
	}
	return f, nil
}

// nullable collects the parameters marked /* may be null */. The mark follows
// the parameter's name, so the scanner files it under the next token.
func nullable(tokens []cc.Token) map[string]bool {
	marked := map[string]bool{}
	for i := 1; i < len(tokens); i++ {
		if strings.Contains(string(tokens[i].Sep()), "may be null") {
			marked[tokens[i-1].SrcStr()] = true
		}
	}
	return marked
}

// typeOf reduces a C type to Type, keeping typedef names.
func typeOf(t cc.Type) Type {
	if td := t.Typedef(); td != nil {
		return Type{Base: td.Name(), Const: isConst(t)}
	}
	switch x := t.(type) {
	case *cc.PointerType:
		if f, ok := x.Elem().(*cc.FunctionType); ok {
			return funcPointer(f)
		}
		e := typeOf(x.Elem())
		e.Ptr++
		return e
	case *cc.PredefinedType:
		base := x.String()
		base = strings.TrimPrefix(base, "const ")
		if base == "_Bool" {
			base = "bool"
		}
		return Type{Base: base, Const: isConst(t)}
	}
	return Type{Base: t.String()}
}

func funcPointer(f *cc.FunctionType) Type {
	result := typeOf(f.Result())
	t := Type{Base: "func", Result: &result}
	for _, p := range f.Parameters() {
		t.Params = append(t.Params, typeOf(p.Type()))
	}
	return t
}

func isConst(t cc.Type) bool {
	a := t.Attributes()
	return a != nil && a.IsConst()
}

func newStruct(name string, t *cc.StructType) *Struct {
	s := &Struct{Name: name, Opaque: t.IsIncomplete()}
	for i := 0; !s.Opaque && i < t.NumFields(); i++ {
		f := t.FieldByIndex(i)
		s.Fields = append(s.Fields, Param{Name: f.Name(), Type: typeOf(f.Type())})
	}
	return s
}

func newEnum(name string, t *cc.EnumType) *Enum {
	e := &Enum{Name: name}
	for _, v := range t.Enumerators() {
		e.Values = append(e.Values, v.Token.SrcStr())
	}
	return e
}

// docComment takes the last block comment of a separator and strips its marks.
// A comment that only opens or closes a doxygen group documents nothing.
func docComment(sep string) string {
	start := strings.LastIndex(sep, "/**")
	if start < 0 {
		return ""
	}
	text, rest, ok := strings.Cut(sep[start+3:], "*/")
	if !ok || strings.TrimSpace(rest) != "" || strings.Contains(text, "defgroup") || strings.HasPrefix(text, "@{") || strings.HasPrefix(text, "@}") {
		return ""
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "*"))
		lines = append(lines, line)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
