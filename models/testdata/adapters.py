"""Adapters on tiny llamas, and the logits with them.

usage: adapters.py      writes adapters.json

Needs mlx, mlx-cpu and mlx-lm 0.32.2. Nothing but names and shapes is stored: both sides make the numbers from the names (parity.tensor). mlx-lm's
adapters go through mlx_lm.tuner.utils.load_adapters; PEFT's through its definition on dense weights in NumPy: W + scale B A, and for DoRA rows of the
length of the magnitude.
"""
import json
import math
import pathlib
import tempfile

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.models import llama
from mlx_lm.models.switch_layers import QuantizedSwitchLinear
from mlx_lm.tuner.utils import linear_to_lora_layers, load_adapters
from mlx_lm.utils import _get_classes

from parity import BATCH, bits, tensor

HERE = pathlib.Path(__file__).parent
BASE = dict(model_type="llama", hidden_size=64, num_hidden_layers=2, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512, tie_word_embeddings=True, torch_dtype="float32")
MOE = dict(model_type="qwen3_moe", hidden_size=32, num_hidden_layers=1, intermediate_size=64, moe_intermediate_size=32, num_attention_heads=4,
           num_key_value_heads=2, head_dim=16, vocab_size=32, rms_norm_eps=1e-6, rope_theta=10000.0, max_position_embeddings=512, num_experts=4,
           num_experts_per_tok=2, decoder_sparse_step=1, mlp_only_layers=[], norm_topk_prob=True, tie_word_embeddings=False, torch_dtype="float32")
LENGTH = 12
ALL = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]


def base(config):
    Model, Args = _get_classes(config)
    model = Model(Args.from_dict(config))
    shapes = {k: v.shape for k, v in tree_flatten(model.parameters())}
    model.load_weights([(k, tensor(k, s)) for k, s in shapes.items()], strict=True)
    return model, shapes


def mlx(config, quantization=None, kind="lora", num_layers=2, **lora):
    model, shapes = base(config)
    if quantization:
        nn.quantize(model, **quantization)
    adapter = dict(fine_tune_type=kind, num_layers=num_layers, lora_parameters=dict(rank=4, scale=3.0, dropout=0.0, **lora))
    if kind == "full":
        weights = {k: tensor("full." + k, shapes[k]) for k in ("model.layers.1.mlp.down_proj.weight", "model.norm.weight")}
    else:
        probe, _ = base(config)
        linear_to_lora_layers(probe, num_layers, adapter["lora_parameters"], use_dora=kind == "dora")
        weights = {k: tensor(k, v.shape) for k, v in tree_flatten(probe.parameters()) if k.rsplit(".", 1)[-1] in ("lora_a", "lora_b", "m")}
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "adapter_config.json").write_text(json.dumps(adapter))
        mx.save_safetensors(folder + "/adapters.safetensors", weights)
        load_adapters(model, folder)
    model.eval()
    names = {("full." + k if kind == "full" else k): [k, list(v.shape)] for k, v in weights.items()}
    packed = {p: dict(quantization, mode="affine") for p, m in model.named_modules() if quantization and isinstance(m, (nn.QuantizedLinear, nn.QuantizedEmbedding, QuantizedSwitchLinear))}
    packed = {p.removesuffix(".linear").removesuffix(".embedding"): q for p, q in packed.items()}
    return model, shapes, adapter, "adapters.safetensors", names, dict(config, **({"quantization": quantization} if quantization else {})), packed


