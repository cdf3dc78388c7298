package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"forge.lthn.ai/core/go-mlx/models/hub"
)

// find is the path of a model: what is there under that path, or what the Hub has
// under that name.
func (c *loadConfig) find(ctx context.Context, path string) (string, error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) || !hub.IsRef(path) {
		return path, nil
	}
	ref, err := hub.ParseRef(path)
	if err != nil {
		return "", err
	}
	client, err := hub.New(hub.WithProgress(c.download))
	if err != nil {
		return "", err
	}
	found, err := client.Get(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("no such file or folder, and on the Hub: %w", err)
	}
	return found, nil
}
