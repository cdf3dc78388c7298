package setup

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// checkTools refuses to begin without what will be needed, in one sentence.
func (o *Options) checkTools(ctx context.Context) error {
	if o.MLXRoot == "" {
		if err := checkPython(ctx); err != nil {
			return err
		}
	}
	if !onPath("cmake") {
		return fmt.Errorf("setup: cmake is not on the PATH: it builds mlx-c; install CMake 3.22 or later")
	}
	if !haveCompiler() {
		return fmt.Errorf("setup: c++ is not on the PATH: it builds mlx-c; " +
			"install a C++20 compiler (GCC 11 or later, or Clang)")
	}
	return o.checkSource()
}

// checkPython looks for Python and its pip, which download the wheels.
func checkPython(ctx context.Context) error {
	if !onPath("python3") {
		return fmt.Errorf("setup: python3 is not on the PATH: it downloads the pinned wheels; install Python 3 with pip")
	}
	err := tool{limit: time.Minute, dir: os.TempDir()}.run(ctx, "python3", "-m", "pip", "--version")
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("setup: %w", ctx.Err())
	case err != nil:
		return fmt.Errorf("setup: python3 has no pip: install it (python3-pip, or python3 -m ensurepip)")
	}
	return nil
}

func onPath(tool string) bool {
	_, err := exec.LookPath(tool)
	return err == nil
}

// haveCompiler looks where CMake will: the variable CXX, then the usual names.
func haveCompiler() bool {
	if cxx := strings.Fields(os.Getenv("CXX")); len(cxx) > 0 {
		return onPath(cxx[0])
	}
	return onPath("c++") || onPath("g++") || onPath("clang++")
}
