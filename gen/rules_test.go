package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocsAreAttached reads the committed Go files as go doc does: the comment of
// every exported name must touch it and begin with it.
func TestDocsAreAttached(t *testing.T) {
	var bad []string
	checked := 0
	for path, text := range committed(t) {
		if !strings.HasSuffix(path, ".go") || strings.HasPrefix(path, "native/") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments)
		require.NoError(t, err)
		for _, d := range f.Decls {
			name, doc := documented(d)
			if !token.IsExported(name) {
				continue
			}
			checked++
			if !strings.HasPrefix(doc, name+" ") {
				bad = append(bad, path+": "+name)
			}
		}
	}
	require.Positive(t, checked)
	if len(bad) > 0 {
		t.Errorf("%d of %d have no doc comment that begins with their name: %s, ...", len(bad), checked, bad[0])
	}
}

// documented returns the name and the doc comment of a function or a type.
func documented(d ast.Decl) (name, doc string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return d.Name.Name, d.Doc.Text()
	case *ast.GenDecl:
		if s, ok := d.Specs[0].(*ast.TypeSpec); ok {
			return s.Name.Name, d.Doc.Text()
		}
	}
	return "", ""
}

var nocallback = regexp.MustCompile(`(?m)^// #cgo nocallback gm_(\w+)$`)

// TestCallbacks finds no nocallback where Go code may run: the process dies when
// a function marked so calls back. Closures, readers and writers are Go code;
// what evaluates or frees may run them too.
func TestCallbacks(t *testing.T) {
	lock := readLock(t)
	runsGo := regexp.MustCompile(`\bmlx_(closure|io_reader|io_writer|imported_function|function_exporter)`)
	marked := 0
	for _, text := range committed(t) {
		for _, m := range nocallback.FindAllStringSubmatch(text, -1) {
			marked++
			l, ok := lock[m[1]]
			require.True(t, ok, m[1])
			params := l.decl[strings.Index(l.decl, m[1])+len(m[1]):]
			require.NotRegexp(t, runsGo, params, "%s is nocallback and runs Go code", m[1])
			require.NotContains(t, []string{"free", "set"}, l.family, m[1])
			require.False(t, strings.HasSuffix(m[1], "eval"), m[1])
		}
	}
	require.Positive(t, marked)
}
