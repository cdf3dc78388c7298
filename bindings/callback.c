#include "callback.h"

#include "_cgo_export.h"

static __thread uintptr_t gm_callback_error;

void gm_set_callback_error(uintptr_t handle) {
	if (gm_callback_error != 0) gmGoRelease((void *)gm_callback_error);
	gm_callback_error = handle;
}

uintptr_t gm_take_callback_error(void) {
	uintptr_t handle = gm_callback_error;
	gm_callback_error = 0;
	return handle;
}

static int gm_call_plain(mlx_vector_array *out, const mlx_vector_array in, void *payload) {
	gm_call c = {.in = {in}, .out = {out}};
	return gmGoCall((uintptr_t)payload, &c);
}

static int gm_call_with_kwargs(mlx_vector_array *out, const mlx_vector_array in, const mlx_map_string_to_array kwargs, void *payload) {
	gm_call c = {.in = {in}, .kwargs = kwargs, .out = {out}};
	return gmGoCall((uintptr_t)payload, &c);
}

static int gm_call_value_and_grad(mlx_vector_array *value, mlx_vector_array *grad, const mlx_vector_array in, void *payload) {
	gm_call c = {.in = {in}, .out = {value, grad}};
	return gmGoCall((uintptr_t)payload, &c);
}

static int gm_call_custom(mlx_vector_array *out, const mlx_vector_array a, const mlx_vector_array b, const mlx_vector_array d, void *payload) {
	gm_call c = {.in = {a, b, d}, .out = {out}};
	return gmGoCall((uintptr_t)payload, &c);
}

static int gm_call_custom_jvp(mlx_vector_array *out, const mlx_vector_array a, const mlx_vector_array b, const int *ints, size_t n, void *payload) {
	gm_call c = {.in = {a, b}, .ints = ints, .n_ints = n, .out = {out}};
	return gmGoCall((uintptr_t)payload, &c);
}

static int gm_call_custom_vmap(mlx_vector_array *out, mlx_vector_int *axes, const mlx_vector_array in, const int *ints, size_t n, void *payload) {
	gm_call c = {.in = {in}, .ints = ints, .n_ints = n, .out = {out}, .out_ints = axes};
	return gmGoCall((uintptr_t)payload, &c);
}

gm_ret1 gm_closure(uintptr_t payload) {
	mlx_closure c = p_mlx_closure_new_func_payload(gm_call_plain, (void *)payload, gmGoRelease);
	return (gm_ret1){(uintptr_t)c.ctx, gm_error(0)};
}

gm_ret1 gm_closure_kwargs(uintptr_t payload) {
	mlx_closure_kwargs c = p_mlx_closure_kwargs_new_func_payload(gm_call_with_kwargs, (void *)payload, gmGoRelease);
	return (gm_ret1){(uintptr_t)c.ctx, gm_error(0)};
}

gm_ret1 gm_closure_value_and_grad(uintptr_t payload) {
	mlx_closure_value_and_grad c = p_mlx_closure_value_and_grad_new_func_payload(gm_call_value_and_grad, (void *)payload, gmGoRelease);
	return (gm_ret1){(uintptr_t)c.ctx, gm_error(0)};
}

gm_ret1 gm_closure_custom(uintptr_t payload) {
	mlx_closure_custom c = p_mlx_closure_custom_new_func_payload(gm_call_custom, (void *)payload, gmGoRelease);
	return (gm_ret1){(uintptr_t)c.ctx, gm_error(0)};
}

gm_ret1 gm_closure_custom_jvp(uintptr_t payload) {
	mlx_closure_custom_jvp c = p_mlx_closure_custom_jvp_new_func_payload(gm_call_custom_jvp, (void *)payload, gmGoRelease);
	return (gm_ret1){(uintptr_t)c.ctx, gm_error(0)};
}

gm_ret1 gm_closure_custom_vmap(uintptr_t payload) {
	mlx_closure_custom_vmap c = p_mlx_closure_custom_vmap_new_func_payload(gm_call_custom_vmap, (void *)payload, gmGoRelease);
	return (gm_ret1){(uintptr_t)c.ctx, gm_error(0)};
}

uintptr_t *gm_call_inputs(gm_call *c, int i, size_t *n) { return gm_array_handles(c->in[i], n); }

