"""Tiny random models of each architecture and the logits that mlx-lm gives for them.

usage: parity.py [model_type ...]      writes parity/<model_type>.json for the case files parity/<model_type>.py; all without arguments

Needs mlx, mlx-cpu and mlx-lm 0.32.2. A case file has CASES, a dict of name -> case:

    config        config.json: small sizes, a vocabulary of 32
    dtype         of the weights: "float32" (default) or "bfloat16", which is run in bfloat16 and, the same weights, in float32
    quantization  as in config.json: {"group_size": 32, "bits": 4, "layer": {...} or False}; the weights are packed by mlx.nn.quantize
    hf            tensors {name: shape} of the Hugging Face form, which Model.sanitize of mlx-lm takes; without it the tensors are mlx-lm's own
    rename        function of a stored name that mlx-lm does not know, to one that it does
    stored        with quantization: whether a layer of that stored name is packed in the checkpoint, before Model.sanitize; the others are dense.
                  What sanitize packs again is not what was stored, so that such a case is compared in packed form only
    gradients     whether to dump the loss of each next token and the norms of its gradients by the parameters
    length        tokens of each of the two sequences, 20 without
    tweak         function of the model, called after the weights are loaded: to mend a known defect of the reference (say which)

Weights are not stored: both sides make them from the tensors' names (see tensor). models/parity_test.go compares.
"""
import copy
import importlib.util
import json
import math
import pathlib
import sys
import zlib

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.utils import _get_classes

gather_qmm = mx.gather_qmm
mx.gather_qmm = lambda *a, global_scale=None, **k: gather_qmm(*a, **k)  # mlx-lm 0.32.2 gives it an argument of a later MLX
gather_mm = mx.gather_mm
mx.gather_mm = lambda a, b, **k: gather_mm(a.astype(mx.float32), b.astype(mx.float32), **k).astype(a.dtype)  # MLX's CPU kernel has float32 only
HERE = pathlib.Path(__file__).parent / "parity"
BATCH, CHUNK = 2, 5


def bits(seed, n):
    """24 random bits for each of n numbers: splitmix64 of seed and index."""
    z = (np.uint64(seed) << np.uint64(32)) + np.arange(n, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.int64)


def tensor(name, shape):
    """Numbers in [-1/8, 1/8) from the tensor's name; vectors but biases stand around 1, as the weights of norms do."""
    values = (bits(zlib.crc32(name.encode()), math.prod(shape)) - (1 << 23)).astype(np.float32) / np.float32(1 << 26)
    if len(shape) == 1 and not name.endswith("bias"):
        values += np.float32(1)
    return mx.array(values.reshape(shape))


def stored(name, shape, dtype):
    """A tensor as it is stored: OpenAI's blocks are bytes of two numbers, and exponents."""
    if name.endswith(("_blocks", "_scales")):
        low, span = (0, 256) if name.endswith("_blocks") else (119, 4)
        return mx.array((low + bits(zlib.crc32(name.encode()), math.prod(shape)) % span).astype(np.uint8).reshape(shape))
    return tensor(name, shape).astype(dtype)


def gradients(model, tokens):
    """The mean cross entropy of the tokens from the second on, and the norms of its gradients by name."""
    loss, grads = nn.value_and_grad(model, lambda t: nn.losses.cross_entropy(model(t[:, :-1]), t[:, 1:], reduction="mean"))(tokens)
    return dict(loss=loss.item(), norms={k: float(f"{mx.linalg.norm(g.flatten()).item():.8g}") for k, g in tree_flatten(grads)})


def run(case):
    config = dict(case["config"])
    Model, Args = _get_classes(config)
    model = Model(Args.from_dict(copy.deepcopy(config)))
    own = {k: v.shape for k, v in tree_flatten(model.parameters())}
    shapes = case.get("hf") or own
    dtype = getattr(mx, case.get("dtype", "float32"))
    weights = {k: stored(k, s, dtype) for k, s in shapes.items()}
    weights = {case.get("rename", str)(k): v for k, v in weights.items()}
    quantization, packed = case.get("quantization"), {}
    base = {k: v for k, v in (quantization or {}).items() if k in ("group_size", "bits", "mode")}
    if "stored" in case:
        packed = {k[:-7]: base for k in weights if k.endswith(".weight") and case["stored"](k[:-7])}
        for layer in packed:
            for part, array in zip(("weight", "scales", "biases"), mx.quantize(weights[layer + ".weight"], **base)):
                weights[f"{layer}.{part}"] = array
    if case.get("hf") and hasattr(model, "sanitize"):
        weights = model.sanitize(weights)
    if "stored" in case:
        nn.quantize(model, class_predicate=lambda path, _: f"{path}.scales" in weights, **base)
        config["quantization"] = quantization
    elif any(k.endswith(".scales") for k in weights):  # of blocks
        nn.quantize(model, 32, 4, mode="mxfp4", class_predicate=lambda path, _: f"{path}.scales" in weights)
    model.load_weights(list(weights.items()), strict=True)
    if quantization and "stored" not in case:

        def choose(path, m):
            if not hasattr(m, "to_quantized") or m.weight.shape[-1] % base["group_size"]:
                return False
            own = quantization.get(path, True)
            if own:
                packed[path] = dict(base, **(own if isinstance(own, dict) else {}))
            return packed.get(path, False)

        nn.quantize(model, class_predicate=choose, **base)
        config["quantization"] = quantization
    if "tweak" in case:
        case["tweak"](model)
    length = case.get("length", 20)
    vocab = config.get("vocab_size") or config["text_config"]["vocab_size"]
    tokens = (bits(7, BATCH * length) % vocab).reshape(BATCH, length)
    positions = sorted({0, CHUNK, length // 2, length - 2, length - 1})
    logits = model(mx.array(tokens))
    cached = model(mx.array(tokens), cache=model.make_cache() if hasattr(model, "make_cache") else None)
    assert mx.abs(logits - cached).max() <= 2e-2 * mx.abs(logits).max(), "mlx-lm disagrees with itself"

    def picked(logits):
        rows = np.array(logits[:, mx.array(positions)].astype(mx.float32))
        return [[[float(f"{x:.8g}") for x in row] for row in batch] for batch in rows]

    extra = gradients(model, mx.array(tokens)) if case.get("gradients") else {}
    extra |= dict(repacked=True) if "stored" in case else {}
    result = picked(logits)
    if dtype != mx.float32:  # the same weights, computed with in float32
        model.set_dtype(mx.float32)
        extra["logits32"] = picked(model(mx.array(tokens)))
    return dict(extra, config=dict(config, torch_dtype=case.get("dtype", "float32")), tensors=[[k, list(s)] for k, s in shapes.items()], packed=packed,
                tokens=tokens.tolist(), positions=positions, logits=result)


def main(names):
    sys.path.insert(0, str(HERE))
    for path in sorted(HERE.glob("*.py")):
        if names and path.stem not in names:
            continue
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if not hasattr(module, "CASES"):
            continue  # what others share
        lines = [f"{json.dumps(name)}: {json.dumps(run(case), separators=(',', ':'))}" for name, case in module.CASES.items()]
        path.with_suffix(".json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
        print(path.stem, len(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
