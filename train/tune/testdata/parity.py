"""Losses of 20 steps of mlx-lm's own training, on tiny random models and on SmolLM2-135M.

usage: parity.py                   writes parity.json
       parity.py drift             tells how far mlx-lm's losses of a case get from its own when one bit of one weight is another
       parity.py FOLDER            writes smollm2.json; FOLDER is the f32 of models/testdata/smollm2.py

Needs mlx, mlx-cpu and mlx-lm 0.32.2. The tiny models' step is that of mlx_lm/tuner/trainer.py: nn.value_and_grad of default_loss, then an
optimizer of mlx.optimizers; adapters are those of linear_to_lora_layers. Weights, first adapters and tokens are not stored: both sides make
them (models/testdata/parity.py). mlx-lm has no DoRA for experts: DoRASwitchLinear is DoRALinear with a dimension more.

Rates are 100 times those of mlx_lm.lora and no higher, for then mlx-lm is not within 1e-4 of itself: Adam's first updates are the signs of
gradients, also of those that are rounding, and a token goes to another expert.
"""
import json
import pathlib
import sys
import tempfile
import types

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.models.switch_layers import QuantizedSwitchLinear, SwitchLinear
from mlx_lm.tuner import trainer, utils
from mlx_lm.tuner.callbacks import TrainingCallback
from mlx_lm.tuner.datasets import CacheDataset, create_dataset
from mlx_lm.tuner.lora import LoRASwitchLinear
from mlx_lm.tuner.trainer import TrainingArgs, default_loss
from mlx_lm.tuner.utils import linear_to_lora_layers
from mlx_lm.utils import _get_classes, load

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "models" / "testdata"))
from parity import bits, tensor  # noqa: E402

STEPS, BATCH, LENGTH = 20, 3, 11
SIZES = dict(hidden_size=64, num_hidden_layers=3, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, head_dim=16, vocab_size=32,
             max_position_embeddings=512, torch_dtype="float32")
LLAMA = dict(SIZES, model_type="llama", rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=True)
QWEN3 = dict(SIZES, model_type="qwen3", rms_norm_eps=1e-6, rope_theta=1000000.0, tie_word_embeddings=False)
GEMMA3 = dict(SIZES, model_type="gemma3_text", rms_norm_eps=1e-6, rope_theta=1000000.0, rope_local_base_freq=10000.0, query_pre_attn_scalar=24,
              sliding_window=6, sliding_window_pattern=2, rope_scaling=None)
MOE = dict(SIZES, model_type="qwen3_moe", num_hidden_layers=2, moe_intermediate_size=32, rms_norm_eps=1e-6, rope_theta=10000.0, num_experts=4,
           num_experts_per_tok=2, decoder_sparse_step=1, mlp_only_layers=[], norm_topk_prob=True, tie_word_embeddings=False)
NESTED = dict(model_type="gemma3", vocab_size=32, text_config=GEMMA3)
PREFIX = "language_model."  # of a model within another, which the Go side leaves out
Q4 = dict(group_size=32, bits=4)
OPTIMIZERS = dict(adam=optim.Adam, adamw=optim.AdamW, sgd=optim.SGD, adafactor=optim.Adafactor, muon=optim.Muon)


class DoRASwitchLinear(LoRASwitchLinear):
    """y = M/|W + BA| (W x + BA x) + b for each expert."""

    @staticmethod
    def from_base(linear, r, dropout, scale):
        out = DoRASwitchLinear(input_dims=linear.input_dims, output_dims=linear.output_dims, num_experts=linear.num_experts, r=r, dropout=dropout, scale=scale)
        out.linear = linear
        out.m = mx.linalg.norm(out.dense(), axis=2)
        return out

    def dense(self):
        q = self.linear
        return mx.dequantize(q.weight, q.scales, q.biases, q.group_size, q.bits) if isinstance(q, QuantizedSwitchLinear) else q.weight

    def __call__(self, x, indices, sorted_indices=False):
        assert "bias" not in self.linear
        norm = mx.stop_gradient(mx.linalg.norm(self.dense() + self.scale * (self.lora_b @ self.lora_a), axis=2))
        return (self.m / norm)[indices][..., None, :] * super().__call__(x, indices, sorted_indices)


