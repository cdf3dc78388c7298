// Helpers of the generated shims (zshim.c): errors, strings, vectors and maps
// on their way between Go and mlx-c.

#ifndef GO_MLX_SHIM_H
#define GO_MLX_SHIM_H

#include <stdlib.h>
#include <string.h>

#include "zshim.h"

_Static_assert(sizeof(uintptr_t) == 8, "the bindings need 64-bit pointers");

// One function of the library: where its address goes, and which function
// serves where the library does not have it.
typedef struct {
	const char *name;
	void **fn;
	const char *fallback;
} gm_symbol;

extern const gm_symbol gm_symbols[], gm_kernel_symbols[];

// The first error since the last call on this thread: a status byte, then the
// message. NULL is the common case.
extern __thread char *gm_message;

char *gm_take_error(int status);

// gm_error ends every shim: it hands the thread's pending error to Go.
static inline char *gm_error(int status) {
	return status == 0 && gm_message == NULL ? NULL : gm_take_error(status);
}

// gm_raise records an error of our own.
void gm_raise(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Strings that fit stay on the shim's stack.
#define GM_SHORT 256
char *gm_cstr(char *buffer, const char *p, size_t n);

// Texts of n strings, each ended by NUL, one after the other.
const char **gm_cstrings(const char *text, size_t n);
mlx_vector_string gm_strings(const char *text, size_t n);
mlx_map_string_to_array gm_array_map(const char *keys, const uintptr_t *values, size_t n);
mlx_map_string_to_string gm_string_map(const char *pairs, size_t n);

// gm_has_null raises the error of a list with a null handle, which mlx-c's
// constructors of vectors notice half-way and then leak the vector.
bool gm_has_null(const uintptr_t *handles, size_t n, const char *type);

// The gm_take functions empty a container into malloc'd memory and free it.
char *gm_take_string(mlx_string s);
uintptr_t *gm_take_array(mlx_vector_array v, size_t *n);
uintptr_t *gm_take_stream(mlx_vector_stream v, size_t *n);
uintptr_t *gm_array_handles(mlx_vector_array v, size_t *n);
char *gm_take_strings(mlx_vector_string v, size_t *n);
int *gm_take_ints(mlx_vector_int v, size_t *n);
char *gm_take_array_map(mlx_map_string_to_array m, uintptr_t **values, size_t *n);
char *gm_array_map_entries(mlx_map_string_to_array m, uintptr_t **values, size_t *n);
char *gm_take_string_map(mlx_map_string_to_string m, size_t *n);

// gm_bits and gm_box put a value into a word: its bits, or a copy of it.
uintptr_t gm_bits(const void *value, size_t size);
uintptr_t gm_box(const void *value, size_t size);

// Checks that mlx-c leaves out; each records the error and returns false.
bool gm_holds(mlx_array a, mlx_dtype want);
bool gm_readable(mlx_array a, mlx_dtype want, size_t n);
size_t gm_dims(mlx_array a, size_t cap);
void gm_copy(void *out, const void *p, size_t size);

// Loading.
void *gm_open(const char *path, bool global, char **err);
void *gm_open_blas(const char *path, char **err);
const char *gm_resolve(void *library);
const char *gm_resolve_kernels(void *library);
void gm_close_library(void *library);

// By hand: what no generated shim does.
gm_ret1 gm_close_arrays(const uintptr_t *arrays, size_t n);
gm_ret1 gm_retain(uintptr_t a);
gm_ret1 gm_built_for(void);

#endif
