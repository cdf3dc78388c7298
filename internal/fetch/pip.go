package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"forge.lthn.ai/core/go-mlx/native"
)

// wheelTimeout bounds one download: the largest wheel is 90 MB.
var wheelTimeout = 15 * time.Minute

// pip runs `pip download` for one wheel into dir.
func pip(ctx context.Context, w native.Wheel, dir string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, wheelTimeout)
	defer cancel()
	python, err := exec.LookPath("python3")
	if err != nil {
		return fmt.Errorf("fetch: python3 is needed to download %s and is not on the PATH", w.Package)
	}
	cmd := Command(ctx, python, pipArgs(w, dir)...)
	// pip keeps what it is downloading in TMPDIR: here it is counted and cleared away.
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "PYTHONUNBUFFERED=1", "PIP_REQUIRE_VIRTUALENV=0")
	log := &logBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	stop := report(out, fmt.Sprintf("downloading %s %s", w.Package, w.Version), dir, log)
	err = cmd.Run()
	stop()
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("fetch: downloading %s %s took more than %v and was given up: %w",
			w.Package, w.Version, wheelTimeout, ctx.Err())
	case ctx.Err() != nil:
		return fmt.Errorf("fetch: downloading %s: %w", w.Package, ctx.Err())
	}
	return fmt.Errorf("fetch: pip could not download %s %s: %s", w.Package, w.Version, pipReason(log.String(), err))
}

// pipArgs asks for the one wheel of that platform, which need not be this
// machine's, nor need this machine's Python be new enough to import it.
func pipArgs(w native.Wheel, dir string) []string {
	args := []string{"-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check",
		"--progress-bar", "off", "--dest", dir, "--python-version", "3.13"}
	return append(append(args, platformArgs(w.File)...), w.Package+"=="+w.Version)
}

// platformArgs reads the platforms off a wheel's name, which ends in
// -py3-none-PLATFORM[.PLATFORM...].whl.
func platformArgs(file string) []string {
	parts := strings.Split(strings.TrimSuffix(file, ".whl"), "-")
	var args []string
	for p := range strings.SplitSeq(parts[len(parts)-1], ".") {
		args = append(args, "--platform", p)
	}
	return args
}

// noConnection is what pip says when it could not reach its index: the last
// thing it says then is that it found no such version, which misleads.
var noConnection = regexp.MustCompile(`(?m)^WARNING: Retrying .* after connection broken by '(.*)'`)

// pipReason is why pip failed, in one line.
func pipReason(log string, err error) string {
	const none = "No matching distribution found"
	m := noConnection.FindAllStringSubmatch(log, -1)
	if len(m) == 0 || !strings.Contains(log, none) {
		return lastLine(log, err)
	}
	return "its package index cannot be reached (" + innermost(m[len(m)-1][1]) + ")"
}

// innermost is the readable end of an exception that holds another:
// NewConnectionError('<...>: Failed to ...: [Errno 111] Connection refused').
func innermost(exception string) string {
	s := strings.TrimRight(exception, `)('",`)
	if at := strings.LastIndexAny(s, `'"`); at >= 0 && at+1 < len(s) {
		s = s[at+1:]
	}
	if _, after, ok := strings.Cut(s, ">: "); ok {
		s = after
	}
	return s
}

// lastLine is the last thing that a command said, or its error.
func lastLine(log string, err error) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return last
	}
	return err.Error()
}
