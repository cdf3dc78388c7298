// The same graphs as ops.go, through mlx-c with nothing in between: what an
// operation costs before any language comes to it.
//
// usage: ops LIBMLXC. Each line "CASE ROUNDS" on standard input is answered by a
// line of that many times in nanoseconds.

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct { void *ctx; } handle;

enum { OPS = 1000, FLOAT32 = 10, BIG = 25 << 20 };

static handle (*array_new)(void), (*array_new_data)(const void *, const int *, int, int);
static int (*array_free)(handle), (*eval)(handle);
static const float *(*data)(handle);
static int (*add)(handle *, handle, handle, handle), (*multiply)(handle *, handle, handle, handle);
static int (*matmul)(handle *, handle, handle, handle);
static int (*expo)(handle *, handle, handle), (*tanhyp)(handle *, handle, handle);
static int (*reshape)(handle *, handle, const int *, size_t, handle);
static int (*sum)(handle *, handle, int, bool, handle);
static int (*slice)(handle *, handle, const int *, size_t, const int *, size_t, const int *, size_t, handle);

static handle stream, x, y;
static const int flat[] = {16}, square[] = {4, 4}, zeros[] = {0, 0}, half[] = {2, 4}, ones[] = {1, 1};

static void *find(void *library, const char *name) {
	void *f = dlsym(library, name);
	if (f == NULL) {
		fprintf(stderr, "no %s\n", name);
		exit(1);
	}
	return f;
}

static void load(const char *path) {
	void *l = dlopen(path, RTLD_NOW);
	if (l == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	array_new = find(l, "mlx_array_new"), array_new_data = find(l, "mlx_array_new_data");
	array_free = find(l, "mlx_array_free"), eval = find(l, "mlx_array_eval"), data = find(l, "mlx_array_data_float32");
	add = find(l, "mlx_add"), multiply = find(l, "mlx_multiply"), matmul = find(l, "mlx_matmul");
	expo = find(l, "mlx_exp"), tanhyp = find(l, "mlx_tanh"), reshape = find(l, "mlx_reshape");
	sum = find(l, "mlx_sum_axis"), slice = find(l, "mlx_slice");
	handle device = {NULL};
	int (*get_device)(handle *) = find(l, "mlx_get_default_device");
	int (*get_stream)(handle *, handle) = find(l, "mlx_get_default_stream");
	get_device(&device);
	get_stream(&stream, device);
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e9 * t.tv_sec + t.tv_nsec;
}

// step makes operation i of a case from the one before.
static handle step(const char *name, int i, handle before) {
	handle out = array_new();
	if (strcmp(name, "mixed") == 0) {
		static const char *const parts[] = {"matmul", "add", "tanh", "multiply", "reshape", "reshape", "sum", "add"};
		name = parts[i % 8];
		if (i % 8 == 4) i = 0; // to 16, and back
		if (i % 8 == 5) i = 1;
	}
	switch (name[0]) {
	case 'a': add(&out, before, y, stream); break;
	case 'e': expo(&out, before, stream); break;
	case 't': tanhyp(&out, before, stream); break;
	case 'r': reshape(&out, before, i % 2 ? square : flat, i % 2 ? 2 : 1, stream); break;
	case 's': if (name[1] == 'u') sum(&out, before, -1, true, stream);
	          else slice(&out, x, zeros, 2, half, 2, ones, 2, stream);
	          break;
	default: (name[1] == 'a' ? matmul : multiply)(&out, before, y, stream);
	}
	return out;
}

static double graph(const char *name) {
	double began = now();
	handle last = x;
	for (int i = 0; i < OPS; i++) {
		handle next = step(name, i, last);
		if (i > 0) array_free(last);
		last = next;
	}
	double took = now() - began;
	array_free(last);
	return took;
}

// copy copies 100 MB out of an array, into memory that is new or used before.
static double copy(handle big, float *into) {
	double began = now();
	float *out = into ? into : malloc(BIG * sizeof *out);
	memcpy(out, data(big), BIG * sizeof *out);
	volatile float seen = out[BIG - 1]; // or the compiler leaves the copy out
	(void)seen;
	double took = now() - began;
	if (!into) free(out);
	return took;
}

int main(int argc, char **argv) {
	if (argc != 2) return 2;
	load(argv[1]);
	float values[16] = {0};
	x = array_new_data(values, square, 2, FLOAT32), y = array_new_data(values, square, 2, FLOAT32);
	float *filled = calloc(BIG, sizeof *filled);
	const int length = BIG;
	handle big = array_new_data(filled, &length, 1, FLOAT32);
	eval(big);
	memset(filled, 0, BIG * sizeof *filled);
	char name[32];
	int rounds;
	printf("ready\n");
	fflush(stdout);
	while (scanf("%31s %d", name, &rounds) == 2) {
		for (int i = 0; i < rounds; i++) {
			if (strcmp(name, "read") == 0) printf("%.0f ", copy(big, NULL));
			else if (strcmp(name, "reread") == 0) printf("%.0f ", copy(big, filled));
			else printf("%.0f ", graph(name));
		}
		printf("\n");
		fflush(stdout);
	}
}
