package setup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// tools are what the installation runs, with where to get them.
var tools = []struct{ what, get string }{
	{"python3", "it downloads the pinned wheels; install Python 3 with pip"},
	{"cmake", "it builds mlx-c; install CMake 3.22 or later"},
	{"c++", "it builds mlx-c; install a C++20 compiler (GCC 11 or later, or Clang)"},
}

// checkTools refuses to begin without what will be needed, in one sentence.
func checkTools() error {
	for _, t := range tools {
		if _, err := exec.LookPath(t.what); err != nil {
			return fmt.Errorf("setup: %s is not on the PATH: %s", t.what, t.get)
		}
	}
	if err := exec.Command("python3", "-m", "pip", "--version").Run(); err != nil {
		return fmt.Errorf("setup: python3 has no pip: install it (python3-pip, or python3 -m ensurepip)")
	}
	return nil
}

// command runs a tool with a time limit. Its output is kept for the error;
// lines go to watch as they come.
func command(ctx context.Context, limit time.Duration, dir string, watch func(line string), name string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "CLICOLOR_FORCE=0")
	cmd.WaitDelay = 5 * time.Second
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	log := make(chan string, 1)
	go func() { log <- collect(r, watch) }()
	err := cmd.Run()
	w.Close()
	text := <-log
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s did not end within %v", name, limit)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%s: %w: %s", name, err, tail(text))
}

func collect(r io.Reader, watch func(string)) string {
	var log strings.Builder
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		log.WriteString(lines.Text() + "\n")
		if watch != nil {
			watch(lines.Text())
		}
	}
	_, _ = io.Copy(io.Discard, r) // whatever happens, the command must not block
	return log.String()
}

// tail is the end of a log: where compilers and CMake say what went wrong.
func tail(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}

// step matches how ninja and make count: [3/28] and [ 10%].
var step = regexp.MustCompile(`^\[\s*(\d+(/\d+|%))\]`)

// showSteps reports a build's steps: in place on a terminal, some lines
// elsewhere.
func showSteps(out io.Writer, what string) func(line string) {
	last := time.Now()
	return func(line string) {
		m := step.FindStringSubmatch(line)
		if m == nil || time.Since(last) < 3*time.Second {
			return
		}
		last = time.Now()
		fmt.Fprintf(out, "%s: %s\n", what, m[1])
	}
}
