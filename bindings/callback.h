// Go functions as closures, readers and writers of MLX.

#ifndef GO_MLX_CALLBACK_H
#define GO_MLX_CALLBACK_H

#include "shim.h"

// What one application of a closure brings: at most three vectors of inputs, a
// map and some ints. The results are set in place.
typedef struct {
	mlx_vector_array in[3];
	mlx_map_string_to_array kwargs;
	const int *ints;
	size_t n_ints;
	mlx_vector_array *out[2];
	mlx_vector_int *out_ints;
} gm_call;

// Closures of each shape, over a Go function behind a cgo handle.
gm_ret1 gm_closure(uintptr_t payload);
gm_ret1 gm_closure_kwargs(uintptr_t payload);
gm_ret1 gm_closure_value_and_grad(uintptr_t payload);
gm_ret1 gm_closure_custom(uintptr_t payload);
gm_ret1 gm_closure_custom_jvp(uintptr_t payload);
gm_ret1 gm_closure_custom_vmap(uintptr_t payload);

// The error of the Go function that failed last on this thread.
void gm_set_callback_error(uintptr_t handle);
uintptr_t gm_take_callback_error(void);

// Inputs and results of a call, for Go.
uintptr_t *gm_call_inputs(gm_call *c, int i, size_t *n);
char *gm_call_kwargs(gm_call *c, uintptr_t **values, size_t *n);
int gm_call_result(gm_call *c, int i, const uintptr_t *arrays, size_t n);
int gm_call_ints(gm_call *c, const int *ints, size_t n);

// Readers, writers, memory that Go lends, and text dumps of a graph.
gm_ret1 gm_io_reader(uintptr_t payload);
gm_ret1 gm_io_writer(uintptr_t payload);
gm_ret1 gm_io_descriptor(uintptr_t io, bool writer);
gm_ret1 gm_array_pointer(uintptr_t a);
gm_ret1 gm_managed(void *data, const int *shape, size_t n, int dtype, uintptr_t payload);
gm_ret2 gm_graph_text(bool dot, uintptr_t namer, const uintptr_t *outputs, size_t n);

#endif
