package setup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/native"
)

// installed are the files of the CPU's installation on a PC.
var installed = []string{"complete", "lib/libmlxc.so", "lib/libscipy_openblas.so", "mlx/include/mlx/mlx.h",
	"mlx/lib/libmlx.so", "mlx_cpu.libs/libblas.so.3"}

func TestInstall(t *testing.T) {
	m := newMachine(t).good()
	o, out := m.options()
	prefix, err := Install(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, o.Prefix, prefix)
	require.Equal(t, installed, tree(t, prefix))
	for _, line := range []string{"downloading mlx-cpu", "downloading scipy-openblas32", "fetching mlx-c",
		"compiling mlx-c", "installed in " + prefix} {
		require.Contains(t, out.String(), line)
	}
	configure := m.calls("cmake -S")
	require.Len(t, configure, 1)
	for _, arg := range []string{"-DMLX_ROOT=" + prefix + ".partial/mlx", "-DCMAKE_BUILD_TYPE=Release",
		"-DOPENBLAS_LIBRARY=" + prefix + ".partial/lib/libscipy_openblas.so"} {
		require.Contains(t, configure[0], arg)
	}
	require.NotContains(t, configure[0], "Ninja", "there is none on the PATH")
	require.Empty(t, m.calls("git"), "the crate served")

	m.good() // pins again: the same
	t.Setenv("PATH", "")
	before := len(m.calls(""))
	out.Reset()
	again, err := Install(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, prefix, again)
	require.Len(t, m.calls(""), before, "no tool ran")
	require.Equal(t, "MLX "+native.MLXVersion+" (cpu) is in place: "+prefix+"\n", out.String())
}

func TestInstallOfflineFromTheCache(t *testing.T) {
	m := newMachine(t).good()
	o, _ := m.options()
	_, err := Install(t.Context(), o)
	require.NoError(t, err)
	for _, name := range []string{"cargo", "git"} {
		require.NoError(t, os.Remove(filepath.Join(m.bin, name)))
	}
	m.tool("python3", `[ "$3" = --version ]`) // downloads nothing
	o.Force = true
	_, err = Install(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, installed, tree(t, o.Prefix))
}

func TestInstallAgainWhenSomethingChanged(t *testing.T) {
	for name, change := range map[string]func(m *machine, o *Options){
		"force":   func(_ *machine, o *Options) { o.Force = true },
		"backend": func(_ *machine, o *Options) { o.Backend = "cuda" },
		"another wheel": func(m *machine, o *Options) {
			for i := range native.Wheels {
				native.Wheels[i].SHA256 = strings.Repeat("0", 64)
			}
		},
		"damaged": func(_ *machine, o *Options) {
			require.NoError(t, os.WriteFile(filepath.Join(o.Prefix, completeFile), []byte("mlx 0.1.0\n"), 0o644))
		},
		"source named": func(m *machine, o *Options) {
			o.MLXCSource = filepath.Join(m.home, "cache", "go-mlx", "mlx-c-"+native.MLXCVersion)
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t).good()
			o, out := m.options()
			_, err := Install(t.Context(), o)
			require.NoError(t, err)
			plain := o
			change(m, &o)
			out.Reset()
			_, err = Install(t.Context(), o)
			if name == "another wheel" { // the cached one is not taken, and pip brings no other
				require.ErrorContains(t, err, "sha256")
				require.Equal(t, installed, tree(t, o.Prefix), "the old installation stays")
				return
			}
			require.NoError(t, err)
			require.Contains(t, out.String(), "installed in")
			out.Reset()
			_, err = Install(t.Context(), o)
			require.NoError(t, err)
			if !o.Force {
				require.Contains(t, out.String(), "is in place")
			}
			if o.MLXCSource != "" { // who names no source takes what is there
				out.Reset()
				_, err = Install(t.Context(), plain)
				require.NoError(t, err)
				require.Contains(t, out.String(), "is in place")
			}
		})
	}
}

// TestCompleteFileNamesEveryPin: what is not named there can change without an
// installation being made anew.
func TestCompleteFileNamesEveryPin(t *testing.T) {
	m := newMachine(t).good()
	o, _ := m.options()
	_, err := Install(t.Context(), o)
	require.NoError(t, err)
	path := filepath.Join(o.Prefix, completeFile)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	cpu, _ := native.FindWheel("cpu", o.platform)
	blas, _ := native.FindWheel("blas", o.platform)
	for _, want := range []string{native.MLXVersion, native.MLXCVersion, native.MLXCCommit, "backend cpu",
		cpu.SHA256, blas.SHA256} {
		require.Contains(t, string(data), want)
	}
	require.Regexp(t, `(?m)^build files [0-9a-f]{16}$`, string(data))
	for line := range strings.Lines(string(data)) {
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(data), line, "", 1)), 0o644))
		require.NoError(t, o.complete())
		require.False(t, o.installed(), "without %q", line)
	}
}

