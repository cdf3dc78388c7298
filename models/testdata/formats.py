"""Tiny llamas as other packers than MLX store them, and their logits.

usage: formats.py      writes formats.json

Needs mlx, mlx-cpu and mlx-lm 0.32.2. Nothing but names, dtypes and shapes is stored: both sides make the bytes from the names (see stored;
models/formats_hf_test.go). What the weights mean comes from

    awq    mlx_lm.utils._transform_awq_weights, with scales in float32, since it rounds the biases to the scales' dtype
    gptq   AutoGPTQ's definition in NumPy: w[i, o] = scales[g_idx[i], o] * (q[i, o] - zero), zero = (stored + 1) & mask; gptq_v2 stores zero itself
    fp8    DeepSeek's sanitize in mlx_lm/models/deepseek_v3.py, with float32 in place of bfloat16
"""
import inspect
import json
import math
import pathlib
import textwrap
import zlib

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.models import deepseek_v3, llama
from mlx_lm.utils import _transform_awq_weights

from parity import BATCH, bits, tensor

HERE = pathlib.Path(__file__).parent
BASE = dict(model_type="llama", hidden_size=128, num_hidden_layers=1, intermediate_size=256, num_attention_heads=2, num_key_value_heads=1,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512, tie_word_embeddings=True, torch_dtype="float32")
LENGTH = 12


def stored(name, dtype, shape):
    """The bytes of a tensor as NumPy: words of random bits, fp8 that are numbers, small positive scales of 7 bits, else numbers around zero."""
    n, seed = math.prod(shape), zlib.crc32(name.encode())
    if dtype == "I32":
        return ((bits(seed, 2 * n)[::2] & 0xFFFF) << 16 | bits(seed, 2 * n)[1::2] & 0xFFFF).astype(np.uint32).view(np.int32).reshape(shape)
    if dtype == "F8_E4M3":
        return (bits(seed, n) & 0xBF).astype(np.uint8).reshape(shape)  # up to 1.875
    if "scale" in name:
        return ((1 + bits(seed, n) % 127) / np.float32(1 << 14)).astype(np.float32).reshape(shape)
    return np.array(tensor(name, shape))


def layers(config):
    """Names and shapes [out, in] of the layers that packers pack."""
    model = llama.Model(llama.ModelArgs.from_dict(config))
    return {k[:-7]: v.shape for k, v in tree_flatten(model.parameters()) if "proj" in k}


def unpack(words, bits, axis):
    """Codes of int32 words, the lowest bits first, along an axis."""
    shifts = np.arange(0, 32, bits, dtype=np.uint32)
    codes = np.expand_dims(words.view(np.uint32), axis + 1) >> shifts.reshape((-1,) + (1,) * (words.ndim - axis - 1)) & ((1 << bits) - 1)
    shape = list(words.shape)
    shape[axis] *= 32 // bits
    return codes.reshape(shape).astype(np.int64)


