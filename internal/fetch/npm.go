package fetch

import (
	"path/filepath"
	"strings"
)

// npm asks for the archive of a package as it was published; no script of it
// runs. npm's own cache goes to the folder too, and away with it.
var npm = client{name: "npm", tool: "npm", reason: npmReason, args: func(a Archive, dir string) []string {
	return []string{"pack", "--ignore-scripts", "--loglevel=error", "--no-update-notifier",
		"--cache", filepath.Join(dir, "cache"), "--pack-destination", dir, a.Package + "@" + a.Version}
}}

// npmReason is why npm failed, in one line: it writes a code first, then words,
// and where its log is.
func npmReason(log string, err error) string {
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		text, ok := strings.CutPrefix(line, "npm error ")
		if !ok {
			text, ok = strings.CutPrefix(line, "npm ERR! ") // before npm 10
		}
		if ok && !strings.HasPrefix(text, "code ") && !strings.HasPrefix(text, "errno ") && !strings.HasPrefix(text, "syscall ") {
			return text
		}
	}
	return lastLine(log, err)
}
