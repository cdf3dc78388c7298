package setup

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/native"
)

// What the tools of 2026 say without a network.
const (
	cargoOffline = `error: failed to sync

Caused by:
  failed to get ` + "`mlx-sys`" + ` as a dependency of package ` + "`mlx-c-source v0.0.0`" + `

Caused by:
  [6] Could not resolve hostname (Could not resolve host: registry.example)
`
	gitOffline = "fatal: unable to access 'https://github.com/ml-explore/mlx-c/': Could not resolve host: github.com\n"
)

// source asks for mlx-c's source on the machine.
func source(t *testing.T, o Options) (string, string, error) {
	t.Helper()
	var out bytes.Buffer
	o.Out = &out
	dir, err := o.mlxcSource(t.Context())
	return dir, out.String(), err
}

func fails(says string) string {
	return "cat <<'END' >&2\n" + says + "END\nexit 101"
}

func TestSourceOrder(t *testing.T) {
	wrongCrate := strings.ReplaceAll(goodCargo, "CRATE", strings.Repeat("0", 64))
	wrongTag := strings.ReplaceAll(goodGit, "COMMIT", strings.Repeat("1", 40))
	for _, c := range []struct {
		name       string
		cargo, git string // their scripts; "" is a good tool, "-" none
		want       []string
	}{
		{name: "the crate comes first"},
		{name: "without cargo", cargo: "-"},
		{name: "without git", git: "-"},
		{name: "the registry cannot be reached", cargo: fails(cargoOffline)},
		{name: "another crate", cargo: wrongCrate},
		{name: "an empty crate", cargo: "mkdir -p vendor/mlx-sys"},
		{name: "neither can be reached", cargo: fails(cargoOffline), git: fails(gitOffline), want: []string{
			"no source of mlx-c " + native.MLXCVersion,
			"the crate mlx-sys (cargo: exit status 101: failed to sync: " +
				"[6] Could not resolve hostname (Could not resolve host: registry.example))",
			"the tag of https://github.com/ml-explore/mlx-c (git: exit status 101: " +
				"unable to access 'https://github.com/ml-explore/mlx-c/': Could not resolve host: github.com)",
			"name a folder with it with MLX_C_SOURCE_DIR"}},
		{name: "both are others", cargo: wrongCrate, git: wrongTag, want: []string{
			"the crate has sha256 " + strings.Repeat("0", 64) + ", the pin " + native.MLXCCrate.SHA256,
			"the tag is commit " + strings.Repeat("1", 40) + ", the pin " + native.MLXCCommit}},
		{name: "no tool", cargo: "-", git: "-", want: []string{"cargo is not on the PATH", "git is not on the PATH"}},
		{name: "a crate without mlx-c", git: "-", want: []string{"the crate holds no mlx-c"},
			cargo: strings.ReplaceAll(goodCargo, "CRATE", native.MLXCCrate.SHA256) + "\nrm -r vendor/mlx-sys/src"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t).good()
			for tool, body := range map[string]string{"cargo": c.cargo, "git": c.git} {
				switch body {
				case "":
				case "-":
					require.NoError(t, os.Remove(filepath.Join(m.bin, tool)))
				default:
					m.tool(tool, body)
				}
			}
			dir, out, err := source(t, Options{})
			if c.want != nil {
				requireSentence(t, err, c.want...)
				left, err := filepath.Glob(filepath.Join(m.home, "cache", "go-mlx", "mlx-c-*[^k]"))
				require.NoError(t, err)
				require.Empty(t, left, "nothing but the lock is left")
				return
			}
			require.NoError(t, err)
			require.FileExists(t, filepath.Join(dir, "mlx", "c", "mlx.h"))
			require.Contains(t, out, "fetching mlx-c "+native.MLXCVersion)
			require.Equal(t, c.cargo != "", len(m.calls("git clone")) > 0, "git is the second choice")

			t.Setenv("PATH", "") // kept: no tool and no network from now on
			again, out, err := source(t, Options{})
			require.NoError(t, err)
			require.Equal(t, dir, again)
			require.Empty(t, out)
		})
	}
}