def adapt(model, kind, layers, lora):
    """What train_model of mlx_lm/lora.py does."""
    model.freeze()
    if kind == "full":
        for layer in model.layers[-max(layers, 0):]:
            layer.unfreeze()
        return
    linear_to_lora_layers(model, layers, lora, use_dora=kind == "dora")


def adapt_experts(model, layers, lora):
    """DoRA, with that of the experts."""
    model.freeze()
    lists = {False: (utils.LoRALinear, utils.LoRASwitchLinear), True: None}
    utils.LoRALinear, utils.LoRASwitchLinear = utils.DoRALinear, DoRASwitchLinear
    linear_to_lora_layers(model, layers, lora)
    utils.LoRALinear, utils.LoRASwitchLinear = lists[False]


def batch(step, vocab, rows, length):
    """Tokens [B, L+1], and of each row where its answer begins and ends, as iterate_batches gives it."""
    tokens = (bits(1000 + step, rows * (length + 1)) % vocab).reshape(rows, length + 1)
    lengths = np.array([[(step + row) % 4 + 1, length - (2 * step + 3 * row) % 5] for row in range(rows)])
    for row, (_, end) in enumerate(lengths):
        tokens[row, end + 1:] = 0
    return mx.array(tokens), mx.array(lengths)


def train(model, optimizer, batches):
    step, losses, counts = nn.value_and_grad(model, default_loss), [], []
    for tokens, lengths in batches:
        (loss, count), grads = step(model, tokens, lengths)
        optimizer.update(model, grads)
        mx.eval(model.state, optimizer.state)
        losses.append(float(f"{loss.item():.8g}"))
        counts.append(count.item())
    return dict(losses=losses, counts=counts)


def tiny(config, kind="lora", layers=2, optimizer="adam", rate=1e-3, quantization=None, nudged=False, **lora):
    lora = dict(rank=4, scale=2.0, dropout=0.0, **lora)
    Model, Args = _get_classes(config)
    model = Model(Args.from_dict(config))
    shapes = {k: v.shape for k, v in tree_flatten(model.parameters())}
    model.load_weights([(k, tensor(k, s)) for k, s in shapes.items()], strict=True)
    packed = []
    if quantization:
        nn.quantize(model, **quantization)
        packed = [p for p, m in model.named_modules() if isinstance(m, (nn.QuantizedLinear, nn.QuantizedEmbedding, QuantizedSwitchLinear))]
        config = dict(config, quantization=quantization)
    if kind == "dora" and config["model_type"] == "qwen3_moe":
        adapt_experts(model, layers, lora)
    else:
        adapt(model, kind, layers, lora)
    trained = {k: v.shape for k, v in tree_flatten(model.trainable_parameters())}
    model.load_weights([(k, tensor(k.removeprefix(PREFIX), s)) for k, s in trained.items() if k.endswith(("lora_a", "lora_b"))], strict=False)
    if nudged:
        name, first = next((k, v) for k, v in tree_flatten(model.trainable_parameters()) if v.ndim > 1)
        model.load_weights([(name, first * mx.where(mx.arange(first.size).reshape(first.shape) == 0, 1 + 2**-23, 1))], strict=False)
    model.train()
    out = train(model, OPTIMIZERS[optimizer](learning_rate=rate), [batch(i, 32, BATCH, LENGTH) for i in range(STEPS)])
    return dict(config=config, tensors=[[k, list(s)] for k, s in shapes.items()], packed=packed, kind=kind, layers=layers, lora=lora,
                optimizer=optimizer, rate=rate, trained=[[k.removeprefix(PREFIX), list(s)] for k, s in trained.items()], **out)


