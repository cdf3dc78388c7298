// Command gen writes the bindings: it parses the mlx-c headers, classifies
// every function by go.generate's rules and emits bindings/z*.go, the C shims,
// runtime/zscope.go, the pins and the API lock.
//
//	go run ./gen -headers build/native/include
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	root := flag.String("root", ".", "the module's root: go.generate is read there and files are written below it")
	headers := flag.String("headers", "build/native/include", "the folder that holds mlx/c/*.h, relative to root")
	flag.Parse()
	if err := run(*root, *headers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root, headers string) error {
	m, err := readManifest(filepath.Join(root, "go.generate"))
	if err != nil {
		return err
	}
	if !filepath.IsAbs(headers) {
		headers = filepath.Join(root, headers)
	}
	if _, err := os.Stat(headers); err != nil {
		return fmt.Errorf("gen: no mlx-c headers in %s: run `make setup`, or name their folder with -headers", headers)
	}
	docs, err := readDocs(os.DirFS(filepath.Join(root, "gen", "docs")))
	if err != nil {
		return err
	}
	own := os.DirFS(filepath.Join(root, "native"))
	files, err := generate(m, both{os.DirFS(headers), own}, docs)
	if err != nil {
		return err
	}
	if files["bindings/zpins.go"], err = emitVersions(m, own); err != nil {
		return err
	}
	if files["native/zpins.go"], err = emitPins(m); err != nil {
		return err
	}
	return write(root, files)
}

// write replaces the generated files that changed and removes those that no
// longer come out.
func write(root string, files map[string][]byte) error {
	old, err := filepath.Glob(filepath.Join(root, "bindings", "z*.go"))
	if err != nil {
		return err
	}
	for _, path := range old {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if _, keep := files[filepath.ToSlash(rel)]; !keep {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for name, data := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if was, err := os.ReadFile(path); err == nil && bytes.Equal(was, data) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