def gptq(config, bits=4, size=32, v2=False, order="sorted", group_dtype="F16"):
    """A folder's tensors, and what its weights are."""
    tensors, dense = {}, {}
    for name, (out, inp) in layers(config).items():
        per, group = 32 // bits, inp if size < 0 else size
        groups = inp // group
        own = {"qweight": ("I32", (inp // per, out)), "qzeros": ("I32", (groups, out // per)), "scales": (group_dtype, (groups, out))}
        index = np.arange(inp) // group
        if order == "act":  # any order: input i belongs to the group of 37 i mod in
            index = np.arange(inp) * 37 % inp // group
        if order != "none":
            own["g_idx"] = ("I32", (inp,), index.tolist() if order == "act" else f"/{group}")
        tensors |= {f"{name}.{k}": v for k, v in own.items()}
        read = {k: stored(f"{name}.{k}", *v[:2]) for k, v in own.items() if k != "g_idx"}
        zeros = unpack(read["qzeros"], bits, 1)
        if not v2:
            zeros = (zeros + 1) & ((1 << bits) - 1)
        q = unpack(read["qweight"], bits, 0)
        dense[name + ".weight"] = mx.array((read["scales"][index] * (q - zeros[index]).astype(np.float32)).T)
    quant = dict(quant_method="gptq", bits=bits, group_size=size, desc_act=order == "act", sym=False, checkpoint_format="gptq_v2" if v2 else "gptq")
    return quant, tensors, dense


def awq(config, size=32, zeros=True):
    tensors, read = {}, {}
    for name, (out, inp) in layers(config).items():
        own = {"qweight": ("I32", (inp, out // 8)), "qzeros": ("I32", (inp // size, out // 8)), "scales": ("F16", (inp // size, out))}
        if not zeros:
            del own["qzeros"]
        tensors |= {f"{name}.{k}": v for k, v in own.items()}
        for k, (dtype, shape) in own.items():
            a = mx.array(stored(f"{name}.{k}", dtype, shape))
            read[f"{name}.{k}"] = a.view(mx.uint32) if dtype == "I32" else a
    quant = dict(quant_method="awq", bits=4, group_size=size, zero_point=zeros, version="gemm")
    packed, _ = _transform_awq_weights(read, quant)
    dense = {f"{name}.weight": mx.dequantize(*(packed[f"{name}.{k}"] for k in ("weight", "scales", "biases")), group_size=size, bits=4)
             for name in layers(config)}
    return quant, tensors, dense


def fp8(config, block=(128, 128), whole=False):
    tensors, read = {}, {}
    for name, (out, inp) in layers(config).items():
        scales = () if whole else (-(-out // block[0]), -(-inp // block[1]))
        own = {"weight": ("F8_E4M3", (out, inp)), "weight_scale_inv": ("F32", scales)}
        tensors |= {f"{name}.{k}": v for k, v in own.items()}
        read |= {f"{name}.{k}": mx.array(stored(f"{name}.{k}", *v)) for k, v in own.items()}
    quant = dict(quant_method="fp8", fmt="e4m3", activation_scheme="dynamic")
    if whole:
        return quant, tensors, {k: mx.from_fp8(v, mx.float32) * read[k + "_scale_inv"] for k, v in read.items() if k.endswith("weight")}
    quant["weight_block_size"] = list(block)
    source = textwrap.dedent(inspect.getsource(deepseek_v3.Model.sanitize)).replace("mx.bfloat16", "mx.float32")
    source = source[:source.index("    # Remap for int4")] + "    return dequant\n"
    scope = {"mx": mx}
    exec(source, scope)
    dequant = scope["sanitize"](None, None)
    return quant, tensors, {k: dequant(v, read[k + "_scale_inv"]) for k, v in read.items() if k.endswith("weight")}


ODD = dict(BASE, hidden_size=96, num_attention_heads=3, intermediate_size=200)  # no multiples of 128
CASES = {
    "gptq": (BASE, gptq, {}), "gptq without g_idx": (BASE, gptq, dict(order="none", size=64)), "gptq v2": (BASE, gptq, dict(v2=True, size=128)),
    "gptq 8 bits": (BASE, gptq, dict(bits=8)), "gptq whole rows": (BASE, gptq, dict(size=-1)), "gptq by activation": (BASE, gptq, dict(order="act")),
    "awq": (BASE, awq, {}), "awq 128": (BASE, awq, dict(size=128)), "awq without zeros": (BASE, awq, dict(zeros=False, size=64)),
    "fp8": (BASE, fp8, {}), "fp8 padded": (ODD, fp8, {}), "fp8 whole": (BASE, fp8, dict(whole=True)),
}


def run(config, make, args):
    quant, tensors, dense = make(config, **args)
    model = llama.Model(llama.ModelArgs.from_dict(config))
    for name, w in tree_flatten(model.parameters()):
        if name not in dense:
            tensors[name] = ("F32", w.shape)
            dense[name] = tensor(name, w.shape)
    model.load_weights(list(dense.items()), strict=True)
    tokens = (bits(7, BATCH * LENGTH) % config["vocab_size"]).reshape(BATCH, LENGTH)
    logits = np.array(model(mx.array(tokens)))[:, -2:]
    return dict(config=dict(config, quantization_config=quant), stored={k: [v[0], list(v[1]), *v[2:]] for k, v in tensors.items()}, tokens=tokens.tolist(),
                positions=[LENGTH - 2, LENGTH - 1], logits=[[[float(f"{x:.8g}") for x in row] for row in rows] for rows in logits])


if __name__ == "__main__":
    lines = [f"{json.dumps(name)}: {json.dumps(run(*case), separators=(',', ':'))}" for name, case in CASES.items()]
    (HERE / "formats.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
