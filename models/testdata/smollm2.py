"""SmolLM2-135M-Instruct from its GGUF, for Python mlx-lm, and what mlx-lm makes of it.

usage: smollm2.py convert FILE.gguf OUT     folders OUT/f16 (4-bit as stored), OUT/q4-f32 (4-bit, f32 scales), OUT/f32 (dense)
       smollm2.py dump OUT smollm2.json     greedy tokens and last logits of OUT/f32 and OUT/q4-f32

Needs mlx, mlx-cpu and mlx-lm 0.32.2. The JSON is what models/smollm2_test.go compares with.
"""
import json
import os
import sys

import mlx.core as mx

HEADS, KV_HEADS, DIM = 9, 3, 64
NAMES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
}
CONFIG = dict(
    model_type="llama", architectures=["LlamaForCausalLM"], hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
    num_attention_heads=HEADS, num_key_value_heads=KV_HEADS, head_dim=DIM, rms_norm_eps=1e-5, vocab_size=49152,
    rope_theta=100000.0, max_position_embeddings=8192, tie_word_embeddings=True, eos_token_id=2, bos_token_id=1,
)
QUANTIZATION = {"group_size": 32, "bits": 4, "model.embed_tokens": {"group_size": 32, "bits": 8}}

LONG = "Read this list and answer the question after it. " + " ".join(
    f"Item {i}: the {a} {n} costs {i * 7 % 41 + 3} coins."
    for i, (a, n) in enumerate(zip(["red", "small", "heavy", "old", "quiet"] * 8, ["lamp", "chair", "book", "clock"] * 10))
) + " Question: what does the list describe?"
PROMPTS = [
    [{"role": "user", "content": "What is the capital of France? Tell me three facts about it."}],
    [{"role": "user", "content": "Write a Python function that returns the n-th Fibonacci number."}],
    [{"role": "system", "content": "You are a poet who answers in short sentences."},
     {"role": "user", "content": "Tell me about the sea at night."}],
    [{"role": "user", "content": "Wie heißt die Hauptstadt von Österreich? \U0001f1e6\U0001f1f9 Und 日本?"}],
    [{"role": "user", "content": LONG}],
]


def rows(w, heads):
    """Undoes the row order in which llama.cpp stores q and k."""
    return w.reshape(heads, DIM // 2, 2, -1).swapaxes(1, 2).reshape(w.shape)


def convert(path, out):
    stored, meta = mx.load(path, return_metadata=True)
    weights = {}
    for key, w in stored.items():
        part = key.split(".")
        if part[0] == "blk":
            if part[2] in ("attn_q", "attn_k"):
                w = rows(w, HEADS if part[2] == "attn_q" else KV_HEADS)
            name = f"model.layers.{part[1]}.{NAMES[part[2]]}.{part[3]}"
        else:
            name = {"token_embd": "model.embed_tokens.", "output_norm": "model.norm."}[part[0]] + part[1]
        weights[name] = w
    as_type = lambda d: {k: w if w.dtype == mx.uint32 else w.astype(d) for k, w in weights.items()}
    single = as_type(mx.float32)
    save(out + "/f16", as_type(mx.float16), dict(CONFIG, quantization=QUANTIZATION), meta)
    save(out + "/q4-f32", single, dict(CONFIG, quantization=QUANTIZATION), meta)
    dense = {k: w for k, w in single.items() if w.dtype != mx.uint32 and not k.endswith((".scales", ".biases"))}
    for k, w in single.items():
        if w.dtype == mx.uint32:
            base = k.removesuffix(".weight")
            bits = QUANTIZATION.get(base, QUANTIZATION)["bits"]
            dense[k] = mx.dequantize(w, single[base + ".scales"], single[base + ".biases"], 32, bits)
    save(out + "/f32", dense, CONFIG, meta)


def save(folder, weights, config, meta):
    os.makedirs(folder, exist_ok=True)
    mx.save_safetensors(folder + "/model.safetensors", weights, {"format": "mlx"})
    tokens, types = meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"].tolist()
    special = [dict(id=i, content=t, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
               for i, (t, kind) in enumerate(zip(tokens, types)) if kind == 3]
    level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True)
    tokenizer = dict(
        version="1.0", truncation=None, padding=None, added_tokens=special, normalizer=None, post_processor=None,
        pre_tokenizer=dict(type="Sequence", pretokenizers=[dict(type="Digits", individual_digits=True), level]),
        decoder=dict(level, add_prefix_space=True),
        model=dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
                   fuse_unk=False, byte_fallback=False, vocab={t: i for i, t in enumerate(tokens)},
                   merges=meta["tokenizer.ggml.merges"]))
    texts = dict(tokenizer_class="PreTrainedTokenizerFast", eos_token="<|im_end|>", bos_token="<|im_start|>",
                 chat_template=meta["tokenizer.chat_template"])
    for name, data in ("config.json", config), ("tokenizer.json", tokenizer), ("tokenizer_config.json", texts):
        with open(f"{folder}/{name}", "w") as f:
            json.dump(data, f)


def dump(out, path):
    from mlx_lm import load
    from mlx_lm.generate import generate_step
    from mlx_lm.sample_utils import make_sampler

    result = dict(prompts=[], greedy={}, sampled=[])
    for kind in "f32", "q4-f32":
        model, tok = load(f"{out}/{kind}")
        cases = []
        for messages in PROMPTS:
            ids = tok.apply_chat_template(messages, add_generation_prompt=True)
            count = 96 if kind == "f32" else 24
            new, margin = [], 1e9
            for token, logprobs in generate_step(mx.array(ids), model, max_tokens=count):
                top = mx.sort(logprobs)[-2:].tolist()
                margin = min(margin, top[1] - top[0])
                new.append(int(token))
                if new[-1] == CONFIG["eos_token_id"]:
                    break
            logits = model(mx.array(ids)[None])[0, -1]
            order = mx.argsort(-logits)[:32].tolist()
            cases.append(dict(tokens=new, text=tok.decode(new), margin=margin, norm=mx.linalg.norm(logits).item(),
                              top=order, logits=logits[mx.array(order)].tolist(), every_64th=logits[::64].tolist()))
            if kind == "f32":
                result["prompts"].append(dict(messages=messages, ids=ids))
        result["greedy"][kind] = cases
        if kind == "f32":
            ids = result["prompts"][0]["ids"]
            for options in dict(temp=0.8), dict(temp=1.0, top_p=0.9), dict(temp=1.0, min_p=0.05), dict(temp=1.2, top_k=20), \
                    dict(temp=0.9, top_p=0.95, min_p=0.02, top_k=40):
                mx.random.seed(7)
                new = [int(t) for t, _ in generate_step(mx.array(ids), model, max_tokens=24, sampler=make_sampler(**options))]
                result["sampled"].append(dict(options=options, seed=7, tokens=new))
    with open(path, "w") as f:
        json.dump(result, f, ensure_ascii=False, indent=0)


if __name__ == "__main__":
    {"convert": convert, "dump": dump}[sys.argv[1]](*sys.argv[2:4])
