package setup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
)

// tool is how a tool is run: within a time, in a folder that also takes its
// temporary files, with its lines passed on as they come.
type tool struct {
	limit time.Duration
	dir   string
	watch func(line string)
}

// toolError is how a tool failed, with what it said.
type toolError struct {
	name string
	err  error
	log  string
}

func (e *toolError) Error() string {
	if text := tail(e.log); text != "" {
		return fmt.Sprintf("%s: %v: %s", e.name, e.err, text)
	}
	return fmt.Sprintf("%s: %v", e.name, e.err)
}

func (e *toolError) Unwrap() error { return e.err }

// run runs the tool to its end.
func (c tool) run(ctx context.Context, name string, args ...string) error {
	limited, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	cmd := fetch.Command(limited, name, args...)
	cmd.Dir = c.dir
	cmd.Env = environment(c.dir)
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	log := make(chan string, 1)
	go func() { log <- collect(r, c.watch) }()
	err := cmd.Run()
	w.Close()
	text := <-log
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		return &toolError{name, fmt.Errorf("did not end within %v", c.limit), text}
	}
	return &toolError{name, err, text}
}

// environment is the environment of a tool. Git tells its hooks where their
// repository is, which would mislead a git of ours.
func environment(tmp string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"}, name)
	})
	return append(env, "GIT_TERMINAL_PROMPT=0", "CLICOLOR_FORCE=0", "TMPDIR="+tmp)
}

// maxLine bounds what is kept of a line.
const maxLine = 2000

// collect reads a tool's output to its end, whatever it is: the tool must not
// block.
func collect(r io.Reader, watch func(string)) string {
	var log strings.Builder
	lines := bufio.NewReaderSize(r, maxLine)
	for whole := true; ; {
		part, more, err := lines.ReadLine()
		if err != nil {
			return log.String()
		}
		if whole { // and not the rest of a long line
			line := string(part)
			log.WriteString(line + "\n")
			if watch != nil {
				watch(line)
			}
		}
		whole = !more
	}
}

// tail is the end of a log: where compilers and CMake say what went wrong.
func tail(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}

// complaint matches the lines in which git and cargo say what went wrong.
var complaint = regexp.MustCompile(`(?m)^(?:fatal|error): (.+)$`)

// brief is an error in one line: of a tool's, its complaint and the end of it,
// where the reason stands.
func brief(err error) string {
	var t *toolError
	if !errors.As(err, &t) {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(t.log), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	first := ""
	if m := complaint.FindStringSubmatch(t.log); m != nil {
		first = m[1]
	}
	text := t.err.Error()
	for _, part := range []string{first, last} {
		if part != "" && !strings.Contains(text, part) && !strings.Contains(part, "fatal: "+first) {
			text += ": " + part
		}
	}
	return t.name + ": " + text
}

// step matches how ninja and make count: [3/28] and [ 10%].
var step = regexp.MustCompile(`^\[\s*(\d+(/\d+|%))\]`)

// stepEvery is how often a build's steps are told.
var stepEvery = 3 * time.Second

// showSteps reports a build's steps, a line now and then.
func (o *Options) showSteps(what string) func(line string) {
	last := time.Now()
	return func(line string) {
		m := step.FindStringSubmatch(line)
		if m == nil || time.Since(last) < stepEvery {
			return
		}
		last = time.Now()
		o.say("%s: %s", what, m[1])
	}
}
