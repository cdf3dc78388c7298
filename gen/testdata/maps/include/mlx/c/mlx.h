#include "mlx/c/io.h"
#include "mlx/c/map.h"