def smollm2(folder):
    """train of mlx_lm/tuner/trainer.py itself, on smollm2.jsonl as mlx_lm.lora --mask-prompt reads it; adapters whose B is zero, as they begin."""
    model, tokenizer = load(folder)
    model.set_dtype(mx.float32)
    lora = dict(rank=8, scale=20.0, dropout=0.0)
    adapt(model, "lora", 8, lora)
    trained = {k: v.shape for k, v in tree_flatten(model.trainable_parameters())}
    model.load_weights([(k, tensor(k, s)) for k, s in trained.items() if k.endswith("lora_a")], strict=False)
    rows = [json.loads(line) for line in (HERE / "smollm2.jsonl").read_text().splitlines()]
    settings = types.SimpleNamespace(mask_prompt=True)
    reports = Reports()
    np.random.seed(0)
    with tempfile.TemporaryDirectory() as out:
        args = TrainingArgs(batch_size=2, iters=STEPS, steps_per_report=1, max_seq_length=96, adapter_file=out + "/adapters.safetensors")
        trainer.train(model, optim.Adam(learning_rate=1e-4), CacheDataset(create_dataset(rows, tokenizer, settings)), args=args, training_callback=reports)
    return dict(layers=8, lora=lora, optimizer="adam", rate=1e-4, losses=reports.losses, counts=reports.counts)


class Reports(TrainingCallback):
    def __init__(self):
        self.losses, self.counts = [], []

    def on_train_loss_report(self, info):
        self.losses.append(float(f"{info['train_loss']:.8g}"))
        self.counts.append(info["trained_tokens"] - sum(self.counts))
        print(info, file=sys.stderr)


CASES = {
    f"{name}/{kind}": (lambda config=config, options=options: tiny(config, **options))
    for name, config in {"llama": LLAMA, "qwen3": QWEN3, "gemma3": GEMMA3}.items()
    for kind, options in {
        "lora": dict(), "dora": dict(kind="dora", optimizer="adamw"), "full": dict(kind="full", rate=1e-3), "qlora": dict(quantization=Q4),
        "qdora": dict(kind="dora", quantization=Q4, optimizer="adafactor"),
    }.items()
}
CASES |= {
    "nested/lora": lambda: tiny(NESTED), "nested/full": lambda: tiny(NESTED, kind="full"),
    "llama/lora of keys": lambda: tiny(LLAMA, layers=1, keys=["self_attn.q_proj", "mlp.down_proj", "model.embed_tokens"], optimizer="sgd", rate=0.1),
    "llama/dora of embeddings": lambda: tiny(LLAMA, kind="dora", keys=["model.embed_tokens"], rate=1e-3),
    "llama/lora with muon": lambda: tiny(LLAMA, layers=-1, optimizer="muon", rate=1e-3),
    "experts/lora": lambda: tiny(MOE, rate=3e-4), "experts/qlora": lambda: tiny(MOE, rate=3e-4, quantization=Q4),
    "experts/dora": lambda: tiny(MOE, kind="dora", rate=3e-4), "experts/qdora": lambda: tiny(MOE, kind="dora", rate=3e-4, quantization=Q4),
    "experts/full": lambda: tiny(MOE, kind="full", layers=1, rate=3e-4),
}


def drift():
    for rate in 1e-5, 1e-4, 1e-3, 1e-2, 3e-2:
        for name, options in {"lora": dict(), "qlora": dict(quantization=Q4), "full": dict(kind="full")}.items():
            for base in LLAMA, QWEN3, GEMMA3, MOE:
                a, b = (tiny(base, rate=rate, nudged=nudged, **options)["losses"] for nudged in (False, True))
                print(f"{rate:g} {base['model_type']}/{name}: {max(abs(x - y) for x, y in zip(a, b)):.1e} of {a[0]:.3f} -> {a[-1]:.3f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["drift"]:
        drift()
    elif len(sys.argv) > 1:
        (HERE / "smollm2.json").write_text(json.dumps(smollm2(sys.argv[1]), separators=(",", ":")) + "\n")
    else:
        lines = [f"{json.dumps(name)}: {json.dumps(case(), separators=(',', ':'))}" for name, case in CASES.items()]
        (HERE / "parity.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
