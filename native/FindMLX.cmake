# The MLX to build mlx-c against: its headers and its library, found by
# MLX_ROOT or where the system has them. MLX's own package is left aside: the
# one in the CUDA wheel asks for the CUDA toolkit, the one in the Metal wheel
# for the Xcode that it was built with, and mlx-c needs neither.
find_path(MLX_INCLUDE_DIR mlx/mlx.h)
find_library(MLX_LIBRARY mlx)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  MLX REQUIRED_VARS MLX_LIBRARY MLX_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "MLX_ROOT (${MLX_ROOT}) does not hold MLX's library and headers")

if(MLX_FOUND AND NOT TARGET mlx)
  add_library(mlx SHARED IMPORTED GLOBAL)
  set_target_properties(mlx PROPERTIES IMPORTED_LOCATION "${MLX_LIBRARY}"
                                       INTERFACE_INCLUDE_DIRECTORIES "${MLX_INCLUDE_DIR}")
endif()
