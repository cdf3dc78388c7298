package fetch

import (
	"regexp"
	"strings"
)

// pipDownload begins every call of pip.
func pipDownload(dir string, args ...string) []string {
	return append([]string{"-m", "pip", "download", "--no-deps", "--disable-pip-version-check",
		"--progress-bar", "off", "--dest", dir}, args...)
}

// wheels asks pip for the one wheel of a platform, which need not be this
// machine's, nor need this machine's Python be new enough to import it.
var wheels = client{name: "pip", tool: "python3", reason: pipReason, args: func(a Archive, dir string) []string {
	args := pipDownload(dir, "--only-binary=:all:", "--python-version", "3.13")
	return append(append(args, platformArgs(a.File)...), a.Package+"=="+a.Version)
}}

// sdists asks pip for a source distribution. pip also reads its metadata, with
// the build tools that the package names, which come as wheels; nothing is built.
var sdists = client{name: "pip", tool: "python3", reason: pipReason, args: func(a Archive, dir string) []string {
	return pipDownload(dir, "--no-binary="+a.Package, a.Package+"=="+a.Version)
}}

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
