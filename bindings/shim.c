#include "shim.h"

#include <stdarg.h>

__thread char *gm_message;

static void *gm_alloc(size_t size) {
	void *p = malloc(size ? size : 1);
	if (p == NULL) abort(); // as Go does when memory is out
	return p;
}

// gm_record keeps the first message: what follows from it explains less.
static void gm_record(const char *message) {
	if (gm_message != NULL) return;
	size_t n = strlen(message);
	gm_message = gm_alloc(n + 2);
	gm_message[0] = 1;
	memcpy(gm_message + 1, message, n + 1);
}

static void gm_handler(const char *message, void *data) {
	(void)data;
	gm_record(message);
}

void gm_raise(const char *format, ...) {
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	gm_record(text);
}

char *gm_take_error(int status) {
	if (gm_message == NULL) gm_record("");
	char *message = gm_message;
	gm_message = NULL;
	message[0] = (char)(status != 0 ? status : 1);
	return message;
}

char *gm_cstr(char *buffer, const char *p, size_t n) {
	char *s = n < GM_SHORT ? buffer : gm_alloc(n + 1);
	if (n > 0) memcpy(s, p, n);
	s[n] = 0;
	return s;
}

const char **gm_cstrings(const char *text, size_t n) {
	const char **list = gm_alloc(n * sizeof *list);
	for (size_t i = 0; i < n; i++) {
		list[i] = text;
		text += strlen(text) + 1;
	}
	return list;
}

bool gm_has_null(const uintptr_t *handles, size_t n, const char *type) {
	for (size_t i = 0; i < n; i++) {
		if (handles[i] != 0) continue;
		gm_raise("expected a non-empty %s", type);
		return true;
	}
	return false;
}

mlx_vector_string gm_strings(const char *text, size_t n) {
	const char **list = gm_cstrings(text, n);
	mlx_vector_string v = p_mlx_vector_string_new_data(list, n);
	free(list);
	return v;
}

mlx_map_string_to_array gm_array_map(const char *keys, const uintptr_t *values, size_t n) {
	mlx_map_string_to_array m = p_mlx_map_string_to_array_new();
	for (size_t i = 0; i < n; i++) {
		if (p_mlx_map_string_to_array_insert(m, keys, (mlx_array){(void *)values[i]}) != 0) {
			p_mlx_map_string_to_array_free(m); // a null map, as a null vector, stops the call it was made for
			return (mlx_map_string_to_array){0};
		}
		keys += strlen(keys) + 1;
	}
	return m;
}

mlx_map_string_to_string gm_string_map(const char *pairs, size_t n) {
	mlx_map_string_to_string m = p_mlx_map_string_to_string_new();
	for (size_t i = 0; i < n; i++) {
		const char *value = pairs + strlen(pairs) + 1;
		p_mlx_map_string_to_string_insert(m, pairs, value);
		pairs = value + strlen(value) + 1;
	}
	return m;
}

char *gm_take_string(mlx_string s) {
	const char *text = p_mlx_string_data(s);
	char *copy = NULL;
	if (text != NULL && gm_message == NULL) { // a call that failed leaves nothing to free
		size_t n = strlen(text) + 1;
		copy = memcpy(gm_alloc(n), text, n);
	}
	p_mlx_string_free(s);
	return copy;
}

// A list without elements is NULL: a call that failed leaves nothing to free.
uintptr_t *gm_array_handles(mlx_vector_array v, size_t *n) {
	*n = v.ctx == NULL ? 0 : p_mlx_vector_array_size(v);
	if (*n == 0) return NULL;
	uintptr_t *handles = gm_alloc(*n * sizeof *handles);
	for (size_t i = 0; i < *n; i++) {
		mlx_array a = {0};
		p_mlx_vector_array_get(&a, v, i);
		handles[i] = (uintptr_t)a.ctx;
	}
	return handles;
}

uintptr_t *gm_take_array(mlx_vector_array v, size_t *n) {
	uintptr_t *handles = gm_array_handles(v, n);
	p_mlx_vector_array_free(v);
	return handles;
}

