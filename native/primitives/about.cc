// What the library is.
#include "mlx/version.h"
#include "support.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define BUILT_FOR TEXT(MLX_VERSION_MAJOR) "." TEXT(MLX_VERSION_MINOR) "." TEXT(MLX_VERSION_PATCH)

extern "C" int gomlx_built_for(mlx_string* str_) {
  return gomlx::told(str_, BUILT_FOR " " GOMLX_HEADER_SHA256);
}

extern "C" int gomlx_cpu_isa(mlx_string* str_) { return gomlx::told(str_, gomlx::cpu::isa()); }

extern "C" int gomlx_cpu_threads(int* res) {
  return gomlx::guarded([&] { *res = gomlx::cpu::pool().threads(); });
}
