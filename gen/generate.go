package main

import (
	"go/format"
	"io/fs"
)

// generate runs the whole pipeline over a folder of headers and returns the
// files by their path below the module's root.
func generate(m *Manifest, headers fs.FS, docs *Docs) (map[string][]byte, error) {
	api, err := readAPI(m, headers)
	if err != nil {
		return nil, err
	}
	bindings, err := classify(m, api)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"gen/api.lock": []byte(lockText(bindings))}
	if err := emitC(files, api, bindings); err != nil {
		return nil, err
	}
	byHeader := map[string][]*Binding{}
	for _, b := range bindings {
		if b.generated() {
			byHeader[b.Header] = append(byHeader[b.Header], b)
		}
	}
	for header, bs := range byHeader {
		if files["bindings/z"+header+".go"], err = emitGo(header, bs, docs); err != nil {
			return nil, err
		}
	}
	if files["bindings/ztypes.go"], err = emitTypes(newClassifier(m, api), api, docs); err != nil {
		return nil, err
	}
	scope, err := emitScope(m, bindings, docs)
	if err != nil {
		return nil, err
	}
	files["runtime/zscope.go"] = scope
	if err := docs.stale(); err != nil {
		return nil, err
	}
	return formatGo(files)
}

func emitC(files map[string][]byte, api *API, bindings []*Binding) error {
	header, err := emitHeader(api, bindings)
	if err != nil {
		return err
	}
	source, err := emitSource(api, bindings)
	if err != nil {
		return err
	}
	files["bindings/zshim.h"], files["bindings/zshim.c"] = []byte(header), []byte(source)
	return nil
}

// formatGo runs gofmt over the Go files.
func formatGo(files map[string][]byte) (map[string][]byte, error) {
	for name, data := range files {
		if len(name) < 3 || name[len(name)-3:] != ".go" {
			continue
		}
		out, err := format.Source(data)
		if err != nil {
			return nil, err
		}
		files[name] = out
	}
	return files, nil
}