uintptr_t *gm_take_stream(mlx_vector_stream v, size_t *n) {
	*n = v.ctx == NULL ? 0 : p_mlx_vector_stream_size(v);
	uintptr_t *handles = *n == 0 ? NULL : gm_alloc(*n * sizeof *handles);
	for (size_t i = 0; i < *n; i++) {
		mlx_stream s = {0};
		p_mlx_vector_stream_get(&s, v, i);
		handles[i] = (uintptr_t)s.ctx;
	}
	p_mlx_vector_stream_free(v);
	return handles;
}

int *gm_take_ints(mlx_vector_int v, size_t *n) {
	*n = v.ctx == NULL ? 0 : p_mlx_vector_int_size(v);
	int *out = *n == 0 ? NULL : gm_alloc(*n * sizeof *out);
	for (size_t i = 0; i < *n; i++) p_mlx_vector_int_get(&out[i], v, i);
	p_mlx_vector_int_free(v);
	return out;
}

// A text grows as strings are appended, each with its NUL.
typedef struct {
	char *data;
	size_t size, cap;
} gm_text;

static void gm_append(gm_text *t, const char *s) {
	size_t n = strlen(s) + 1;
	if (t->size + n > t->cap) {
		t->cap = 2 * t->cap + n + 256;
		t->data = realloc(t->data, t->cap);
		if (t->data == NULL) abort();
	}
	memcpy(t->data + t->size, s, n);
	t->size += n;
}

char *gm_take_strings(mlx_vector_string v, size_t *n) {
	gm_text text = {0};
	*n = v.ctx == NULL ? 0 : p_mlx_vector_string_size(v);
	for (size_t i = 0; i < *n; i++) {
		char *s = "";
		p_mlx_vector_string_get(&s, v, i);
		gm_append(&text, s);
	}
	p_mlx_vector_string_free(v);
	return text.data;
}

char *gm_array_map_entries(mlx_map_string_to_array m, uintptr_t **values, size_t *n) {
	gm_text text = {0};
	size_t cap = 0;
	*n = 0;
	*values = NULL;
	if (m.ctx == NULL) return NULL;
	mlx_map_string_to_array_iterator it = p_mlx_map_string_to_array_iterator_new(m);
	const char *key;
	mlx_array value = {0};
	while (p_mlx_map_string_to_array_iterator_next(&key, &value, it) == 0) {
		if (*n == cap) {
			cap = 2 * cap + 64;
			*values = realloc(*values, cap * sizeof **values);
			if (*values == NULL) abort();
		}
		gm_append(&text, key);
		(*values)[(*n)++] = (uintptr_t)value.ctx;
		value.ctx = NULL;
	}
	p_mlx_map_string_to_array_iterator_free(it);
	return text.data;
}

char *gm_take_array_map(mlx_map_string_to_array m, uintptr_t **values, size_t *n) {
	char *keys = gm_array_map_entries(m, values, n);
	p_mlx_map_string_to_array_free(m);
	return keys;
}

char *gm_take_string_map(mlx_map_string_to_string m, size_t *n) {
	gm_text text = {0};
	*n = 0;
	if (m.ctx != NULL) {
		mlx_map_string_to_string_iterator it = p_mlx_map_string_to_string_iterator_new(m);
		const char *key, *value;
		while (p_mlx_map_string_to_string_iterator_next(&key, &value, it) == 0) {
			gm_append(&text, key);
			gm_append(&text, value);
			(*n)++;
		}
		p_mlx_map_string_to_string_iterator_free(it);
	}
	p_mlx_map_string_to_string_free(m);
	return text.data;
}

uintptr_t gm_bits(const void *value, size_t size) {
	uintptr_t word = 0;
	memcpy(&word, value, size);
	return word;
}

uintptr_t gm_box(const void *value, size_t size) {
	if (gm_message != NULL) return 0; // a call that failed leaves nothing to free
	return (uintptr_t)memcpy(gm_alloc(size), value, size);
}

static const char *gm_dtype_name(mlx_dtype d) {
	static const char *const names[] = {"bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16",
		"int32", "int64", "float16", "float32", "float64", "bfloat16", "complex64"};
	return (size_t)d < sizeof names / sizeof *names ? names[d] : "an unknown dtype";
}

