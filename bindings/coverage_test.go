package bindings_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const packagePath = "forge.lthn.ai/core/go-mlx/bindings"

// untested are the functions that no test calls, with the reason. There are none.
var untested = map[string]string{}

// lockRow is a function of mlx-c in gen/api.lock.
type lockRow struct{ header, family, goName, c string }

var cFunction = regexp.MustCompile(`\b(_?(?:go)?mlx_\w+)\(`)

func readLock(t *testing.T) (rows []lockRow) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "gen", "api.lock"))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		require.Len(t, f, 4, line)
		name := cFunction.FindStringSubmatch(f[3])
		require.NotNil(t, name, line)
		rows = append(rows, lockRow{f[0], f[1], f[2], name[1]})
	}
	return rows
}

// Every function of the C API is called by a test, or stands in untested; so is
// every function of the hand-written files.
func TestEveryFunctionIsTested(t *testing.T) {
	pkg := checkSources(t)
	families := map[string]int{}
	locked := map[string]bool{}
	for _, row := range readLock(t) {
		families[row.family] += 0
		switch {
		case row.family == "skip":
			require.Equal(t, "-", row.goName)
			require.Empty(t, pkg.byC[row.c], "%s is skipped", row.c)
			continue
		case row.c == "mlx_set_error_handler": // the loader's: every failure tests it
			families[row.family]++
			continue
		case row.family == "hand":
			require.NotEmpty(t, pkg.byC[row.c], "no doc comment says C: %s", row.c)
			row.goName = pkg.byC[row.c]
		}
		locked[row.goName] = true
		require.Contains(t, pkg.exported, row.goName, "%s has no Go function", row.c)
		if pkg.used[row.goName] {
			families[row.family]++
		}
		require.NotEqual(t, pkg.used[row.goName], untested[row.goName] != "",
			"%s (family %s): call it in a test or give a reason in untested, not both", row.goName, row.family)
	}
	for name := range pkg.exported {
		if _, method, _ := strings.Cut(name, "."); method == "Error" || method == "Unwrap" {
			continue // package errors calls them, for every assertion
		}
		require.True(t, pkg.used[name] || untested[name] != "", "no test uses %s", name)
	}
	for name := range untested {
		require.True(t, locked[name], "%s in untested is no function of gen/api.lock", name)
	}
	for family, n := range families {
		require.True(t, n > 0 || family == "skip", "no function of family %q is tested", family)
	}
	require.Len(t, families, 15, "a new family: test its failures as well, then count it here")
}

// sources are what the package's source says of its functions.
type sources struct {
	exported map[string]bool   // Type.Method or Function
	byC      map[string]string // the C name in the doc comment -> the Go name
	used     map[string]bool   // by the tests
}

// checkSources type-checks the package and then its tests; imports of other
// packages are left empty, and what does not resolve for it is no matter.
func checkSources(t *testing.T) sources {
	t.Helper()
	fset := token.NewFileSet()
	own := parse(t, fset, func(name string) bool { return !strings.HasSuffix(name, "_test.go") })
	tests := parse(t, fset, func(name string) bool {
		return strings.HasSuffix(name, "_test.go") && name != "coverage_test.go"
	})
	pkgs := packages{}
	config := types.Config{FakeImportC: true, Importer: pkgs, Error: func(error) {}}
	pkg, _ := config.Check(packagePath, fset, own, nil)
	pkgs[packagePath] = pkg
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	_, _ = config.Check(packagePath+"_test", fset, tests, info)

	s := sources{exported: map[string]bool{}, byC: map[string]string{}, used: map[string]bool{}}
	for _, obj := range info.Uses {
		f, ok := obj.(*types.Func)
		if !ok {
			continue
		}
		for _, name := range callees(f, pkg) {
			s.used[name] = true
		}
	}
	for _, file := range own {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Name.IsExported() {
				s.add(f)
			}
		}
	}
	return s
}

var cName = regexp.MustCompile(`C: (_?(?:go)?mlx_\w+)\b`)

func (s sources) add(f *ast.FuncDecl) {
	name := f.Name.Name
	if f.Recv != nil {
		recv := f.Recv.List[0].Type
		if star, ok := recv.(*ast.StarExpr); ok {
			recv = star.X
		}
		name = recv.(*ast.Ident).Name + "." + name
	}
	s.exported[name] = true
	if c := cName.FindStringSubmatch(f.Doc.Text()); c != nil {
		s.byC[c[1]] = name
	}
}

// callees are the functions of pkg that a use of f may call: itself, or the
// methods of all types that have the interface whose method it is.
func callees(f *types.Func, pkg *types.Package) (names []string) {
	recv := f.Type().(*types.Signature).Recv()
	if recv == nil {
		if f.Pkg() == pkg {
			names = []string{f.Name()}
		}
		return names
	}
	iface, ok := recv.Type().Underlying().(*types.Interface)
	if !ok {
		typ := recv.Type()
		if p, ok := typ.(*types.Pointer); ok {
			typ = p.Elem()
		}
		if named, ok := typ.(*types.Named); ok && f.Pkg() == pkg {
			names = []string{named.Obj().Name() + "." + f.Name()}
		}
		return names
	}
	for _, name := range pkg.Scope().Names() {
		typ, ok := pkg.Scope().Lookup(name).(*types.TypeName)
		if ok && types.Implements(types.NewPointer(typ.Type()), iface) {
			names = append(names, name+"."+f.Name())
		}
	}
	return names
}

func parse(t *testing.T, fset *token.FileSet, want func(name string) bool) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range slices.DeleteFunc(names, func(name string) bool { return !want(name) }) {
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, f)
	}
	return files
}

// packages imports the package under test, the few packages whose results the
// tests hand on to it, and empty ones for the rest.
type packages map[string]*types.Package

func (p packages) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if p[path] == nil {
		p[path] = types.NewPackage(path, filepath.Base(path))
		p[path].MarkComplete()
	}
	return p[path], nil
}
