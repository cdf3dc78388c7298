#include "mlx/c/ops.h"
#include "mlx/c/vector.h"