bool gm_holds(mlx_array a, mlx_dtype want) {
	mlx_dtype have = p_mlx_array_dtype(a);
	if (gm_message == NULL && have != want) gm_raise("the array holds %s, not %s", gm_dtype_name(have), gm_dtype_name(want));
	return gm_message == NULL;
}

bool gm_readable(mlx_array a, mlx_dtype want, size_t n) {
	if (!gm_holds(a, want)) return false;
	size_t size = p_mlx_array_size(a);
	if (size != n) gm_raise("the array has %zu elements, the buffer %zu", size, n);
	if (n == 0) return false; // nothing to copy, and the pointer of an empty lazy array crashes
	bool ok = false;
	p__mlx_array_is_available(&ok, a);
	if (!ok) gm_raise("the array is not evaluated");
	if (gm_message != NULL) return false;
	p__mlx_array_is_row_contiguous(&ok, a);
	if (!ok) gm_raise("the array is not row-contiguous");
	return gm_message == NULL;
}

size_t gm_dims(mlx_array a, size_t cap) {
	size_t n = p_mlx_array_ndim(a);
	if (n <= cap) return n;
	gm_raise("the array has %zu dimensions, at most %zu can be read", n, cap);
	return 0;
}

void gm_copy(void *out, const void *p, size_t size) {
	if (size > 0 && p != NULL) memcpy(out, p, size);
}

gm_ret1 gm_close_arrays(const uintptr_t *arrays, size_t n) {
	int status = 0;
	for (size_t i = 0; i < n; i++) {
		if (arrays[i] != 0) status |= p_mlx_array_free((mlx_array){(void *)arrays[i]});
	}
	return (gm_ret1){0, gm_error(status)};
}

gm_ret1 gm_retain(uintptr_t a) {
	mlx_array res = {0};
	int status = p_mlx_array_set(&res, (mlx_array){(void *)a});
	return (gm_ret1){(uintptr_t)res.ctx, gm_error(status)};
}

gm_ret1 gm_built_for(void) {
	mlx_string res = p_mlx_string_new();
	int status = p_gomlx_built_for(&res);
	char *text = gm_take_string(res);
	return (gm_ret1){(uintptr_t)text, gm_error(status)};
}

// The error handler needs a destructor: without one mlx-c drops its data.
static void gm_no_destructor(void *data) { (void)data; }

#include <dlfcn.h>

void *gm_open(const char *path, bool global, char **err) {
	void *library = dlopen(path, RTLD_NOW | (global ? RTLD_GLOBAL : RTLD_LOCAL));
	if (library == NULL) {
		const char *text = dlerror();
		size_t n = strlen(text) + 1;
		*err = memcpy(gm_alloc(n), text, n);
	}
	return library;
}

// A thread of OpenBLAS that has no work spins for 2^28 ticks of the clock before it
// sleeps, a tenth of a second, and so does each of them after it was started. That
// takes a core from whoever reads weights, or computes without the BLAS: half a
// millisecond is enough between the products of one layer. OpenBLAS asks the
// environment once, while it is loaded; what the user says there counts.
void *gm_open_blas(const char *path, char **err) {
	const char *name = "OPENBLAS_THREAD_TIMEOUT";
	bool ours = getenv(name) == NULL;
	if (ours) setenv(name, "20", 1);
	void *library = gm_open(path, true, err);
	if (ours) unsetenv(name);
	return library;
}

// gm_find finds functions and returns the name of the first that is missing, or
// NULL.
static const char *gm_find(void *library, const gm_symbol *s) {
	for (; s->name != NULL; s++) {
		*s->fn = dlsym(library, s->name);
		if (*s->fn == NULL && s->fallback != NULL) *s->fn = dlsym(library, s->fallback);
		if (*s->fn == NULL) return s->name;
	}
	return NULL;
}

const char *gm_resolve(void *library) {
	const char *missing = gm_find(library, gm_symbols);
	if (missing == NULL) p_mlx_set_error_handler(gm_handler, NULL, gm_no_destructor);
	return missing;
}

const char *gm_resolve_kernels(void *library) { return gm_find(library, gm_kernel_symbols); }

void gm_close_library(void *library) { dlclose(library); }