char *gm_call_kwargs(gm_call *c, uintptr_t **values, size_t *n) { return gm_array_map_entries(c->kwargs, values, n); }

int gm_call_result(gm_call *c, int i, const uintptr_t *arrays, size_t n) {
	return c->out[i] == NULL ? 0 : p_mlx_vector_array_set_data(c->out[i], (const mlx_array *)arrays, n);
}

int gm_call_ints(gm_call *c, const int *ints, size_t n) {
	return c->out_ints == NULL ? 0 : p_mlx_vector_int_set_data(c->out_ints, (int *)ints, n);
}

// The descriptor of a reader or writer is its Go handle; MLX asks through this
// table, sometimes from threads of its own.
static bool gm_io_open(void *d) { return gmGoIOOpen((uintptr_t)d); }
static bool gm_io_good(void *d) { return gmGoIOGood((uintptr_t)d); }
static size_t gm_io_tell(void *d) { return gmGoIOTell((uintptr_t)d); }
static int gm_io_seek(void *d, int64_t off, int whence) { return gmGoIOSeek((uintptr_t)d, off, whence); }
static size_t gm_io_read(void *d, char *data, size_t n) { return gmGoIORead((uintptr_t)d, data, n); }
static size_t gm_io_read_at(void *d, char *data, size_t n, size_t off) { return gmGoIOReadAt((uintptr_t)d, data, n, off); }
static size_t gm_io_write(void *d, const char *data, size_t n) { return gmGoIOWrite((uintptr_t)d, (char *)data, n); }
static char *gm_io_label(void *d) { return gmGoIOLabel((uintptr_t)d); } // the parser loses the const of its result

static const mlx_io_vtable gm_io_table = {gm_io_open, gm_io_good, gm_io_tell, gm_io_seek, gm_io_read, gm_io_read_at, gm_io_write, gm_io_label, gmGoIORelease};

gm_ret1 gm_io_reader(uintptr_t payload) {
	mlx_io_reader io = p_mlx_io_reader_new((void *)payload, gm_io_table);
	return (gm_ret1){(uintptr_t)io.ctx, gm_error(0)};
}

gm_ret1 gm_io_writer(uintptr_t payload) {
	mlx_io_writer io = p_mlx_io_writer_new((void *)payload, gm_io_table);
	return (gm_ret1){(uintptr_t)io.ctx, gm_error(0)};
}

gm_ret1 gm_io_descriptor(uintptr_t io, bool writer) {
	void *d = NULL;
	int status = writer ? p_mlx_io_writer_descriptor(&d, (mlx_io_writer){(void *)io}) : p_mlx_io_reader_descriptor(&d, (mlx_io_reader){(void *)io});
	return (gm_ret1){(uintptr_t)d, gm_error(status)};
}

gm_ret1 gm_array_pointer(uintptr_t array) {
	mlx_array a = {(void *)array};
	const void *p = NULL;
	if (array == 0) gm_raise("arr is a null handle");
	else if (gm_readable(a, p_mlx_array_dtype(a), p_mlx_array_size(a))) p = p_mlx_array_data_uint8(a);
	return (gm_ret1){(uintptr_t)p, gm_error(0)};
}

gm_ret1 gm_managed(void *data, const int *shape, size_t n, int dtype, uintptr_t payload) {
	mlx_array a = p_mlx_array_new_data_managed_payload(data, shape, (int)n, (mlx_dtype)dtype, (void *)payload, gmGoManagedRelease);
	return (gm_ret1){(uintptr_t)a.ctx, gm_error(0)};
}

gm_ret2 gm_graph_text(bool dot, uintptr_t namer, const uintptr_t *outputs, size_t n) {
	char *text = NULL;
	size_t size = 0;
	FILE *os = open_memstream(&text, &size);
	if (os == NULL) {
		gm_raise("no memory for the text");
		return (gm_ret2){0, 0, gm_error(1)};
	}
	mlx_vector_array v = gm_has_null(outputs, n, "mlx_array") ? (mlx_vector_array){0} : p_mlx_vector_array_new_data((const mlx_array *)outputs, n);
	int status = (dot ? p_mlx_export_to_dot : p_mlx_print_graph)(os, (mlx_node_namer){(void *)namer}, v);
	p_mlx_vector_array_free(v);
	fclose(os);
	return (gm_ret2){(uintptr_t)text, size, gm_error(status)};
}
