"""DeepSeek-V2: latent attention, whose keys and values mlx-lm unfolds before it stores them; experts by a softmax, with and without groups."""
from deepseek_v3 import BASE as V3, hf

BASE = dict({k: v for k, v in V3.items() if k not in ("scoring_func", "norm_topk_prob")}, model_type="deepseek_v2", topk_method="greedy",
            rope_scaling=dict(type="yarn", factor=4.0, original_max_position_embeddings=16, mscale=0.707, mscale_all_dim=0.707))
HF = {k: v for k, v in hf(2, {1}).items() if "correction" not in k}
LITE = {k: v for k, v in hf(2, {1}, direct=True).items() if "correction" not in k}

CASES = {
    "groups": dict(config=dict(BASE, topk_method="group_limited_greedy", routed_scaling_factor=16.0), hf=HF),
    "lite": dict(config=dict(BASE, q_lora_rank=None), hf=LITE),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4)),
}
