#include "mlx/c/closure.h"
#include "mlx/c/ops.h"
#include "mlx/c/vector.h"