func TestMissingToolsAreNamedBeforeAnythingBegins(t *testing.T) {
	for _, c := range []struct {
		name    string
		without []string
		want    []string
	}{
		{"python", []string{"python3"}, []string{"python3 is not on the PATH", "install Python 3"}},
		{"cmake", []string{"cmake"}, []string{"cmake is not on the PATH", "install CMake 3.22"}},
		{"compiler", []string{"c++"}, []string{"c++ is not on the PATH", "install a C++20 compiler"}},
		{"source", []string{"cargo", "git"}, []string{"neither cargo nor git is on the PATH", sourceVariable}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t).good()
			for _, tool := range c.without {
				require.NoError(t, os.Remove(filepath.Join(m.bin, tool)))
			}
			o, out := m.options()
			_, err := Install(t.Context(), o)
			requireSentence(t, err, c.want...)
			require.Empty(t, out.String())
			require.Empty(t, m.calls("python3 -m pip download"))
			m.requireNothing(o)
		})
	}
	t.Run("pip", func(t *testing.T) {
		m := newMachine(t).good()
		m.tool("python3", "echo 'No module named pip' >&2; exit 1")
		o, _ := m.options()
		_, err := Install(t.Context(), o)
		requireSentence(t, err, "python3 has no pip", "python3-pip")
		m.requireNothing(o)
	})
}

func TestOneSourceToolIsEnough(t *testing.T) {
	for _, name := range []string{"cargo", "git"} {
		t.Run("without "+name, func(t *testing.T) {
			m := newMachine(t).good()
			require.NoError(t, os.Remove(filepath.Join(m.bin, name)))
			o, _ := m.options()
			_, err := Install(t.Context(), o)
			require.NoError(t, err)
		})
	}
}

func TestAnotherCompilerServes(t *testing.T) {
	for name, set := range map[string]func(m *machine){
		"CXX":     func(m *machine) { m.tool("my-c++", ""); t.Setenv("CXX", "my-c++ -O1") },
		"clang++": func(m *machine) { m.tool("clang++", "") },
		"g++":     func(m *machine) { m.tool("g++", "") },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t).good()
			require.NoError(t, os.Remove(filepath.Join(m.bin, "c++")))
			set(m)
			o, _ := m.options()
			_, err := Install(t.Context(), o)
			require.NoError(t, err)
		})
	}
}

func TestFoldersOfOthersAreLeftAlone(t *testing.T) {
	m := newMachine(t).good()
	o, _ := m.options()
	precious := filepath.Join(o.Prefix, "share", "thesis.tex")
	require.NoError(t, os.MkdirAll(filepath.Dir(precious), 0o755))
	require.NoError(t, os.WriteFile(precious, []byte("x"), 0o644))
	for _, force := range []bool{false, true} {
		o.Force = force
		_, err := Install(t.Context(), o)
		requireSentence(t, err, o.Prefix, "files of others")
		require.FileExists(t, precious)
	}
	require.NoError(t, os.RemoveAll(filepath.Dir(precious)))
	_, err := Install(t.Context(), o) // empty now
	require.NoError(t, err)
}

func TestPrefixThatIsALinkOrAFile(t *testing.T) {
	m := newMachine(t).good()
	o, _ := m.options()
	real := filepath.Join(m.home, "large-disk")
	require.NoError(t, os.Mkdir(real, 0o755))
	require.NoError(t, os.Symlink(real, o.Prefix))
	_, err := Install(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, installed, tree(t, real))
	target, err := os.Readlink(o.Prefix)
	require.NoError(t, err)
	require.Equal(t, real, target)

	o.Prefix = filepath.Join(m.home, "file")
	require.NoError(t, os.WriteFile(o.Prefix, []byte("x"), 0o644))
	_, err = Install(t.Context(), o)
	requireSentence(t, err, o.Prefix)
	require.FileExists(t, o.Prefix)
}

func TestFailedStepsLeaveTheOldInstallation(t *testing.T) {
	for _, c := range []struct{ name, when, want string }{
		{"configure", "-S", "configuring mlx-c: cmake: exit status 1: CMake Error: no C++20"},
		{"compile", "--build", "compiling mlx-c: cmake: exit status 1: CMake Error: no C++20"},
		{"install", "--install", "installing mlx-c: cmake: exit status 1: CMake Error: no C++20"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t).good()
			o, _ := m.options()
			m.tool("cmake", `[ "$1" = `+c.when+` ] && { echo "CMake Error: no C++20" >&2; exit 1; }; `+goodCMake)
			_, err := Install(t.Context(), o)
			requireSentence(t, err, c.want)
			m.requireNothing(o)

			m.tool("cmake", goodCMake)
			_, err = Install(t.Context(), o)
			require.NoError(t, err)
			m.tool("cmake", `[ "$1" = `+c.when+` ] && exit 1; `+goodCMake)
			o.Force = true
			_, err = Install(t.Context(), o)
			requireSentence(t, err, "cmake: exit status 1")
			require.Equal(t, installed, tree(t, o.Prefix))
			require.NoDirExists(t, o.Prefix+".partial")
		})
	}
}

