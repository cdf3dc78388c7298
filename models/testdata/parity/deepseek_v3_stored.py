"""DeepSeek-V3 as it was packed before mlx-lm split kv_b_proj, and with packed experts one by one: sanitize packs what it makes again."""
from deepseek_v3 import BASE, hf

CASES = {
    "4-bit": dict(config=BASE, hf=hf(2, {1}), quantization=dict(group_size=32, bits=4),
                  stored=lambda layer: "norm" not in layer and not layer.endswith("mlp.gate")),
    "8-bit": dict(config=dict(BASE, q_lora_rank=None), hf=hf(2, {1}, direct=True), quantization=dict(group_size=32, bits=8),
                  stored=lambda layer: "self_attn" in layer and "norm" not in layer),
}
