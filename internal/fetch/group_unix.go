//go:build unix

package fetch

import (
	"os/exec"
	"syscall"
)

// ownGroup starts the command in a process group of its own, which is killed
// whole.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