// TestInterruptedBuild cancels while the compiler that cmake started is at
// work: it must end, nothing must be left, and the next call must do it all.
func TestInterruptedBuild(t *testing.T) {
	m := newMachine(t).good()
	o, _ := m.options()
	pid := filepath.Join(m.home, "pid")
	m.tool("cmake", `if [ "$1" = --build ]; then
  sleep 60 & echo $! >'`+pid+`.tmp'; mv '`+pid+`.tmp' '`+pid+`'; wait
fi
`+goodCMake)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(pid); err == nil {
				cancel()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	began := time.Now()
	_, err := Install(ctx, o)
	require.ErrorIs(t, err, context.Canceled)
	requireSentence(t, err, "compiling mlx-c")
	require.Less(t, time.Since(began), 4*time.Second)
	m.requireNothing(o)
	data, err := os.ReadFile(pid)
	require.NoError(t, err)
	compiler, err := strconv.Atoi(strings.TrimSpace(string(data)))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return ended(compiler) }, 5*time.Second, 10*time.Millisecond)

	m.tool("cmake", goodCMake)
	_, err = Install(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, installed, tree(t, o.Prefix))
}

// ended reports whether a process is gone, or is a zombie that nobody reaps.
func ended(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// TestInstallAfterAKill begins from what a process leaves that was killed at
// one moment or another.
func TestInstallAfterAKill(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, prefix string){
		"in the build": func(t *testing.T, prefix string) {
			require.NoError(t, os.MkdirAll(filepath.Join(prefix+".partial", "mlx", "lib"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(prefix+".partial", "mlx", "lib", "old"), nil, 0o644))
		},
		"while the old one was set aside": func(t *testing.T, prefix string) {
			require.NoError(t, os.MkdirAll(filepath.Join(prefix+".old.partial", "lib"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(prefix+".old.partial", "lib", "old"), nil, 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t).good()
			o, _ := m.options()
			leave(t, o.Prefix)
			_, err := Install(t.Context(), o)
			require.NoError(t, err)
			require.Equal(t, installed, tree(t, o.Prefix))
			require.NoDirExists(t, o.Prefix+".partial")
			require.NoDirExists(t, o.Prefix+".old.partial")
		})
	}
}

func TestBuildHasTimeLimits(t *testing.T) {
	defer func(a, b, c time.Duration) { configureLimit, compileLimit, installLimit = a, b, c }(
		configureLimit, compileLimit, installLimit)
	for when, what := range map[string]string{"-S": "configuring", "--build": "compiling", "--install": "installing"} {
		t.Run(what, func(t *testing.T) {
			configureLimit, compileLimit, installLimit = time.Minute, time.Minute, time.Minute
			*map[string]*time.Duration{"-S": &configureLimit, "--build": &compileLimit, "--install": &installLimit}[when] =
				100 * time.Millisecond
			m := newMachine(t).good()
			o, _ := m.options()
			m.tool("cmake", `[ "$1" = `+when+` ] && sleep 60; `+goodCMake)
			began := time.Now()
			_, err := Install(t.Context(), o)
			requireSentence(t, err, what+" mlx-c: cmake: did not end within 100ms")
			require.Less(t, time.Since(began), 5*time.Second)
			m.requireNothing(o)
		})
	}
}

func TestInstallAroundAnMLXOfTheUsers(t *testing.T) {
	m := newMachine(t).good()
	o, out := m.options()
	o.MLXRoot = filepath.Join(m.home, "opt", "mlx")
	_, err := Install(t.Context(), o)
	requireSentence(t, err, o.MLXRoot+" does not hold MLX (no lib/libmlx.so)")

	lib := filepath.Join(o.MLXRoot, "lib", "libmlx.so")
	require.NoError(t, os.MkdirAll(filepath.Dir(lib), 0o755))
	require.NoError(t, os.WriteFile(lib, []byte("the user's"), 0o644))
	require.NoError(t, os.Remove(filepath.Join(m.bin, "python3"))) // nothing is downloaded
	_, err = Install(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, []string{"complete", "lib/libmlxc.so", "mlx"}, tree(t, o.Prefix))
	got, err := os.ReadFile(filepath.Join(o.Prefix, "mlx", "lib", "libmlx.so"))
	require.NoError(t, err)
	require.Equal(t, "the user's", string(got), "libmlxc finds it where a wheel's would be")
	require.NotContains(t, m.calls("cmake -S")[0], "OPENBLAS")

	o.Force = true
	_, err = Install(t.Context(), o)
	require.NoError(t, err)
	require.FileExists(t, lib, "replacing the installation leaves the user's MLX alone")

	o.MLXRoot, o.Force = "", false
	out.Reset()
	_, err = Install(t.Context(), o)
	require.NoError(t, err)
	require.Contains(t, out.String(), "is in place", "who asks for nothing special takes it")
}

func TestTwoInstallsAtOnceBuildOnce(t *testing.T) {
	m := newMachine(t).good()
	o, _ := m.options()
	m.tool("cmake", "sleep 0.1; "+goodCMake)
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		own, _ := m.options()
		wg.Go(func() { _, errs[i] = Install(t.Context(), own) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Len(t, m.calls("cmake --build"), 1)
	require.Equal(t, installed, tree(t, o.Prefix))
}