def peft(config, targets, r=4, alpha=8, rslora=False, dora=False, ranks={}, alphas={}, save=()):
    model, shapes = base(config)
    weights, names = dict(tree_flatten(model.parameters())), {}
    if config["tie_word_embeddings"]:  # PEFT leaves the output layer as it is
        model = llama.Model(llama.ModelArgs.from_dict(dict(config, tie_word_embeddings=False)))
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]

    def stored(name, shape):
        names[name] = [name, list(shape)]
        return np.array(tensor(name, shape))

    for name, (out, inp) in {k[:-7]: s for k, s in shapes.items() if len(s) == 2}.items():
        if not any(name.endswith(t) for t in targets):
            continue
        rank, al = next((v for k, v in ranks.items() if name.endswith(k)), r), next((v for k, v in alphas.items() if name.endswith(k)), alpha)
        scale = al / (math.sqrt(rank) if rslora else rank)
        full, w = "base_model.model." + name, np.array(weights[name + ".weight"])
        if "embed" in name:
            w = w + scale * (stored(full + ".lora_embedding_B", (inp, rank)) @ stored(full + ".lora_embedding_A", (rank, out))).T
        else:
            w = w + scale * stored(full + ".lora_B.weight", (out, rank)) @ stored(full + ".lora_A.weight", (rank, inp))
        if dora:
            w *= (stored(full + ".lora_magnitude_vector", (out,)) / np.linalg.norm(w, axis=1))[:, None]
        weights[name + ".weight"] = mx.array(w)
    for name in save:
        weights[name] = mx.array(stored("base_model.model." + name, shapes[name]))
    model.load_weights(list(weights.items()))
    adapter = dict(peft_type="LORA", r=r, lora_alpha=alpha, target_modules=targets, use_rslora=rslora, use_dora=dora, rank_pattern=ranks, alpha_pattern=alphas,
                   bias="none", fan_in_fan_out=False, modules_to_save=[s.removesuffix(".weight") for s in save] or None)
    return model, shapes, adapter, "adapter_model.safetensors", names, config, {}


Q4 = dict(group_size=32, bits=4)
BIAS = dict(BASE, attention_bias=True, mlp_bias=True)
CASES = {
    "lora": lambda: mlx(BASE), "lora of one layer": lambda: mlx(BASE, num_layers=1, keys=ALL[:3:2]), "lora on 4 bits": lambda: mlx(BASE, Q4),
    "lora of embeddings": lambda: mlx(BASE, keys=["self_attn.v_proj", "model.embed_tokens"]), "lora with biases": lambda: mlx(BIAS),
    "dora": lambda: mlx(BASE, kind="dora"), "dora on 4 bits": lambda: mlx(BASE, Q4, kind="dora"), "dora with biases": lambda: mlx(BIAS, kind="dora"),
    "dora of embeddings": lambda: mlx(BASE, kind="dora", keys=["model.embed_tokens"]), "full": lambda: mlx(BASE, kind="full"),
    "lora of experts": lambda: mlx(MOE, num_layers=1), "lora of experts on 4 bits": lambda: mlx(MOE, Q4, num_layers=1),
    "peft": lambda: peft(BASE, ["q_proj", "v_proj"]), "peft rslora": lambda: peft(BASE, ["o_proj", "down_proj"], rslora=True),
    "peft patterns": lambda: peft(BASE, ["q_proj", "up_proj"], ranks={"q_proj": 2}, alphas={"layers.1.mlp.up_proj": 16}),
    "peft dora": lambda: peft(BASE, ["q_proj", "gate_proj"], dora=True), "peft embeddings": lambda: peft(BASE, ["embed_tokens"]),
    "peft modules": lambda: peft(BASE, ["k_proj"], save=["model.norm.weight"]),
}


def run(make):
    model, shapes, adapter, file, names, config, packed = make()
    tokens = (bits(7, BATCH * LENGTH) % config["vocab_size"]).reshape(BATCH, LENGTH)
    logits = np.array(model(mx.array(tokens)))[:, -2:]
    return dict(config=config, tensors=[[k, list(s)] for k, s in shapes.items()], packed=packed, adapter=adapter, file=file, weights=names,
                tokens=tokens.tolist(), positions=[LENGTH - 2, LENGTH - 1], logits=[[[float(f"{x:.8g}") for x in row] for row in rows] for rows in logits])


if __name__ == "__main__":
    lines = [f"{json.dumps(name)}: {json.dumps(run(case), separators=(',', ':'))}" for name, case in CASES.items()]
    (HERE / "adapters.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
