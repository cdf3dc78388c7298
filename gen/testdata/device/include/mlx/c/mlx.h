#include "mlx/c/device.h"
#include "mlx/c/memory.h"
#include "mlx/c/string.h"
