package bindings

import "unsafe"

// #include "callback.h"
// #cgo noescape gm_graph_text
import "C"

// ExportToDot describes the graph that computes outputs in Graphviz's language.
// Nodes carry the names that namer gave them.
//
// C: mlx_export_to_dot.
func ExportToDot(namer NodeNamer, outputs []Array) (string, error) {
	return graphText("export_to_dot", true, namer, outputs)
}

// PrintGraph describes the graph that computes outputs as text, a node a line.
//
// C: mlx_print_graph.
func PrintGraph(namer NodeNamer, outputs []Array) (string, error) {
	return graphText("print_graph", false, namer, outputs)
}

func graphText(op string, dot bool, namer NodeNamer, outputs []Array) (string, error) {
	if err := ensure(); err != nil {
		return "", err
	}
	r := C.gm_graph_text(C.bool(dot), C.uintptr_t(namer.h), (*C.uintptr_t)(unsafe.Pointer(unsafe.SliceData(outputs))), C.size_t(len(outputs)))
	text := pointer(uintptr(r.w0))
	defer C.free(text)
	if r.err != nil {
		return "", fail(op, r.err)
	}
	return goText(text, int(r.w1)), nil
}
