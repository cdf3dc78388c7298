package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// modulePath stands for the real module, whose hand-written half the expected
// files of testdata call.
const modulePath = "forge.lthn.ai/core/go-mlx"

// TestGoldenCompiles vets the expected files of every case as the packages that
// they are meant for. Their hand-written half is made of the real one's
// signatures, so that a helper that changes is noticed here.
func TestGoldenCompiles(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the Go tool and a C compiler")
	}
	requireC(t)
	root := t.TempDir()
	names := cases(t, "testdata")
	files := map[string]string{"go.mod": "module " + modulePath + "\n\ngo 1.26.0\n"}
	for _, name := range names {
		addCase(t, files, name)
	}
	writeTree(t, root, files)
	vet := exec.Command("go", "vet", "./...")
	vet.Dir = root
	vet.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=1")
	out, err := vet.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, name := range names {
		t.Run(name, func(t *testing.T) { checkC(t, filepath.Join(root, name, "bindings")) })
	}
}

// compiler is the C compiler that cgo would call.
func compiler() string {
	if c := os.Getenv("CC"); c != "" {
		return c
	}
	return "cc"
}

func requireC(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath(strings.Fields(compiler())[0]); err != nil {
		t.Skipf("no C compiler to check the shims with: %v", err)
	}
}

// checkC lets the C compiler read the shims, and warn of anything it doubts.
func checkC(t *testing.T, dir string) {
	t.Helper()
	args := append(strings.Fields(compiler()), "-std=gnu11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "zshim.c")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// addCase adds the packages of one case below a folder of its name.
func addCase(t *testing.T, files map[string]string, name string) {
	t.Helper()
	want := readTree(t, filepath.Join("testdata", name, "want"))
	for path, text := range want {
		if strings.HasPrefix(path, "gen/") {
			continue
		}
		files[name+"/"+path] = strings.ReplaceAll(text, modulePath, modulePath+"/"+name)
	}
	files[name+"/bindings/hand.go"] = handBindings(t, want)
	files[name+"/bindings/shim.h"] = handHeader(t, want["bindings/zshim.h"])
	files[name+"/runtime/hand.go"] = handRuntime(t, name, want)
	files[name+"/native/hand.go"] = handTypes(t, "../native", "native", "Wheel", "Crate", "Model")
}

var word = regexp.MustCompile(`\w+`)

// words is the set of identifiers in a text.
func words(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range word.FindAllString(text, -1) {
		set[w] = true
	}
	return set
}

// handHeader is the real shim.h without the declarations whose types the case
// does not have.
func handHeader(t *testing.T, zshim string) string {
	t.Helper()
	data, err := os.ReadFile("../bindings/shim.h")
	require.NoError(t, err)
	declared := words(zshim)
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		missing := false
		for w := range words(line) {
			missing = missing || strings.HasPrefix(w, "mlx_") && !declared[w]
		}
		if !missing {
			b.WriteString(line)
		}
	}
	return b.String()
}

// handBindings declares what the generated files of a case use of bindings'
// hand-written ones.
func handBindings(t *testing.T, want map[string]string) string {
	t.Helper()
	used := map[string]bool{}
	for path, text := range want {
		if strings.HasPrefix(path, "bindings/") && strings.HasSuffix(path, ".go") {
			f, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
			require.NoError(t, err)
			for _, id := range f.Unresolved {
				used[id.Name] = true
			}
		}
	}
	var b strings.Builder
	b.WriteString("package bindings\n\n// #include \"shim.h\"\nimport \"C\"\n\n")
	b.WriteString("var _ C.int\n\n")
	fset := token.NewFileSet()
	for _, f := range handFiles(t, fset, "../bindings") {
		for _, d := range f.Decls {
			if uses(d, used) {
				b.WriteString(signatureOf(t, fset, d))
			}
		}
	}
	return b.String()
}

// handRuntime declares the helpers of Scope, where a case has any use for them.
func handRuntime(t *testing.T, name string, want map[string]string) string {
	t.Helper()
	used := words(want["runtime/zscope.go"])
	if !used["Scope"] {
		return "package runtime\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "package runtime\n\nimport %q\n\n", modulePath+"/"+name+"/bindings")
	b.WriteString("type (\n\tArray = bindings.Array\n\tScope struct{ stream bindings.Stream }\n)\n\n")
	if used["Dtype"] {
		b.WriteString("type Dtype = bindings.Dtype\n\n")
	}
	fset := token.NewFileSet()
	for _, f := range handFiles(t, fset, "../runtime") {
		if filepath.Base(fset.Position(f.Pos()).Filename) != "scope.go" {
			continue
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil && !fn.Name.IsExported() && used[fn.Name.Name] {
				b.WriteString(signatureOf(t, fset, d))
			}
		}
	}
	return b.String()
}

// handTypes copies type declarations of a package.
func handTypes(t *testing.T, dir, pkg string, names ...string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("package " + pkg + "\n\n")
	fset := token.NewFileSet()
	for _, f := range handFiles(t, fset, dir) {
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE && uses(d, words(strings.Join(names, " "))) {
				b.WriteString(signatureOf(t, fset, d))
			}
		}
	}
	return b.String()
}

// handFiles parses the hand-written files of a package.
func handFiles(t *testing.T, fset *token.FileSet, dir string) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var files []*ast.File
	for _, p := range paths {
		base := filepath.Base(p)
		if strings.HasPrefix(base, "z") || strings.HasSuffix(base, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, p, nil, 0)
		require.NoError(t, err)
		files = append(files, f)
	}
	require.NotEmpty(t, files, dir)
	return files
}

// uses reports whether names has the function, the type or the constant that a
// declaration declares. Methods are nobody's business but their type's.
func uses(d ast.Decl, names map[string]bool) bool {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return d.Recv == nil && names[d.Name.Name] && !d.Name.IsExported()
	case *ast.GenDecl:
		switch s := d.Specs[0].(type) {
		case *ast.TypeSpec:
			return names[s.Name.Name]
		case *ast.ValueSpec:
			return d.Tok == token.CONST && names[s.Names[0].Name]
		}
	}
	return false
}

// signatureOf writes a declaration; a function without what it does.
func signatureOf(t *testing.T, fset *token.FileSet, d ast.Decl) string {
	t.Helper()
	if f, ok := d.(*ast.FuncDecl); ok {
		f.Body = &ast.BlockStmt{List: []ast.Stmt{&ast.ExprStmt{X: ast.NewIdent(`panic("no body")`)}}}
	}
	var b bytes.Buffer
	require.NoError(t, format.Node(&b, fset, d))
	return b.String() + "\n\n"
}
