"""Models of random weights, the same numbers in mlx-lm and go-mlx. The program puts this before the scripts that make them."""
import json
import zlib

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten
from mlx_lm.utils import _get_classes


def new_model(path):
    """A model of random weights: normal numbers drawn with a key from each name, norms of ones, biases of zeros."""
    config = json.loads(path.read_text())
    Model, Args = _get_classes(config)
    model = Model(Args.from_dict(config))
    dtype = getattr(mx, config.get("torch_dtype") or config.get("dtype") or "bfloat16")

    def draw(name, shape):
        if name.endswith("bias"):
            return mx.zeros(shape, dtype)
        if len(shape) < 2:
            return mx.ones(shape, dtype)
        return mx.random.normal(shape, dtype, 0, 0.02, mx.random.key(zlib.crc32(name.encode())))

    weights = {}
    for name, value in tree_flatten(model.parameters()):
        if not (name.startswith("lm_head") and config.get("tie_word_embeddings", True)):
            weights[name] = draw(name, value.shape)
            mx.eval(weights[name])
    if hasattr(model, "sanitize"):  # some tie the output to the embedding here
        weights = model.sanitize(weights)
    model.load_weights(list(weights.items()))
    if config.get("quantization"):
        nn.quantize(model, **config["quantization"])
    mx.eval(model.parameters())
    model.eval()
    return model