func TestFetchedSourceIsThePinned(t *testing.T) {
	m := newMachine(t).good()
	m.tool("cargo", `cat Cargo.toml >'`+m.home+`/manifest'; exit 1`)
	_, _, err := source(t, Options{})
	require.NoError(t, err)
	clone := m.calls("git clone")
	require.Len(t, clone, 1)
	require.Contains(t, clone[0], " --depth=1 --branch=v"+native.MLXCVersion+" https://github.com/ml-explore/mlx-c ")
	manifest, err := os.ReadFile(filepath.Join(m.home, "manifest"))
	require.NoError(t, err)
	require.Contains(t, string(manifest),
		`mlx-sys = { version = "=`+native.MLXCCrate.Version+`", default-features = false }`)
	require.Contains(t, string(manifest), "[workspace]", "a workspace in a folder above is none of its business")
}

func TestNamedSource(t *testing.T) {
	m := newMachine(t).good()
	holder := func(name string) string {
		dir := filepath.Join(m.home, name)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "mlx", "c"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "mlx", "c", "mlx.h"), nil, 0o644))
		return dir
	}
	byOption, byVariable := holder("option"), holder("variable")
	t.Setenv(sourceVariable, byVariable)
	dir, _, err := source(t, Options{})
	require.NoError(t, err)
	require.Equal(t, byVariable, dir)
	dir, _, err = source(t, Options{MLXCSource: byOption})
	require.NoError(t, err)
	require.Equal(t, byOption, dir, "the option wins")

	t.Setenv(sourceVariable, m.home)
	_, _, err = source(t, Options{})
	requireSentence(t, err, m.home+" does not hold mlx-c's source (no mlx/c/mlx.h)")
	o, _ := m.options()
	_, err = Install(t.Context(), o)
	requireSentence(t, err, m.home+" does not hold mlx-c's source")
	require.Empty(t, m.calls("python3 -m pip download"), "told before anything is downloaded")
}

// TestGitInsideAHook: git tells its hooks about their repository, and that must
// not reach the git that fetches mlx-c.
func TestGitInsideAHook(t *testing.T) {
	m := newMachine(t).good()
	require.NoError(t, os.Remove(filepath.Join(m.bin, "cargo")))
	m.tool("git", `[ -z "$GIT_DIR$GIT_WORK_TREE$GIT_INDEX_FILE" ] && [ "$GIT_TERMINAL_PROMPT" = 0 ] || exit 9
`+strings.ReplaceAll(goodGit, "COMMIT", native.MLXCCommit))
	t.Setenv("GIT_DIR", "/repo/.git")
	t.Setenv("GIT_WORK_TREE", "/repo")
	t.Setenv("GIT_INDEX_FILE", "/repo/.git/index")
	_, _, err := source(t, Options{})
	require.NoError(t, err)
}

func TestSourceAfterAKill(t *testing.T) {
	m := newMachine(t).good()
	half := filepath.Join(m.home, "cache", "go-mlx", "mlx-c-"+native.MLXCVersion)
	require.NoError(t, os.MkdirAll(filepath.Join(half, "mlx"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(half+".partial", "0", "vendor"), 0o755))
	dir, _, err := source(t, Options{})
	require.NoError(t, err)
	require.Equal(t, half, dir)
	require.FileExists(t, filepath.Join(dir, "mlx", "c", "mlx.h"))
	require.NoDirExists(t, half+".partial")
}

func TestFetchingTheSourceHasTimeLimits(t *testing.T) {
	defer func(c, g time.Duration) { cargoLimit, gitLimit = c, g }(cargoLimit, gitLimit)
	cargoLimit, gitLimit = 100*time.Millisecond, 200*time.Millisecond
	m := newMachine(t).good()
	m.tool("cargo", "sleep 60")
	m.tool("git", "sleep 60")
	began := time.Now()
	_, _, err := source(t, Options{})
	requireSentence(t, err, "cargo: did not end within 100ms", "git: did not end within 200ms")
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestCancelledFetchingOfTheSource(t *testing.T) {
	m := newMachine(t).good()
	m.tool("cargo", "sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	o := Options{Out: &bytes.Buffer{}}
	_, err := o.mlxcSource(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	requireSentence(t, err, "fetching mlx-c's source")
	require.Empty(t, m.calls("git"), "the second choice is not tried")
}
