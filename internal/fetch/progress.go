package fetch

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// How often progress is told: a line that is written over on a terminal, lines
// of their own elsewhere.
var (
	terminalEvery = 200 * time.Millisecond
	logEvery      = 5 * time.Second
)

// logBuffer keeps what a command says while others read it.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// pipSize matches where pip tells how much it is going to download.
var pipSize = regexp.MustCompile(`Downloading \S+ \((\S+ \S+)\)`)

// report tells out how much has arrived in dir, until stop is called.
func report(out io.Writer, what, dir string, log *logBuffer) (stop func()) {
	every, begin, end := logEvery, "", "\n"
	if IsTerminal(out) {
		every, begin, end = terminalEvery, "\r", ""
	}
	fmt.Fprint(out, what, end)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				if begin != "" {
					fmt.Fprintln(out)
				}
				return
			case <-time.After(every):
			}
			of := ""
			if m := pipSize.FindStringSubmatch(log.String()); m != nil {
				of = " of " + m[1]
			}
			fmt.Fprintf(out, "%s%s: %.1f MB%s%s", begin, what, float64(folderSize(dir))/1e6, of, end)
		}
	}()
	return func() { close(done); <-stopped }
}

// folderSize sums the files below dir. Files come and go meanwhile.
func folderSize(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
