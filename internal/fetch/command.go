package fetch

import (
	"context"
	"os/exec"
	"time"
)

// Command is exec.CommandContext for tools that start tools of their own: when
// the context ends, all of them are ended, so that none goes on writing to a
// folder that is being removed.
func Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	ownGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}
